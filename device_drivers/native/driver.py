"""The hub's own topics: `community/{site}/{family}/{device}/up` and `…/status`.

This is the hot path: a flood of counters comes this way. Topics are parsed once and remembered,
and nothing is built for a message but the tuples that go on.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.message import Message
from device_drivers.moments import moment_ms
from device_drivers.names import is_name, read_id, read_name
from device_drivers.payload import json_object
from device_drivers.points import HUBS_OWN, READERS, shown
from device_drivers.reading import Reading

NAME = "native"
Read = TypeVar("Read")
TOPICS_REMEMBERED_MAX = 65_536
NEVER_SET_MS = 864_000_000  # ten days of running; from there on it may be seconds
FAMILIES = ("button", "door", "counter")
SHAPE = (
    "community/{site}/{button|door|counter}/{device}/{up|status} "
    "or community/{site}/gateway/{gateway}/status"
)
# what an `up` may say; whether it is online says `status`, and a link quality is Zigbee's
_READERS = {name: row for name, row in READERS.items() if name not in {"online", "lqi", *HUBS_OWN}}
# The hub's own press of proof. On this device's topic only: from anybody else the word is refused,
# and counts as a call like all that cannot be understood.
CANARY = "canary"
CANARY_ADDRESS = f"{NAME}:{CANARY}"
_STATUS = {b"online": True, b"offline": False}


class Route(NamedTuple):
    """What a topic says."""

    address: str
    family: str
    status: bool


@lru_cache(maxsize=TOPICS_REMEMBERED_MAX)
def route_of(topic: str) -> Route | Refused:
    """The route of a native topic."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != "community" or not (is_name(parts[1]) and is_name(parts[3])):
        return Refused(f"topic {shown(topic)}: expected {SHAPE}", driver=NAME)
    family, device, leaf = parts[2:]
    known = family in FAMILIES or (family == "gateway" and leaf == "status")
    if not known or leaf not in ("up", "status"):
        return Refused(f"topic {shown(topic)}: expected {SHAPE}", driver=NAME)
    return Route(f"{NAME}:{device}", family, leaf == "status")


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One native message, understood or refused."""
    route = route_of(message.topic)
    if isinstance(route, Refused):
        return route
    if route.status:
        return _status(route, message.payload)
    try:
        body = json_object(message)
    except Unreadable as error:
        return _refused(route, str(error))
    return _up(route, body)


def _up(route: Route, body: dict[str, Any]) -> Decoded | Refused:
    wrong: list[str] = []
    at_ms = _field(body, "ts", _moment, wrong)
    own_id = _field(body, "id", read_id, wrong)
    gateway = _field(body, "via", read_name, wrong)
    if route.address == CANARY_ADDRESS and body.get("press") == CANARY:
        readings: tuple[Reading, ...] = (Reading("press", CANARY, at_ms),)
    else:
        readings = _readings(body, at_ms, wrong)
    pressed = "press" in body and any(reading.point == "press" for reading in readings)
    if wrong and not pressed:
        return _refused(route, "; ".join(wrong))
    answer = _answer(body, own_id) if pressed else None
    return Decoded(
        NAME, route.address, route.family, readings, own_id, answer, gateway, tuple(wrong)
    )


def _moment(value: Any) -> int | None:
    """As `moment_ms`; None for a clock that was never set: it counts from 1970."""
    if type(value) is int and 0 < value < NEVER_SET_MS:
        return None
    if isinstance(value, str) and value.startswith("1970-"):
        return None
    return moment_ms(value)


def _field(
    body: dict[str, Any], key: str, read: Callable[[Any], Read], wrong: list[str]
) -> Read | None:
    if key not in body:
        return None
    try:
        return read(body[key])
    except Unreadable as error:
        wrong.append(f"{key}: {error}")
        return None


def _readings(body: dict[str, Any], at_ms: int | None, wrong: list[str]) -> tuple[Reading, ...]:
    readings = []
    for key, value in body.items():
        reader = _READERS.get(key)
        if reader is not None:
            read, unit = reader
            try:
                readings.append(Reading(key, read(value), at_ms, unit))
            except Unreadable as error:
                wrong.append(f"{key}: {error}")
    return tuple(readings)


def _answer(body: dict[str, Any], own_id: str | None) -> str | None:
    if own_id is not None:
        return own_id
    try:
        return read_id(body["ts"]) if "ts" in body else None
    except Unreadable:
        return None  # a `ts` that cannot be repeated; the warnings name it already


def _status(route: Route, payload: bytes) -> Decoded | Refused:
    if not payload:  # whoever takes a device away clears its retained will: nobody pressed
        return Refused("status: cleared, which says nothing of the device", driver=NAME)
    online = _STATUS.get(bytes(payload))
    if online is None:
        return _refused(route, f"status: expected online or offline, not {shown(bytes(payload))}")
    return Decoded(NAME, route.address, route.family, (Reading("online", online),))


def _refused(route: Route, reason: str) -> Refused:
    return Refused(reason, route.address, NAME, route.family)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="native",
    points=(*_READERS, "online"),
    expected_silence_s=26 * 3_600,
    heard=Heard("native", '`{"heard": id}` on the device\'s own `…/down` topic'),
    tested="frames",
    receive=receive,
    topics=("community/#",),
    topic="community/demo/button/unknown/up",
)
