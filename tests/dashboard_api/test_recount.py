"""Log and figures of random histories equal a recount from the journal, which shares no code."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from dashboard_api.report_cases import CATEGORIES, Row, case_report, find_cases
from dashboard_api.report_devices import device_report
from dashboard_api.report_period import Period
from dashboard_api.response_times import count_test_presses, false_presses, response_times
from dashboard_api.targets import targets_of
from hub import journal, outbox
from hub.daily_log import NO_GRID, Line, Remark, add_remark, count_lines, read_log
from hub.database import command_results, devices, for_writing, grids, places
from hub.devices import Devices
from hub.journal import COMMAND, READING, Entry
from hub.outbox import GIVEN_UP, WAITING, Outcome
from hub.site_days import days_between
from hub.survey import Survey, rhythm_wants
from rules.order import OrderTables, Trouble, Words
from rules.proof import DEVICE, Proof
from tests.hub.courtroom import DEVICES, MORNING_MS, Courtroom
from tests.hub.recount import Case, Recount, day_of, figures, recount

ZONE = ZoneInfo("Asia/Shanghai")
S, HOUR_MS = 1_000, 3_600_000
GRID_OF = {"btn-1": "grid-1", "btn-2": NO_GRID, "door-1": "grid-2"}
OUTCOMES = ("real_need", "mistake", "test", "mended")

ENDING_ACTS = ("close", "close", "done", "done", "sign")
# Events: what happens, to whom; and how many seconds after the one before.
CASES = st.integers(1, 6).map(lambda number: f"C-{number:06}")
PEOPLE = st.sampled_from(["wang", "zhao"])
ACTS = st.tuples(
    st.just("act"),
    st.sampled_from(["answer", "dispatch", "arrive", "note", "confirm", *ENDING_ACTS]),
    CASES,
    PEOPLE,
    st.sampled_from([None, *OUTCOMES]),
)
EVENTS = st.one_of(
    st.tuples(st.just("press"), st.sampled_from(["btn-1", "btn-2"]), st.just("sos")),
    st.tuples(st.just("press"), st.sampled_from(["btn-1", "btn-2"]), st.just("test")),
    st.tuples(st.just("battery"), st.just("door-1"), st.sampled_from([5.0, 9.0, 12.0, 60.0, 98.0])),
    ACTS,
    ACTS,
    st.tuples(st.just("sign_on"), st.sampled_from(["grid-1", None]), st.integers(60, 40_000)),
    st.tuples(st.just("sign_off"), st.integers(1, 30)),
    st.tuples(st.just("remark"), st.sampled_from(["grid-1", NO_GRID])),
    st.tuples(st.just("lost")),
)
# Work orders, whose device is waited for so long that no history here sees the end of it.
_BATTERY = Trouble("battery-low", Words("电量低", "Battery low"), points=("battery",))
PATIENT = Proof(DEVICE, within_ms=10_000 * 86_400_000)
ORDERS = OrderTables({"battery-low": replace(_BATTERY, proof=PATIENT)})
GAPS_S = st.sampled_from([0, 1, 59, 60, 61, 180, 181, 2_700, 3_601, 20_000, 70_000])
HISTORIES = st.lists(st.tuples(GAPS_S, EVENTS), max_size=30)


class Played:
    """A history as the real judge and the real tables have it."""

    def __init__(self, folder: Path) -> None:
        self.court = Courtroom(folder, orders=ORDERS)
        self.database = folder / "hub.db"
        self.lost: list[int] = []
        self.granted: list[tuple[int, bool]] = []
        self.remarks: list[tuple[int, str, str]] = []
        self.court.set_rules(["emergency-press", "battery-low"])
        self.court.begin()
        with for_writing(self.court.engine).begin() as connection:
            _furnish(connection)

    async def play(self, history: list[tuple[int, Any]]) -> None:
        for gap_s, (what, *about) in history:
            self.court.clock.now += gap_s * S
            await self.court.work()
            _DO[what](self, *about)
            await self.court.work()
        self.survey()

    def press(self, device: str, kind: str) -> None:
        self.court.said(device, press=kind)

    def battery(self, device: str, percent: float) -> None:
        self.court.said(device, battery=percent)

    def act(self, act: str, case: str, by: str, outcome: str | None) -> None:
        more = {"to": "li", "text": "x", "outcome": outcome, "called_back": True}
        self.court.order(act, case, by, **more)

    def sign_on(self, grid: str | None, length_s: int) -> None:
        now_ms = self.court.clock.now
        body: dict[str, Any] = {
            "act": "sign_on",
            "role": "desk",
            "grid": grid,
            "person": "sun",
            "by": "sun",
        }
        body["until_ms"] = now_ms + length_s * S
        self.court.keep([Entry(0, COMMAND, None, now_ms, (), body)], in_memory=False)

    def sign_off(self, shift: int) -> None:
        now_ms, body = self.court.clock.now, {"act": "sign_off", "shift": shift, "by": "sun"}
        self.court.keep([Entry(0, COMMAND, None, now_ms, (), body)], in_memory=False)

    def remark(self, grid: str) -> None:
        now_ms = self.court.clock.now
        day = next(iter(days_between(now_ms, now_ms + 1, ZONE))).name
        with for_writing(self.court.engine).begin() as connection:
            seq = add_remark(connection, Remark(grid, day, "qian", "下雨"), now_ms)
        self.granted.append((seq, True))
        self.remarks.append((now_ms, grid, "qian"))

    def lose(self) -> None:
        """A notice that waits is given up."""
        now_ms = self.court.clock.now
        with for_writing(self.court.engine).begin() as connection:
            waiting = outbox.heads(connection, "log", [], 1)
            outcomes = [Outcome(one, GIVEN_UP, now_ms, now_ms, "no way") for one in waiting]
            outbox.note(connection, outcomes)
        self.lost += [now_ms] * len(outcomes)
        assert all(outcome.state != WAITING for outcome in outcomes)

    def survey(self) -> None:
        """As the survey follows the journal, its cursor at the beginning."""
        seen = Survey(Devices(DEVICES), ZONE, rhythm_wants(self.court.settings))
        with for_writing(self.court.engine).begin() as connection:
            seen.take(journal.read(connection, 0, 10_000, [READING]))
            seen.write(connection)


_DO: dict[str, Callable[..., None]] = {
    "press": Played.press,
    "battery": Played.battery,
    "act": Played.act,
    "sign_on": Played.sign_on,
    "sign_off": Played.sign_off,
    "remark": Played.remark,
    "lost": Played.lose,
}


def _furnish(connection: Connection) -> None:
    for grid in ("grid-1", "grid-2"):
        connection.execute(grids.insert().values(id=grid, name_zh=grid, name_en=grid))
    for path, grid in (("b1/101", "grid-1"), ("b1/u1", "grid-2")):
        home = {"path": path, "kind": "home", "name_zh": path, "name_en": path, "grid": grid}
        connection.execute(places.insert().values(home))
    for one in DEVICES:
        row: dict[str, Any] = {
            "id": one.id,
            "family": one.family,
            "driver": one.driver,
            "address": one.address,
        }
        row |= {"name_zh": "设备", "name_en": "device", "place": one.place, "added_ms": 0}
        connection.execute(devices.insert().values(row))


def _shown(line: Line) -> tuple[Any, ...]:
    # A case counts from its own beginning: what is said of that is in `at_ms`.
    after_s = line.after_s if line.case_id else None
    return line.at_ms, line.what, line.case_id, line.by, after_s, line.step_s, line.outcome


def _expected(played: Played, counted: Recount) -> list[tuple[Any, ...]]:
    remarks = [(at, "remark", None, by, None, None, None) for at, _grid, by in played.remarks]
    return counted.lines + remarks


@given(HISTORIES)
@effort(max_examples=30, deadline=None)
def test_the_log_of_every_grid_and_day_is_what_happened(history: list[tuple[int, Any]]) -> None:
    with TemporaryDirectory() as folder:
        played = Played(Path(folder))
        asyncio.run(played.play(history))
        now_ms = played.court.clock.now
        results = played.court.rows(command_results, "seq", "ok")
        assert set(played.granted) <= set(results)  # nobody waits for a word on a remark
        counted = recount(played.database, now_ms)
        _compare_logs(played, counted, now_ms)
        _compare_figures(played, counted, now_ms)
        played.court.close()


def _compare_logs(played: Played, counted: Recount, now_ms: int) -> None:
    expected = _expected(played, counted)
    left_tests, left_batteries = dict(counted.tests), _changes(counted)
    lost = 0
    with played.court.engine.connect() as connection:
        for day in days_between(MORNING_MS, now_ms + 1, ZONE):
            per_grid = {
                grid: read_log(connection, grid, day, changed_percent=20, lines_max=500).lines
                for grid in ("grid-1", "grid-2", NO_GRID)
            }
            whole = read_log(connection, None, day, changed_percent=20, lines_max=500).lines
            assert sorted(map(str, whole)) == sorted(map(str, chain(*per_grid.values())))
            _check_counts(count_lines(connection, day, 20), per_grid)
            timed = [one for one in whole if one.at_ms is not None and one.what != "given_up"]
            number = day_of(day.from_ms)
            wanted = [line for line in expected if day_of(line[0]) == number]
            assert sorted(map(_shown, timed), key=str) == sorted(wanted, key=str)
            lost += sum(one.what == "given_up" for one in whole)
            for grid, lines in per_grid.items():
                for one in lines:
                    assert one.device is None or GRID_OF[one.device] == grid
            for one in whole:
                if one.what == "test_presses":
                    assert left_tests.pop((str(one.device), number)) == one.details["count"]
                if one.what == "battery_changed":
                    left_batteries.remove((str(one.device), number))
    assert (lost, left_tests, left_batteries) == (len(played.lost), {}, set())


def _check_counts(counts: dict[str, dict[str, int]], per_grid: dict[str, list[Line]]) -> None:
    for grid, lines in per_grid.items():
        whats = [line.what for line in lines]
        assert counts.get(grid, {}) == {what: whats.count(what) for what in set(whats)}


def _changes(counted: Recount) -> set[tuple[str, int]]:
    """Days on which a battery was 20 % fuller than on its last day before."""
    found, last = set(), dict[str, float]()
    for (device, day), percent in sorted(counted.batteries.items(), key=lambda one: one[0][1]):
        if device in last and percent - last[device] >= 20:
            found.add((device, day))
        last[device] = percent
    return found


def _compare_figures(played: Played, counted: Recount, now_ms: int) -> None:
    middle_ms = (MORNING_MS + now_ms) // 2
    for from_ms, to_ms in ((MORNING_MS, now_ms + 1), (middle_ms, now_ms + 1)):
        heard = [case for case in counted.cases if from_ms <= case.heard < to_ms]
        with played.court.engine.connect() as connection:
            targets = targets_of(played.court.settings)
            found = response_times(connection, (from_ms, to_ms), targets, ZONE, now_ms)
            calls = false_presses(connection, from_ms, to_ms)
        for category in ("all", "emergency", "maintenance"):
            mine = [case for case in heard if category in ("all", case.category)]
            _check_figures(found.categories.get(category), mine, now_ms, medians=True)
            for grid in ("grid-1", "grid-2", NO_GRID):
                of_grid = [case for case in mine if GRID_OF[case.device] == grid]
                _check_figures(found.by_grid.get(grid, {}).get(category), of_grid, now_ms)
            for hour in range(24):
                of_hour = [c for c in mine if (c.heard // HOUR_MS + 8) % 24 == hour]
                _check_figures(found.by_hour.get(str(hour), {}).get(category), of_hour, now_ms)
        pressed = [case for case in heard if case.category == "emergency"]
        none = sum(case.outcome in ("mistake", "test") for case in pressed)
        assert (calls["calls"], calls["no_calls"]) == (len(pressed), none)
        _check_case_report(played, (from_ms, to_ms), heard)
    _check_device_report(played, now_ms)
    with played.court.engine.connect() as connection:
        presses = count_test_presses(connection, "2026-01-01", "2027-01-01")["presses"]
    assert presses == sum(counted.tests.values())


def _check_figures(found: Any, cases: list[Case], now_ms: int, *, medians: bool = False) -> None:
    if not cases:
        assert found is None
        return
    wanted = figures(cases, now_ms)
    if not medians:
        wanted = {name: value for name, value in wanted.items() if not name.startswith("median")}
    assert found == wanted


def _check_case_report(played: Played, span: tuple[int, int], heard: list[Case]) -> None:
    """The report of cases counts the same cases by kind, grid, hour, day, rule and outcome."""
    period = Period("own", date(2026, 1, 1), date(2026, 1, 1), *span)
    grids = ["grid-1", "grid-2", NO_GRID]
    with played.court.engine.connect() as connection:
        found = find_cases(connection, period, CATEGORIES, None)
        of_grid = find_cases(connection, period, CATEGORIES, "grid-2")
    report = case_report(found, span, ZONE, list(CATEGORIES), grids)
    assert report.total == Counter(case.category for case in heard)
    assert len(of_grid) == sum(GRID_OF[case.device] == "grid-2" for case in heard)
    keys: list[tuple[list[Row], Callable[[Case], str | None]]] = [
        (report.grids, lambda case: GRID_OF[case.device]),
        (report.hours, lambda case: str((case.heard // HOUR_MS + 8) % 24)),
        (report.days, lambda case: date.fromordinal(_EPOCH + day_of(case.heard)).isoformat()),
        (report.rules, lambda case: case.about[0]),
        (report.outcomes, lambda case: "open" if case.closed is None else case.outcome),
    ]
    for rows, key in keys:
        wanted: dict[str | None, Counter[str]] = {}
        for case in heard:
            wanted.setdefault(key(case), Counter())[case.category] += 1
        assert {row.name: row.kinds for row in rows if row.total} == wanted


def _check_device_report(played: Played, now_ms: int) -> None:
    """Which devices were heard on which day, and whose battery was changed."""
    period = Period("own", date(2026, 1, 1), date(2026, 1, 1), MORNING_MS, now_ms + 1)
    today = date.fromordinal(_EPOCH + day_of(now_ms))
    settings = played.court.settings
    with played.court.engine.connect() as connection:
        report = device_report(connection, settings, period, now_ms, ZONE, today, None)
        entries = journal.read(connection, 0, 10_000, [READING])
    heard = {(str(one.device), day_of(one.arrived_ms)) for one in entries}
    wanted = Counter(day for device, day in heard if device in GRID_OF)
    said = {date.fromisoformat(one.day).toordinal() - _EPOCH: one for one in report.days}
    assert {day: one.heard.total() for day, one in said.items() if one.heard} == wanted
    assert report.changed == len(_changes(recount(played.database, now_ms)))
    assert sum(row.total for row in report.families) == len(DEVICES)


_EPOCH = date(1970, 1, 1).toordinal()
