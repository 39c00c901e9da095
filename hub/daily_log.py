"""The daily log of a grid: all that happened in it on one day of the site, and what people add.

It writes itself: every line is read from the tables that keep the events, so that the log of a day
equals them, today and in a year. A line stands on the day on which the hub took the event in: a
person's act at its entry in the journal, all else when it was heard. Only remarks are written:
a command in the journal and a row of `remarks`, in one transaction, and never changed.

What belongs to no grid has a log of its own under `NO_GRID`.
Bounds: `log_lines_max`; notices and daily figures stay for `notices_keep_days` and
`survey_days_keep`, all else for good.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import grids, remarks
from hub.journal import COMMAND, Entry, append
from hub.site_days import Day

REMARK = "remark"  # the act of its command
NO_GRID = "-"
REMARK_CHARACTERS_MAX = 2_000

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Line(NamedTuple):
    """One line. `at_ms` is None for what is known by the day only.

    `after_s` counts from when the hub heard of the case, `step_s` from the step of the case before
    (heard, answer, dispatch, arrive, close). `details`: what else is known, by `what`.
    """

    at_ms: int | None
    grid: str
    what: str
    case_id: str | None
    device: str | None
    by: str | None
    text: str | None
    after_s: float | None
    step_s: float | None
    outcome: str | None
    details: dict[str, Any]
    title_zh: str | None
    title_en: str | None
    place: str | None
    place_zh: str | None
    place_en: str | None
    device_zh: str | None
    device_en: str | None


class Log(NamedTuple):
    """Lines in the order in which they happened; `more`: there are more than are shown."""

    lines: list[Line]
    more: bool


# A case's grid is that of its device when it was raised, else that of its place.
_CASE_GRID = f"coalesce(c.grid, p.grid, '{NO_GRID}')"
_DEVICE_GRID = f"coalesce(d.grid, p.grid, '{NO_GRID}')"
_CASE_WORDS = "c.title_zh, c.title_en, c.place, p.name_zh, p.name_en, d.name_zh, d.name_en"
_DEVICE_WORDS = "NULL, NULL, d.place, p.name_zh, p.name_en, d.name_zh, d.name_en"
_NO_WORDS = "NULL, NULL, NULL, NULL, NULL, NULL, NULL"
_OF_CASE = "LEFT JOIN places p ON p.path = c.place LEFT JOIN devices d ON d.id = c.device"
# The row of a case that closed it by itself: the last one that said that it is over.
_CLOSED_IT = (
    "c.closed_by IS NULL AND c.closed_at_ms IS NOT NULL AND l.id = "
    "(SELECT max(id) FROM case_log WHERE case_id = l.case_id "
    "AND what IN ('ended', 'taken_back', 'proved'))"
)
_STEPS = "('answer', 'dispatch', 'arrive', 'close')"
_BEFORE = (
    f"max(CASE WHEN what IN {_STEPS} THEN moment END) "
    "OVER (PARTITION BY case_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
)

_RAISED = f"""
SELECT c.heard_at_ms AS at_ms, {_CASE_GRID} AS grid, 'raised' AS what, c.id AS case_id, c.device,
    NULL AS by, NULL AS text, 0.0 AS after_s, NULL AS step_s, NULL AS outcome,
    json_object('severity', c.severity, 'category', c.category, 'why_zh', c.why_zh,
        'why_en', c.why_en) AS details,
    c.title_zh AS title_zh, c.title_en AS title_en, c.place AS place, p.name_zh AS place_zh,
    p.name_en AS place_en, d.name_zh AS device_zh, d.name_en AS device_en,
    1 AS source, c.rowid AS number
FROM cases c {_OF_CASE}
WHERE c.heard_at_ms >= :from_ms AND c.heard_at_ms < :to_ms
"""
_ACTS = f"""
SELECT l.moment, {_CASE_GRID}, l.what, c.id, c.device, l.by, l.text,
    (l.moment - c.heard_at_ms) / 1000.0,
    CASE WHEN l.what IN {_STEPS} THEN (l.moment - coalesce(l.before, c.heard_at_ms)) / 1000.0 END,
    CASE WHEN l.what IN ('close', 'sign') THEN
            coalesce(json_extract(l.body_json, '$.outcome'), c.outcome)
        WHEN l.what IN ('ended', 'taken_back', 'proved') AND {_CLOSED_IT} THEN c.outcome END,
    coalesce(l.body_json, '{{}}'), {_CASE_WORDS}, 2, l.id
FROM (
    SELECT *, {_BEFORE} AS before FROM (
        SELECT *, CASE WHEN by IS NULL THEN heard_ms ELSE at_ms END AS moment FROM case_log
        WHERE case_id IN (
            SELECT case_id FROM case_log WHERE at_ms >= :from_ms AND at_ms < :to_ms
            UNION SELECT case_id FROM case_log WHERE heard_ms >= :from_ms AND heard_ms < :to_ms
        )
    )
) l JOIN cases c ON c.id = l.case_id {_OF_CASE}
WHERE l.moment >= :from_ms AND l.moment < :to_ms AND l.what != 'raised'
"""
_UNDELIVERED = f"""
SELECT n.done_ms, {_CASE_GRID}, 'given_up', c.id, c.device, NULL, n.last_error,
    (n.done_ms - c.heard_at_ms) / 1000.0, NULL, NULL,
    json_object('channel', n.channel, 'role', n.role, 'recipient', n.recipient,
        'reason', n.reason, 'tries', n.tries), {_CASE_WORDS}, 3, n.id
FROM notices n JOIN cases c ON c.id = n.case_id {_OF_CASE}
WHERE n.state = 'given_up' AND n.done_ms >= :from_ms AND n.done_ms < :to_ms
"""


def _trouble(what: str, column: str, source: int) -> str:
    """Alerts about the devices themselves, as they begin and as they are over."""
    return f"""
SELECT a.{column}, coalesce(c.grid, d.grid, p.grid, '{NO_GRID}'), '{what}', a.case_id, a.device,
    NULL, NULL, CASE WHEN '{what}' = 'well' THEN (a.{column} - a.opened_heard_ms) / 1000.0 END,
    NULL, NULL, json_object('rule', a.rule, 'why_zh', a.why_zh, 'why_en', a.why_en),
    coalesce(c.title_zh, a.rule), coalesce(c.title_en, a.rule), coalesce(c.place, d.place),
    p.name_zh, p.name_en, d.name_zh, d.name_en, {source}, a.rowid
FROM alerts a LEFT JOIN cases c ON c.id = a.case_id LEFT JOIN devices d ON d.id = a.device
    LEFT JOIN places p ON p.path = coalesce(c.place, d.place)
WHERE a.category = 'fault' AND NOT a.taken_back AND a.device IS NOT NULL
    AND a.{column} >= :from_ms AND a.{column} < :to_ms
"""


def _service(what: str, moment: str, source: int, which: str) -> str:
    """Commissionings, swaps and tests as somebody did them."""
    return f"""
SELECT m.{moment}, {_DEVICE_GRID}, {what}, NULL, m.device, m.by, m.note, NULL, NULL, NULL,
    json_object('address', m.address, 'press', m.test_press, 'delay_ms', m.test_delay_ms),
    {_DEVICE_WORDS}, {source}, m.id
FROM commissionings m LEFT JOIN devices d ON d.id = m.device
    LEFT JOIN places p ON p.path = coalesce(d.place, m.place)
WHERE {which} AND m.{moment} >= :from_ms AND m.{moment} < :to_ms
"""


_TEST_PRESSES = f"""
SELECT NULL, {_DEVICE_GRID}, 'test_presses', NULL, y.device, NULL, NULL, NULL, NULL, NULL,
    json_object('count', y.test_presses), {_DEVICE_WORDS}, 8, y.rowid
FROM device_days y LEFT JOIN devices d ON d.id = y.device LEFT JOIN places p ON p.path = d.place
WHERE y.day = :day AND y.test_presses > 0
"""
# A device that was swapped has another battery in any case.
_BATTERIES = f"""
SELECT NULL, {_DEVICE_GRID}, 'battery_changed', NULL, y.device, NULL, NULL, NULL, NULL, NULL,
    json_object('before', y.before, 'now', y.battery), {_DEVICE_WORDS}, 9, y.number
FROM (
    SELECT t.device, t.battery, t.rowid AS number, (
        SELECT battery FROM device_days b WHERE b.device = t.device AND b.day < :day
            AND b.battery IS NOT NULL ORDER BY b.day DESC LIMIT 1) AS before
    FROM device_days t WHERE t.day = :day
) y LEFT JOIN devices d ON d.id = y.device LEFT JOIN places p ON p.path = d.place
WHERE y.battery - y.before >= :changed_percent AND NOT EXISTS (
    SELECT 1 FROM commissionings m WHERE m.device = y.device AND m.why = 'swapped'
        AND m.at_ms >= :from_ms AND m.at_ms < :to_ms)
"""


def _shift(what: str, column: str, source: int, which: str) -> str:
    return f"""
SELECT s.{column}, coalesce(s.grid, '{NO_GRID}'), '{what}', NULL, NULL, s.person, NULL, NULL, NULL,
    NULL, json_object('role', s.role, 'until_ms', s.until_ms, 'said_by', s.by), {_NO_WORDS},
    {source}, s.id
FROM shifts s WHERE {which} s.{column} >= :from_ms AND s.{column} < :to_ms
"""


_REMARKS = f"""
SELECT r.at_ms, r.grid, '{REMARK}', NULL, NULL, r.by, r.text, NULL, NULL, NULL,
    json_object('seq', r.seq), {_NO_WORDS}, 12, r.id
FROM remarks r WHERE r.day = :day
"""

_SOURCES = (
    _RAISED,
    _ACTS,
    _UNDELIVERED,
    _trouble("trouble", "opened_heard_ms", 4),
    _trouble("well", "closed_heard_ms", 5),
    _service("m.why", "at_ms", 6, "1"),
    _service("'tested'", "test_press_ms", 7, "m.why != 'tested'"),
    _TEST_PRESSES,
    _BATTERIES,
    _shift("signed_on", "since_ms", 10, ""),
    _shift("signed_off", "until_ms", 11, "s.ended_ms IS NOT NULL AND"),
    _REMARKS,
)
_ALL = "\nUNION ALL\n".join(_SOURCES)
_LINES = sa.text(
    f"SELECT {', '.join(Line._fields)} FROM ({_ALL}) "
    "WHERE :grid IS NULL OR grid = :grid ORDER BY at_ms IS NULL, at_ms, source, number LIMIT :rows"
)
_COUNTS = sa.text(f"SELECT grid, what, count(*) AS lines FROM ({_ALL}) GROUP BY grid, what")


def read_log(
    connection: Connection, grid: str | None, day: Day, *, changed_percent: float, lines_max: int
) -> Log:
    """The log of a grid (None: of all of them) and day.

    `changed_percent`: a battery that rose by so much since its last day is a new one.
    """
    given = _given(day, changed_percent) | {"grid": grid, "rows": lines_max + 1}
    rows = connection.execute(_LINES, given).all()
    return Log([_line(row._mapping) for row in rows[:lines_max]], len(rows) > lines_max)


def count_lines(
    connection: Connection, day: Day, changed_percent: float
) -> dict[str, dict[str, int]]:
    """How many lines of each kind every grid has on a day; a grid without one is not there."""
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(_COUNTS, _given(day, changed_percent)):
        found.setdefault(row.grid, {})[row.what] = row.lines
    return found


def _given(day: Day, changed_percent: float) -> dict[str, Any]:
    return {**day._asdict(), "day": day.name, "changed_percent": changed_percent}


def _line(row: Mapping[Any, Any]) -> Line:
    return Line(**{**row, "details": _decode(row["details"])})


def is_grid(connection: Connection, grid: str) -> bool:
    """Has it a log? The grids that are known, and what belongs to none."""
    if grid == NO_GRID:
        return True
    return connection.execute(sa.select(grids.c.id).where(grids.c.id == grid)).first() is not None


class Remark(NamedTuple):
    """What somebody adds to the log of a grid and day; the day may be over."""

    grid: str
    day: str
    by: str
    text: str


def add_remark(connection: Connection, remark: Remark, now_ms: int) -> int:
    """Write it into the journal and the log; its number in the journal.

    The connection must hold the writer's place (`for_writing`).
    """
    body = {"act": REMARK, **remark._asdict()}
    seq = append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
    connection.execute(remarks.insert().values(seq=seq, at_ms=now_ms, **remark._asdict()))
    return seq
