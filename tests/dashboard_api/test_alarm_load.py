"""Load, floods, stale alerts, chatter and noise over random rows equal what plain Python counts."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from dashboard_api import alarm_load, noise
from dashboard_api.response_times import response_times
from dashboard_api.targets import targets_of
from hub.database import alerts, cases, migrate, open_engine, shifts
from hub.settings import Settings
from rules.condition import Below, Equals, Happens
from rules.rule import Rule

TARGETS = targets_of(Settings())
ZONE = ZoneInfo("Europe/Berlin")
# From here on: four days around the night in which Berlin's clocks go forward.
START_MS = int(datetime(2026, 3, 27, 12, tzinfo=ZONE).timestamp() * 1_000)
S, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SPAN_MS = 4 * DAY
GRIDS = ("grid-1", "grid-2", None)

MOMENTS = st.integers(0, SPAN_MS // S - 1).map(lambda s: START_MS + s * S)
# Mostly within one hour, so that there are floods.
CALLS = st.lists(
    st.tuples(
        st.one_of(MOMENTS, st.integers(0, 1_200).map(lambda s: START_MS + 20 * HOUR + s * S)),
        st.sampled_from(GRIDS),
    ),
    max_size=60,
)
SHIFTS = st.lists(
    st.tuples(
        st.sampled_from(GRIDS),
        st.sampled_from(["an", "bo", "ci"]),
        st.integers(10, 22).map(lambda hour: START_MS + hour * HOUR),
        st.integers(1, 20 * 60).map(lambda minutes: minutes * MINUTE),
    ),
    max_size=6,
)
ALERTS = st.lists(
    st.tuples(
        st.sampled_from(["door-open", "battery-low", "emergency-press"]),
        st.sampled_from(["d-1", "d-2", None]),
        st.one_of(
            MOMENTS,
            st.integers(-2 * DAY // S, 0).map(lambda s: START_MS + s * S),
            st.integers(0, 3_600).map(lambda s: START_MS + DAY + s * S),
        ),
        st.one_of(st.none(), st.integers(0, 5 * DAY // S), st.integers(0, 900)),
    ),
    unique_by=lambda one: one[:3],
    max_size=40,
)
RULES = {
    "door-open": Rule("door-open", Equals("contact", ("open",)), hold_for_ms=10 * S),
    "battery-low": Rule("battery-low", Below("battery", 10, 20)),
    "emergency-press": Rule("emergency-press", Happens("press", ("sos",)), severity="emergency"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("load")
    opened = open_engine(f"sqlite:///{folder / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def play(test: Any) -> Any:
    """Some random histories, each in a transaction that is taken back."""
    checks = [HealthCheck.function_scoped_fixture]
    return effort(max_examples=60, deadline=None, suppress_health_check=checks)(test)


def put_calls(connection: Connection, calls: list[tuple[int, str | None]]) -> None:
    words = ["rule", "key", "severity", "category", "response", "state"]
    words += ["title_zh", "title_en", "why_zh", "why_en"]
    plain: dict[str, Any] = dict.fromkeys(words, "x") | {"active": True, "times": 1, "version": 1}
    for number, (at_ms, grid) in enumerate(calls):
        moments = dict.fromkeys(("raised_at_ms", "heard_at_ms", "changed_ms"), at_ms)
        row = {**plain, **moments, "id": f"C-{number:06}", "grid": grid}
        connection.execute(cases.insert().values(row))


def put_alerts(connection: Connection, given_alerts: list[Any]) -> list[dict[str, Any]]:
    plain = {"rule_version": "1", "severity": "warning", "category": "security"}
    plain |= {"why_zh": "", "why_en": ""}
    rows = []
    for rule, device, opened_ms, lasted_s in given_alerts:
        closed_ms = None if lasted_s is None else opened_ms + lasted_s * S
        row = {**plain, "id": f"{rule}|{device}|{opened_ms}", "rule": rule, "key": str(device)}
        row |= {"device": device, "opened_at_ms": opened_ms, "opened_heard_ms": opened_ms}
        row |= {"closed_at_ms": closed_ms, "closed_heard_ms": closed_ms, "taken_back": False}
        connection.execute(alerts.insert().values(row))
        rows.append(row)
    return sorted(rows, key=lambda row: (row["opened_at_ms"], row["id"]))


@given(CALLS, SHIFTS)
@play
def test_calls_per_person_are_those_of_the_shifts(
    engine: Engine, calls: list[Any], given_shifts: list[Any]
) -> None:
    with engine.connect() as connection:
        put_calls(connection, calls)
        for grid, person, since_ms, length_ms in given_shifts:
            row = {"role": "desk", "grid": grid, "person": person, "by": person}
            row |= {"since_ms": since_ms, "until_ms": since_ms + length_ms}
            connection.execute(shifts.insert().values(row))
        found = alarm_load.load(connection, START_MS, START_MS + SPAN_MS, TARGETS)
        connection.rollback()

    windows: Counter[tuple[str | None, int]] = Counter()
    for at_ms, grid in calls:
        windows[grid, at_ms - at_ms % (10 * MINUTE)] += 1
    expected: dict[str, dict[str, Any]] = {}
    floods = set()
    for (grid, from_ms), count in windows.items():
        there = {
            person
            for its_grid, person, since_ms, length_ms in given_shifts
            if its_grid == grid
            and since_ms < from_ms + 10 * MINUTE
            and since_ms + length_ms > from_ms
        }
        persons = len(there) or 1
        name = grid or "-"
        row = expected.setdefault(
            name,
            {"grid": name, "calls": 0, "windows": 0, "above_fine": 0, "above_most": 0}
            | {"floods": 0, "highest": 0.0},
        )
        row["calls"] += count
        row["windows"] += 1
        row["above_fine"] += count / persons > 1
        row["above_most"] += count / persons > 2
        row["floods"] += count / persons > 10
        # One call is one call, however many are there to take it.
        row["highest"] = max(row["highest"], count / persons if count > 1 else 1.0)
        if count / persons > 10:
            floods.add((name, from_ms, count, persons))
    assert found["by_grid"] == expected
    shown = {tuple(one.values()) for one in found["floods"]}
    assert shown == floods or (len(shown) == TARGETS.rows_max and shown < floods)


@given(CALLS)
@play
def test_hours_are_those_of_the_clocks_on_the_wall(engine: Engine, calls: list[Any]) -> None:
    with engine.connect() as connection:
        put_calls(connection, calls)
        span = START_MS, START_MS + SPAN_MS
        found = response_times(connection, span, TARGETS, ZONE, span[1]).by_hour
        connection.rollback()

    expected = Counter(
        str(datetime.fromtimestamp(at_ms / S, UTC).astimezone(ZONE).hour) for at_ms, _ in calls
    )
    assert {hour: kinds["all"]["cases"] for hour, kinds in found.items()} == expected


@given(ALERTS)
@play
def test_an_alert_is_stale_on_every_day_on_which_it_was_true_for_too_long(
    engine: Engine, given_alerts: list[Any]
) -> None:
    now_ms = START_MS + SPAN_MS
    with engine.connect() as connection:
        rows = put_alerts(connection, given_alerts)
        found = alarm_load.stale(connection, (START_MS, now_ms), now_ms, TARGETS, ZONE)
        connection.rollback()

    expected: Counter[str] = Counter()
    first = datetime.fromtimestamp(START_MS / S, ZONE).date()
    for number in range(5):
        day = first + timedelta(days=number)
        begin = datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * S
        after = day + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=ZONE).timestamp() * S
        expected[day.isoformat()] = 0
        for row in rows:
            closed_ms = now_ms if row["closed_heard_ms"] is None else row["closed_heard_ms"]
            stale_from, lasts = row["opened_heard_ms"] + DAY, closed_ms - row["opened_heard_ms"]
            begins, ends = max(begin, START_MS), min(end, now_ms)
            expected[day.isoformat()] += lasts > DAY and stale_from < ends and closed_ms > begins
    assert found["by_day"] == expected
    assert found["highest"] == max(expected.values())
    assert found["days_above"] == sum(count >= 5 for count in expected.values())


@given(ALERTS)
@play
def test_chatter_and_noise_are_counted_from_the_alerts(
    engine: Engine, given_alerts: list[Any]
) -> None:
    with engine.connect() as connection:
        rows = put_alerts(connection, given_alerts)
        span = connection, START_MS, START_MS + SPAN_MS, TARGETS
        chatter, found = alarm_load.chatter(*span), noise.noisiest(*span, RULES)
        connection.rollback()

    heard = [row for row in rows if START_MS <= row["opened_heard_ms"] < START_MS + SPAN_MS]
    about = defaultdict(list)
    for row in heard:
        about[row["rule"], row["key"]].append(row)
    bursts = {
        pair: sum(
            its[n]["opened_at_ms"] - its[n - 2]["opened_at_ms"] <= 600 * S
            for n in range(2, len(its))
        )
        for pair, its in about.items()
    }
    assert {(one["rule"], one["key"]): one["bursts"] for one in chatter} == {
        pair: count for pair, count in bursts.items() if count
    }
    by_rule = Counter(row["rule"] for row in heard)
    assert {one["rule"]: one["alerts"] for one in found["rules"]} == by_rule
    by_device = Counter(row["device"] for row in heard if row["device"])
    assert {one["device"]: one["alerts"] for one in found["devices"]} == by_device
    for one in found["rules"]:
        mine = [its for (rule, _key), its in about.items() if rule == one["rule"]]
        assert [(p["change"], p["to_s"], p["spares"]) for p in one["proposals"]] == [
            *_proposals(one["rule"], mine)
        ]


def _proposals(rule: str, groups: list[list[dict[str, Any]]]) -> Iterator[tuple[str, int, int]]:
    if rule == "emergency-press":
        return
    count = sum(len(its) for its in groups)
    closed = [row for its in groups for row in its if row["closed_at_ms"] is not None]
    lasted = [row["closed_at_ms"] - row["opened_at_ms"] for row in closed]
    pauses = [
        later["opened_at_ms"] - earlier["closed_at_ms"]
        for its in groups
        for earlier, later in pairwise(its)
        if earlier["closed_at_ms"] is not None
    ]
    held_s = RULES[rule].hold_for_ms // S
    for change, spans, now_s in (("hold_for", lasted, held_s), ("clear_for", pauses, 0)):
        for step_s in noise.STEPS_S:
            spares = sum(span < step_s * S for span in spans)
            if spares > 1 and spares * 2 >= count:
                yield change, now_s + step_s, spares
                break


def test_an_emergency_is_never_proposed_to_wait(engine: Engine) -> None:
    presses = [("emergency-press", "d-1", START_MS + n * 5 * S, 1) for n in range(20)]
    doors = [("door-open", "d-2", START_MS + n * 60 * S, 5) for n in range(20)]
    with engine.connect() as connection:
        put_alerts(connection, presses + doors)
        found = noise.noisiest(connection, START_MS, START_MS + SPAN_MS, TARGETS, RULES)
        connection.rollback()

    proposals = {one["rule"]: one["proposals"] for one in found["rules"]}
    assert proposals["emergency-press"] == []
    held, *_ = proposals["door-open"]
    assert (held["change"], held["from_s"], held["to_s"], held["spares"]) == (
        "hold_for",
        10,
        20,
        20,
    )
    of_device = next(one for one in found["devices"] if one["device"] == "d-2")
    assert "device=d-2" in of_device["proposals"][0]["trial"]
