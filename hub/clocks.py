"""Whose time a reading has: the device's own, the gateway's, or that of its arrival.

A device whose clock is off is recognised by its live messages, and its times are corrected until
the clock is right again. A time in the future is wrong at once. One in the past may just as well be
a backlog from a clock that is right: only several messages, heard over a while, with the same
distance from the moment at which they were heard are a clock that is behind.

**A press is never made old by this.** Whenever it is in doubt whether the device's time can be
believed, a press counts as now. Kept here and in the table `clocks` are only devices whose times
are odd: a right clock needs no row. Bound: `clocks_devices_max`.
"""

from typing import Any, NamedTuple

import msgspec
from sqlalchemy.engine import Connection

from hub.database import clocks

OWN = 0  # the device's time, as it says
DOUBT = 1  # the same, but a press counts as now
CORRECTED = 2  # the device's time, less the offset
STILL = 3  # its clock stands still and says nothing

WRITE = (
    "INSERT INTO clocks (device, offset_ms, since_ms, heard_ms, state_json) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET offset_ms = excluded.offset_ms, "
    "since_ms = excluded.since_ms, heard_ms = excluded.heard_ms, state_json = excluded.state_json"
)
REMOVE = "DELETE FROM clocks WHERE device = ?"


class Limits(NamedTuple):
    """From when on a clock is off, and what proves one that is behind."""

    off_ms: int  # less is no matter
    same_ms: int  # two distances that differ by no more are the same
    messages_min: int
    span_ms: int


class Verdict(NamedTuple):
    """What to do with a message's own times. `live`: its newest is of the moment of its sending."""

    what: int
    offset_ms: int = 0
    live: bool = False


_OWN = Verdict(OWN)
_DOUBT = Verdict(DOUBT)


class DeviceClock:
    """What one device's times have shown. Distance: its time less that at which it was heard.

    `alike` messages had the distance that may prove a clock that is behind: the one nearest to now
    of all, because nothing is nearer to its sending than what is live. `strays` came between them.
    """

    __slots__ = (
        "alike",
        "alike_since",
        "distance",
        "heard",
        "offset",
        "said",
        "said_since",
        "since",
        "stands",
        "strays",
    )
    STATE = ("distance", "alike", "alike_since", "strays", "said", "said_since", "stands")

    def __init__(self) -> None:
        self.offset = 0  # its clock less the right time
        self.since: int | None = None  # from when its times are not believed; None: they are
        self.heard = 0
        self.distance = self.alike = self.alike_since = self.strays = 0
        self.said: int | None = None  # the newest own time of its last message
        self.said_since = 0
        self.stands = 0  # messages in a row that said that time

    def judge(self, said: int, reference: int, heard: int, limits: Limits) -> Verdict:
        """A live message says `said` where network or hub say `reference`."""
        self.heard = heard
        distance = said - reference
        if said == self.said and distance < -limits.off_ms:
            return self._said_again(distance, heard, limits)
        if self.stands >= limits.messages_min:
            self._believe()  # it goes again
        self.said, self.said_since, self.stands = said, heard, 1
        if distance > max(self.offset, 0) + limits.off_ms:
            self._correct(distance, heard)  # nothing was ever measured in the future
        if self.since is None:
            return self._while_right(distance, heard, limits)
        return self._while_off(distance, heard, limits)

    def _said_again(self, distance: int, heard: int, limits: Limits) -> Verdict:
        """The same stale time once more; message after message it is no time at all."""
        self.stands += 1
        spread = heard - self.said_since
        if self.stands >= limits.messages_min and spread >= limits.span_ms:
            self._correct(distance, heard)
            return Verdict(STILL)
        if self.since is not None:
            return Verdict(CORRECTED, self.offset)
        return _DOUBT if spread > limits.same_ms else _OWN

    def _while_right(self, distance: int, heard: int, limits: Limits) -> Verdict:
        if distance >= -limits.off_ms:
            self.alike = 0
            return _OWN
        if self._agrees(distance, heard, limits):
            self._correct(distance, heard)
            return Verdict(CORRECTED, distance, live=True)
        # One message after another: what is sent at once, as a backlog is, proves nothing.
        return _DOUBT if self.alike > 1 and heard - self.alike_since > limits.same_ms else _OWN

    def _while_off(self, distance: int, heard: int, limits: Limits) -> Verdict:
        beyond = distance - self.offset
        if abs(beyond) <= limits.same_ms:
            self.offset, self.alike = distance, 0  # it drifts, and is followed
            return Verdict(CORRECTED, distance, live=True)
        if abs(distance) <= limits.off_ms:
            # One that was behind is right again for certain. One that was ahead may be sending
            # what is just as old as it is ahead, until several messages agree.
            if self.offset < 0 or self._agrees(distance, heard, limits):
                self._believe()
            return _OWN
        if beyond > 0 and self.offset < 0:  # it was set, and nobody knows to what
            self._believe()
            self._agrees(distance, heard, limits)
            return _DOUBT
        if self._agrees(distance, heard, limits):
            self._correct(distance, heard)
            return Verdict(CORRECTED, distance, live=True)
        return Verdict(CORRECTED, self.offset)

    def _correct(self, offset: int, heard: int) -> None:
        self.offset, self.alike = offset, 0
        self.since = heard if self.since is None else self.since

    def _believe(self) -> None:
        self.offset, self.since, self.alike = 0, None, 0

    def _agrees(self, distance: int, heard: int, limits: Limits) -> bool:
        """Have enough messages, over a long enough time, had this distance?"""
        if self.alike and distance < self.distance - limits.same_ms:
            self.strays += 1
            if self.strays < limits.messages_min:
                return False
            self.alike = 0
        if not self.alike or distance > self.distance + limits.same_ms:
            self.distance, self.alike, self.alike_since, self.strays = distance, 1, heard, 0
            return False
        self.alike, self.strays = self.alike + 1, 0
        return self.alike >= limits.messages_min and heard - self.alike_since >= limits.span_ms

    @property
    def is_right(self) -> bool:
        """Nothing about it is odd."""
        return self.since is None and self.alike == 0 and self.stands <= 1

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        return [getattr(self, name) for name in self.STATE]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        for name, value in zip(self.STATE, state, strict=True):
            setattr(self, name, value)


class Clocks:
    """The devices whose times are odd, by the register's id."""

    def __init__(self, limits: Limits, devices_max: int) -> None:
        self.limits = limits
        self._devices_max = devices_max
        self._odd: dict[str, DeviceClock] = {}
        self._changed: dict[str, None] = {}
        self._gone: dict[str, None] = {}

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        for row in connection.execute(clocks.select().order_by(clocks.c.heard_ms)):
            clock = self._odd[row.device] = DeviceClock()
            clock.offset, clock.since, clock.heard = row.offset_ms, row.since_ms, row.heard_ms
            clock.load(msgspec.json.decode(row.state_json))

    def judge(self, device_id: str, said: int, reference: int, heard: int) -> Verdict:
        """What to do with the own times of a live message; the newest of them is `said`."""
        clock = self._odd.get(device_id)
        if clock is None:
            off_ms = self.limits.off_ms
            if -off_ms <= said - reference <= off_ms:
                return _OWN
            clock = self._odd[device_id] = DeviceClock()
            self._make_room()
        verdict = clock.judge(said, reference, heard, self.limits)
        if clock.is_right:
            self._drop(device_id)
        else:
            self._changed[device_id] = None
            self._gone.pop(device_id, None)
        return verdict

    def look(self, device_id: str) -> Verdict:
        """The same for a copy that a broker had kept: it proves nothing."""
        clock = self._odd.get(device_id)
        if clock is None or clock.since is None:
            return _OWN
        still = clock.stands >= self.limits.messages_min
        return Verdict(STILL) if still else Verdict(CORRECTED, clock.offset)

    def _make_room(self) -> None:
        if len(self._odd) > self._devices_max:
            self._drop(next(iter(self._odd)))

    def _drop(self, device_id: str) -> None:
        del self._odd[device_id]
        self._changed.pop(device_id, None)
        self._gone[device_id] = None

    def take_rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[str]]]:
        """Rows for `WRITE` and for `REMOVE` since the last call."""
        rows = [(device_id, *self._row(device_id)) for device_id in self._changed]
        gone = [(device_id,) for device_id in self._gone]
        self._changed.clear()
        self._gone.clear()
        return rows, gone

    def _row(self, device_id: str) -> tuple[Any, ...]:
        clock = self._odd[device_id]
        state = msgspec.json.encode(clock.dump()).decode()
        return clock.offset, clock.since, clock.heard, state
