"""The backtest of the rules in force gives back the live log, whatever happened on the way."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from device_drivers.reading import Reading, Value
from hub import journal
from hub.archive import points_of
from hub.backtest import Result, Trial, backtest
from hub.database import alerts, case_log, cases, devices, for_writing, gateways
from hub.database import journal as journal_table
from hub.devices import Device
from hub.journal import COMMAND, PRESS, READING, REDECODED, RETAINED, STRANGER, Entry
from hub.local_series import LocalSeries
from hub.past import Asked, open_journal, read_commands
from hub.recorded import write
from hub.replay import Terms, Timing, TooMany, replay
from hub.site import PLAIN_NIGHT, Site
from hub.trying import Span, open_file, open_past
from hub.world import PastCase, World
from rules.loader import load
from rules.past import History
from rules.rule import RuleSet
from tests.hub.courtroom import MORNING_MS, Courtroom

MINUTE = 60_000
RULES = """
rules:
  - rule: emergency-press
    where: {family: button}
    when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
  - rule: door-open
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 90s
    clear_for: 20s
    severity: warning
    category: security
  - rule: battery-low
    when: {point: battery, below: 10, back_above: 20}
    severity: notice
    category: maintenance
  - rule: silent
    where: {family: [door, button, counter]}
    when: {silent_for: 15m}
    severity: warning
    category: fault
  - rule: still
    where: {family: door}
    when: {point: contact, still_for: 20m}
    severity: urgent
    category: welfare
  - rule: service-due
    when: {point: uses, every: 100}
    severity: notice
    category: maintenance
  - rule: doors-together
    where: {family: door}
    when:
      together: {family: door}
      at_least: 2
      within: 3m
      same: grid
      when: {point: contact, equals: open}
    severity: urgent
    category: security
  - rule: gateway-gone
    where: {family: gateway}
    when: {point: online, equals: false}
    severity: urgent
    category: fault
"""
REGISTER = [
    Device(name, family, "native", f"native:{name}", name, name, grid="g1", added_ms=MORNING_MS)
    for name, family in (
        ("btn-1", "button"), ("btn-2", "button"), ("door-1", "door"), ("door-2", "door"),
        ("door-3", "door"), ("gym-1", "counter"), ("gw-1", "gateway"),
    )
]  # fmt: skip
POINTS: dict[str, tuple[str, Sequence[Any]]] = {
    "button": ("press", ("sos", "sos", "test")),
    "door": ("contact", ("open", "closed")),
    "counter": ("uses", range(0, 900, 7)),
    "gateway": ("online", (True, False)),
}


def keep_register(court: Courtroom, register: Sequence[Device]) -> None:
    """Into the database, as a hub has it."""
    with for_writing(court.engine).begin() as connection:
        for device in register:
            row = {name: getattr(device, name) for name in ("id", "family", "driver", "address")}
            row |= {"name_zh": "", "name_en": "", "grid": device.grid, "added_ms": MORNING_MS}
            connection.execute(devices.insert().values(**row))


class Living(Courtroom):
    """A court with these rules and devices, over which some hours of life pass."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        rules: str = RULES,
        register: Sequence[Device] = REGISTER,
    ) -> None:
        self.random = Random(seed)
        self.register = register
        super().__init__(folder, rules, register)
        with for_writing(self.engine).begin() as connection:
            row = {"ecosystem": "native", "first_ms": 0, "heard_ms": 0, "messages": 1}
            connection.execute(gateways.insert(), {"id": "gw-9", **row})
        keep_register(self, register)

    async def live(self, happenings: int) -> None:
        """So many things happen; the judge keeps pace, and is killed now and then."""
        second = 0.0
        await self.at(second)
        for _ in range(happenings):
            second += self.random.choice((0.0, 1.0, 7.5, 40.0, 130.0, 400.0))
            await self.at(second)
            self.happen()
            await self.work()
            if self.random.random() < 0.08:
                await self.kill()
                await self.work()
        await self.at(second + 3_600)

    def happen(self) -> None:
        """One thing."""
        random, device = self.random, self.random.choice(self.register)
        kind = random.random()
        if kind < 0.08:
            self._close_a_case()
        elif kind < 0.12:
            body = {"act": "service", "device": "gym-1", "by": "li"}
            self.keep([Entry(0, COMMAND, None, self.clock.now, (), body)], in_memory=False)
        elif kind < 0.15:
            reading = Reading("press", "sos", self.clock.now)
            self._say("native:nobody", (reading,), PRESS | STRANGER)
        else:
            self._say(device.id, self._readings(device), PRESS * (device.family == "button"))

    def _readings(self, device: Device) -> tuple[Reading, ...]:
        random = self.random
        late_ms = random.choice((0, 0, 0, 5_100, 100_100, 800_100))
        at_ms = max(MORNING_MS, self.clock.now - late_ms)
        point, values = POINTS[device.family]
        readings = [Reading(point, random.choice(values), at_ms)] * (random.random() < 0.8)
        readings += [Reading("battery", random.choice((5, 15, 50)), at_ms)] * (
            random.random() < 0.3
        )
        return tuple(readings)

    def _say(self, device: str, readings: tuple[Reading, ...], flags: int) -> None:
        random = self.random
        flags |= random.choice((0, 0, 0, 0, 0, RETAINED))
        flags |= random.choice((0,) * 19 + (REDECODED,)) if readings else 0
        entry = Entry(0, READING, device, self.clock.now, readings, flags=flags)
        entry = entry._replace(gateway=random.choice((None, "gw-1", "gw-1", "gw-9")))
        self.keep([entry] * random.choice((1, 1, 2)))

    def _close_a_case(self) -> None:
        opened = sa.select(cases.c.id).where(cases.c.closed_at_ms.is_(None))
        with self.engine.connect() as connection:
            found = list(connection.execute(opened).scalars())
        if found:
            self.order("close", self.random.choice(found), outcome="mistake")

    def log(self) -> list[tuple[Any, ...]]:
        """Every alert, with how often it happened."""
        names = ("rule", "key", "opened_at_ms", "closed_at_ms", "taken_back", "times")
        return sorted(self.rows(alerts, *names), key=str)

    def times(self) -> Counter[tuple[str, str]]:
        """By rule and key: how often people were told that it opened or happened again."""
        query = sa.select(cases.c.rule, cases.c.key).join(
            case_log, case_log.c.case_id == cases.c.id
        )
        told = query.where(case_log.c.what.in_(("raised", "again")))
        with self.engine.connect() as connection:
            return Counter((row.rule, row.key) for row in connection.execute(told))

    def replayed(self, row_entries_max: int = 60_000) -> History:
        """The backtest of the rules in force over the whole journal."""
        rules, now_ms = self.rules, self.clock.now
        past = open_journal(self.engine, self.settings, Asked(rules), None, now_ms, 0)
        terms = Terms(
            zone=Site().zone,
            settle_ms=self.settings.settle_ms,
            row_entries_max=row_entries_max,
        )
        timing = Timing(past.hub_since_ms, past.starts_ms, now_ms)
        return replay(past.entries(), rules, past.world, terms, timing)


def rows_of(history: History) -> list[tuple[Any, ...]]:
    """As the table of alerts has them."""
    rows = [
        (one.rule, one.key, one.opened_ms, one.closed_ms, one.taken_back, one.times)
        for one in history.alerts
    ]
    return sorted(rows, key=str)


@pytest.mark.parametrize("seed", range(12))
def test_the_rules_in_force_give_back_the_live_log_row_by_row(tmp_path: Path, seed: int) -> None:
    """Late news, copies, doubles, gateways, strangers, closed cases and kills included."""
    living = Living(tmp_path, seed)
    asyncio.run(living.live(120))
    history = living.replayed()

    assert rows_of(history) == living.log()
    assert Counter((call.rule.name, call.key) for call in history.calls) == living.times()
    living.close()


@pytest.mark.parametrize("seed", range(200, 206))
def test_words_of_a_device_in_a_row_give_the_same_log(tmp_path: Path, seed: int) -> None:
    """Where no rule binds devices together; told, taken back and heard at the same moments."""
    living = Living(tmp_path, seed)
    living.rules = RuleSet(tuple(r for r in living.rules.rules if r.name != "doors-together"))
    living.begin()
    asyncio.run(living.live(120))
    in_rows, by_turns = living.replayed(), living.replayed(row_entries_max=0)

    assert rows_of(in_rows) == rows_of(by_turns) == living.log()
    assert sorted(map(str, in_rows.calls)) == sorted(map(str, by_turns.calls))
    living.close()


# ---------------------------------------------------------------------- sources


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Some hours of life, to be looked at."""
    living = Living(tmp_path_factory.mktemp("lived"), seed=101)
    asyncio.run(living.live(150))
    yield living
    living.close()


def only(rules: RuleSet, *names: str) -> RuleSet:
    """These of them."""
    return RuleSet(tuple(rule for rule in rules.rules if rule.name in names))


def judged(living: Living, rules: RuleSet, asked: Asked | None) -> list[tuple[Any, ...]]:
    """The history of some rules over what was asked for."""
    past = open_journal(living.engine, living.settings, asked, None, living.clock.now, 0)
    timing = Timing(past.hub_since_ms, past.starts_ms, living.clock.now)
    terms = Terms(zone=Site().zone, settle_ms=0)
    return rows_of(replay(past.entries(), rules, past.world, terms, timing))


@pytest.mark.parametrize("name", ["door-open", "service-due", "gateway-gone", "silent"])
def test_what_no_rule_asks_for_need_not_be_read(lived: Living, name: str) -> None:
    """Fewer entries, the same history."""
    rules = only(lived.rules, name)
    asked = Asked(rules)
    everything = judged(lived, rules, None)

    assert judged(lived, rules, asked) == everything
    assert everything == [row for row in lived.log() if row[0] == name]


def test_a_recorded_file_gives_the_same_history(lived: Living, tmp_path: Path) -> None:
    """Lateness, copies, gateways, services and closed cases are in it; packed or not."""
    past = open_journal(lived.engine, lived.settings, None, None, lived.clock.now, 0)
    with lived.engine.connect() as connection:
        commands = read_commands(connection, 0, lived.clock.now)
    for name in ("readings.jsonl", "readings.jsonl.gz"):
        count = write(tmp_path / name, past.world, commands, past.entries())
        span = Span(None, lived.clock.now)
        found = open_file(tmp_path / name, lived.settings, span, None)
        timing = Timing(found.hub_since_ms, found.starts_ms, lived.clock.now)
        terms = Terms(zone=Site().zone, settle_ms=0)
        history = replay(found.entries(), lived.rules, found.world, terms, timing)

        assert count > 100
        assert rows_of(history) == lived.log()


def test_the_time_series_know_values_and_moments(tmp_path: Path) -> None:
    """And so the same alerts, where nothing came late and nobody had to know arrivals."""
    court = Courtroom(tmp_path, RULES, REGISTER)
    court.settings = replace(court.settings, series_rows_max=7, backtest_series_days=1)
    asyncio.run(_quiet_day(court))
    asyncio.run(_archive(court))
    keep_register(court, REGISTER)
    rules = only(court.rules, *NAMES_OF_SERIES)
    span = Span(MORNING_MS - 1, court.clock.now)

    def rows(source: str) -> list[tuple[Any, ...]]:
        past = open_past(court.engine, court.settings, Site(), rules, span, source)
        timing = Timing(past.hub_since_ms, past.starts_ms, court.clock.now)
        terms = Terms(zone=Site().zone, settle_ms=0)
        return rows_of(replay(past.entries(), rules, past.world, terms, timing))

    assert rows("journal") == [row for row in living_rows(court) if row[0] in NAMES_OF_SERIES]
    assert len(rows("journal")) > 5
    with for_writing(court.engine).begin() as connection:  # as retention does, in part
        connection.execute(sa.delete(journal_table).where(journal_table.c.seq < 40))
    mixed = rows("series")
    with for_writing(court.engine).begin() as connection:
        connection.execute(sa.delete(journal_table))
    alone = rows("series")

    assert mixed == alone == [row for row in living_rows(court) if row[0] in NAMES_OF_SERIES]
    court.close()


NAMES_OF_SERIES = ("door-open", "battery-low", "doors-together", "emergency-press")


def living_rows(court: Courtroom) -> list[tuple[Any, ...]]:
    """The table of alerts."""
    names = ("rule", "key", "opened_at_ms", "closed_at_ms", "taken_back", "times")
    return sorted(court.rows(alerts, *names), key=str)


async def _quiet_day(court: Courtroom) -> None:
    random = Random(7)
    for number in range(80):
        await court.at(number * 97.3)
        device = random.choice(["door-1", "door-2", "door-3"])
        court.said(
            device, contact=random.choice(["open", "closed"]), battery=random.choice([5, 50])
        )
        await court.work()
        if number % 20 == 9:  # called, and five messages later closed
            court.said("btn-1", press="sos")
            await court.work()
        if number % 20 == 14:
            query = sa.select(cases.c.id).where(
                cases.c.rule == "emergency-press", cases.c.closed_at_ms.is_(None)
            )
            with court.engine.connect() as connection:
                called = connection.execute(query).scalar_one()
            court.order("close", called, outcome="mistake")
            await court.work()
    await court.at(80 * 97.3)


async def _archive(court: Courtroom) -> None:
    series = LocalSeries(court.settings, "demo")
    entries = journal.Journal(court.engine).read(0, 10_000, ("reading",))
    for entry in entries:
        assert entry.device is not None
        await series.write(points_of(entry, entry.device, ("door", "g1", None)))
    await series.close()


# ---------------------------------------------------------------------- trials


def said(device: str, minute: float, **points: Value) -> Entry:
    """A message of that minute of the morning."""
    said.seq += 1  # type: ignore[attr-defined]
    at_ms = MORNING_MS + round(minute * MINUTE)
    readings = tuple(Reading(point, value, at_ms) for point, value in points.items())
    return Entry(said.seq, READING, device, at_ms, readings)  # type: ignore[attr-defined]


said.seq = 0  # type: ignore[attr-defined]
WORLD = World(devices=REGISTER)


def trial(
    tmp_path: Path,
    here: str,
    there: str,
    entries: Sequence[Entry],
    world: World = WORLD,
    alerts_max: int = 1_000,
) -> Result:
    """Try one text of rules against another over a morning."""
    sets = []
    for name, text in (("here", here), ("there", there)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"rules:\n{text}", encoding="utf-8")
        sets.append(load([file]))
    terms = Terms(zone=Site().zone, alerts_max=alerts_max)
    timing = Timing(None, MORNING_MS, MORNING_MS + 600 * MINUTE)
    return backtest(entries, Trial.of(*sets), world, terms, timing, night=PLAIN_NIGHT)


def rule(name: str, when: str, **more: str) -> str:
    """Its lines in a file."""
    words = {"when": when, "severity": "warning", "category": "security", **more}
    lines = [f"  - rule: {name}", *(f"    {key}: {value}" for key, value in words.items())]
    return "\n".join(lines) + "\n"


OPEN = "{point: contact, equals: open}"
PRESS_SOS = "{point: press, happens: [sos]}"
PRESS_LONG = "{point: press, happens: [long]}"


def test_an_edited_rule_is_compared_with_the_one_in_force(tmp_path: Path) -> None:
    """Under its own name: what only one of them finds, and what both find at other moments."""
    entries = [
        said("door-1", 0, contact="closed"),
        said("door-1", 10, contact="open"),
        said("door-1", 13, contact="closed"),
        said("door-1", 60, contact="open"),
        said("door-1", 90, contact="closed"),
    ]
    here, there = rule("held", OPEN, hold_for="10m"), rule("held", OPEN, hold_for="2m")
    result = trial(tmp_path, here, there, entries)

    assert [(a.rule, a.opened_ms) for a in result.here.alerts] == [
        ("held", MORNING_MS + 70 * MINUTE)
    ]
    assert len(result.there.alerts) == 2
    assert [a.opened_ms for a in result.difference.only_there] == [MORNING_MS + 12 * MINUTE]
    assert [(m.here.opened_ms - m.there.opened_ms) for m in result.difference.moved] == [8 * MINUTE]
    assert result.here.load.calls == 1
    assert result.there.load.calls == 2


def test_a_rule_on_trial_is_compared_with_the_one_whose_place_it_may_take(tmp_path: Path) -> None:
    """Whatever their names."""
    entries = [said("door-1", 0, contact="closed"), said("door-1", 10, contact="open")]
    here = rule("sooner", OPEN, mode="shadow", instead_of="held", hold_for="5m")
    result = trial(tmp_path, here, rule("held", OPEN, hold_for="10m"), entries)

    assert len(result.difference.moved) == 1
    assert not result.difference.only_here


def test_overrides_belong_to_the_rules_of_their_own_files(tmp_path: Path) -> None:
    """The same rule with an override is another rule."""
    entries = [said("door-1", 0, contact="closed"), said("door-1", 10, contact="open")]
    held = rule("held", OPEN, hold_for="10m")
    override = (
        "overrides:\n  - {rule: held, device: door-1, off: true, reason: r, by: b, "
        "until: 2026-12-31}\n"
    )
    result = trial(tmp_path, held + override, held, entries)

    assert len(result.difference.only_there) == 1
    assert trial(tmp_path, held, held, entries).difference.same == 1


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        ((), [(0, 30, 1), (40, 70, 1)]),
        ((PastCase("called", "btn-1", MORNING_MS, MORNING_MS + 50 * MINUTE),), [(0, 50, 3)]),
        ((PastCase("called", "btn-1", MORNING_MS - 1, None),), [(0, None, 3)]),
    ],
)
def test_cases_are_closed_as_people_closed_them_or_after_a_while(
    tmp_path: Path, closed: tuple[PastCase, ...], expected: list[tuple[int, int | None, int]]
) -> None:
    """A rule that was not in force had no cases."""
    entries = [said("btn-1", minute, press="sos") for minute in (0, 40, 45)]
    entries = entries if closed else entries[:2]
    where = {"where": "{family: button}"}
    here, there = (
        rule("called", PRESS_SOS, **where),
        rule("called", "{point: press, happens: [long]}"),
    )
    result = trial(tmp_path, here, there, entries, replace(WORLD, cases=closed))

    def minutes(at_ms: int | None) -> int | None:
        return None if at_ms is None else (at_ms - MORNING_MS) // MINUTE

    found = [(minutes(a.opened_ms), minutes(a.closed_ms), a.times) for a in result.here.alerts]
    assert found == expected
    assert result.assumed == ("called",)


def test_rules_that_open_all_the_time_are_stopped(tmp_path: Path) -> None:
    """In words, before they fill the memory."""
    entries = [said("door-1", n, contact=("open", "closed")[n % 2]) for n in range(6_000)]
    with pytest.raises(TooMany, match="HUB_BACKTEST_ALERTS_MAX"):
        trial(tmp_path, rule("any", OPEN), rule("any", OPEN), entries, alerts_max=100)


def test_whoever_looks_on_hears_how_far_it_is_and_may_end_it(tmp_path: Path) -> None:
    """A page's button gives up by raising."""

    class Enough(Exception):
        """The page was closed."""

    def stop(done: int, at_ms: int) -> None:
        heard.append((done, at_ms))
        raise Enough

    heard: list[tuple[int, int]] = []
    file = tmp_path / "a.yaml"
    file.write_text(f"rules:\n{rule('any', OPEN)}", encoding="utf-8")
    entries = [said("door-1", n / 60, battery=50) for n in range(12_000)]
    timing = Timing(None, MORNING_MS, MORNING_MS + 600 * MINUTE)
    with pytest.raises(Enough):
        replay(entries, load([file]), WORLD, Terms(zone=Site().zone), timing, progress=stop)

    assert len(heard) == 1


def test_a_device_is_known_from_when_it_was_registered(tmp_path: Path) -> None:
    """Its silence counts from then; of one that was there before the history, from its begin."""
    late = replace(REGISTER[2], id="door-9", added_ms=MORNING_MS + 100 * MINUTE)
    entries = [said("door-1", 0, battery=50), said("door-1", 599, battery=50)]
    silent = rule("silent", "{silent_for: 3h}", where="{family: door}")
    result = trial(tmp_path, silent, silent, entries, World(devices=[REGISTER[2], late]))

    opened = {a.key: (a.opened_ms - MORNING_MS) // MINUTE for a in result.here.alerts}
    assert opened == {"door-1": 180, "door-9": 280}
