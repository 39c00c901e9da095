"""The Homie convention, versions 3 to 5: `homie/{device}/{node}/{property}` and its attributes.

What a property is about say node and property, which the owner named: `words.py` knows the common
ones. A version 5 device tells units and the words of its flags in `$description`, older ones in a
topic for each attribute; both are handed back as announcements for the values that follow.
"""

from collections.abc import Mapping
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
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.reading import Reading
from device_drivers.words import POINTS_OF_NAMES, Named, family_of, is_known, point_of, read_all

NAME = "homie"
SHAPE = "homie/{device}/{node}/{property} or homie/5/{device}/{node}/{property}"
TEXT_CHARACTERS_MAX = 1_024
PROPERTIES_MAX = 256
VERSION_5 = "5"
DESCRIPTION = "$description"
# A device that is only starting or asleep has not said whether it can be reached.
STATES = {
    **dict.fromkeys(("ready", "alert"), True),
    **dict.fromkeys(("disconnected", "lost"), False),
    **dict.fromkeys(("init", "sleeping"), None),
}
KEPT = ("$unit", "$format", "$datatype")


class Place(NamedTuple):
    """What a topic says: the device, and where in it."""

    device: str
    rest: tuple[str, ...]

    @property
    def address(self) -> str:
        """The sender."""
        return f"{NAME}:{self.device}"


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device, understood or refused."""
    try:
        place = _place(message.topic)
    except Unreadable as error:
        return Refused(str(error), driver=NAME)
    try:
        return _read(place, message, documents)
    except Unreadable as error:
        return Refused(str(error), place.address, NAME)


def _place(topic: str) -> Place:
    levels = topic.split("/")
    rest = levels[2:] if len(levels) > 2 and levels[1] == VERSION_5 else levels[1:]
    if rest[:1] == ["$broadcast"]:
        raise Unreadable("a broadcast to all is not the word of a device")
    if len(rest) < 2 or not all(is_name(level) for level in rest):
        raise Unreadable(f"topic {shown(topic)}: expected {SHAPE}")
    if rest[-1] in ("set", "$target"):
        raise Unreadable(f"topic {shown(topic)}: a command to a device, not its word")
    return Place(rest[0], tuple(rest[1:]))


def _read(place: Place, message: Message, documents: Documents) -> Decoded:
    if place.rest == ("$state",):
        return _state(place, _text(message))
    if place.rest == (DESCRIPTION,):
        return _description(place, message)
    if any(level.startswith("$") for level in place.rest):
        return _attribute(place, _text(message))
    if len(place.rest) != 2:
        raise Unreadable(f"topic {shown(message.topic)}: expected {SHAPE}")
    return _property(place, _text(message), documents(place.address))


def _text(message: Message) -> str:
    try:
        text = bytes(message.payload).decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"the payload is no text: {error}") from None
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Unreadable(f"expected up to {TEXT_CHARACTERS_MAX} characters, not {len(text)}")
    return text


def _state(place: Place, text: str) -> Decoded:
    if text not in STATES:
        raise Unreadable(f"$state: expected {', '.join(STATES)}, not {shown(text)}")
    online = STATES[text]
    readings = () if online is None else (Reading("online", online),)
    return Decoded(NAME, place.address, None, readings)


def _property(place: Place, text: str, known: Document) -> Decoded:
    """A property's value; an empty one is a value taken back."""
    name = "/".join(place.rest)
    about = _about(name, known)
    values = [Named(name, _word(text, about), None, about.get("unit", ""))] if text else []
    readings, warnings = read_all(values)
    return Decoded(NAME, place.address, None, readings, warnings=warnings)


def _about(name: str, known: Document) -> dict[str, str]:
    """What description or attributes said of a property."""
    about: dict[str, str] = dict((known.get(DESCRIPTION) or {}).get(name) or {})
    for attribute in KEPT:
        said = known.get(f"{name}/{attribute}") or {}
        if "value" in said:
            about[attribute[1:]] = said["value"]
    return about


def _word(text: str, about: Mapping[str, str]) -> str:
    """A flag in the words of its format (`closed,open`), where the device gave some."""
    words = about.get("format", "").split(",")
    is_flag = about.get("datatype") == "boolean" and len(words) == 2
    return words[text == "true"] if is_flag and text in ("true", "false") else text


def _attribute(place: Place, text: str) -> Decoded:
    """An attribute of version 3 or 4: kept where later values are read by it, else heard only."""
    kept = place.rest[-1] in (*KEPT, "$name") and len(place.rest) in (1, 3)
    name = text if place.rest == ("$name",) and text.isprintable() else None
    announcement = Announcement(
        place.address,
        "/".join(place.rest),
        {"value": text} if text else {},
        address=place.address,
        name=name or None,
        driver=NAME,
    )
    return Decoded(NAME, place.address, None, (), announcements=(announcement,) if kept else ())


def _description(place: Place, message: Message) -> Decoded:
    """Version 5: all nodes and properties in one document. An empty one takes it back."""
    body = json_object(message) if message.payload else {}
    document = _properties(body)
    name = body.get("name")
    announcement = Announcement(
        place.address,
        DESCRIPTION,
        document,
        address=place.address,
        family=family_of(point_of(key, one.get("unit", "")) for key, one in document.items()),
        name=name if isinstance(name, str) and name.isprintable() else None,
        driver=NAME,
    )
    return Decoded(NAME, place.address, None, (), announcements=(announcement,))


def _properties(body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Unit, format and datatype of the properties that we know, by `node/property`."""
    found: dict[str, dict[str, str]] = {}
    for node, about_node in _objects(body.get("nodes")):
        for one, about in _objects(about_node.get("properties")):
            said = {
                key: value
                for key in ("unit", "format", "datatype")
                if isinstance(value := about.get(key), str) and len(value) < TEXT_CHARACTERS_MAX
            }
            if is_known(f"{node}/{one}", said.get("unit", "")) and len(found) < PROPERTIES_MAX:
                found[f"{node}/{one}"] = said
    return found


def _objects(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, dict):
        return []
    return [(key, one) for key, one in value.items() if isinstance(one, dict)]


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="homie",
    points=(*POINTS_OF_NAMES, "online"),
    expected_silence_s=26 * 3_600,
    heard=Heard(
        "none", "a command needs a property of the owner's choosing; there is none for all"
    ),
    tested="frames",
    receive=receive,
    topics=("homie/#",),
    topic="homie/5/unknown/sensor/unknown",
)
