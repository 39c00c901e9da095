"""Devices that talk too much: thinned so that nothing true is lost, and reported.

Each device has a bucket of `burst_max` messages that fills again at `per_s` a second. Beyond it its
messages are held together: of every state, total and measure the newest value, of repetitions the
sum, and how many messages were left out. What is held comes into the journal every `keep_every_ms`
and is written to the table `chatterers` with every batch, so that a kill loses none of it though
the broker has its acknowledgement. That a device chatters is a reading itself (`chatter`), true
when it begins and false when nothing had to be left out for `calm_ms`.

Who calls here sees to it that a press is never among these messages.
Bounds: `devices_max` buckets, a full bucket is no bucket; `thinned_max` devices that are thinned:
when there are more, of those that were silent for longest all that is held is kept, and they begin
anew.
"""

from heapq import nsmallest
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from device_drivers.points import WHOLE_MAX
from device_drivers.reading import Reading
from hub.counters import TOTAL_OF
from hub.database import chatterers
from hub.journal import READING, RETAINED, Entry

CHATTER = "chatter"

WRITE = (
    "INSERT INTO chatterers (device, state_json) VALUES (?, ?) "
    "ON CONFLICT (device) DO UPDATE SET state_json = excluded.state_json"
)
REMOVE = "DELETE FROM chatterers WHERE device = ?"

_decode_readings = msgspec.json.Decoder(list[Reading])


class Chatterer:
    """One device that talks too much, and what of its words is held."""

    __slots__ = ("flags", "gateway", "held", "kept_ms", "left_ms", "left_out", "told")

    def __init__(self) -> None:
        self.held: dict[str, Reading] = {}
        self.left_out = 0
        self.left_ms = 0  # when a message was last left out
        self.kept_ms = 0  # when something of it was last kept
        self.told = False  # `chatter` is in the journal
        self.gateway: str | None = None
        self.flags = 0

    def hold(self, entry: Entry) -> None:
        """Take the values of a message."""
        held = self.held
        for reading in entry.readings:
            before = held.get(reading.point)
            if before is None:
                held[reading.point] = reading
            elif reading.point in TOTAL_OF:
                held[reading.point] = _sum(before, reading)
            elif (reading.at_ms or 0) >= (before.at_ms or 0):
                held[reading.point] = reading
        self.flags, self.gateway = entry.flags, entry.gateway or self.gateway

    def take(self, now_ms: int) -> tuple[Reading, ...]:
        """All that is held; with it, once, that the device chatters."""
        readings = list(self.held.values())
        if not self.told:
            readings.append(Reading(CHATTER, True, now_ms))
        self.held, self.told, self.kept_ms = {}, True, now_ms
        return tuple(readings)


def _sum(before: Reading, reading: Reading) -> Reading:
    """Repetitions add up; total behind them stays behind them."""
    times = min(int(before.value) + int(reading.value), WHOLE_MAX)
    return reading._replace(value=times, at_ms=max(before.at_ms or 0, reading.at_ms or 0))


class Chatter:
    """The buckets of all devices, and those who talk too much."""

    def __init__(
        self,
        *,
        burst_max: int,
        per_s: float,
        keep_every_ms: int,
        calm_ms: int,
        devices_max: int,
        thinned_max: int,
    ) -> None:
        self._cost_ms = 1_000 / per_s
        self._room_ms = burst_max * self._cost_ms
        self._keep_every_ms = keep_every_ms
        self._calm_ms = calm_ms
        self._devices_max = devices_max
        self._thinned_max = thinned_max
        self._full_ms: dict[str, float] = {}  # when each bucket will be full again
        self.talking: dict[str, Chatterer] = {}  # those who talk too much
        self._changed: set[str] = set()
        self._gone: list[tuple[str]] = []
        self.left_out = 0  # messages since the start

    def load(self, connection: Connection) -> None:
        """Read what an earlier run held."""
        for row in connection.execute(chatterers.select()):
            one = self.talking[row.device] = Chatterer()
            state = msgspec.json.decode(row.state_json)
            readings = _decode_readings.decode(msgspec.json.encode(state.pop("held")))
            one.held = {reading.point: reading for reading in readings}
            for name, value in state.items():
                setattr(one, name, value)

    def is_too_much(self, device_id: str, now_ms: int) -> bool:
        """One more message: beyond what its bucket holds?"""
        full_ms = self._full_ms.get(device_id, 0)
        if full_ms >= now_ms + self._room_ms:
            if full_ms <= now_ms + self._room_ms + self._cost_ms:
                return True
            full_ms = 0  # the hub's clock was set back
        if full_ms < now_ms:  # noqa: PLR1730 - faster than `max()`, for every message
            full_ms = now_ms
        self._full_ms[device_id] = full_ms + self._cost_ms
        if len(self._full_ms) > self._devices_max:
            self.forget_quiet(now_ms)
        return False

    def thin(self, entry: Entry) -> Entry | None:
        """A message beyond the bucket: held, or what is held if it is time to keep it."""
        one = self._leave_out(entry.device or "", entry.arrived_ms)
        one.hold(entry)
        if entry.arrived_ms - one.kept_ms < self._keep_every_ms and one.kept_ms <= entry.arrived_ms:
            return None
        return entry._replace(readings=one.take(entry.arrived_ms))

    def thins_refusal(self, device_id: str, now_ms: int) -> bool:
        """A message beyond the bucket that cannot be understood: is it left out?"""
        one = self._leave_out(device_id, now_ms)
        if now_ms - one.kept_ms < self._keep_every_ms and one.kept_ms <= now_ms:
            return True
        one.kept_ms = now_ms
        return False

    def release(self, entry: Entry) -> Entry:
        """A message within the bucket takes with it what was held before."""
        one = self.talking.get(entry.device or "")
        if one is None or not one.held:
            return entry
        one.hold(entry)
        self._changed.add(entry.device or "")
        return entry._replace(readings=one.take(entry.arrived_ms))

    def _leave_out(self, device_id: str, now_ms: int) -> Chatterer:
        one = self.talking.get(device_id)
        if one is None:
            one = self.talking[device_id] = Chatterer()
        one.left_out += 1
        one.left_ms = now_ms
        self.left_out += 1
        self._changed.add(device_id)
        return one

    def due(self, now_ms: int) -> list[Entry]:
        """What must be kept now though no message brings it, and who is calm again."""
        entries, too_many = [], self._too_many()
        for device_id, one in list(self.talking.items()):
            calm = now_ms - one.left_ms >= self._calm_ms or one.left_ms > now_ms
            calm = calm or device_id in too_many
            if one.held and (calm or now_ms - one.kept_ms >= self._keep_every_ms):
                entries.append(_entry(device_id, one, one.take(now_ms), now_ms))
                self._changed.add(device_id)
            elif not one.told:
                entries.append(_by_the_hub(device_id, one, one.take(now_ms), now_ms))
                self._changed.add(device_id)
            if calm:
                over = (Reading(CHATTER, False, now_ms),)
                entries.append(_by_the_hub(device_id, one, over, now_ms))
                del self.talking[device_id]
                self._changed.discard(device_id)
                self._gone.append((device_id,))
        return entries

    def _too_many(self) -> frozenset[str]:
        """Those beyond the bound: of whom a message was left out longest ago."""
        count = len(self.talking) - self._thinned_max
        if count <= 0:
            return frozenset()
        return frozenset(nsmallest(count, self.talking, key=lambda one: self.talking[one].left_ms))

    def forget_quiet(self, now_ms: int) -> None:
        """A full bucket is no bucket; if still too many are left, the oldest go."""
        self._full_ms = {name: ms for name, ms in self._full_ms.items() if ms > now_ms}
        while len(self._full_ms) > self._devices_max:
            del self._full_ms[next(iter(self._full_ms))]

    def figures(self) -> dict[str, int]:
        """How many devices chatter now, and how many messages were left out."""
        return {"chattering": len(self.talking), "left_out": self.left_out}

    def take_rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[str]]]:
        """Rows for `WRITE` and for `REMOVE` since the last call."""
        rows = [(name, _dumped(self.talking[name])) for name in self._changed]
        gone, self._gone = self._gone, []
        self._changed.clear()
        return rows, gone


def _entry(device_id: str, one: Chatterer, readings: tuple[Reading, ...], now_ms: int) -> Entry:
    return Entry(0, READING, device_id, now_ms, readings, gateway=one.gateway, flags=one.flags)


def _by_the_hub(
    device_id: str, one: Chatterer, readings: tuple[Reading, ...], now_ms: int
) -> Entry:
    """The hub's word about a device is no sign of life of it."""
    entry = _entry(device_id, one, readings, now_ms)
    return entry._replace(flags=entry.flags | RETAINED)


def _dumped(one: Chatterer) -> str:
    state = {name: getattr(one, name) for name in Chatterer.__slots__}
    return msgspec.json.encode({**state, "held": list(one.held.values())}).decode()
