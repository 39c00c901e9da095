"""Two histories against each other, and calls as people feel them."""

from zoneinfo import ZoneInfo

from rules.calendar import PLAIN
from rules.condition import Equals
from rules.during import During, Hours
from rules.finding import Finding, Kind, Withdrawn
from rules.load import CROWD_MS, Woken, load_of, worst_of
from rules.past import Call, History, PastAlert, compare
from rules.rule import Rule

ZONE = ZoneInfo("Asia/Shanghai")
NOON_MS = 1_772_424_000_000  # 2026-03-02 12:00 in Shanghai
HOUR_MS = 3_600_000
RULE = Rule("r", Equals("contact", ("open",)), severity="warning", category="security")
GRAVE_RULE = Rule("g", Equals("contact", ("open",)), severity="urgent", response="duty")


def found(kind: Kind, at_ms: int, opened_ms: int) -> Finding:
    """A finding about one door."""
    return Finding(kind, RULE, "d", "d", at_ms, opened_ms, at_ms + 1, None, None, "", "")


def past(key: str, opened_ms: int, closed_ms: int | None) -> PastAlert:
    """An alert of the rule."""
    return PastAlert("r", key, key, opened_ms, closed_ms)


def test_findings_are_folded_as_the_table_of_alerts_takes_them() -> None:
    """Taken back, opened after all, withdrawn, too late to be put in."""
    history = History()
    for one in (
        found("opens", 10, 10),
        found("again", 20, 10),
        found("again", 30, 10),
        found("closes", 40, 10),
        found("opens", 100, 100),
        found("taken_back", 100, 100),
        found("opens", 200, 200),
        found("closes", 210, 200),
        found("opens", 200, 200),
        found("again", 5, 5),
    ):
        history.note(one)
    history.withdraw(Withdrawn("r", "d", 30, 10))

    rows = [(a.opened_ms, a.closed_ms, a.again_ms, a.times, a.taken_back) for a in history.alerts]
    assert rows == [
        (5, 5, [], 1, False),
        (10, 40, [20], 2, False),
        (100, None, [], 1, True),
        (200, None, [], 1, False),
    ]
    assert [call.kind for call in history.calls].count("opens") == 4


def test_equal_alerts_are_the_same_and_overlapping_ones_are_moved() -> None:
    """Each at most once, the nearest first."""
    here = [past("d", 10, 20), past("d", 105, 200), past("d", 190, 200), past("e", 0, 5)]
    there = [past("d", 10, 20), past("d", 0, None), past("d", 100, 200), past("f", 0, 5)]
    difference = compare(here, there)

    assert difference.same == 1
    assert [(m.here.opened_ms, m.there.opened_ms) for m in difference.moved] == [
        (105, 100),
        (190, 0),
    ]
    assert [a.key for a in difference.only_here] == ["e"]
    assert [a.key for a in difference.only_there] == ["f"]


def test_an_alert_that_ended_before_the_span_is_none_of_it() -> None:
    """One that was open at its beginning is."""
    assert not past("d", 10, 20).was_so(30, 40)
    assert past("d", 10, 30).was_so(30, 40)
    assert past("d", 10, None).was_so(30, 40)
    assert not past("d", 41, None).was_so(30, 40)


def test_who_is_woken_is_counted_by_role_grid_and_night() -> None:
    """Evening and morning of one night are one; what can wait wakes nobody."""
    night = Hours(During(22 * 60, 6 * 60), ZONE, PLAIN)
    moments = [(GRAVE_RULE, 11), (GRAVE_RULE, 14), (GRAVE_RULE, 38), (RULE, 12), (GRAVE_RULE, 1)]
    calls = [Call(NOON_MS + hour * HOUR_MS, rule, "d", "d", "opens") for rule, hour in moments]
    load = load_of(calls, span_ms=48 * HOUR_MS, zone=ZONE, night=night, grid_of=lambda _call: "g1")

    assert load.woken == (Woken("duty", "g1", 3, 2),)
    assert (load.calls, load.at_night, load.days) == (5, 4, 2.0)
    assert [(role.role, role.calls, role.at_night) for role in load.roles] == [
        ("duty", 4, 3),
        ("security", 1, 1),
    ]
    by_hour = load.roles[0].by_hour
    assert {hour: count for hour, count in enumerate(by_hour) if count} == {2: 2, 13: 1, 23: 1}


def test_the_worst_ten_minutes_are_ten_minutes() -> None:
    """The end of them is no part of them."""
    assert worst_of([]) is None
    crowd = worst_of(
        [0, 5, CROWD_MS + 3, CROWD_MS + 4, CROWD_MS + 5, CROWD_MS + 6, 2 * CROWD_MS + 3]
    )
    assert crowd is not None
    assert (crowd.from_ms, crowd.calls) == (CROWD_MS + 3, 4)
