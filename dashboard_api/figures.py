"""Figures for those who look after the community: who can be reached, how fast, what is used.

Pure: rows of the stores go in, figures come out. A figure that is not known is None, never 0.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from hub.devices import expected_silence_s
from hub.series import Row as SeriesRow

Row = Mapping[str, Any]

# Limit in s: how many of a hundred cases are to be answered within it. UK telecare, second-hand.
ANSWER_TARGETS = {60: 97.5, 180: 99.0}
ANSWER_LIMITS_S = tuple(ANSWER_TARGETS)  # the two figures of the KPI's definition


# -- devices --------------------------------------------------------------------------------------


def is_alive(device: Row, now_ms: int) -> bool:
    """Was something heard of it within its expected silence?"""
    heard_ms: int | None = device["heard_ms"]
    silence_s = expected_silence_s(device["expected_silence_s"], device["driver"])
    return heard_ms is not None and now_ms - heard_ms <= silence_s * 1000


def is_offline(device: Row) -> bool:
    """Did its will, or the will of what carries it, say that it is gone?"""
    online = device["points"].get("online")
    return online is not None and online[0] is False


class DeviceCounts(NamedTuple):
    """How the devices are; `silent` includes those of which nothing was ever heard."""

    total: int
    alive: int
    silent: int
    battery_low: int


def count_devices(devices: Sequence[Row], now_ms: int, judged_low: Container[str]) -> DeviceCounts:
    """Alive and silent devices, and those whose battery is low.

    It is low by the device's own word, or because a rule about the percent says so: `judged_low`.
    """
    alive = sum(is_alive(device, now_ms) for device in devices)
    low = sum(
        device["id"] in judged_low or device["points"].get("battery_low", [False])[0] is True
        for device in devices
    )
    return DeviceCounts(len(devices), alive, len(devices) - alive, low)


def open_doors(devices: Iterable[Row]) -> int:
    """Doors whose newest contact is open."""
    return sum(
        device["family"] == "door" and device["points"].get("contact", [None])[0] == "open"
        for device in devices
    )


# -- coverage -------------------------------------------------------------------------------------


class Reach(NamedTuple):
    """Can a press of this resident reach a person now? `reasons` say why not."""

    resident_id: str
    reachable: bool
    reasons: tuple[str, ...]
    buttons: tuple[str, ...]


def coverage(devices: Sequence[Row], now_ms: int) -> list[Reach]:
    """Every resident with a button. One button that is proven to work is enough.

    Reasons: `never_heard`, `silent` (past its expected silence), `offline` (its own will),
    `gateway_offline`.
    """
    gone = {
        name
        for device in devices
        if device["family"] == "gateway" and is_offline(device)
        for name in (device["id"], _plain(device["address"]))
    }
    buttons: dict[str, list[Row]] = defaultdict(list)
    for device in devices:
        if device["family"] == "button" and device["resident_id"]:
            buttons[device["resident_id"]].append(device)
    return [_reach(resident_id, own, gone, now_ms) for resident_id, own in sorted(buttons.items())]


def _plain(address: str) -> str:
    """The name of a device without the envelope's mark before it."""
    return address.rpartition(":")[2]


def _reach(resident_id: str, buttons: Sequence[Row], gone: set[str], now_ms: int) -> Reach:
    reasons = [_why_not(button, gone, now_ms) for button in buttons]
    reachable = None in reasons
    why = () if reachable else tuple(sorted({reason for reason in reasons if reason}))
    return Reach(resident_id, reachable, why, tuple(button["id"] for button in buttons))


def _why_not(button: Row, gone: set[str], now_ms: int) -> str | None:
    if button["heard_ms"] is None:
        return "never_heard"
    if not is_alive(button, now_ms):
        return "silent"
    if is_offline(button):
        return "offline"
    if (button["heard_by"] or button["gateway"]) in gone:
        return "gateway_offline"
    return None


# -- how fast we were -----------------------------------------------------------------------------


def kpi(cases: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Per category and in `all`: how many, how many answered within each limit, medians in s.

    Times count from when the hub heard: what a person could not know does not count against them.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for case in cases:
        groups[case["category"]].append(case)
        groups["all"].append(case)
    return {category: _figures(found) for category, found in groups.items()}


def _figures(cases: Sequence[Row]) -> dict[str, Any]:
    answers = _spans_s(cases, "answered_at_ms")
    within = {
        f"answered_within_{limit}_s": sum(span <= limit for span in answers)
        for limit in ANSWER_LIMITS_S
    }
    return {
        "cases": len(cases),
        "answered": len(answers),
        **within,
        "median_answer_s": median(answers) if answers else None,
        "median_arrival_s": _median(_spans_s(cases, "arrived_at_ms")),
        "median_closing_s": _median(_spans_s(cases, "closed_at_ms")),
        "outcomes": dict(Counter(case["outcome"] for case in cases if case["outcome"])),
    }


def _spans_s(cases: Iterable[Row], until: str) -> list[float]:
    return [(case[until] - case["heard_at_ms"]) / 1000 for case in cases if case[until] is not None]


def _median(spans_s: Sequence[float]) -> float | None:
    return median(spans_s) if spans_s else None


# -- use of the machines --------------------------------------------------------------------------


def uses(rows: Sequence[SeriesRow]) -> float:
    """How often a machine was used, from windows or raw readings of `uses` and `rep`.

    `uses` is a running total: its growth from row to row counts, and after a fall (the counter was
    reset) the new value counts from zero. `rep` counts by itself.
    """
    totals = [row for row in rows if row.point == "uses"]
    grown = sum(_growth(before, after) for before, after in pairwise(totals))
    first = _growth_within(totals[0]) if totals else 0.0
    reps = sum(
        (row.mean if row.mean is not None else _number(row.value)) * row.count
        for row in rows
        if row.point == "rep"
    )
    return grown + first + reps


def _number(value: bool | float | str) -> float:
    return value if isinstance(value, float) else 0.0


def _growth(before: SeriesRow, after: SeriesRow) -> float:
    was, now = _number(before.value), _number(after.value)
    return now - was if now >= was else now


def _growth_within(first: SeriesRow) -> float:
    """What the first window alone shows: from its lowest to its last value."""
    return 0.0 if first.min is None else max(0.0, _number(first.value) - first.min)
