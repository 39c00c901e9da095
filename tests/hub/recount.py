"""The daily log and the figures once more, by other means: from the journal, in plain Python.

It shares nothing with `hub/daily_log.py` and `dashboard_api/`: it goes over the entries one by
one, knows the two rules of the courtroom that it is asked about, and takes from the judge only
which commands were granted. Times of day are those of a zone eight hours ahead of UTC.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

S, DAY = 1_000, 86_400_000
AHEAD = 8 * 3_600 * S
ANSWERING = ("answer", "dispatch", "arrive", "confirm", "close", "done")
LOW = 10  # percent, of the courtroom's rule; above it a battery that was changed is believed
STEPS = ("answer", "dispatch", "arrive", "close")


def day_of(at_ms: int) -> int:
    """The number of a day."""
    return (at_ms + AHEAD) // DAY


@dataclass
class Case:
    id: str
    about: tuple[str, str]
    device: str
    category: str
    heard: int
    last_step: int
    answered: int | None = None
    arrived: int | None = None
    closed: int | None = None
    sent: bool = False
    outcome: str | None = None
    done: int | None = None  # of a work order: since when a battery above `LOW` closes it
    shown: bool = False


@dataclass
class Recount:
    """Everything that happened. A line is (at, what, case, by, after, step, outcome)."""

    cases: list[Case] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    pressed: dict[str, int] = field(default_factory=dict)  # device → its newest press
    tests: Counter[tuple[str, int]] = field(default_factory=Counter)  # device, day → presses
    batteries: dict[tuple[str, int], float] = field(default_factory=dict)  # device, day → last

    def open_case(self, rule: str, device: str) -> Case | None:
        about = (rule, device)
        return next((c for c in self.cases if c.about == about and c.closed is None), None)

    def say(
        self, case: Case, at: int, what: str, by: str | None = None, outcome: str | None = None
    ) -> None:
        step = None
        if what in STEPS:
            step, case.last_step = (at - case.last_step) / 1_000, at
        after = (at - case.heard) / 1_000
        self.lines.append((at, what, case.id, by, after, step, outcome))

    def opens(self, rule: str, category: str, device: str, at: int) -> None:
        known = self.open_case(rule, device)
        if known is not None:
            self.say(known, at, "again")
            known.outcome = known.done = None  # what was thought to be dealt with is not
            known.shown = False
            return
        number = f"C-{len(self.cases) + 1:06}"
        self.cases.append(Case(number, (rule, device), device, category, at, at))
        self.say(self.cases[-1], at, "raised")

    def ends(self, rule: str, device: str, at: int) -> None:
        case = self.open_case(rule, device)
        if case is None:
            return
        if case.answered is None:
            case.closed, case.outcome = at, "ended_by_itself"
        self.say(case, at, "ended", None, case.outcome if case.closed == at else None)

    def battery(self, device: str, value: float, at: int, is_low: bool) -> None:
        """It may be what an order waits for."""
        case = self.open_case("battery-low", device)
        if case is None or case.done is None:
            return
        case.shown |= value > LOW
        if case.shown and not is_low:
            case.closed = at
            self.say(case, at, "proved", None, case.outcome)

    def ordered(self, body: dict[str, Any], at: int) -> None:
        case = next(c for c in self.cases if c.id == body["case"])
        act, outcome = body["act"], body.get("outcome")
        if case.answered is None and (act in ANSWERING or (act == "note" and outcome)):
            case.answered = at
        case.sent |= act in ("dispatch", "arrive")
        if act == "arrive" and case.arrived is None:
            case.arrived = at
        if act in ("close", "sign"):
            case.closed = at
        if act in ("close", "note", "sign") and outcome:
            case.outcome = outcome
        if act == "done" or (act == "note" and outcome and case.category == "maintenance"):
            case.done, case.outcome = at, outcome or "mended"
        closes = case.outcome if act in ("close", "sign") else None
        self.say(case, at, act, body["by"], closes)


def recount(database: Path, now_ms: int) -> Recount:
    """From the journal of a database, as it is read by nothing of ours."""
    found = Recount()
    with sqlite3.connect(database) as connection:
        granted = {seq for (seq,) in connection.execute("SELECT seq FROM command_results WHERE ok")}
        rows = connection.execute(
            "SELECT seq, kind, device, arrived_ms, body FROM journal ORDER BY seq"
        ).fetchall()
    low: set[str] = set()
    shifts: dict[int, tuple[str, int]] = {}
    for seq, kind, device, at, text in rows:
        body = json.loads(text)
        if kind == "reading":
            _hear(found, low, device, at, body)
        elif seq in granted and body["act"] == "sign_on":
            shifts[seq] = (body["person"], body["until_ms"])
            found.lines.append((at, "signed_on", None, body["person"], None, None, None))
        elif seq in granted and body["act"] == "sign_off":
            person, until = shifts[body["shift"]]
            shifts[body["shift"]] = (person, min(until, at))
        elif seq in granted and body["act"] not in ("remark", "unreached"):
            found.ordered(body, at)
    for person, until in shifts.values():
        if until <= now_ms:
            found.lines.append((until, "signed_off", None, person, None, None, None))
    return found


def _hear(found: Recount, low: set[str], device: str, at: int, readings: list[Any]) -> None:
    for point, value, _at, _unit in readings:
        if (point, value) == ("press", "sos"):
            if found.pressed.get(device) == at:
                continue  # said twice of one moment: one press
            found.pressed[device] = at
            found.opens("emergency-press", "emergency", device, at)
        elif (point, value) == ("press", "test"):
            found.tests[device, day_of(at)] += 1
        elif point == "battery":
            found.batteries[device, day_of(at)] = value
            if value < 10 and device not in low:
                low.add(device)
                found.opens("battery-low", "maintenance", device, at)
            elif value >= 10 and device in low:
                low.remove(device)
                found.ends("battery-low", device, at)
            found.battery(device, value, at, device in low)


def median(values: list[int]) -> float | None:
    """The middle one in s, or between the two in the middle."""
    values = sorted(values)
    if not values:
        return None
    middle = len(values) // 2
    both = values[middle - 1 : middle + 1] if len(values) % 2 == 0 else [values[middle]]
    return sum(both) / len(both) / 1_000


def figures(cases: list[Case], now_ms: int) -> dict[str, Any]:
    """What the figures of these cases must be."""
    answers = [c.answered - c.heard for c in cases if c.answered is not None]
    arrivals = [c.arrived - c.heard for c in cases if c.arrived is not None]
    closings = [c.closed - c.heard for c in cases if c.closed is not None]
    return {
        "cases": len(cases),
        "answered": len(answers),
        "sent": sum(c.sent for c in cases),
        "arrived": len(arrivals),
        "answered_within_60_s": sum(one <= 60 * S for one in answers),
        "answered_within_180_s": sum(one <= 180 * S for one in answers),
        "arrived_within_2700_s": sum(one <= 2_700 * S for one in arrivals),
        "arrived_within_3600_s": sum(one <= 3_600 * S for one in arrivals),
        **{
            f"answered_undecided_{limit}_s": sum(
                c.answered is None and c.closed is None and c.heard + limit * S >= now_ms
                for c in cases
            )
            for limit in (60, 180)
        },
        **{
            f"arrived_undecided_{limit}_s": sum(
                c.sent and c.arrived is None and c.closed is None and c.heard + limit * S >= now_ms
                for c in cases
            )
            for limit in (2_700, 3_600)
        },
        "outcomes": dict(Counter(c.outcome for c in cases if c.outcome)),
        "median_answer_s": median(answers),
        "median_arrival_s": median(arrivals),
        "median_closing_s": median(closings),
    }
