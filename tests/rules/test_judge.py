"""The judge as the hub uses it: devices that come and go, rows, edits, lanes, late news."""

from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_drivers.reading import Reading, Value
from rules import condition as c
from rules.entry import CaseClosed, Entry, Heard
from rules.facts import DeviceFacts
from rules.finding import Finding, Standing, Withdrawn
from rules.judge import SITE, Judge
from rules.rule import Rule, RuleSet
from rules.story import history_of
from tests.rules.test_history import (
    CONDITIONS,
    DEVICES,
    GATEWAY,
    MINUTE,
    START_MS,
    end_ms,
    entry_of,
    in_order,
    random_play,
)

ZONE = ZoneInfo("Asia/Shanghai")
T = START_MS
OPEN = Rule("open", c.Equals("contact", ("open",)), hold_for_ms=10 * MINUTE, version="1")
SOS = Rule("sos", c.Happens("press", ("sos",)), severity="emergency", version="1")
SILENT = Rule("silent", c.Silent(None), version="1")


def judge_of(*rules: Rule, facts: tuple[DeviceFacts, ...] | None = None, **more: Any) -> Judge:
    """A judge of these rules and one door, d1."""
    judge = Judge(RuleSet(rules), zone=ZONE, **more)
    known = (DeviceFacts("d1", "door", place="b3/u1"),) if facts is None else facts
    for one in known:
        judge.know(one)
    return judge


def heard(seq: int, at_ms: int, device: str = "d1", **points: Value) -> Heard:
    """A message that arrived when it happened."""
    readings = tuple(Reading(point, value, at_ms) for point, value in points.items())
    return Heard(seq, device, at_ms, readings)


def short(findings: list[Finding]) -> list[tuple[str, str, int]]:
    """Kind, rule, minutes since the start."""
    return [(f.kind, f.rule.name, (f.at_ms - T) // MINUTE) for f in findings]


def test_a_timer_rings_at_its_exact_moment_whenever_the_hub_looks() -> None:
    """`due_ms` says when to look; a late look finds the same."""
    judge = judge_of(OPEN)
    judge.judge(heard(1, T, contact="open"))

    due_before = judge.due_ms
    judge.tick(T + 10 * MINUTE - 1)
    assert judge.take_findings() == []
    judge.tick(T + 17 * MINUTE)
    (found,) = judge.take_findings()
    assert (found.at_ms, found.heard_ms, found.seq) == (T + 10 * MINUTE, T + 17 * MINUTE, None)
    assert (due_before, judge.due_ms) == (T + 10 * MINUTE, None)
    told_en = "Door b3/u1 has been open since 22:00, 10 minutes, heard at 22:17; rule open."
    assert found.why_en == told_en
    told_zh = "b3/u1 的门磁：自 22:00 起门开着，已 10 分钟，22:17 才得知；规则 open。"
    assert found.why_zh == told_zh


def test_a_silence_is_armed_once_however_much_is_heard() -> None:
    """Ten thousand words, a handful of alarms."""
    judge = judge_of(SILENT)
    for seq in range(1, 10_001):
        judge.judge(heard(seq, T + seq * 1_000, battery=50))

    assert len(judge._alarms) < 5
    assert judge.due_ms == T + 10_000_000 + 26 * 60 * MINUTE


def test_a_stranger_is_judged_for_grave_matters_only() -> None:
    """Somebody nobody registered may need help; nobody cares for its doors."""
    stranger = DeviceFacts("x", "button", registered=False)
    judge = judge_of(OPEN, SOS, SILENT, facts=(stranger,))
    judge.judge(heard(1, T, "x", contact="open"))
    judge.judge(heard(2, T + 1, "x", press="sos"))
    judge.tick(T + 100 * 60 * MINUTE)

    assert [f.rule.name for f in judge.take_findings()] == ["sos"]


def test_what_is_too_late_is_said() -> None:
    """Never silently left out."""
    judge = judge_of(OPEN, rewind_inputs_max=2)
    for seq in range(1, 9):
        judge.judge(heard(seq, T + seq * MINUTE, contact="closed"))
    judge.judge(heard(9, T, contact="open"))

    assert judge.too_late_count == 1
    assert (judge.too_late[0].device, judge.too_late[0].seq) == ("d1", 9)


def test_a_device_that_is_gone_leaves_nothing_open() -> None:
    """Its alert closes when it is forgotten."""
    judge = judge_of(OPEN)
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 10 * MINUTE)
    judge.forget("d1")

    assert short(judge.take_findings()) == [("opens", "open", 10), ("closes", "open", 10)]
    assert judge.due_ms is None


def test_a_device_that_no_longer_fits_is_no_longer_watched() -> None:
    """It moved to where the rule does not hold; it comes back with its present values."""
    rule = Rule("open", c.Equals("contact", ("open",)), where=c.Where(tags=("yard",)), version="1")
    yard = DeviceFacts("d1", "door", tags=frozenset({"yard"}))
    judge = judge_of(rule, facts=(yard,))
    judge.judge(heard(1, T, contact="open"))
    judge.know(DeviceFacts("d1", "door"))
    judge.know(yard)

    kinds = [f.kind for f in judge.take_findings()]
    assert kinds == ["opens", "closes", "opens"]


def test_newest_values_are_those_of_the_newest_moment() -> None:
    """Not of the newest arrival, and never of a retained press."""
    judge = judge_of(OPEN)
    judge.judge(heard(1, T + 10, contact="open"))
    judge.judge(Heard(2, "d1", T + 20, (Reading("contact", "closed", T),)))
    judge.judge(Heard(3, "d1", T + 30, (Reading("press", "sos", T + 30),), retained=True))

    assert judge.latest("d1") == {"contact": ("open", T + 10)}
    assert judge.take_changed_devices(10) == ["d1"]
    assert judge.take_changed_devices(10) == []
    assert judge.latest("nobody") == {}


def test_a_restart_that_lost_nothing_says_nothing_twice() -> None:
    """What is in the rows is passed over when the journal is read again."""
    judge = judge_of(OPEN, SOS)
    entries: list[Entry] = [heard(1, T, contact="open"), heard(2, T + 1, press="sos")]
    for entry in entries:
        judge.judge(entry)
    assert short(judge.take_findings()) == [("opens", "sos", 0)]
    rows = judge.take_changed(0)
    assert judge.oldest_unsaved_seq() == 1  # the press is saved with its finding, the door is not

    again = judge_of(OPEN, SOS)
    again.restore(rows)
    for entry in entries:
        again.judge(entry)
    assert again.take_findings() == []
    again.tick(T + 10 * MINUTE)
    assert short(again.take_findings()) == [("opens", "open", 10)]
    again.take_changed(100)
    assert again.oldest_unsaved_seq() is None


def test_an_edited_rule_starts_afresh_from_the_present_values() -> None:
    """It alone; what was open under its old words closes."""
    judge = judge_of(OPEN, SILENT)
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 10 * MINUTE)
    judge.judge(heard(2, T + 12 * MINUTE, battery=50))
    judge.take_findings()
    rows = judge.take_changed(100)

    edited = Rule("open", OPEN.when, hold_for_ms=20 * MINUTE, version="2")
    again = judge_of(edited, SILENT)
    again.restore(rows)
    assert short(again.take_findings()) == [("closes", "open", 12)]
    again.tick(T + 32 * MINUTE)
    assert short(again.take_findings()) == [("opens", "open", 32)]
    assert again.due_ms == T + (12 + 26 * 60) * MINUTE


def test_a_rule_that_is_gone_leaves_its_open_alert_to_be_closed() -> None:
    """The hub is told which."""
    judge = judge_of(SOS)
    judge.judge(heard(1, T, press="sos"))
    again = judge_of(OPEN)
    again.restore(judge.take_changed(100))

    assert again.orphans == [("sos", "d1", T)]


def test_rows_of_a_stranger_wait_until_it_is_known_again() -> None:
    """A stranger's press is not raised anew after a restart."""
    stranger = DeviceFacts("x", "button", registered=False)
    judge = judge_of(SOS, facts=(stranger,))
    judge.judge(heard(1, T, "x", press="sos"))
    rows = judge.take_changed(100)

    again = judge_of(SOS, facts=())
    again.restore(rows)
    again.know(stranger)
    again.judge(heard(2, T + MINUTE, "x", press="sos"))
    assert [f.kind for f in again.take_findings()] == ["again"]


@pytest.mark.parametrize("gateway", [GATEWAY, SITE])
def test_what_a_gateway_explains_is_countable(gateway: str) -> None:
    """A gateway explains those behind it; the site's link explains all."""
    door = DeviceFacts("d1", "door", gateway=GATEWAY)
    judge = judge_of(SILENT, facts=(door,))
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + MINUTE, gateway, online=False))
    assert judge.explained() == {"d1": gateway}
    judge.tick(T + 40 * 60 * MINUTE)
    assert judge.take_findings() == []

    judge.judge(heard(3, T + 41 * 60 * MINUTE, gateway, online=True))
    judge.tick(T + 70 * 60 * MINUTE)
    assert short(judge.take_findings()) == [("opens", "silent", 67 * 60)]
    assert judge.explained() == {}


def test_a_device_that_becomes_known_while_its_gateway_is_gone_is_explained_too() -> None:
    """It was learned from a message that came just before."""
    judge = judge_of(SILENT, facts=())
    judge.judge(heard(1, T, GATEWAY, online=False))
    judge.know(DeviceFacts("d1", "door", gateway=GATEWAY))
    judge.tick(T + 40 * 60 * MINUTE)

    assert judge.take_findings() == []


def test_a_device_that_another_gateway_hears_is_explained_by_the_dead_one_no_more() -> None:
    """Its silence counts from then on; its new gateway explains it when that one goes, too."""
    judge = judge_of(SILENT, facts=(DeviceFacts("d1", "door", gateway=GATEWAY),))
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + MINUTE, GATEWAY, online=False))
    judge.move(3, "d1", "gw2", T + 60 * MINUTE)
    judge.judge(heard(3, T + 60 * MINUTE, contact="closed"))
    assert judge.explained() == {}
    assert judge.behind("gw2") == {"d1"}
    assert judge.facts_of("d1").gateway == "gw2"

    again = judge_of(SILENT, facts=(DeviceFacts("d1", "door", gateway=GATEWAY),))
    again.restore(judge.take_changed(100))
    assert again.facts_of("d1").gateway == "gw2", "what was learned stands over a restart"
    for one in (judge, again):
        one.judge(heard(4, T + 61 * MINUTE, GATEWAY, online=True))
        one.tick(T + 27 * 60 * MINUTE)
        assert short(one.take_findings()) == [("opens", "silent", 27 * 60)]

    judge.judge(heard(5, T + 28 * 60 * MINUTE, contact="closed"))
    judge.judge(heard(6, T + 29 * 60 * MINUTE, "gw2", online=False))
    assert judge.explained() == {"d1": "gw2"}


def test_a_device_that_moves_behind_a_gateway_that_is_gone_is_explained_from_then_on() -> None:
    """What it did not hear before it was behind it, it did not explain."""
    judge = judge_of(SILENT, facts=(DeviceFacts("d1", "door", gateway=GATEWAY),))
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + MINUTE, "gw2", online=False))
    judge.tick(T + 27 * 60 * MINUTE)
    assert short(judge.take_findings()) == [("opens", "silent", 26 * 60)]
    judge.move(3, "d1", "gw2", T + 28 * 60 * MINUTE)
    judge.judge(heard(3, T + 28 * 60 * MINUTE, contact="closed"))
    judge.tick(T + 90 * 60 * MINUTE)
    assert short(judge.take_findings()) == [("closes", "silent", 28 * 60)]


def test_a_press_after_the_case_was_closed_opens_though_it_was_heard_before() -> None:
    """A device's clock that runs ahead does not swallow a call."""
    judge = judge_of(SOS)
    judge.judge(heard(1, T, press="sos"))
    judge.judge(Heard(2, "d1", T + 5_000, (Reading("press", "sos", T + 9_000),)))
    judge.judge(CaseClosed(3, "sos", "d1", T + 6_000))

    found = judge.take_findings()
    assert [f.kind for f in found] == ["opens", "again", "closes", "opens"]
    assert judge.take_withdrawn() == [Withdrawn("sos", "d1", T + 9_000, T)]
    assert [m.kind for m in history_of(found[:2])] == ["opens", "again"]


@pytest.mark.parametrize("when", CONDITIONS, ids=lambda when: type(when).__name__)
def test_lanes_and_kills_in_between_change_nothing_of_the_history(when: c.Condition) -> None:
    """Entries need not be judged in the order of their numbers, nor once only."""
    for seed in range(25):
        rule, happened = random_play(when, seed)
        numbered = [
            (one, entry_of(one, seq, rule))
            for seq, one in enumerate(sorted(happened, key=lambda a: a.at_ms), start=1)
        ]
        random = Random(seed)
        waiting = [entry for _, entry in numbered]
        shuffled = sorted(waiting, key=lambda e: e.seq + random.randint(0, 6))
        findings: list[Finding | Withdrawn] = []
        disk: dict[str, Standing] = {}
        judge = _three_doors(rule)
        done: set[int] = set()
        for entry in shuffled:
            judge.judge(entry)
            done.add(entry.seq)
            if random.random() < 0.5:
                findings += judge.take_findings()
                findings += judge.take_withdrawn()
                disk.update((row.key, row) for row in judge.take_changed(random.choice((0, 3))))
            else:
                continue
            if random.random() < 0.3:  # killed: all that no row covers is read again
                unsaved = judge.oldest_unsaved_seq() or len(waiting) + 1
                judge = _three_doors(rule)
                judge.restore(disk.values())
                for known in waiting:
                    if known.seq in done and known.seq >= unsaved:
                        judge.judge(known)
        judge.tick(end_ms(happened))
        findings += judge.take_findings()
        findings += judge.take_withdrawn()

        assert sorted(history_of(findings)) == in_order(rule, happened), seed


def _three_doors(rule: Rule) -> Judge:
    judge = Judge(RuleSet((rule,)), zone=ZONE)
    for device in DEVICES:
        facts = DeviceFacts(
            device,
            "door",
            grid="g1",
            gateway=GATEWAY,
            expected_silence_ms=40 * MINUTE,
            known_since_ms=START_MS - 1,
        )
        judge.know(facts)
    return judge
