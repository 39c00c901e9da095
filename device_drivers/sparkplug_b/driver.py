"""Sparkplug B (Eclipse Sparkplug 3.0): births, data and deaths of edge nodes and devices.

What a metric is about says its name, which the owner chose: `words.py` knows the common ones. Data
after a birth may carry the alias alone; the birth is handed back as an announcement for that.
"""

from typing import Any, NamedTuple

from device_drivers.driver import (
    Announcement,
    Decoded,
    Document,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.message import Message
from device_drivers.moments import EARLIEST_MS, LATEST_MS
from device_drivers.names import is_name
from device_drivers.points import shown
from device_drivers.reading import Reading
from device_drivers.sparkplug_b.wire import Metric, Payload, read_payload, value_of
from device_drivers.words import POINTS_OF_NAMES, Named, family_of, is_known, point_of, read_all

NAME = "sparkplug_b"
SHAPE = "spBv1.0/{group}/{N or D and BIRTH, DATA, DEATH}/{edge node}/{device}"
BIRTH = "birth"  # the part under which a birth certificate is kept
EVENTS = ("press", "rep")
UNIT_PROPERTIES = ("engUnit", "Engineering Units", "unit")
COMMANDS = ("NCMD", "DCMD")
KINDS = ("BIRTH", "DATA", "DEATH")


class Place(NamedTuple):
    """What a topic says."""

    kind: str
    node: str
    device: str | None

    @property
    def address(self) -> str:
        """The sender: an edge node, or a device behind it."""
        return self.node if self.device is None else f"{self.node}/{self.device}"

    @property
    def family(self) -> str | None:
        """An edge node is a gateway."""
        return "gateway" if self.device is None else None


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of an edge node, understood or refused."""
    try:
        place = _place(message.topic)
    except Unreadable as error:
        return Refused(str(error), driver=NAME)
    try:
        return _read(place, read_payload(bytes(message.payload)), documents)
    except Unreadable as error:
        return Refused(str(error), place.address, NAME, place.family)


def _place(topic: str) -> Place:
    levels = topic.split("/")
    if len(levels) > 1 and levels[1] == "STATE":
        raise Unreadable("the state of a host application is not the word of a device")
    if not 4 <= len(levels) <= 5 or not all(is_name(level) for level in levels):
        raise Unreadable(f"topic {shown(topic)}: expected {SHAPE}")
    _, group, kind, edge = levels[:4]
    if kind in COMMANDS:
        raise Unreadable(f"topic {shown(topic)}: a command to a device, not its word")
    device = levels[4] if len(levels) == 5 else None
    if kind[1:] not in KINDS or kind[:1] != ("N" if device is None else "D"):
        raise Unreadable(f"topic {shown(topic)}: expected {SHAPE}")
    return Place(kind[1:], f"{NAME}:{group}/{edge}", device)


def _read(place: Place, payload: Payload, documents: Documents) -> Decoded:
    sent_ms = _moment(payload.at_ms)
    readings: tuple[Reading, ...] = ()
    warnings: tuple[str, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    if place.kind == "DEATH":
        readings = (Reading("online", False, sent_ms),)
    elif place.kind == "BIRTH":
        document = _birth(payload)
        readings, warnings = _values(payload, document, sent_ms)
        # What a birth certificate repeats did not happen now: no press, no use.
        states = tuple(one for one in readings if one.point.split("_")[0] not in EVENTS)
        readings = (Reading("online", True, sent_ms), *states)
        announcements = (_announcement(place, document),)
    else:
        readings, warnings = _values(payload, _known(place, documents), sent_ms)
    unique = sent_ms is not None and payload.seq is not None
    return Decoded(
        NAME,
        place.address,
        place.family,
        readings,
        f"{payload.at_ms}:{payload.seq}" if unique else None,
        gateway=None if place.device is None else place.node.removeprefix(f"{NAME}:"),
        warnings=warnings,
        announcements=announcements,
    )


def _moment(at_ms: int | None) -> int | None:
    """A moment of the sender's clock; one that was never set says nothing."""
    return at_ms if at_ms is not None and EARLIEST_MS <= at_ms <= LATEST_MS else None


def _birth(payload: Payload) -> dict[str, Any]:
    """What later messages are read by: alias, datatype and unit of the names that we know."""
    names: dict[str, str] = {}
    types: dict[str, int] = {}
    units: dict[str, str] = {}
    for metric in payload.metrics:
        unit = _unit(metric)
        if metric.name is None or not is_known(metric.name, unit):
            continue
        if metric.alias is not None:
            names[str(metric.alias)] = metric.name
        if metric.datatype is not None:
            types[metric.name] = metric.datatype
        if unit:
            units[metric.name] = unit
    return {"born": True, "names": names, "types": types, "units": units}


def _unit(metric: Metric) -> str:
    return next((metric.properties[key] for key in UNIT_PROPERTIES if key in metric.properties), "")


def _announcement(place: Place, document: Document) -> Announcement:
    names = {*document["names"].values(), *document["types"]}
    points = [point_of(name, document["units"].get(name, "")) for name in names]
    return Announcement(
        place.address,
        BIRTH,
        document,
        address=place.address,
        family=place.family or family_of(points),
        name=place.device,
        driver=NAME,
    )


def _known(place: Place, documents: Documents) -> Document:
    """The birth certificate of the device, with its edge node's for aliases that are there."""
    own = documents(place.address).get(BIRTH) or {}
    if place.device is None:
        return own
    of_node = documents(place.node).get(BIRTH) or {}
    both = {
        key: {**of_node.get(key, {}), **own.get(key, {})} for key in ("names", "types", "units")
    }
    return {"born": "born" in own or "born" in of_node, **both}


def _values(
    payload: Payload, document: Document, sent_ms: int | None
) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    values: list[Named] = []
    warnings: list[str] = []
    for metric in payload.metrics:
        try:
            named = _named(metric, document, sent_ms)
        except Unreadable as error:
            warnings.append(str(error))
            continue
        if named is not None:
            values.append(named)
    return read_all(values, warnings)


def _named(metric: Metric, document: Document, sent_ms: int | None) -> Named | None:
    name = metric.name
    if not name:
        name = document.get("names", {}).get(str(metric.alias))
        if name is None and not document.get("born"):
            raise Unreadable(
                f"alias {metric.alias}: no birth certificate has told yet what it stands for"
            )
    unit = _unit(metric) or document.get("units", {}).get(name, "")
    if name is None or metric.null or metric.raw is None or not is_known(name, unit):
        return None
    datatype = metric.datatype
    if datatype is None:
        datatype = document.get("types", {}).get(name)
    at_ms = sent_ms if metric.at_ms is None else _moment(metric.at_ms)
    if at_ms is None and metric.historical:
        raise Unreadable(f"{shown(name)}: an old value without the time at which it was so")
    try:
        return Named(name, value_of(metric, datatype), at_ms, unit)
    except Unreadable as error:
        raise Unreadable(f"{shown(name)}: {error}") from None


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="sparkplug-b",
    points=(*POINTS_OF_NAMES, "online"),
    expected_silence_s=26 * 3_600,
    heard=Heard("none", "a command needs a metric of the owner's choosing; there is none for all"),
    tested="frames",
    receive=receive,
    topics=("spBv1.0/#",),
    topic="spBv1.0/demo/DDATA/unknown/unknown",
)
