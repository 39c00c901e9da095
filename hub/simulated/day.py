"""A believable day: what every device says, and when. Pure: the same seed and start, the same day.

Each home, unit door, machine, … is an actor of its own. It plans one day at a time from a random
generator that is seeded with the actor's name and the date, so that no actor changes another's
day; the plans are merged by time. The days go on for ever and are made as they are asked for.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from heapq import merge
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import NamedTuple

from hub.register import Row
from hub.simulated.figures import FIGURES, Figures, Outing, Traffic

DAY_MS = 86_400_000
HOUR_S = 3_600

Points = dict[str, bool | int | float | str]


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """What the simulator knows of a device. `role` is the first of its tags."""

    id: str
    family: str
    driver: str
    address: str
    place: str
    role: str
    gateway: str

    @classmethod
    def of(cls, row: Row) -> "SimulatedDevice":
        """From a row of the register, in the table's columns."""
        return cls(
            row["id"],
            row["family"],
            row["driver"],
            row["address"],
            row["place"] or "",
            next(iter(json.loads(row["tags_json"])), ""),
            row["gateway"] or "",
        )


class Act(NamedTuple):
    """What one device says at a moment of the simulated time."""

    at_ms: int
    device: SimulatedDevice
    points: Points


class Plan(NamedTuple):
    """One line of an actor's day: the second of the day, who, what."""

    at_s: float
    device: SimulatedDevice
    points: Points


Planner = Callable[[Random], Iterable[Plan]]


def live(
    devices: Iterable[SimulatedDevice],
    *,
    seed: int,
    start_ms: int,
    zone: tzinfo,
    figures: Figures = FIGURES,
) -> Iterator[Act]:
    """All days of all devices from `start_ms` on, in the order of time, without end."""
    all_of_them = list(devices)
    actors = [
        _days(seed, name, planner, start_ms, zone)
        for name, planner in _actors(all_of_them, figures)
    ]
    hellos = _hellos(all_of_them, start_ms, figures)
    return merge(hellos, *actors, key=attrgetter("at_ms"))


def _hellos(devices: Iterable[SimulatedDevice], start_ms: int, figures: Figures) -> Iterator[Act]:
    """Everything says once that it is there, in the order of time, as when it is put up."""
    moments = sorted(
        (
            start_ms + int(_share(device.id, "hello") * figures.hello_within_s * 1_000),
            device.id,
            device,
        )
        for device in devices
        if device.family != "gateway"
    )
    for at_ms, _, device in moments:
        yield Act(at_ms, device, _with_state(device, {"alive": True}, at_ms))


def _days(seed: int, name: str, planner: Planner, start_ms: int, zone: tzinfo) -> Iterator[Act]:
    day = datetime.fromtimestamp(start_ms / 1_000, zone).date()
    while True:
        midnight_ms = _midnight_ms(day, zone)
        last_ms = _midnight_ms(day + timedelta(days=1), zone) - 1
        plans = sorted(planner(Random(f"{seed}/{name}/{day}")), key=attrgetter("at_s"))
        for at_s, device, points in plans:
            at_ms = min(midnight_ms + int(at_s * 1_000), last_ms)
            if at_ms >= start_ms:
                yield Act(at_ms, device, _with_state(device, points, at_ms))
        day += timedelta(days=1)


def _midnight_ms(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1_000)


def _actors(devices: list[SimulatedDevice], figures: Figures) -> Iterator[tuple[str, Planner]]:
    units = {device.place: device for device in devices if device.role == "entrance"}
    homes = sorted((d for d in devices if d.role in ("home", "bedside")), key=attrgetter("place"))
    for place, group in groupby(homes, key=attrgetter("place")):
        doors = [device for device in group if device.role == "home"]
        unit = units.get(place.rpartition("/")[0])
        for door in doors:
            yield f"home/{place}", _home(door, unit, figures)
    for device in devices:
        if device.role in _PLANNERS:
            yield f"{device.role}/{device.id}", _PLANNERS[device.role](device, figures)
        if device.family != "gateway":
            yield f"heartbeat/{device.id}", _heartbeats(device, figures)


# --- planners: one actor's day ---------------------------------------------------------------


def _home(door: SimulatedDevice, unit: SimulatedDevice | None, figures: Figures) -> Planner:
    def plan(rng: Random) -> Iterator[Plan]:
        for leave_s, back_s in _outings(rng, figures.outings):
            yield from _pass(rng, door, leave_s, figures.door_open_s)
            yield from _pass(rng, door, back_s, figures.door_open_s)
            if unit is not None:
                out_s = leave_s + rng.uniform(*figures.stairs_s)
                yield from _pass(rng, unit, out_s, figures.unit_open_s)
                in_s = back_s - rng.uniform(*figures.stairs_s)
                yield from _pass(rng, unit, in_s, figures.unit_open_s)
        for comes_s, goes_s in _outings(rng, figures.visits):
            yield from _pass(rng, door, comes_s, figures.door_open_s)
            yield from _pass(rng, door, goes_s + HOUR_S, figures.door_open_s)

    return plan


def _outings(rng: Random, outings: Iterable[Outing]) -> Iterator[tuple[float, float]]:
    for outing in outings:
        if rng.random() < outing.chance:
            leave_s = rng.uniform(outing.from_h, outing.to_h) * HOUR_S
            yield leave_s, leave_s + rng.uniform(*outing.away_min) * 60


def _pass(
    rng: Random, door: SimulatedDevice, at_s: float, open_s: tuple[float, float]
) -> Iterator[Plan]:
    yield Plan(at_s, door, {"contact": "open"})
    yield Plan(at_s + rng.uniform(*open_s), door, {"contact": "closed"})


def _unit_door(door: SimulatedDevice, figures: Figures) -> Planner:
    def plan(rng: Random) -> Iterator[Plan]:
        for at_s in _happenings(rng, figures.unit_traffic):
            propped = rng.random() < figures.propped_chance
            low, high = figures.propped_min
            open_s = (low * 60, high * 60) if propped else figures.unit_open_s
            yield from _pass(rng, door, at_s, open_s)

    return plan


def _public_door(traffic: str) -> Callable[[SimulatedDevice, Figures], Planner]:
    def planner(door: SimulatedDevice, figures: Figures) -> Planner:
        def plan(rng: Random) -> Iterator[Plan]:
            for at_s in _happenings(rng, getattr(figures, traffic)):
                yield from _pass(rng, door, at_s, figures.public_open_s)

        return plan

    return planner


def _happenings(rng: Random, traffic: Iterable[Traffic]) -> Iterator[float]:
    """Seconds of the day, as chance has them: the next comes after an exponential wait."""
    for from_h, to_h, per_hour in traffic:
        if per_hour <= 0:
            continue
        at_h = from_h + rng.expovariate(per_hour)
        while at_h < to_h:
            yield at_h * HOUR_S
            at_h += rng.expovariate(per_hour)


def _machine(machine: SimulatedDevice, figures: Figures) -> Planner:
    total = 0  # a total that began at any other value would look like uses at the first message

    def plan(rng: Random) -> Iterator[Plan]:
        nonlocal total
        at_s = 0.0
        for comes_s in _happenings(rng, figures.machine_sessions):
            at_s = max(comes_s, at_s + figures.next_person_s)  # one person at a time
            left = rng.randint(*figures.session_repetitions)
            while left > 0:
                done = min(left, figures.repetitions_a_message)
                at_s += done * rng.uniform(*figures.repetition_s)
                total, left = total + done, left - done
                yield Plan(at_s, machine, {"uses": total})

    return plan


def _button(button: SimulatedDevice, figures: Figures) -> Planner:
    test_day = _share(button.id, "test")

    def plan(rng: Random) -> Iterator[Plan]:
        for at_s in _happenings(rng, [Traffic(0, 24, figures.presses_per_button_and_day / 24)]):
            word = rng.choice(figures.press_words)
            yield Plan(at_s, button, {"press": word})
            if rng.random() < figures.pressed_again_chance:
                again_s = at_s + rng.uniform(*figures.pressed_again_s)
                yield Plan(again_s, button, {"press": word})
        if int(rng.random() * 30) == int(test_day * 30):  # once a month on the average
            at_s = rng.uniform(*figures.test_hours) * HOUR_S
            yield Plan(at_s, button, {"press": "test"})

    return plan


def _heartbeats(device: SimulatedDevice, figures: Figures) -> Planner:
    degrees = {"cold-store": figures.cold_store_degrees, "cabinet": figures.fridge_degrees}
    cold = degrees.get(device.role)
    every_s = (figures.cold_heartbeat_h if cold else figures.heartbeat_h) * HOUR_S

    def plan(rng: Random) -> Iterator[Plan]:
        at_s = _share(device.id, "heartbeat") * every_s
        while at_s < 24 * HOUR_S:
            points: Points = {"alive": True}
            if cold:
                points["temperature"] = round(rng.uniform(*cold), 1)
            points["rssi"] = _radio(device, rng, figures)
            points["snr"] = round(rng.uniform(*figures.snr_db), 1)
            yield Plan(at_s, device, points)
            at_s += every_s

    return plan


_PLANNERS: dict[str, Callable[[SimulatedDevice, Figures], Planner]] = {
    "entrance": _unit_door,
    "fitness": _machine,
    "bedside": _button,
    "call": _button,
    "cold-store": _public_door("shop_traffic"),
    "rear": _public_door("shop_traffic"),
    "station": _public_door("station_traffic"),
    "culture": _public_door("culture_traffic"),
    "cabinet": _public_door("cabinet_traffic"),
}


# --- how a device is -------------------------------------------------------------------------


def _with_state(device: SimulatedDevice, points: Points, at_ms: int) -> Points:
    if "alive" in points or "press" in points:
        return {**points, "battery": battery_pct(device.id, at_ms)}
    return points


def battery_pct(device_id: str, at_ms: int, figures: Figures = FIGURES) -> int:
    """What is left in the battery: it falls evenly and is changed when it is nearly empty."""
    low, high = figures.battery_days
    days = low + (high - low) * _share(device_id, "battery life")
    used = _share(device_id, "battery age") + at_ms / DAY_MS / days
    span = 100 - figures.battery_changed_at_pct
    return int(100 - used % 1 * span)


def _radio(device: SimulatedDevice, rng: Random, figures: Figures) -> int:
    low, high = figures.rssi_dbm
    usual = low + (high - low) * _share(device.id, "distance")
    return int(min(max(usual + rng.gauss(0, 3), low), high))


def _share(name: str, purpose: str) -> float:
    """A number from 0 to 1 that belongs to a name for good."""
    return int.from_bytes(sha256(f"{name}/{purpose}".encode()).digest()[:6]) / 2**48
