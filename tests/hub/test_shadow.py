"""A rule on trial is judged and written down, and nobody hears of it until it is promoted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device_drivers.reading import Reading
from hub.database import alerts, case_log, cases, changes, notices
from hub.journal import READING, Entry
from rules.rule import Rule, RuleSet
from tests.hub.courtroom import MORNING_MS, Courtroom

RULES = """
rules:
  - rule: door-open
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 60s
    severity: warning
    category: security
  - rule: door-open-soon
    mode: shadow
    instead_of: door-open
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 10s
    severity: urgent
    category: security
  - rule: called
    mode: shadow
    where: {family: button}
    when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
"""
SOON = "door-open-soon"


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path, RULES)
    yield opened
    opened.close()


def with_mode(rules: RuleSet, name: str, mode: str) -> RuleSet:
    """The same rules, one of them in another mode."""
    changed: list[Rule] = [
        replace(rule, mode=mode) if rule.name == name else rule for rule in rules.rules
    ]
    return replace(rules, rules=tuple(changed))


async def test_a_shadow_opens_no_case_and_no_notice_and_stands_in_no_feed(
    court: Courtroom,
) -> None:
    """Only in the table of alerts, with how often it happened."""
    court.said("door-1", contact="open")
    court.said("btn-1", press="sos")
    await court.at(1)
    court.said("btn-1", press="sos")
    await court.at(20)

    found = court.rows(alerts, "rule", "mode", "times", "opened_at_ms", "case_id")
    assert sorted(found) == [
        ("called", "shadow", 2, MORNING_MS, None),
        (SOON, "shadow", 1, MORNING_MS + 10_000, None),
    ]
    assert court.rows(cases, "id") == court.rows(case_log, "id") == court.rows(notices, "id") == []
    assert "case" not in court.rows(changes, "kind")
    assert not court.rules.hears_presses


async def test_the_live_one_beside_it_is_told_as_ever(court: Courtroom) -> None:
    """Two rules, two alerts, one case."""
    court.said("door-1", contact="open")
    await court.at(70)

    assert court.rows(cases, "rule") == ["door-open"]
    assert sorted(court.rows(alerts, "rule", "mode")) == [("door-open", "live"), (SOON, "shadow")]


@pytest.mark.parametrize("restart", [True, False])
async def test_a_promoted_rule_tells_its_open_alert_once(court: Courtroom, restart: bool) -> None:
    """By a restart with the new files or by a reload in the running judge."""
    court.said("door-1", contact="open")
    await court.at(20)
    court.rules = with_mode(court.rules, SOON, "live")
    if not restart:
        court.judge.change_rules(court.rules, 100, court.clock.now)
    else:
        await court.kill()
    await court.at(21)
    await court.kill()
    await court.at(22)

    assert court.rows(cases, "rule", "raised_at_ms", "heard_at_ms") == [
        (SOON, MORNING_MS + 10_000, MORNING_MS + 21_000)
    ]
    assert court.rows(case_log, "what") == ["raised"]
    assert court.rows(alerts, "mode", "case_id") == [("live", "C-000001")]
    assert court.rows(notices, "channel", "reason") == [("mqtt", "opened"), ("log", "opened")]

    court.said("door-1", contact="closed")
    await court.at(23)
    assert court.rows(case_log, "what") == ["raised", "ended"]


async def test_what_a_rule_told_when_it_was_live_ends_with_its_alert(court: Courtroom) -> None:
    """Somebody put it on trial while its case was open."""
    court.rules = with_mode(court.rules, "door-open", "live")
    court.said("door-1", contact="open")
    await court.at(70)
    court.rules = with_mode(court.rules, "door-open", "shadow")
    await court.kill()
    court.said("door-1", contact="closed")
    await court.at(80)

    assert court.rows(cases, "rule", "state") == [("door-open", "closed")]
    assert court.rows(case_log, "what") == ["raised", "ended"]


async def test_an_event_that_was_none_counts_no_more(court: Courtroom) -> None:
    """`times` is of the final history."""
    court.rules = RuleSet(tuple(r for r in court.rules.rules if r.name == "called"))
    court.begin()
    court.said("btn-1", press="sos")
    await court.at(1)
    late = Entry(
        0, READING, "btn-1", court.clock.now, (Reading("press", "sos", MORNING_MS - 5_000),)
    )
    court.keep([late])
    await court.at(2)

    assert court.rows(alerts, "opened_at_ms", "times") == [(MORNING_MS, 2)]
