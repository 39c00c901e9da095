"""Rules are changed in the running hub: all or nothing, at a place in the log, kills included."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.database import (
    alerts,
    cases,
    command_results,
    for_writing,
    overrides,
    rule_sets,
    standings,
)
from hub.health import GREEN, YELLOW
from tests.hub.courtroom import MORNING_MS, RULES
from tests.hub.rule_court import RuleCourt

EDITED = RULES.replace("below: 10", "below: 20")
WRONG = """
rules:
  - {rule: x, when: {point: contact, equal: open}, severity: notice, category: fault}
"""
DOOR_S = 10  # hold_for of the rule door-open


@pytest.fixture
def court(tmp_path: Path) -> Iterator[RuleCourt]:
    court = RuleCourt(tmp_path)
    yield court
    court.close()


def spans(court: RuleCourt, rule: str) -> list[tuple[float, float | None]]:
    """From when to when alerts of a rule were open, in seconds of the morning."""
    rows = court.rows(alerts, "rule", "opened_at_ms", "closed_at_ms")
    return [
        (
            (opened - MORNING_MS) / 1_000,
            None if closed is None else (closed - MORNING_MS) / 1_000,
        )
        for name, opened, closed in rows
        if name == rule
    ]


async def test_an_edited_file_comes_into_force_and_the_alert_has_its_version(
    court: RuleCourt,
) -> None:
    before = court.in_force
    court.said("btn-1", battery=15.0)
    await court.at(1)
    court.write("rules.yaml", EDITED)
    await court.reloaded()

    assert court.in_force.id != before.id
    assert court.in_force.by == "hub"
    assert court.in_force.diff == {
        "added": [], "changed": ["battery-low"], "removed": [], "reworded": []
    }  # fmt: skip
    assert court.in_force.texts == {"rules.yaml": EDITED}
    assert spans(court, "battery-low") == [(0, None)]  # from the present value, at its moment
    [(name, version)] = court.rows(alerts, "rule", "rule_version")
    assert (name, version) == ("battery-low", court.in_force.versions["battery-low"])
    assert version != before.versions["battery-low"]
    assert court.reports[-1] == ("rules", GREEN, "4 rules in force")


@pytest.mark.parametrize("kill", ["never", "asked", "judged"])
async def test_the_timer_of_another_rule_rings_at_its_moment_kills_or_not(
    court: RuleCourt, kill: str
) -> None:
    court.said("door-1", contact="open")
    await court.at(4)
    court.write("rules.yaml", EDITED)
    await court.look()
    if kill == "asked":
        await court.kill()
    await court.work()
    if kill == "judged":
        await court.kill()
    await court.at(DOOR_S - 0.001)
    assert spans(court, "door-open") == []
    await court.at(DOOR_S)

    assert spans(court, "door-open") == [(DOOR_S, None)]
    assert court.in_force.texts == {"rules.yaml": EDITED}
    assert court.rows(command_results, "ok") == [True]


async def test_a_mistake_anywhere_leaves_all_as_it_is_and_is_told_once(
    court: RuleCourt, caplog: pytest.LogCaptureFixture
) -> None:
    before = court.in_force
    court.said("door-1", contact="open")
    await court.at(4)
    court.write("rules.yaml", EDITED)
    court.write("more.yaml", WRONG)
    with caplog.at_level(logging.ERROR):
        await court.look(5)
        await court.work()
    await court.at(DOOR_S)

    assert court.in_force == before
    assert spans(court, "door-open") == [(DOOR_S, None)]
    assert court.rows(command_results, "seq") == []
    [(part, state, text)] = court.reports
    assert (part, state) == ("rules", YELLOW)
    assert "more.yaml:3:" in text
    lines = [line for line in caplog.messages if "more.yaml:3:" in line]
    assert len(lines) == len(set(lines)) > 0
    assert "did you mean equals?" in caplog.text

    (court.folder / "more.yaml").unlink()
    await court.reloaded()
    assert court.in_force.texts == {"rules.yaml": EDITED}
    assert court.reports[-1][:2] == ("rules", GREEN)


async def test_nobody_switches_the_emergency_calls_off_by_a_slip(court: RuleCourt) -> None:
    before = court.in_force
    court.write(
        "rules.yaml", RULES.replace("point: press", "point: sos").replace("[sos]", "[true]")
    )
    await court.look()
    await court.work()

    assert court.in_force == before
    assert "no rule hears a press" in court.reports[-1][2]
    court.said("btn-1", press="sos")
    await court.at(1)
    assert court.rows(cases, "rule") == ["emergency-press"]


async def test_what_is_being_written_is_left_alone_until_it_rests(court: RuleCourt) -> None:
    court.write("rules.yaml", "rules:\n  - rule: hal")
    await court.look(1)
    court.write("rules.yaml", EDITED)
    await court.look(1)
    assert court.reports == []
    await court.reloaded()

    assert court.in_force.texts == {"rules.yaml": EDITED}
    assert [state for _, state, _ in court.reports] == [GREEN]


async def test_what_is_open_of_a_rule_that_is_taken_away_ends(court: RuleCourt) -> None:
    court.said("door-1", contact="open")
    await court.at(DOOR_S)
    first, _, rest = RULES.partition("  - rule: door-open")
    without = first + "  - rule: battery" + rest.partition("  - rule: battery")[2]
    court.write("rules.yaml", without)
    await court.at(20)
    await court.reloaded()

    assert court.in_force.diff["removed"] == ["door-open"]
    assert spans(court, "door-open") == [(DOOR_S, 20)]
    assert court.rows(cases, "rule", "active") == [("door-open", False)]
    assert not [key for key in court.rows(standings, "key") if key.startswith("door-open|")]

    court.write("rules.yaml", RULES)  # and back again: it begins with the present values
    await court.at(30)
    await court.reloaded()
    await court.kill()
    await court.at(60)
    assert spans(court, "door-open") == [(DOOR_S, None)]  # open all the time: the same alert


async def test_a_restart_begins_with_what_was_in_force_then_compares(court: RuleCourt) -> None:
    before = court.in_force
    court.write("rules.yaml", "rules: [")
    await court.kill()
    names = [rule.name for rule in court.judge.rules.rules if not rule.built_in]
    assert names == list(before.versions)
    await court.reload.look(at_once=True)
    assert court.reports[-1][:2] == ("rules", YELLOW)

    court.write("rules.yaml", EDITED)
    await court.kill()
    await court.reload.look(at_once=True)
    await court.work()
    assert court.in_force.texts == {"rules.yaml": EDITED}


async def test_two_who_ask_for_the_same_get_it_once(court: RuleCourt) -> None:
    with for_writing(court.engine).begin() as connection:
        court.ask(connection, {"rules.yaml": EDITED}, "wang")
        court.ask(connection, {"rules.yaml": EDITED}, "li")
    court.write("rules.yaml", EDITED)
    await court.reloaded()

    assert court.in_force.by == "wang"
    told = [json.loads(body) for body in court.rows(command_results, "body_json")]
    assert [body["changed"] for body in told] == [True, False]
    assert len(court.rows(rule_sets, "id")) == 3


async def test_only_the_newest_sets_are_kept_and_always_the_one_in_force(court: RuleCourt) -> None:
    with for_writing(court.engine).begin() as connection:
        for number in range(105):
            court.ask(connection, {"rules.yaml": f"{RULES}# {number}\n"}, "wang")
    kept = court.rows(rule_sets, "id")

    assert len(kept) == 101
    assert court.in_force.id in kept


# -- overrides -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [False, True])
async def test_an_override_ends_by_itself_at_its_moment(court: RuleCourt, kill: bool) -> None:
    court.override("door-open", 60, device="door-1", off=True)
    await court.at(1)
    court.said("door-1", contact="open")
    await court.at(30)
    if kill:
        await court.kill()
    await court.at(59)
    assert spans(court, "door-open") == []
    await court.at(80)

    assert spans(court, "door-open") == [(70, None)]  # true at its end, then its ten seconds


async def test_other_figures_hold_for_the_one_device_only(court: RuleCourt) -> None:
    court.override("battery-low", 600, device="btn-1", set={"when": {"below": 5}})
    await court.at(1)
    court.said("btn-1", battery=8.0)
    court.said("btn-2", battery=8.0)
    await court.at(2)

    rows = court.rows(alerts, "rule", "key")
    assert rows == [("battery-low", "btn-2")]


async def test_who_ends_one_before_its_time_is_written_down(court: RuleCourt) -> None:
    court.override("door-open", 600, device="door-1", off=True)
    await court.at(1)
    court.said("door-1", contact="open")
    await court.at(30)
    [number] = court.rows(overrides, "id")
    court.command("override_end", by="li", override=number)
    await court.at(31)
    await court.kill()
    await court.at(60)

    assert court.rows(overrides, "ended_by", "by") == [("li", "wang")]
    assert spans(court, "door-open") == [(40, None)]
    court.command("override_end", by="li", override=number)
    await court.at(61)
    assert court.rows(command_results, "ok") == [True, True, False]


async def test_an_emergency_is_not_switched_off(court: RuleCourt) -> None:
    court.override("emergency-press", 600, device="btn-1", off=True)
    await court.at(1)
    court.said("btn-1", press="sos")
    await court.at(2)

    assert court.rows(overrides, "id") == []
    [(ok, body)] = court.rows(command_results, "ok", "body_json")
    assert not ok
    assert "emergency" in json.loads(body)["reason_en"]
    assert court.rows(cases, "rule") == ["emergency-press"]


async def test_an_override_outlives_another_set_and_keeps_nobody_from_it(court: RuleCourt) -> None:
    court.override("door-open", 600, device="door-1", off=True)
    court.override("battery-low", 600, device="btn-1", set={"when": {"below": 5}})
    await court.at(1)
    court.write(
        "rules.yaml", RULES.replace("point: battery, below: 10", "point: battery, above: 99")
    )
    await court.reloaded()
    await court.at(2)
    court.said("door-1", contact="open")
    await court.at(60)

    assert court.in_force.diff["changed"] == ["battery-low"]
    assert spans(court, "door-open") == []


async def test_a_folder_that_is_gone_for_a_while_changes_nothing(court: RuleCourt) -> None:
    before = court.in_force
    aside = court.folder.rename(court.folder.with_name("aside"))
    await court.look(3)
    await court.work()
    assert "no such folder" in court.reports[-1][2]
    aside.rename(court.folder)
    await court.reloaded()

    assert court.in_force == before
    assert court.reports[-1][:2] == ("rules", GREEN)
