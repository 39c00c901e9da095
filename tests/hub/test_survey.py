"""The survey follows the journal over weeks: days, rhythms, signals."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from device_drivers.reading import Reading, Value
from hub import journal
from hub.database import device_days, devices, for_writing, latest, rhythms
from hub.devices import Devices, read_devices
from hub.journal import COMMAND, PRESS, READING, RETAINED, Entry, Journal
from hub.settings import Settings
from hub.site import Site
from hub.succession import Swap, swap
from hub.survey import FOLLOWER, Survey, Surveyor, rhythm_wants, signal_words
from tests.hub.courtroom import MORNING_MS, HandClock
from tests.hub.office import Office

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
SETTINGS = Settings(survey_batch_entries_max=7)  # so that it takes several


def said(device: str, at_ms: int, flags: int = 0, **points: Value) -> Entry:
    readings = tuple(Reading(point, value, at_ms) for point, value in points.items())
    return Entry(0, READING, device, at_ms, readings, flags=flags)


class Bureau:
    """A survey over a real database; the clock stands in the test's hand."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.clock = HandClock(MORNING_MS + 60 * DAY_MS)
        self.told: list[Entry] = []
        with for_writing(office.engine).begin() as connection:
            for name, family in (("door-1", "door"), ("btn-1", "button")):
                row = {"id": name, "family": family, "driver": "native", "address": name}
                connection.execute(
                    devices.insert().values(row | {"name_zh": name, "name_en": name, "added_ms": 0})
                )

    def begin(self) -> Surveyor:
        """A fresh process."""
        with self.office.engine.connect() as connection:
            self.devices = known = Devices(read_devices(connection))
            survey = Survey(known, Site().zone, rhythm_wants(SETTINGS))
            survey.load(connection)
        engine, writer = self.office.engine, self.office.writer
        log = Journal(engine)
        return Surveyor(survey, engine, log, writer, SETTINGS, self.clock, self.tell)

    async def tell(self, entries: Sequence[Entry]) -> None:
        self.told.extend(entries)

    def keep(self, entries: Iterable[Entry]) -> None:
        with for_writing(self.office.engine).begin() as connection:
            journal.append(connection, list(entries))

    def rows(self, table: sa.Table) -> list[Any]:
        with self.office.engine.connect() as connection:
            return list(connection.execute(table.select()).mappings())

    def commands(self) -> list[dict[str, Any] | None]:
        with self.office.engine.connect() as connection:
            return [one.body for one in journal.read(connection, 0, 1_000, [COMMAND])]


async def test_a_day_of_the_site_sums_up_what_was_said(office: Office) -> None:
    bureau = Bureau(office)
    midnight_ms = MORNING_MS - 9 * HOUR_MS
    bureau.keep(
        [
            said("door-1", midnight_ms - 1, rssi=-80.0, battery=91.0),
            said("door-1", midnight_ms, rssi=-90.0, battery=90.0),
            said("door-1", midnight_ms + HOUR_MS, rssi=-92.0, battery=89.0, battery_v=2.9),
            said("door-1", midnight_ms + 2 * HOUR_MS, flags=RETAINED, rssi=-10.0),
            said("nobody", midnight_ms + 2 * HOUR_MS, rssi=-10.0),
        ]
    )
    await bureau.begin().follow()

    before, day = bureau.rows(device_days)
    assert (before["day"], before["messages"], before["battery"]) == ("2026-03-01", 1, 91.0)
    assert (day["day"], day["messages"], day["battery"]) == ("2026-03-02", 2, 89.0)
    assert (day["rssi_sum"], day["rssi_count"], day["battery_v"]) == (-182.0, 2, 2.9)


async def test_killed_between_two_batches_nothing_is_counted_twice(office: Office) -> None:
    bureau = Bureau(office)
    bureau.keep(said("door-1", MORNING_MS + number * 1_000, rssi=-80.0) for number in range(20))
    await bureau.begin().follow()
    bureau.keep(said("door-1", MORNING_MS + number * 1_000, rssi=-80.0) for number in range(20, 30))
    await bureau.begin().follow()
    await bureau.begin().follow()

    (day,) = bureau.rows(device_days)
    assert (day["messages"], day["rssi_count"]) == (30, 30)
    assert bureau.rows(rhythms)[0]["gaps"] == 29
    with office.engine.connect() as connection:
        assert journal.cursor(connection, FOLLOWER) == 30


async def test_a_learned_silence_is_the_judges_from_then_on(office: Office) -> None:
    """Told once as a change of the register, and not again while it is nearly the same."""
    bureau = Bureau(office)
    bureau.keep(said("door-1", MORNING_MS + n * 6 * HOUR_MS, alive=True) for n in range(4 * 20))
    surveyor = bureau.begin()
    await surveyor.follow()
    await surveyor.look()
    await surveyor.look()

    assert bureau.commands() == [{"act": "register", "by": "survey"}]
    with office.engine.connect() as connection:
        known = {one.id: one.learned_silence_s for one in read_devices(connection)}
    assert known == {"door-1": 12 * 3_600, "btn-1": None}


async def test_what_the_old_device_taught_is_not_asked_of_the_one_that_took_its_place(
    office: Office,
) -> None:
    bureau = Bureau(office)
    bureau.keep(said("door-1", MORNING_MS + n * 6 * HOUR_MS, alive=True) for n in range(4 * 20))
    surveyor = bureau.begin()
    await surveyor.follow()
    await surveyor.look()
    with for_writing(office.engine).begin() as connection:
        wish = Swap("door-1", "native:door-2", "broken", "wang", driver="native")
        swap(connection, wish, bureau.clock.now)
    with office.engine.connect() as connection:
        assert [one.learned_silence_s for one in read_devices(connection)] == [None, None]
        bureau.devices.replace(read_devices(connection))
    bureau.keep(said("door-1", bureau.clock.now + n * DAY_MS, alive=True) for n in range(1, 4))
    await surveyor.follow()
    await surveyor.look()
    [learned] = bureau.rows(rhythms)
    assert (learned["learned_s"], learned["gaps"]) == (None, 2)


async def test_presses_teach_nothing_about_silence(office: Office) -> None:
    bureau = Bureau(office)
    bureau.keep(
        said("btn-1", MORNING_MS + day * DAY_MS, flags=PRESS, press="test") for day in range(40)
    )
    surveyor = bureau.begin()
    await surveyor.follow()
    await surveyor.look()

    assert bureau.rows(rhythms) == []
    assert len(bureau.rows(device_days)) == 40


async def test_a_signal_that_fell_gets_one_word_and_one_when_it_is_back(office: Office) -> None:
    """A word marked as a copy: it is the hub's, and no sign of life of the device."""
    bureau = Bureau(office)
    first = bureau.clock.now - 30 * DAY_MS
    bureau.keep(
        said("door-1", first + day * DAY_MS, rssi=-70.0 if day < 26 else -85.0) for day in range(30)
    )
    surveyor = bureau.begin()
    await surveyor.follow()
    await surveyor.look()

    (word,) = bureau.told
    assert (word.device, word.flags) == ("door-1", RETAINED)
    assert word.readings == (Reading("signal_worse", True, bureau.clock.now),)

    with for_writing(office.engine).begin() as connection:
        row = {"device": "door-1", "heard_ms": first, "gateway": None}
        points = f'{{"signal_worse": [true, {bureau.clock.now}]}}'
        connection.execute(latest.insert().values(row | {"points_json": points}))
        assert signal_words(connection, SETTINGS, bureau.clock.now) == []
        lenient = replace(SETTINGS, signal_fall_db=50.0)
        (back,) = signal_words(connection, lenient, bureau.clock.now)
    assert back.readings[0].value is False


async def test_old_days_are_forgotten(office: Office) -> None:
    bureau = Bureau(office)
    bureau.keep([said("door-1", MORNING_MS - 500 * DAY_MS), said("door-1", MORNING_MS)])
    surveyor = bureau.begin()
    await surveyor.follow()
    await surveyor.look()

    assert [row["day"] for row in bureau.rows(device_days)] == ["2026-03-02"]
