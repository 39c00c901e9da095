"""The press of proof in the house: what keeps it back, what does not, and that nobody counts it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from device_drivers.reading import Reading
from hub import doctor, outbox, register
from hub.canary import CHANNEL, DEVICE, THE_CANARY, Canary, marked
from hub.cases import Cases, Ledger
from hub.database import alerts, case_log, cases, changes, for_writing, latest, notices
from hub.devices import Devices
from hub.docket import Docket
from hub.doctor import OK, PROBLEM, WARNING
from hub.health import GREEN, RED, YELLOW
from hub.journal import PRESS, READING, STRANGER, Entry
from hub.notifiers import names_of
from hub.outbox import SENT, Outcome
from hub.own_parts import ChannelStates
from hub.past import open_journal
from hub.settings import Settings
from rules.judge import Judge
from rules.loader import built_in
from tests.hub.courtroom import MORNING_MS, RULES
from tests.hub.rule_court import RuleCourt
from tests.hub.timekeeper import Timekeeper

SETTINGS = Settings()
STANDING_BYTES_MAX = 40_000


# -- the hub's own presses -------------------------------------------------------------------------


def test_it_is_green_with_its_way_yellow_when_slow_and_red_when_lost() -> None:
    canary = Canary(SETTINGS)
    canary.pressed("a", 0.0)
    assert canary.look(1.0).state == GREEN, "the first is on its way"
    assert canary.look(6.0).state == YELLOW
    assert canary.look(91.0).state == RED
    canary.told("a", 92.0)
    assert canary.look(92.0).state == RED, "so late proves nothing"
    canary.pressed("b", 120.0)
    canary.told("b", 120.2)
    assert canary.look(120.2) == (
        GREEN,
        "自检按压 200 毫秒走完全程",
        "a press goes the whole way in 200 ms",
    )
    assert (canary.figures()["lost"], canary.figures()["le_0.25"]) == (1, 1)


def test_a_press_that_found_nobody_at_a_slow_start_is_no_alarm_once_a_later_one_is_back() -> None:
    """The broker was up 15 s after the hub: the first press went nowhere, the second came back."""
    canary = Canary(SETTINGS)
    canary.pressed("nowhere", 0.0)
    canary.pressed("well", 60.0)
    canary.told("well", 60.1)
    for now_s in (60.2, 90.5, 119.0):
        assert canary.look(now_s).state == GREEN, now_s
    assert canary.figures()["lost"] == 1, "it is counted all the same"
    canary.pressed("next", 120.0)
    assert canary.look(211.0).state == RED


# -- with the judge --------------------------------------------------------------------------------


class Bench:
    """Judge and docket with the hub's own rule, fed with presses of proof."""

    def __init__(self) -> None:
        self.judge = Judge(built_in(), zone=ZoneInfo("Asia/Shanghai"))
        self.docket = Docket(self.judge, Cases(), Devices(), ["mqtt"])
        self.seq = 0

    def press(self, at_ms: int) -> int:
        """One press; how often it is answered."""
        self.seq += 1
        readings = marked((Reading("press", "canary", at_ms),), f"p{self.seq}", at_ms - 5)
        self.docket.hear(Entry(self.seq, READING, DEVICE, at_ms, readings))
        ledger = Ledger()
        self.docket.findings(ledger, at_ms)
        assert [ledger.alerts, ledger.cases, ledger.log, ledger.changes] == [[], {}, [], []]
        assert ledger, "an answer alone is written at once, not with the next flush"
        ids = [msgspec.json.decode(one.body_json)["id"] for one in ledger.notices]
        assert set(ids) <= {f"p{self.seq}"}
        return len(ids)

    def standing_bytes(self) -> int:
        """How much is written with each press."""
        return sum(len(row.state) for row in self.judge.take_changed(0))


def test_after_weeks_it_costs_what_it_did_at_first() -> None:
    bench, sizes = Bench(), []
    for number in range(2_000):
        assert bench.press(MORNING_MS + number * 30_000) == 1
        sizes.append(bench.standing_bytes())
    assert max(sizes) < STANDING_BYTES_MAX, "nothing of it may pile up"


@pytest.mark.parametrize("back_ms", [0, 1, 9_000_000, 7 * 86_400_000], ids=lambda ms: f"{ms} ms")
def test_a_clock_that_is_set_back_or_stands_still_loses_none(back_ms: int) -> None:
    """Neither is one of them the same as the one before, nor too late to be judged."""
    bench = Bench()
    for number in range(400):
        assert bench.press(MORNING_MS + number * 30_000) == 1
    for number in range(300):
        assert bench.press(MORNING_MS + 399 * 30_000 - back_ms + number // 3) == 1, number


def test_two_of_one_slice_are_both_answered() -> None:
    """The hub's own and a watcher's, in one millisecond."""
    bench, ledger = Bench(), Ledger()
    for seq in (1, 2):
        readings = marked((Reading("press", "canary", MORNING_MS),), f"p{seq}", None)
        bench.docket.hear(Entry(seq, READING, DEVICE, MORNING_MS, readings))
    bench.docket.findings(ledger, MORNING_MS)
    bodies = [msgspec.json.decode(one.body_json) for one in ledger.notices]
    assert [one["id"] for one in bodies] == ["p1", "p2"]
    assert bodies[0]["published_ms"] is None, "it did not say when"


# -- in the running hub, whatever its rules --------------------------------------------------------


@pytest.fixture
def court(tmp_path: Path) -> Iterator[RuleCourt]:
    court = RuleCourt(tmp_path)
    yield court
    court.close()


def press(court: RuleCourt, name: str) -> None:
    """As the door keeps it."""
    at_ms = court.clock.now
    readings = marked((Reading("press", "canary", at_ms),), name, at_ms)
    court.keep([Entry(0, READING, DEVICE, at_ms, readings, flags=PRESS | STRANGER)])


def answered(court: RuleCourt) -> list[str]:
    """The presses that have an answer in the outbox."""
    bodies = [msgspec.json.decode(body) for body in court.rows(notices, "body_json")]
    return [one["id"] for one in bodies if "heard_ms" in one]


async def test_rules_are_reloaded_broken_put_back_and_the_hub_is_killed_and_each_is_answered_once(
    court: RuleCourt,
) -> None:
    diffs = []

    async def reload(text: str) -> None:
        court.write("rules.yaml", text)
        await court.reloaded()
        diffs.append(court.in_force.diff)

    press(court, "before")
    await court.at(1)
    await reload(RULES.replace("below: 10", "below: 20"))
    press(court, "edited")
    await court.at(2)
    court.write("rules.yaml", "rules: [{rule: x}]")
    await court.look()
    press(court, "broken")
    await court.at(3)
    press(court, "killed")
    await court.kill()
    await court.at(4)
    await reload(RULES)
    press(court, "put back")
    await court.at(5)
    await court.kill()
    await court.at(6)

    assert answered(court) == ["before", "edited", "broken", "killed", "put back"]
    assert "hub-canary" not in str(diffs)
    assert "hub-canary" not in court.in_force.versions
    told = (alerts, cases, case_log, latest)
    assert not [row for table in told for row in court.rows(table, table.c.keys()[0])]
    assert "canary" not in str(court.rows(changes, "key", "body_json"))


async def test_a_press_and_a_reload_in_one_slice(court: RuleCourt) -> None:
    """The command stands right behind the press; both are judged together."""
    press(court, "just before")
    court.write("rules.yaml", RULES.replace("below: 10", "below: 30"))
    await court.look()
    press(court, "just after")
    await court.at(1)
    assert answered(court) == ["just before", "just after"]


async def test_what_is_sent_is_no_news_for_pages_and_no_past_for_backtests(
    court: RuleCourt,
) -> None:
    press(court, "p")
    court.said("btn-1", press="sos")
    await court.at(1)
    with for_writing(court.engine).begin() as connection:
        [answer] = outbox.heads(connection, CHANNEL, [], 10)
        before = connection.execute(changes.select()).all()
        outbox.note(connection, [Outcome(answer, SENT, court.clock.now, court.clock.now)])
        assert connection.execute(changes.select()).all() == before
    past = open_journal(court.engine, court.settings, None, None, court.clock.now, 0)
    assert [entry.device for entry in past.entries()] == ["btn-1"]


def test_its_channel_is_none_by_which_people_are_called_and_no_case_when_it_fails() -> None:
    states = ChannelStates(1, apart=(CHANNEL,))
    for name in (CHANNEL, "mqtt"):
        states.failed(name, given_up=True)
    assert states.online == {CHANNEL: True, "mqtt": False}
    assert CHANNEL not in names_of(SETTINGS)


def test_it_is_nobodys_device() -> None:
    """So no coverage, no rhythm, no roster and no page of a resident can know it."""
    assert (THE_CANARY.resident, THE_CANARY.grid, THE_CANARY.ground) == (None, None, None)
    assert THE_CANARY.family not in register.FAMILIES


# -- for whoever looks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "age_s", "verdict"),
    [
        (GREEN, 30, OK),
        (YELLOW, 30, WARNING),
        (RED, 30, PROBLEM),
        (GREEN, 3_600, WARNING),
        (None, 0, OK),
    ],
)
async def test_the_doctor_takes_no_old_word_for_a_proof(
    court: RuleCourt, tmp_path: Path, state: str | None, age_s: int, verdict: str
) -> None:
    clock = Timekeeper()
    if state is not None:
        with closing(sqlite3.connect(tmp_path / "hub.db")) as connection, connection:
            row = ("canary", state, "", "so it is", "{}", clock.now_ms() - age_s * 1_000)
            connection.execute("INSERT INTO health VALUES (?, ?, ?, ?, ?, ?)", row)
    assert (await doctor.check_canary(Settings(data_dir=tmp_path), clock)).verdict == verdict
