"""How much of recorded frames is decoded right, by file: our few, and the collection's many.

`tests/frames` is part of the repository and holds one frame each of common devices, in the form of
the collection's README; the collection lies in `../shared/devices`, where there is one.

`python -m tests.device_drivers.shared_frames` writes the page of the manual. The facts of a line
become points by the rules of that folder's README.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hub.commands.decode import Memory, decode_line

FOLDER = Path(__file__).parents[3] / "shared" / "devices"
OWN = Path(__file__).parents[1] / "frames"
TOLERANCE = 0.005
SAME = ("contact", "tamper", "battery_v", "battery_low", "vibration")
RENAMED = {"battery_pct": "battery", "open_count": "openings"}
TELLS = ("expected", "facts")

NO_CELL = "the frame has volts; upstream takes a cell for granted that no maker's document names"
ROUNDED = "upstream rounds the volts to tenths; 3.222 V it is"
MEMORY = "a difference to the frame before; a driver has no memory"
# What is not decoded, by line, and why.
NOT_RIGHT = {
    "S-lorawan_frames-0270": MEMORY,
    "S-lorawan_frames-0624": MEMORY,
    "S-lorawan_frames-0619": ROUNDED,
    "S-lorawan_frames-0215": NO_CELL,
    "S-lorawan_frames-0391": NO_CELL,
    "S-lorawan_frames-0395": NO_CELL,
    "S-lorawan_frames-0396": NO_CELL,
}

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
        memory = Memory()
        for raw in file.read_bytes().splitlines():
            line = json.loads(raw)
            asked = {key: value for key, value in line.items() if key not in TELLS}
            out = decode_line(json.dumps(asked).encode(), memory)
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


PAGE = Path(__file__).parents[2] / "docs" / "devices-measured.md"
_HEAD = """# How much of recorded frames is decoded

A collection of frames of real devices with what the makers' own decoders say lies beside the checkout where this page is written.
A line is right when every one of its facts is among the readings (numbers within 0.5 %), and every line has an answer: readings, or a refusal with its reason.
This page is written by `python -m tests.device_drivers.shared_frames`.
The share says how well these frames are read, not how well any frame is: the drivers were written beside them, from the makers' published formats.
"""  # noqa: E501 - a sentence a line, as on every page


class Share(NamedTuple):
    """Of so many lines so many have facts, of these so many are decoded right."""

    lines: int
    with_facts: int
    right: int

    def add(self, one: Checked) -> "Share":
        """With one line more."""
        has_facts = bool(one.line.get("facts")) and "malformed" not in one.line
        right = has_facts and not one.missing
        return Share(self.lines + 1, self.with_facts + has_facts, self.right + right)

    def cells(self) -> str:
        """As the columns of a table."""
        share = f"{100 * self.right / self.with_facts:.1f} %" if self.with_facts else "–"
        return f"{self.lines} | {self.with_facts} | {self.right} | {share}"


def shares(checked: Iterable[Checked], key: Callable[[Checked], str]) -> dict[str, Share]:
    """The share of each group of lines."""
    found: dict[str, Share] = {}
    for one in checked:
        found[key(one)] = found.get(key(one), Share(0, 0, 0)).add(one)
    return found


def _maker(one: Checked) -> str:
    return re.sub("[^a-z0-9]", "", str(one.line["vendor"]).lower())


def page(checked: Sequence[Checked]) -> str:
    """The page of the manual: by file, by maker, and what is not decoded, with its reason."""
    whole = next(iter(shares(checked, lambda _one: "all").values()))
    files = [*sorted(shares(checked, lambda one: one.file).items()), ("**all**", whole)]
    makers = sorted(
        (name, share) for name, share in shares(checked, _maker).items() if share.with_facts
    )
    rest = [one for one in checked if one.line["id"] in NOT_RIGHT]
    lines = [_HEAD, "## By file", "", *_rows("file", files), "", "## By maker", ""]
    lines += [*_rows("maker", makers), "", "## What is not decoded, and why", ""]
    lines += ["| line | maker and model | fact | why |", "|---|---|---|---|"]
    for one in rest:
        model = f"{one.line['vendor']} {one.line['model']}"
        facts = ", ".join(f"`{point}` {value}" for point, value in one.missing)
        lines.append(f"| {one.line['id']} | {model} | {facts} | {NOT_RIGHT[one.line['id']]} |")
    return "\n".join(lines) + "\n"


def _rows(what: str, rows: Iterable[tuple[str, Share]]) -> Iterator[str]:
    yield f"| {what} | lines | with facts | right | share |"
    yield "|---|---|---|---|---|"
    for name, share in rows:
        yield f"| {name} | {share.cells()} |"


if __name__ == "__main__":
    PAGE.write_text(page(list(check_all())), encoding="utf-8")
    sys.stdout.write(PAGE.read_text(encoding="utf-8"))
