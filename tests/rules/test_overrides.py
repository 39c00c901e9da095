"""Overrides, reload and shadow mode on the judge: exact edges, untouched standings, restarts."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_drivers.reading import Reading
from rules import condition as c
from rules.entry import Heard
from rules.facts import DeviceFacts
from rules.judge import Judge
from rules.loader import RuleMistakes, load, read_override
from rules.override import Override
from rules.rule import Rule, RuleChanges, RuleSet, diff, version_of
from tests.rules.test_history import MINUTE, START_MS
from tests.rules.test_judge import heard, short

ZONE = ZoneInfo("Asia/Shanghai")
T = START_MS
HOUR = 60 * MINUTE


def versioned(rule: Rule) -> Rule:
    """As the loader leaves it."""
    return replace(rule, version=version_of(rule))


OPEN = versioned(Rule("open", c.Equals("contact", ("open",)), hold_for_ms=10 * MINUTE))
STILL = versioned(Rule("still", c.Still("contact", 4 * HOUR), where=c.Where(family=("door",))))
SOS = versioned(Rule("sos", c.Happens("press", ("sos",)), severity="emergency"))
DOORS = tuple(
    DeviceFacts(name, "door", place=f"b3/u1/{name}", resident=f"r-{name}", tags=frozenset({"yard"}))
    for name in ("d1", "d2")
)


def override(rule: Rule, minutes: int | None, until: int, **more: Any) -> Override:
    """From so many minutes after the start to so many; of d1 where nothing else is said."""
    since_ms = None if minutes is None else T + minutes * MINUTE
    selector = {} if {"place", "tags", "resident"} & set(more) else {"device": ("d1",)}
    name = f"{rule.name}-{minutes}-{more.get('off')}"
    changes: dict[str, Any] = {"id": name, **selector, **more}
    if "parts" in changes and "set" not in changes:
        changes["set"] = {key: str(value) for key, value in changes["parts"].items()}
    return Override(
        rule.name, "why", "who", since_ms=since_ms, until_ms=T + until * MINUTE, **changes
    )


def judge_of(*rules: Rule, overrides: tuple[Override, ...] = (), in_files: bool = True) -> Judge:
    """Two doors."""
    rule_set = RuleSet(rules, overrides if in_files else ())
    judge = Judge(rule_set, overrides=() if in_files else overrides, zone=ZONE)
    for facts in DOORS:
        judge.know(facts)
    return judge


def told(judge: Judge) -> list[tuple[str, str, int]]:
    """What was found, short."""
    return short(judge.take_findings())


def test_off_closes_at_its_begin_and_opens_at_its_end() -> None:
    """At the exact moments, whenever the hub looks, and for nobody else."""
    judge = judge_of(OPEN, overrides=(override(OPEN, 30, 60, off=True),))
    for seq, name in enumerate(("d1", "d2"), start=1):
        judge.judge(heard(seq, T, name, contact="open"))
    judge.tick(T + 3 * HOUR)

    found = [(f.kind, f.key, (f.at_ms - T) // MINUTE) for f in judge.take_findings()]
    assert sorted(found, key=lambda f: (f[1], f[2])) == [
        ("opens", "d1", 10), ("closes", "d1", 30), ("opens", "d1", 70), ("opens", "d2", 10),
    ]  # fmt: skip


def test_an_edge_is_a_timer_of_its_own() -> None:
    """`due_ms` says so, and `busy_ms` does not: a story need not wait for it."""
    judge = judge_of(OPEN, overrides=(override(OPEN, 30, 60, off=True),))
    judge.judge(heard(1, T, contact="closed"))

    assert judge.due_ms == T + 30 * MINUTE
    assert judge.busy_ms() is None


def test_what_is_open_and_true_under_both_stays_open() -> None:
    """No flapping notices; the alert has the severity with which it opened."""
    parts = {"hold_for_ms": 40 * MINUTE, "severity": "notice"}
    judge = judge_of(OPEN, overrides=(override(OPEN, 30, 60, parts=parts),))
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 2 * HOUR)
    judge.judge(heard(2, T + 2 * HOUR, contact="closed"))
    judge.judge(heard(3, T + 2 * HOUR + 1, "d2", contact="closed"))

    findings = judge.take_findings()
    assert short(findings) == [("opens", "open", 10), ("closes", "open", 120)]
    assert {f.rule.severity for f in findings} == {"warning"}


def test_an_alert_has_the_severity_that_holds_when_it_opens() -> None:
    """And the version of its rule."""
    parts = {"severity": "notice"}
    judge = judge_of(OPEN, overrides=(override(OPEN, None, 60, parts=parts),))
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 15 * MINUTE)

    (found,) = judge.take_findings()
    assert (found.rule.severity, found.rule.version) == ("notice", OPEN.version)


def test_history_counts_when_another_condition_takes_over() -> None:
    """A stillness that began long before the end of the override is looked back over."""
    longer = override(STILL, None, 5 * 60, parts={"when": c.Still("contact", 8 * HOUR)})
    judge = judge_of(STILL, overrides=(longer,))
    judge.judge(heard(1, T, contact="closed"))
    judge.tick(T + 6 * HOUR)

    assert told(judge) == [("opens", "still", 5 * 60)]


def test_what_is_untrue_under_the_next_condition_closes_at_the_edge() -> None:
    """Without `clear_for`: the condition did not end, another one holds."""
    rule = replace(STILL, clear_for_ms=30 * MINUTE)
    longer = override(rule, 5 * 60, 6 * 60, parts={"when": c.Still("contact", 24 * HOUR)})
    judge = judge_of(rule, overrides=(longer,))
    judge.judge(heard(1, T, contact="closed"))
    judge.tick(T + 7 * HOUR)

    assert told(judge) == [
        ("opens", "still", 240),
        ("closes", "still", 300),
        ("opens", "still", 360),
    ]


@pytest.mark.parametrize(("at", "expected"), [(29, []), (31, [("opens", "sos2", 31)])])
def test_an_event_is_judged_by_what_holds_at_its_moment(at: int, expected: list[Any]) -> None:
    """Heard late on either side of the edge."""
    rule = versioned(Rule("sos2", c.Happens("press", ("sos",)), severity="urgent"))
    judge = judge_of(rule, overrides=(override(rule, 10, 30, off=True),))
    judge.judge(heard(1, T + 60 * MINUTE, contact="closed"))
    late = Heard(2, "d1", T + 61 * MINUTE, (Reading("press", "sos", T + at * MINUTE),))
    judge.judge(late)

    assert told(judge) == expected


def test_an_open_call_stays_with_its_case_while_its_rule_is_off() -> None:
    """As at the end of `during`: people close it."""
    rule = versioned(Rule("sos2", c.Happens("press", ("sos",)), severity="urgent"))
    judge = judge_of(rule, overrides=(override(rule, 10, 30, off=True),))
    judge.judge(heard(1, T, press="sos"))
    judge.judge(heard(2, T + 20 * MINUTE, press="sos"))
    judge.judge(heard(3, T + 40 * MINUTE, press="sos"))

    assert told(judge) == [("opens", "sos2", 0), ("again", "sos2", 40)]


def test_the_narrowest_wins_and_then_the_one_that_ends_first() -> None:
    """A device before a resident before tags before a place."""
    wide = [
        override(OPEN, None, 600, place=("b3/*",), off=True, id="p"),
        override(OPEN, None, 600, tags=("yard",), parts={"hold_for_ms": MINUTE}, id="t"),
        override(OPEN, None, 500, resident=("r-d1",), parts={"hold_for_ms": 2 * MINUTE}, id="r"),
        override(OPEN, None, 600, resident=("r-d1",), parts={"hold_for_ms": 3 * MINUTE}, id="s"),
    ]
    judge = judge_of(OPEN, overrides=tuple(wide))
    judge.judge(heard(1, T, "d1", contact="open"))
    judge.judge(heard(2, T, "d2", contact="open"))
    judge.tick(T + HOUR)

    assert [(f.key, f.at_ms - T) for f in judge.take_findings()] == [
        ("d2", MINUTE),
        ("d1", 2 * MINUTE),
    ]


def test_a_day_ends_with_the_sites_midnight() -> None:
    """Also where the clock changes on it."""
    one = Override("open", "why", "who", until_day=date(2026, 10, 25))
    berlin, shanghai = one.end_ms(ZoneInfo("Europe/Berlin")), one.end_ms(ZONE)
    assert datetime.fromtimestamp(berlin / 1_000, UTC).isoformat() == "2026-10-25T23:00:00+00:00"
    assert datetime.fromtimestamp(shanghai / 1_000, UTC).isoformat() == "2026-10-25T16:00:00+00:00"


# ---------------------------------------------------------------------- given at run time


def test_one_given_while_the_hub_runs_holds_from_its_moment_on() -> None:
    """And is ended early by another end; the watches of others are not touched."""
    judge = judge_of(OPEN, SOS)
    for seq, name in enumerate(("d1", "d2"), start=1):
        judge.judge(heard(seq, T, name, contact="open"))
    judge.tick(T + 20 * MINUTE)
    judge.take_findings()
    untouched = judge._watches["open|d2"].run
    judge.change_overrides([override(OPEN, 20, 600, off=True)], 3, T + 20 * MINUTE)
    assert told(judge) == [("closes", "open", 20)]
    assert judge._watches["open|d2"].run is untouched

    judge.change_overrides([override(OPEN, 20, 90, off=True)], 4, T + 90 * MINUTE)
    judge.tick(T + 3 * HOUR)
    assert told(judge) == [("opens", "open", 100)]


def test_a_moment_that_is_past_is_judged_again() -> None:
    """An override that says since when it holds is meant so: what it makes untrue is taken back."""
    judge = judge_of(OPEN)
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + 20 * MINUTE, contact="open"))
    judge.tick(T + 31 * MINUTE)
    judge.change_overrides([override(OPEN, 15, 600, off=True)], 3, T + 40 * MINUTE)

    assert told(judge) == [("opens", "open", 30), ("taken_back", "open", 30)]


@pytest.mark.parametrize("saved", [0, 100])
def test_a_restart_keeps_what_was_given(saved: int) -> None:
    """Timers of the variant in force too; whether the rows were written before or not."""
    given = (override(OPEN, 5, 600, parts={"hold_for_ms": 30 * MINUTE}),)
    entries = [heard(1, T, contact="open"), heard(2, T + 8 * MINUTE, battery=5)]
    judge = judge_of(OPEN)
    judge.judge(entries[0])
    judge.change_overrides(given, 2, T + 5 * MINUTE)
    judge.judge(entries[1])
    rows = judge.take_changed(saved)
    unsaved = judge.oldest_unsaved_seq() or 99

    again = judge_of(OPEN, overrides=given, in_files=False)
    again.restore(rows)
    for entry in entries[unsaved - 1 :]:
        again.judge(entry)
    for one in (judge, again):
        one.tick(T + 2 * HOUR)
        assert told(one) == [("opens", "open", 30)]


def test_a_restart_with_other_overrides_keeps_the_history_of_the_rest() -> None:
    """A file's override that was taken away, or put there, while the hub was down."""
    off = override(OPEN, None, 600, off=True)
    judge = judge_of(OPEN)
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 20 * MINUTE)
    judge.judge(heard(2, T + 25 * MINUTE, battery=5))
    assert told(judge) == [("opens", "open", 10)]

    down = judge_of(OPEN, overrides=(off,))
    down.restore(judge.take_changed(100))
    assert told(down) == [("closes", "open", 25)]
    down.judge(heard(3, T + 40 * MINUTE, battery=5))
    up = judge_of(OPEN)
    up.restore(down.take_changed(100))
    up.tick(T + 2 * HOUR)
    assert told(up) == [("opens", "open", 50)]


def test_a_device_that_no_longer_fits_is_judged_by_the_rule_from_then_on() -> None:
    """Its tags changed, not what was said of them: nothing of the past is judged again."""
    off = override(OPEN, 15, 600, tags=("yard",), off=True)
    judge = judge_of(OPEN, overrides=(off,))
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + 20 * MINUTE, contact="open"))
    judge.tick(T + 50 * MINUTE)
    judge.know(replace(DOORS[0], tags=frozenset()))
    judge.tick(T + 2 * HOUR)
    assert told(judge) == [("opens", "open", 60)]

    judge.know(DOORS[0])
    assert told(judge) == [("closes", "open", 120)]


def test_a_group_may_be_off_or_different_as_a_whole() -> None:
    """By the very place that it shares; a device of it is only taken out."""
    pair = c.Together(c.Where(), 2, HOUR, "place", c.Equals("contact", ("open",)))
    rule = versioned(Rule("pair", pair))
    doors = [DeviceFacts(f"{place}-{n}", "door", place=place) for place in ("a", "b") for n in "12"]
    judge = Judge(RuleSet((rule,), (override(rule, None, 30, place=("a",), off=True),)), zone=ZONE)
    for facts in doors:
        judge.know(facts)
    for seq, facts in enumerate(doors, start=1):
        judge.judge(heard(seq, T + seq, facts.id, contact="open"))
    judge.tick(T + HOUR)

    found = [(f.kind, f.key, (f.at_ms - T) // MINUTE) for f in judge.take_findings()]
    assert found == [("opens", "b", 0), ("opens", "a", 30)]


def test_a_rule_over_one_device_hears_of_its_gateway_in_both_halves() -> None:
    """A sequence whose first half is a silence, of the same device."""
    first, then = c.Step(c.Silent(HOUR)), c.Step(c.Equals("contact", ("open",)))
    rule = versioned(Rule("back", c.Then(first, then, HOUR, "device")))
    judge = Judge(RuleSet((rule,)), zone=ZONE)
    judge.know(DeviceFacts("d1", "door", gateway="gw1", known_since_ms=T))
    judge.judge(heard(1, T, contact="closed"))
    judge.judge(heard(2, T + MINUTE, "gw1", online=False))
    judge.judge(heard(3, T + 2 * HOUR, "gw1", online=True))
    judge.judge(heard(4, T + 2 * HOUR + MINUTE, contact="open"))

    assert told(judge) == []


# ---------------------------------------------------------------------- reload


def test_what_differs_between_two_sets() -> None:
    """By name; words and mode alone are no change of a rule."""
    edited = versioned(replace(OPEN, hold_for_ms=1))
    shadow = versioned(replace(SOS, mode="shadow", title_en="Call"))
    old, new = (
        RuleSet((OPEN, SOS, STILL)),
        RuleSet((edited, shadow, versioned(Rule("x", OPEN.when)))),
    )

    assert diff(old, new) == RuleChanges(("x",), ("open",), ("still",), ("sos",), ("sos",))
    assert diff(old, old) == RuleChanges((), (), (), ("open", "sos", "still"))


def test_a_reload_keeps_running_timers_to_the_millisecond() -> None:
    """Of every rule that is the same; the edited one starts afresh, alone."""
    judge = judge_of(OPEN, STILL)
    judge.judge(heard(1, T + 7, contact="open"))
    judge.judge(heard(2, T + 9 * MINUTE, battery=5))
    edited = versioned(replace(STILL, when=c.Still("contact", 5 * HOUR)))
    words = replace(OPEN, title_en="Other", tests=())
    changes = judge.change_rules(RuleSet((words, edited)), 3, T + 9 * MINUTE)
    judge.tick(T + 7 * HOUR)

    assert (changes.untouched, changes.changed) == (("open",), ("still",))
    findings = judge.take_findings()
    assert [(f.rule.name, f.at_ms) for f in findings] == [
        ("open", T + 7 + 10 * MINUTE),
        ("still", T + 9 * MINUTE + 5 * HOUR),
    ]
    assert findings[0].rule.title_en == "Other"


def test_promoting_a_shadow_rule_keeps_its_standing() -> None:
    """Its findings say which it is."""
    shadow = replace(OPEN, mode="shadow")
    judge = judge_of(shadow)
    judge.judge(heard(1, T, contact="open"))
    judge.tick(T + 20 * MINUTE)
    (opened,) = judge.take_findings()
    judge.change_rules(RuleSet((OPEN,)), 2, T + 21 * MINUTE)
    judge.judge(heard(3, T + 30 * MINUTE, contact="closed"))
    (closed,) = judge.take_findings()

    assert (opened.rule.mode, closed.rule.mode) == ("shadow", "live")
    assert closed.opened_at_ms == opened.opened_at_ms


def sets() -> list[tuple[RuleSet, RuleSet]]:
    """Before and after."""
    edited = versioned(replace(OPEN, hold_for_ms=20 * MINUTE))
    other = versioned(Rule("other", c.Equals("contact", ("open",))))
    silent = versioned(Rule("silent", c.Silent(3 * HOUR)))
    group = versioned(
        Rule("group", c.Together(c.Where(), 2, HOUR, "site", c.Equals("contact", ("open",))))
    )
    return [
        (RuleSet((OPEN, STILL)), RuleSet((edited, STILL))),
        (RuleSet((OPEN, STILL)), RuleSet((STILL,))),
        (RuleSet((OPEN, STILL)), RuleSet((OPEN, STILL, other, silent, group))),
        (RuleSet((group, silent)), RuleSet((versioned(replace(group, clear_for_ms=5)), silent))),
        (RuleSet((other,)), RuleSet((versioned(replace(other, severity="notice")),))),
    ]


@pytest.mark.parametrize("case", range(len(sets())))
def test_a_reload_is_a_restart_with_the_new_files(case: int) -> None:
    """The same findings, orphans and timers."""
    old, new = sets()[case]
    running = Judge(old, zone=ZONE)
    for facts in DOORS:
        running.know(replace(facts, known_since_ms=T))
    for seq, name in enumerate(("d1", "d2"), start=1):
        running.judge(heard(seq, T + seq * MINUTE, name, contact="open"))
    running.tick(T + 15 * MINUTE)
    running.take_findings()
    rows = running.take_changed(100)
    again = Judge(new, zone=ZONE)
    for facts in DOORS:
        again.know(replace(facts, known_since_ms=T))
    again.restore(rows)
    running.change_rules(new, 3, T + 15 * MINUTE)

    def found(judge: Judge) -> list[Any]:
        findings = [
            f._replace(heard_ms=0, why_en="", why_zh="", text_en="", text_zh="")
            for f in judge.take_findings()
        ]
        return sorted(findings, key=lambda f: (f.rule.name, f.key, f.at_ms, f.kind))

    for judge in (running, again):
        judge.judge(heard(4, T + 30 * MINUTE, contact="closed"))
        judge.tick(T + 9 * HOUR)
    assert running.orphans == again.orphans
    assert found(running) == found(again)
    assert running.due_ms == again.due_ms


def test_a_rule_that_comes_back_knows_nothing_of_its_former_life() -> None:
    """Its old rows are not taken up."""
    judge = judge_of(OPEN, STILL)
    judge.judge(heard(1, T, contact="open"))
    rows = {row.key: row for row in judge.take_changed(100)}
    without = judge_of(STILL)
    without.restore(rows.values())
    without.judge(heard(2, T + HOUR, contact="closed"))
    without.judge(heard(3, T + 2 * HOUR, contact="open"))
    rows.update((row.key, row) for row in without.take_changed(100))

    back = judge_of(OPEN, STILL)
    back.restore(rows.values())
    back.tick(T + 3 * HOUR)
    assert told(back) == [("opens", "open", 130)]


def test_a_rule_that_goes_leaves_its_open_alert_to_be_closed() -> None:
    """While the hub runs as over a restart."""
    judge = judge_of(OPEN, SOS)
    judge.judge(heard(1, T, press="sos"))
    judge.change_rules(RuleSet((OPEN,)), 2, T + MINUTE)
    judge.judge(heard(3, T + 2 * MINUTE, press="sos"))

    assert judge.orphans == [("sos", "d1", T)]
    assert told(judge) == [("opens", "sos", 0)]


# ---------------------------------------------------------------------- reading


def test_one_in_no_file_is_read_in_the_same_words() -> None:
    """A part of `when` goes into the rule's own."""
    rules = RuleSet((STILL, SOS))
    body = {
        "rule": "still", "resident": ["r1"], "set": {"when": {"still_for": "48h"}},
        "reason": "away", "by": "nurse", "until": date(2026, 12, 31),
    }  # fmt: skip
    one = read_override(body, rules, name="o-1")

    assert one.parts == {"when": c.Still("contact", 48 * HOUR)}
    assert (one.id, one.source, one.until_day) == ("o-1", "api", date(2026, 12, 31))
    with pytest.raises(RuleMistakes, match="is an emergency: it cannot be off"):
        read_override({**body, "rule": "sos", "set": None, "off": True}, rules, name="o-2")


@pytest.mark.parametrize(
    ("own", "given", "expected"),
    [
        ("{point: battery, below: 15, back_above: 20}", "{below: 10}", c.Below("battery", 10, 10)),
        ("{point: battery, below: 15}", "{below: 10, back_above: 12}", c.Below("battery", 10, 12)),
        ("{point: contact, changes: 9, within: 1m}", "{changes: 5}",
         c.Changes("contact", 5, MINUTE)),
        ("{point: contact, equals: open}", "{in: [open, ajar]}",
         c.Equals("contact", ("open", "ajar"))),
        ("{silent_for: 26h}", "{silent_for: 48h}", c.Silent(48 * HOUR)),
        ("{point: contact, still_for: 24h}", "{silent_for: expected}", c.Silent(None)),
        ("{point: contact, changes: 9, within: 1m}", "{within: 2m}",
         c.Changes("contact", 9, 2 * MINUTE)),
    ],
)  # fmt: skip
def test_what_is_set_goes_into_the_rules_own_condition(
    tmp_path: Path, own: str, given: str, expected: c.Condition
) -> None:
    """A whole condition replaces it."""
    file = tmp_path / "a.yaml"
    rule = f"  - {{rule: x, when: {own}, severity: notice, category: fault}}"
    one = f"{{rule: x, device: d, set: {{when: {given}}}, reason: r, by: b, until: 2026-12-31}}"
    file.write_text(f"rules:\n{rule}\noverrides:\n  - {one}\n", encoding="utf-8")

    assert load([file]).overrides[0].parts["when"] == expected
