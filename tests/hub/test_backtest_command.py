"""`hub rules backtest`, `shadow`, `promote` and `hub export readings`, as people call them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from device_drivers.reading import Reading, Value
from hub import journal
from hub.cli import cli
from hub.clock import SystemClock
from hub.database import alerts, devices, for_writing, migrate, open_engine
from hub.journal import READING, Entry

MINUTE, DAY = 60_000, 86_400_000
HELD = """
rules:
  - rule: press
    where: {family: button}
    when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
  # how long is too long
  - rule: held
    when: {point: contact, equals: open}
    hold_for: 10m
    severity: warning
    category: security
"""
ON_TRIAL = """
rules:
  - rule: held-short   # since spring
    mode: shadow
    instead_of: held
    when: {point: contact, equals: open}
    hold_for: 2m
    severity: warning
    category: security
    tests:
      - story: open
        given: [{0s: {contact: open}}]
        heard: [{2m: opens}]
"""


class Place:
    """A data folder with a history of a few days, and a folder of rules."""

    def __init__(self, folder: Path) -> None:
        self.rules = folder / "rules"
        self.rules.mkdir()
        (self.rules / "held.yaml").write_text(HELD, encoding="utf-8")
        self.data = folder / "data"
        self.data.mkdir()
        self.now_ms = SystemClock().now_ms()
        self.engine = open_engine(f"sqlite:///{self.data / 'hub.db'}")
        migrate(self.engine)
        with for_writing(self.engine).begin() as connection:
            for name, family in (("door-1", "door"), ("btn-1", "button")):
                row: dict[str, Any] = {
                    "id": name,
                    "family": family,
                    "driver": "native",
                    "name_zh": "",
                    "grid": "g1",
                }
                row |= {"name_en": "", "address": f"native:{name}", "added_ms": 1}
                connection.execute(devices.insert().values(**row))

    def keep(self, days_ago: float, device: str, **points: Value) -> None:
        """A message of then."""
        at_ms = self.now_ms - round(days_ago * DAY)
        readings = tuple(Reading(point, value, at_ms) for point, value in points.items())
        with for_writing(self.engine).begin() as connection:
            journal.append(connection, [Entry(0, READING, device, at_ms, readings)])

    def hub(self, *arguments: str | Path, **settings: str) -> Result:
        """`hub …` on this folder."""
        environment = {"HUB_DATA_DIR": str(self.data), "HUB_RULES_DIR": str(self.rules), **settings}
        return CliRunner(env=environment).invoke(cli, [str(one) for one in arguments])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.keep(3, "door-1", contact="closed")
    made.keep(2, "door-1", contact="open")
    made.keep(2 - 5 / 1_440, "door-1", contact="closed")
    made.keep(1, "door-1", contact="open")
    made.keep(1 - 30 / 1_440, "door-1", contact="closed")
    made.keep(0.5, "btn-1", press="sos")
    yield made
    made.engine.dispose()


def test_a_rule_to_try_beside_the_one_in_force(place: Place, tmp_path: Path) -> None:
    """Opened, only here, at other moments, the load; nothing else is compared."""
    file = tmp_path / "try.yaml"
    file.write_text(HELD.replace("10m", "2m"), encoding="utf-8")
    result = place.hub("rules", "backtest", file, "--rule", "held", "--last", "60h")
    lines = result.output.splitlines()

    assert result.exit_code == 0, result.output
    assert lines[0].startswith("History: 2 days 12 hours, ")
    assert lines[0].endswith("from the journal")
    assert [line.split() for line in lines if line.startswith("held ")] == [
        ["held", "2", "0", "0", "0", "1", "0"]
    ]
    assert "  only here: 1" in lines
    assert "  at other moments: 1" in lines
    assert any(line.startswith("The load of these rules: 2 calls, 0.8 a day") for line in lines)
    assert any("1 rule in force that these files do not name" in line for line in lines)


def test_without_a_path_the_rules_in_force_are_meant(place: Place) -> None:
    """And there is no difference."""
    result = place.hub("rules", "backtest")

    assert "No difference to the rules in force: 2 alerts are the same" in result.output


def test_whom_a_rule_that_learns_knows_too_little_is_said(place: Place, tmp_path: Path) -> None:
    """In the report who knows least comes first; for programs all of them."""
    file = tmp_path / "learn.yaml"
    when = "{unlike_itself: {point: contact, over: 14d, at_least_days: 9}}"
    rule = HELD[HELD.index("  # how long") :].replace("{point: contact, equals: open}", when)
    file.write_text(f"rules:\n{rule}", encoding="utf-8")
    report = place.hub("rules", "backtest", file)
    found = json.loads(place.hub("rules", "backtest", file, "--json").output)

    lines = report.output.splitlines()
    begin = lines.index("held: still learning of 1 of 1 devices at the end")
    assert lines[begin + 1] == "    door-1: 2 of 9 days"
    assert found["here"]["learned"] == [
        {"rule": "held", "key": "door-1", "days": 2, "needed": 9, "over_days": 14}
    ]


def test_files_instead_of_all_rules(place: Place, tmp_path: Path) -> None:
    """What they leave out is missing then."""
    file = tmp_path / "try.yaml"
    file.write_text(HELD[: HELD.index("  # how long")], encoding="utf-8")
    found = json.loads(place.hub("rules", "backtest", file, "--instead", "--json").output)

    assert [one["rule"] for one in found["difference"]["only_in_force"]] == ["held"]
    assert found["left_out"] == []
    assert found["source"] == "journal"
    assert found["here"]["load"]["roles"][0]["role"] == "emergency"


def test_a_history_that_is_shorter_than_asked_is_said(place: Place) -> None:
    """With where it begins."""
    result = place.hub("rules", "backtest", "--last", "30d")

    assert "  shorter than asked: 30 days were, but the history begins at 20" in result.output


def test_what_was_so_before_the_span_is_known_in_it(place: Place, tmp_path: Path) -> None:
    """An alert that was open at its beginning is no opening of it, but one of it."""
    found = json.loads(place.hub("rules", "backtest", "--last", "1431m", "--json").output)

    assert [one["rule"] for one in found["here"]["alerts"]] == ["held", "press"]
    assert found["here"]["load"]["calls"] == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--last", "7"], "--last: expected a duration such as"),
        (["--from", "yesterday"], "--from: expected a day or a moment such as 2026-03-01"),
        (["--from", "2026-03-01", "--last", "7d"], "exclude each other"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "expected a moment before --to"),
        (["--last", "900d"], "at most 400 days at once (HUB_BACKTEST_DAYS_MAX)"),
        (["--rule", "hold"], "there is no rule 'hold' in these files; did you mean held?"),
        (["--source", "series"], "the time series need a beginning: --from or --last"),
    ],
)
def test_a_wrong_wish_is_told_in_a_line(place: Place, arguments: list[str], why: str) -> None:
    """No traceback, exit code 1."""
    result = place.hub("rules", "backtest", *arguments)

    assert result.exit_code == 1
    assert why in result.output
    assert "Traceback" not in result.output


def test_where_no_hub_has_run_there_is_no_history(tmp_path: Path) -> None:
    """And nothing is made."""
    data = tmp_path / "none"
    result = CliRunner(env={"HUB_DATA_DIR": str(data)}).invoke(cli, ["rules", "backtest"])

    assert result.exit_code == 1
    assert "there is no history" in result.output
    assert not data.exists()


# ---------------------------------------------------------------------- recorded files


@pytest.mark.parametrize("name", ["readings.jsonl", "readings.jsonl.gz"])
def test_readings_are_exported_and_tried_elsewhere(place: Place, tmp_path: Path, name: str) -> None:
    """A file carries its register; what is found is the same."""
    file = tmp_path / name
    exported = place.hub("export", "readings", "--output", file)
    assert exported.output == f"{file}: 6 messages\n"

    elsewhere = {"HUB_DATA_DIR": str(tmp_path / "elsewhere")}
    found = json.loads(place.hub("rules", "backtest", "--file", file, "--json", **elsewhere).output)
    here = json.loads(place.hub("rules", "backtest", "--json").output)
    assert found["source"] == "file"
    assert [one["opened_ms"] for one in found["here"]["alerts"]] == [
        one["opened_ms"] for one in here["here"]["alerts"]
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no messages"),
        ('{"device": "d", "at_ms": 1, "points": {}}\n', "names no devices"),
        ('{"kind": "device", "id": "d"}\n', ":1: Object missing required field `family`"),
        ('{"kind": "divice", "id": "d"}\n', ":1: Invalid value 'divice'"),
        ("DEVICE" + '{"device": "d", "at_ms": "noon"}\n', ":2: Expected `int`, got `str`"),
        ("DEVICE" + '{"device": "d", "ats_ms": 1}\n', ":2: Object contains unknown field"),
        ("DEVICE" + "{\n", ":2: Input data was truncated"),
        (
            "DEVICE" + '{"device": "d", "at_ms": 2}\n{"device": "d", "at_ms": 1}\n',
            ":3: arrived before the line above it",
        ),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, why: str) -> None:
    """File, line, what was expected."""
    file = tmp_path / "readings.jsonl"
    device = '{"kind": "device", "id": "d", "family": "door"}\n'
    file.write_text(text.replace("DEVICE", device), encoding="utf-8")
    environment = {"HUB_DATA_DIR": str(tmp_path / "none")}
    result = CliRunner(env=environment).invoke(cli, ["rules", "backtest", "--file", str(file)])

    assert result.exit_code == 1
    assert str(file) in result.output
    assert why in result.output


def test_a_packed_file_that_is_cut_off_says_so(place: Place, tmp_path: Path) -> None:
    """As a copy over a bad line is."""
    file = tmp_path / "readings.jsonl.gz"
    place.hub("export", "readings", "--output", file)
    file.write_bytes(file.read_bytes()[:-20])
    result = place.hub("rules", "backtest", "--file", file)

    assert result.exit_code == 1
    assert f"{file}: " in result.output


def test_readings_need_a_file_and_others_no_span(place: Place) -> None:
    """In words."""
    assert "readings go to a file" in place.hub("export", "readings").output
    assert "are for readings" in place.hub("export", "devices", "--last", "7d").output


# ---------------------------------------------------------------------- on trial


def alert(place: Place, rule: str, minutes_ago: int, mode: str = "live", times: int = 1) -> None:
    """A row of the table of alerts, ended ten minutes later."""
    opened = place.now_ms - minutes_ago * MINUTE
    row: dict[str, Any] = {
        "id": f"{rule}|door-1|{opened}",
        "rule": rule,
        "rule_version": "1",
        "key": "door-1",
    }
    row |= {"device": "door-1", "severity": "warning", "category": "security", "why_zh": ""}
    row |= {"opened_at_ms": opened, "opened_heard_ms": opened, "why_en": "", "mode": mode}
    row |= {"closed_at_ms": opened + 10 * MINUTE, "times": times}
    with for_writing(place.engine).begin() as connection:
        connection.execute(alerts.insert().values(**row))


def test_a_rule_on_trial_is_reported_beside_the_live_one(place: Place) -> None:
    """Both, only one, the load of each."""
    (place.rules / "trial.yaml").write_text(ON_TRIAL, encoding="utf-8")
    alert(place, "held", 100)
    alert(place, "held-short", 108, "shadow")
    alert(place, "held-short", 50, "shadow", times=3)
    result = place.hub("rules", "shadow")
    lines = result.output.splitlines()

    assert result.exit_code == 0, result.output
    assert lines[0].startswith("held-short (on trial) beside held, ")
    assert "  both: 1, of these at other moments: 1" in lines
    assert "  only the one on trial: 1" in lines
    assert any(line.startswith("  held-short would have been: 2 calls") for line in lines)
    assert "    and 2 times again" in lines
    assert any(line.startswith("  held was: 1 call,") for line in lines)


def test_only_rules_on_trial_are_reported(place: Place) -> None:
    """The others by name."""
    assert "no rule in force is on trial" in place.hub("rules", "shadow").output
    (place.rules / "trial.yaml").write_text(ON_TRIAL, encoding="utf-8")
    wrong = place.hub("rules", "shadow", "held-shart")
    assert "no rule on trial is called held-shart; did you mean held-short?" in wrong.output
    assert "it is live" in place.hub("rules", "shadow", "held").output


def test_promotion_rewrites_both_files_and_keeps_comments(place: Place) -> None:
    """The live one is gone, the one on trial is live."""
    trial = place.rules / "trial.yaml"
    trial.write_text(ON_TRIAL, encoding="utf-8")
    result = place.hub("rules", "promote", "held-short")

    assert result.exit_code == 0, result.output
    assert "held-short is live; held is gone" in result.output
    text = trial.read_text(encoding="utf-8")
    assert "- rule: held-short   # since spring" in text
    assert "mode" not in text
    assert "instead_of" not in text
    assert "held" not in (place.rules / "held.yaml").read_text(encoding="utf-8")
    assert "2 rules, no mistake" in place.hub("rules", "check", place.rules).output


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("held-shirt", ("", ""), "there is no rule held-shirt; did you mean held-short?"),
        ("held", ("", ""), "the rule held is live already"),
        ("held-short", ("{2m: opens}", "{3m: opens}"), "its story fails: open"),
        ("held-short", ("severity: warning", "severity: warming"), "did you mean warning?"),
        (
            "held-short",
            ("rules:", "overrides: [{rule: held, device: d, off: true, reason: r, by: b, "
             "until: 2030-01-01}]\nrules:"),
            "held",
        ),
    ],
)  # fmt: skip
def test_a_promotion_that_is_not_right_changes_nothing(
    place: Place, name: str, change: tuple[str, str], why: str
) -> None:
    """All or nothing; the override of a rule that would be gone included."""
    trial = place.rules / "trial.yaml"
    trial.write_text(ON_TRIAL.replace(*change), encoding="utf-8")
    before = {file: file.read_bytes() for file in place.rules.iterdir()}
    result = place.hub("rules", "promote", name)

    assert result.exit_code == 1
    assert why in result.output
    assert "nothing was changed" in result.output
    assert {file: file.read_bytes() for file in place.rules.iterdir()} == before


def test_the_communitys_own_rules_are_not_rewritten(place: Place) -> None:
    """They are the program's."""
    result = place.hub("rules", "promote", "tamper", HUB_RULES_DIR="")

    assert result.exit_code == 1
    assert "hub rules copy FOLDER" in result.output


def test_check_warns_of_a_trial_instead_of_nobody(place: Place, tmp_path: Path) -> None:
    """It may stand in another folder: no mistake."""
    file = tmp_path / "trial.yaml"
    file.write_text(ON_TRIAL, encoding="utf-8")
    result = place.hub("rules", "check", file)

    assert result.exit_code == 0
    assert "stands instead of held, which is not in these files (a warning)" in result.output
