"""Refusals that are read again: each once, at their own time, worth what they were at the door."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Engine

import hub.redecode
from hub import journal as entries
from hub.cli import cli
from hub.database import devices, for_writing, ghosts, migrate, open_engine
from hub.devices import Device
from hub.ghosts import Ghost
from hub.journal import COMMAND, PRESS, READING, REDECODED, REFUSAL, Entry
from hub.redecode import Outcome, redecode, take_in
from hub.settings import Settings
from tests.hub.threshold import MINUTE_MS, NOON_MS, Threshold

EUI = "24e124535b316056"
UP = f"application/1/device/{EUI}/event/up"
PRESSED, BATTERY = "/y4B", "AXVk"
UNKNOWN = "unknown device, no driver is known for it"


class Office:
    """A database with what the hub had heard; the register and the drivers change later."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder / 'hub.db'}")
        migrate(self.engine)
        self.settings = Settings(data_dir=folder)

    def keep(self, heard: Sequence[Entry], writes: Sequence[tuple[str, Any]] = ()) -> None:
        with for_writing(self.engine).begin() as connection:
            for statement, rows in writes:
                connection.exec_driver_sql(statement, rows)
            entries.append(connection, heard)

    def refused(
        self, payload: bytes, at_ms: int, *, topic: str = UP, flags: int = 0, **more: Any
    ) -> None:
        """A message that was not understood."""
        body = {"topic": topic, "reason": UNKNOWN, "bytes": len(payload), **more}
        self.keep([Entry(0, REFUSAL, None, at_ms, (), body, payload, flags=flags, link=1)])

    def register(self, device_id: str, family: str, driver: str, address: str) -> None:
        with for_writing(self.engine).begin() as connection:
            connection.execute(
                devices.insert(),
                {
                    "id": device_id,
                    "family": family,
                    "driver": driver,
                    "address": address,
                    "name_zh": device_id,
                    "name_en": device_id,
                    "added_ms": 0,
                },
            )

    def read(self, kind: str) -> list[Entry]:
        with self.engine.connect() as connection:
            return entries.read(connection, 0, 10_000, [kind])

    def redecode(self, **wanted: Any) -> Outcome:
        return redecode(self.engine, self.settings, NOON_MS, **wanted)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path)
    yield found
    found.engine.dispose()


def frame(data: str, counter: int, eui: str = EUI) -> bytes:
    body = {
        "deduplicationId": str(counter),
        "deviceInfo": {"devEui": eui},
        "fPort": 85,
        "data": data,
    }
    return json.dumps(body).encode()


def known_button(office: Office) -> None:
    office.register("btn-1", "button", "milesight_button", f"lorawan:{EUI}")


def test_what_is_understood_now_becomes_readings_of_their_own_time(office: Office) -> None:
    office.refused(frame(BATTERY, 1), NOON_MS - 5 * MINUTE_MS)
    office.refused(frame(PRESSED, 2), NOON_MS - 4 * MINUTE_MS)
    known_button(office)
    outcome = office.redecode()

    assert list(outcome.lines()) == ["     2 read again by milesight_button"]
    battery, press = office.read(READING)
    assert [entry.readings[0][:3] for entry in (battery, press)] == [
        ("battery", 100.0, NOON_MS - 5 * MINUTE_MS),
        ("press", "single", NOON_MS - 4 * MINUTE_MS),
    ]
    assert press.arrived_ms == NOON_MS - 4 * MINUTE_MS
    assert press.device == "btn-1"
    assert press.flags & PRESS
    assert press.flags & REDECODED
    assert [entry.flags & REDECODED for entry in office.read(REFUSAL)] == [REDECODED] * 2


def test_behind_them_a_command_tells_the_hub_that_runs(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    known_button(office)
    office.redecode()

    (command,) = office.read(COMMAND)
    assert command.body is not None
    assert command.body["act"] == "redecoded"
    assert (command.body["readings"], command.body["of_buttons"]) == (1, 1)
    assert command.seq == max(entry.seq for entry in office.read(READING)) + 1


def test_twice_is_once(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    known_button(office)
    office.redecode()
    outcome = office.redecode()

    assert list(outcome.lines()) == []
    assert len(office.read(READING)) == len(office.read(COMMAND)) == 1


def test_of_two_runs_at_the_same_time_the_second_keeps_nothing(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    known_button(office)
    with office.engine.connect() as connection:
        opener = hub.redecode._opener(connection, office.settings)
        (old,), _ = hub.redecode._refusals(connection, 0, 10, 0, 10)
    again = hub.redecode._open(opener, old, None, Outcome())
    assert again is not None
    office.redecode()
    with for_writing(office.engine).begin() as connection:
        hub.redecode._keep(connection, [again], [], NOON_MS)

    assert len(office.read(READING)) == len(office.read(COMMAND)) == 1


def test_a_dry_run_tells_and_writes_nothing(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    known_button(office)
    outcome = office.redecode(dry_run=True)

    assert outcome.read_again == {"milesight_button": 1}
    assert outcome.presses == 1
    assert office.read(READING) == office.read(COMMAND) == []
    assert office.redecode().read_again == {"milesight_button": 1}


def test_what_is_still_not_understood_is_told_by_reason_and_stays(office: Office) -> None:
    office.refused(frame(BATTERY, 1), NOON_MS)
    office.refused(b"{", NOON_MS)
    lines = list(office.redecode().lines())

    assert len(lines) == 2
    assert all("still refused" in line for line in lines)
    assert any(UNKNOWN in line for line in lines)
    assert [entry.flags for entry in office.read(REFUSAL)] == [0, 0]


def test_one_that_was_cut_off_is_passed_over_with_the_reason(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS, bytes=300_000)
    known_button(office)
    (line,) = office.redecode().lines()

    assert "skipped: cut off" in line
    assert "of 300000 bytes" in line
    assert office.read(READING) == []


def test_only_what_is_asked_for_is_read(office: Office) -> None:
    office.refused(frame(BATTERY, 1), NOON_MS - 10 * MINUTE_MS)
    office.refused(frame(BATTERY, 2), NOON_MS - 1 * MINUTE_MS)
    known_button(office)

    assert office.redecode(driver="netvox").read_again == {}
    assert office.redecode(since_ms=NOON_MS - 5 * MINUTE_MS).read_again == {"milesight_button": 1}
    assert office.redecode(driver="milesight_button").read_again == {"milesight_button": 1}


def test_a_remark_on_a_message_that_was_kept_is_none_of_these(office: Office) -> None:
    door = Threshold()
    door.said("btn-1", press="sos", battery="full", id="1")
    door.said("btn-1", retained=True, press="sos", id="2")
    assert len(door.refusals()) == 2
    office.keep(door.heard)
    kept = len(office.read(READING))

    assert list(office.redecode().lines()) == []
    assert len(office.read(READING)) == kept


@pytest.mark.parametrize("retained", [False, True])
def test_what_a_ghost_said_and_was_understood_then_calls_nobody_again(
    office: Office, retained: bool
) -> None:
    """A button without id and time, as many are: nothing in its message tells one from another."""
    door = Threshold()
    ghost = Ghost("zigbee2mqtt:sos_1", "btn-3", "zigbee2mqtt", "button", NOON_MS)
    door.devices.replace([], [ghost])
    door.hear("zigbee2mqtt/sos_1", b'{"action": "emergency"}', retained=retained)
    door.hear("zigbee2mqtt/sos_1", b'{"battery": 60}', retained=retained)
    office.keep(door.heard)
    assert office.redecode().presses == 0
    assert len(office.read(READING)) == sum(one.kind == READING for one in door.heard)


def test_the_frame_of_a_button_that_was_swapped_meanwhile_is_read_by_its_own_driver(
    office: Office,
) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    office.register("btn-1", "button", "native", "native:btn-9")
    buried = {"address": f"lorawan:{EUI}", "device": "btn-1", "driver": "milesight_button"}
    buried |= {"family": "button", "swapped_by": "wang", "reason": "broken"}
    with for_writing(office.engine).begin() as connection:
        connection.execute(ghosts.insert(), {**buried, "swapped_ms": NOON_MS, "messages": 0})
    assert office.redecode().presses == 1
    said = {one.device: one.readings[0].point for one in office.read(READING)}
    assert said == {f"lorawan:{EUI}": "press", "btn-1": "ghost"}


def test_of_a_retained_refusal_a_press_stays_none(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS, flags=entries.RETAINED)
    known_button(office)
    office.redecode()

    assert [entry.readings for entry in office.read(READING)] == [()]


def test_a_message_that_was_understood_meanwhile_is_not_doubled(office: Office) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    office.refused(frame(PRESSED, 1), NOON_MS + 1_000)
    known_button(office)
    outcome = office.redecode()

    assert outcome.read_again == {"milesight_button": 1}
    assert outcome.known == 1
    assert len(office.read(READING)) == 1


def test_old_totals_are_worth_what_they_were_at_the_door(office: Office, tmp_path: Path) -> None:
    """And the hub that runs learns what its counter has missed, without counting twice."""
    machine = Device("gym-1", "counter", "native", "native:gym-1", "器材", "Machine")
    door = Threshold(machine, folder=tmp_path)
    door.said("gym-1", uses=90)
    door.now += 10 * MINUTE_MS
    door.said("gym-1", uses=5)
    office.register("gym-1", "counter", "native", "native:gym-1")
    topic = "community/demo/counter/gym-1/up"
    office.refused(b'{"uses": 97}', NOON_MS + 2 * MINUTE_MS, topic=topic)
    office.redecode()
    told = [reading.value for entry in office.read(READING) for reading in entry.readings]
    assert told == [90, 95, 95]  # no more than what was told of later
    (command,) = office.read(COMMAND)
    take_in(door.opener.worth, command)

    door.now += MINUTE_MS
    (entry,) = door.said("gym-1", uses=6)
    assert entry.readings[0].value == 97 + 6
    door.close()


def test_the_command_says_what_became_of_each(office: Office, tmp_path: Path) -> None:
    office.refused(frame(PRESSED, 1), NOON_MS)
    office.refused(b"{", NOON_MS)
    known_button(office)
    run = CliRunner(env={"HUB_DATA_DIR": str(tmp_path)})

    dry = run.invoke(cli, ["redecode", "--dry-run"])
    assert dry.output.splitlines()[-1] == (
        "1 would be read again, 1 of them with a press; 1 stay refused"
    )
    done = run.invoke(cli, ["redecode", "--since", "3650d", "--driver", "milesight_button"])
    assert done.output.splitlines()[-1] == ("1 read again, 1 of them with a press; 0 stay refused")
    wrong = run.invoke(cli, ["redecode", "--driver", "milesigth_button"])
    assert wrong.exit_code == 1
    assert "milesight_button" in wrong.output
    assert run.invoke(cli, ["redecode", "--since", "yesterday"]).exit_code == 1
