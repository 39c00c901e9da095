"""Figures of devices and machines: which are alive, what supervises them, how much is used.

Pure: rows of the stores go in, figures come out. A figure that is not known is None, never 0.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from hub.devices import expected_silence_s
from hub.journal import DAY_MS
from hub.series import Row as SeriesRow
from rules.rhythm import supervision

Row = Mapping[str, Any]


# -- devices --------------------------------------------------------------------------------------


def is_alive(device: Row, now_ms: int) -> bool:
    """Was something heard of it within its expected silence?"""
    heard_ms: int | None = device["heard_ms"]
    silence_s = expected_silence_s(
        device["expected_silence_s"], device["driver"], device["learned_s"]
    )
    return heard_ms is not None and now_ms - heard_ms <= silence_s * 1000


def is_offline(device: Row) -> bool:
    """Did its will, or the will of what carries it, say that it is gone?"""
    online = device["points"].get("online")
    return online is not None and online[0] is False


def supervised_by(device: Row, pressed_ms: int | None, test_press_days: int, now_ms: int) -> str:
    """What would show that it is broken: see `rules.rhythm.supervision`."""
    silence_s = expected_silence_s(
        device["expected_silence_s"], device["driver"], device["learned_s"]
    )
    return supervision(
        word_ms=device["word_ms"],
        gaps=device["gaps"] or 0,
        pressed_ms=pressed_ms,
        silence_ms=silence_s * 1_000,
        test_ms=test_press_days * DAY_MS,
        now_ms=now_ms,
    )


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


# -- use of the machines --------------------------------------------------------------------------


def uses(rows: Sequence[SeriesRow]) -> float:
    """How often a machine was used, from windows or raw readings of `uses` and `rep`.

    `uses` is a running total: its growth from row to row counts, and after a fall (the counter was
    reset) the new value counts from zero. `rep` counts by itself only where no total stands beside
    it: the hub puts a total of its own behind every repetition (`hub/counters.py`).
    """
    totals = [row for row in rows if row.point == "uses"]
    if totals:
        grown = sum(_growth(before, after) for before, after in pairwise(totals))
        return grown + _growth_within(totals[0])
    return sum(
        (row.mean if row.mean is not None else _number(row.value)) * row.count
        for row in rows
        if row.point == "rep"
    )


def _number(value: bool | float | str) -> float:
    return value if isinstance(value, float) else 0.0


def _growth(before: SeriesRow, after: SeriesRow) -> float:
    was, now = _number(before.value), _number(after.value)
    return now - was if now >= was else now


def _growth_within(first: SeriesRow) -> float:
    """What the first window alone shows: from its lowest to its last value."""
    return 0.0 if first.min is None else max(0.0, _number(first.value) - first.min)
