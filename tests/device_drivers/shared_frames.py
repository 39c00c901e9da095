"""How much of recorded frames is decoded right, by file: our few, and the collection's many.

`tests/frames` is part of the repository and holds one frame each of common devices, in the form of
the collection's README; the collection lies in `../shared/devices`, where there is one.

`python -m tests.device_drivers.shared_frames` prints the table. The facts of a line become points
by the rules of that folder's README.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hub.commands.decode import decode_line

FOLDER = Path(__file__).parents[3] / "shared" / "devices"
OWN = Path(__file__).parents[1] / "frames"
TOLERANCE = 0.005
SAME = ("contact", "tamper", "battery_v", "battery_low", "vibration")
RENAMED = {"battery_pct": "battery", "open_count": "openings"}
TELLS = ("expected", "facts")

Fact = tuple[str, Any]


class Checked(NamedTuple):
    """A line with facts: what came out, and which facts are missing."""

    file: str
    line: dict[str, Any]
    out: dict[str, Any]
    missing: list[Fact]


def check_all(folder: Path = FOLDER) -> Iterator[Checked]:
    """Every line with facts of every file; what would give the answer away is taken out before."""
    for file in sorted(folder.glob("*.jsonl")):
        for raw in file.read_bytes().splitlines():
            line = json.loads(raw)
            asked = {key: value for key, value in line.items() if key not in TELLS}
            out = decode_line(json.dumps(asked).encode())
            facts = [] if "malformed" in line else list(facts_of(line.get("facts") or {}))
            missing = [fact for fact in facts if not _is_among(fact, out.get("readings", []))]
            yield Checked(file.name, line, out, missing)


def facts_of(facts: dict[str, Any]) -> Iterator[Fact]:
    """The facts of a line as points and values."""
    for name, value in facts.items():
        if name in SAME or name in RENAMED:
            yield RENAMED.get(name, name), value
        elif name == "press" and value != "release":
            yield "press", "long" if value == "hold" else value
        elif name == "counters":
            yield from _totals(value)
        elif name == "counter_deltas":
            yield from _numbered("rep", list(value.values()))


def _totals(counters: dict[str, Any]) -> Iterator[Fact]:
    ways = [name.rpartition("_")[2] for name in counters]
    if set(ways) == {"in", "out"}:
        values = list(zip(ways, counters.values(), strict=True))
        for way in ("in", "out"):
            yield from _numbered(way, [value for one, value in values if one == way])
    else:
        yield from _numbered("uses", list(counters.values()))


def _numbered(point: str, values: list[Any]) -> Iterator[Fact]:
    for number, value in enumerate(values, start=1):
        yield (point if len(values) == 1 else f"{point}_{number}"), value


def _is_among(fact: Fact, readings: list[dict[str, Any]]) -> bool:
    point, wanted = fact
    return any(one["point"] == point and _is_same(one["value"], wanted) for one in readings)


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str | bool) or isinstance(value, str | bool):
        return bool(value == wanted)
    return bool(abs(value - wanted) <= TOLERANCE * abs(wanted))


def table() -> Iterator[str]:
    """One row a file: lines, lines with facts, of those decoded right."""
    rows: dict[str, list[int]] = {}
    for one in check_all():
        row = rows.setdefault(one.file, [0, 0, 0])
        has_facts = bool(one.line.get("facts")) and "malformed" not in one.line
        row[0] += 1
        row[1] += has_facts
        row[2] += has_facts and not one.missing
    for file, (lines, with_facts, right) in rows.items():
        yield f"{file:24} {lines:5} lines {with_facts:5} with facts {right:5} right"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in table())
