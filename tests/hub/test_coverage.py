"""Coverage equals a recount from the journal, whatever happened and at every moment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub import journal
from hub.cases import Cases
from hub.coverage import find_coverage, last_pressed
from hub.database import (
    commissionings,
    devices,
    duty_phones,
    for_writing,
    ghosts,
    grids,
    health,
    latest,
    migrate,
    open_engine,
    residents,
    standings,
)
from hub.database import journal as journal_table
from hub.devices import Devices, read_devices
from hub.docket import Docket
from hub.evaluate import Evaluation
from hub.feed import Feed
from hub.journal import PRESS, READING, Entry
from hub.settings import Settings
from hub.site import Site
from hub.succession import Swap, swap
from hub.writer import Writer
from rules.judge import Judge
from rules.rule import RuleSet
from tests.hub.courtroom import MORNING_MS, HandClock
from tests.hub.office import Office

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SETTINGS = Settings(settle_ms=0, standings_flush_ms=0, standings_flush_rows_max=1_000)
SILENCE_S = {"btn-1": 3_600, "btn-2": 26 * 3_600, "btn-3": 26 * 3_600, "btn-4": 35 * 86_400}
OWNER = {"btn-1": "r-1", "btn-2": "r-1", "btn-3": "r-2", "btn-4": "r-3"}
GRID_OF = {"r-1": "grid-1", "r-2": "grid-1", "r-3": "grid-2", "r-4": "grid-2", "r-5": None}
GATEWAYS = ("gw-1", "gw-2")


def seed(connection: Connection) -> None:
    """Five residents: one with two buttons, two with one, two with none, one in no grid."""
    for grid in ("grid-1", "grid-2"):
        named = {"id": grid, "name_zh": grid, "name_en": grid, "phone": "110"}
        connection.execute(grids.insert().values(named))
    for resident, its in GRID_OF.items():
        row = {"id": resident, "name": resident, "place": "b1", "grid": its}
        connection.execute(residents.insert().values(row))
    for button, resident in OWNER.items():
        row = _device(button, "button", resident_id=resident)
        connection.execute(devices.insert().values(row | {"expected_silence_s": SILENCE_S[button]}))
    for gateway in GATEWAYS:
        connection.execute(devices.insert().values(_device(gateway, "gateway")))


def _device(name: str, family: str, **more: Any) -> dict[str, Any]:
    row = {"id": name, "family": family, "driver": "native", "address": f"native:{name}"}
    return row | {"name_zh": name, "name_en": name, "added_ms": MORNING_MS} | more


class Community:
    """A register, a journal, the judge that writes `latest`, and a recount that does without."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.url = f"sqlite:///{folder / 'hub.db'}"
        self.engine = open_engine(self.url)
        migrate(self.engine)
        self.judges: Engine | None = None
        self.swaps = 0
        self.writer = Writer(for_writing(self.engine), retry_s=0.01)
        self.write(seed)

    def begin(self) -> None:
        """The same community before anything was heard."""
        self.clock.now = MORNING_MS
        empty = (journal_table, latest, standings, health, duty_phones, commissionings, ghosts)
        self.swapped = dict.fromkeys(OWNER, 0)
        self.write(lambda connection: [connection.execute(table.delete()) for table in empty])
        self.feed = Feed(100)
        with self.engine.connect() as connection:
            known = Devices(read_devices(connection))
        if self.judges is not None:
            self.judges.dispose()
        self.judges = open_engine(self.url)  # the judge keeps a connection of it for good
        self.evaluation = Evaluation(
            Docket(Judge(RuleSet(()), zone=Site().zone), Cases(), known, []),
            engine=self.judges,
            writer=self.writer,
            feed=self.feed,
            settings=SETTINGS,
            clock=self.clock,
            on_written=lambda: None,
        )
        self.evaluation.restore()

    def write(self, job: Any) -> None:
        """In a transaction of its own."""
        with for_writing(self.engine).begin() as connection:
            job(connection)

    async def happen(self, what: str, *with_: Any) -> None:
        """One step of a history."""
        getattr(self, f"_{what}")(*with_)
        await self.evaluation.fill()
        while await self.evaluation.step():
            await self.evaluation.fill()

    def _says(self, device: str, gateway: str | None, late_ms: int, points: dict[str, Any]) -> None:
        now_ms = self.clock.now
        readings = tuple(Reading(name, value, now_ms - late_ms) for name, value in points.items())
        flags = PRESS if device in OWNER else 0
        entry = Entry(0, READING, device, now_ms, readings, gateway=gateway, flags=flags)
        with for_writing(self.engine).begin() as connection:
            first = journal.append(connection, [entry])
        self.feed.put(first, [entry])

    def _passes(self, span_ms: int) -> None:
        self.clock.now += span_ms

    def _phone(self, grid: str) -> None:
        def job(connection: Connection) -> None:
            connection.execute(duty_phones.delete().where(duty_phones.c.grid == grid))
            connection.execute(duty_phones.insert().values(grid=grid, heard_ms=self.clock.now))

        self.write(job)

    def _part(self, part: str, state: str) -> None:
        def job(connection: Connection) -> None:
            connection.execute(health.delete().where(health.c.part == part))
            row = {"part": part, "state": state, "text_zh": "", "text_en": ""}
            connection.execute(health.insert().values(row | {"at_ms": self.clock.now}))

        self.write(job)

    def _tested(self, device: str) -> None:
        row = {"device": device, "address": device, "why": "adopted", "by": "wang"}
        moments = {"at_ms": self.clock.now, "test_press_ms": self.clock.now}
        self.write(lambda c: c.execute(commissionings.insert().values(row | moments)))

    def _swap(self, device: str) -> None:
        self.clock.now += 1_000
        self.swapped[device] = self.clock.now
        self.swaps += 1
        wish = Swap(device, f"native:new-{self.swaps}", "broken", "wang")
        self.write(lambda connection: swap(connection, wish, self.clock.now))
        self.clock.now += 1_000

    def answer(self) -> dict[str, set[str]]:
        """What the hub says: resident → reasons."""
        with self.engine.connect() as connection:
            found = find_coverage(connection, SETTINGS, self.clock.now)
        return {one.resident_id: set(one.reasons) for one in found}

    def recount(self) -> dict[str, set[str]]:
        """The same out of every line of the journal, in the most simple-minded way."""
        with self.engine.connect() as connection:
            lines = journal.read(connection, 0, 1_000_000, [READING])
            parts = {row.part: row for row in connection.execute(health.select())}
            beats = {row.grid: row.heard_ms for row in connection.execute(duty_phones.select())}
            tests = connection.execute(
                sa.select(commissionings.c.device, commissionings.c.test_press_ms)
            ).all()
        now = self.clock.now
        way = set()
        if "hub" not in parts or now - parts["hub"].at_ms > 9_000:
            way.add("hub_down")
        links = [parts[name].state for name in ("broker-buttons", "broker-others") if name in parts]
        if links and set(links) == {"red"}:
            way.add("broker_down")
        found = {}
        for resident, grid in GRID_OF.items():
            reasons = set(way)
            if grid is None or (grid in beats and now - beats[grid] > 300_000):
                reasons.add("no_duty_phone")
            own = [button for button, owner in OWNER.items() if owner == resident]
            wrong = [self._wrong_with(button, lines, tests, now) for button in own]
            if not own:
                reasons.add("no_button")
            elif all(wrong):
                for one in wrong:
                    reasons |= one
            found[resident] = reasons
        return found

    def _wrong_with(self, button: str, lines: list[Entry], tests: Any, now: int) -> set[str]:
        since = self.swapped[button]  # what the device before it said is no word of this one
        mine = [line for line in lines if line.device == button and line.arrived_ms > since]
        presses = [r.at_ms or 0 for line in mine for r in line.readings if r.point == "press"]
        presses += [at for device, at in tests if device == button and at is not None]
        presses = [at for at in presses if at > since]
        wrong = set()
        if not mine:
            wrong.add("never_heard")
        elif now - mine[-1].arrived_ms > SILENCE_S[button] * 1_000:
            wrong.add("silent")
        if not presses or now - max(presses) > 31 * DAY_MS:
            wrong.add("no_test_press")
        if newest(mine, "online", since) is False:
            wrong.add("offline")
        battery = newest(mine, "battery", since)
        if battery is not None and battery <= 5:
            wrong.add("battery_flat")
        by = [line.gateway for line in mine if line.gateway]
        if by and newest([line for line in lines if line.device == by[-1]], "online") is False:
            wrong.add("gateway_offline")
        return wrong


def newest(lines: list[Entry], point: str, since: int = 0) -> Any:
    """The value that was so last: by the moment of the reading, then by the order of arrival."""
    said = [
        (reading.at_ms, number, reading.value)
        for number, line in enumerate(lines)
        for reading in line.readings
        if reading.point == point and (reading.at_ms or 0) > since
    ]
    return max(said)[2] if said else None


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    found = Community(tmp_path_factory.mktemp("coverage"))
    yield found
    found.writer.close()
    found.engine.dispose()


BUTTON = st.sampled_from(sorted(OWNER))
GATEWAY = st.sampled_from(GATEWAYS)
HEARD_BY = st.sampled_from((*GATEWAYS, None))
LATE = st.sampled_from((0, 0, 0, 5 * MINUTE_MS, 3 * HOUR_MS))
SAID: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({"press": "test"}),
    st.just({"press": "sos"}),
    st.sampled_from((3.0, 5.0, 6.0, 80.0)).map(lambda percent: {"battery": percent}),
    st.booleans().map(lambda there: {"online": there}),
)
STEPS = st.one_of(
    st.tuples(st.just("says"), BUTTON, HEARD_BY, LATE, SAID),
    st.tuples(st.just("says"), BUTTON, HEARD_BY, LATE, SAID),
    st.tuples(
        st.just("says"), GATEWAY, st.none(), LATE, st.booleans().map(lambda on: {"online": on})
    ),
    st.tuples(
        st.just("passes"),
        st.sampled_from((1_000, MINUTE_MS, 6 * MINUTE_MS, HOUR_MS, DAY_MS, 32 * DAY_MS)),
    ),
    st.tuples(st.just("phone"), st.sampled_from(("grid-1", "grid-2"))),
    st.tuples(
        st.just("part"),
        st.sampled_from(("hub", "hub", "hub", "broker-buttons", "broker-others")),
        st.sampled_from(("green", "red")),
    ),
    st.tuples(st.just("tested"), BUTTON),
    st.tuples(st.just("swap"), BUTTON),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=40))
async def test_after_every_step_of_any_history_the_answer_is_that_of_a_recount(
    community: Community, steps: list[tuple[Any, ...]]
) -> None:
    community.begin()
    assert community.answer() == community.recount()
    for step in steps:
        await community.happen(*step)
        assert community.answer() == community.recount(), step


async def test_who_is_covered_and_who_is_not(community: Community) -> None:
    """One history in plain words, so that the recount itself is seen to be right."""
    community.begin()
    await community.happen("part", "hub", "green")
    assert community.answer()["r-2"] == {"never_heard", "no_test_press"}
    assert community.answer()["r-4"] == {"no_button"}

    await community.happen("says", "btn-3", "gw-1", 0, {"press": "test", "battery": 80.0})
    assert community.answer()["r-2"] == set()

    await community.happen("says", "gw-1", None, 0, {"online": False})
    assert community.answer()["r-2"] == {"gateway_offline"}

    await community.happen("says", "btn-3", "gw-2", 0, {})  # heard through the other one
    assert community.answer()["r-2"] == set()

    await community.happen("passes", 27 * HOUR_MS)
    await community.happen("part", "hub", "green")
    assert community.answer()["r-2"] == {"silent"}


async def test_nothing_that_a_swapped_button_said_is_proof_of_the_new_one(
    community: Community,
) -> None:
    community.begin()
    await community.happen("part", "hub", "green")
    await community.happen("says", "btn-3", "gw-1", 0, {"press": "test", "battery": 4.0})
    await community.happen("tested", "btn-3")
    await community.happen("swap", "btn-3")
    assert community.answer()["r-2"] == {"never_heard", "no_test_press"}

    await community.happen("says", "btn-3", "gw-1", 0, {"alive": True})
    assert community.answer()["r-2"] == {"no_test_press"}, "it speaks, but nobody has pressed it"
    with community.engine.connect() as connection:
        said = dict(connection.execute(sa.select(latest.c.device, latest.c.points_json)).all())
        assert last_pressed(connection, "btn-3", said["btn-3"]) is None, "and its page says so"

    await community.happen("says", "btn-3", "gw-1", 0, {"press": "test"})
    assert community.answer()["r-2"] == set()


async def test_what_was_heard_in_a_time_that_the_clock_was_set_back_from_proves_nothing(
    community: Community,
) -> None:
    """A hub that begins without the right time: what it heard then must not cover for years."""
    community.begin()
    await community.happen("passes", 400 * DAY_MS)
    await community.happen("says", "btn-3", "gw-1", 0, {"press": "test"})
    await community.happen("phone", "grid-1")
    await community.happen("part", "hub", "green")
    assert community.answer()["r-2"] == set()

    community.clock.now -= 400 * DAY_MS
    assert community.answer()["r-2"] == {"hub_down", "no_duty_phone", "silent", "no_test_press"}


def test_a_site_without_grids_has_no_duty_phone_to_miss(office: Office) -> None:
    with for_writing(office.engine).begin() as connection:
        connection.execute(residents.insert().values(id="r", name="r", place="b1"))
    with office.engine.connect() as connection:
        found = find_coverage(connection, SETTINGS, MORNING_MS)

    assert found[0].reasons == ("hub_down", "no_button")
