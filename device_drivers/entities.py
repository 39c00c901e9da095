"""Entities as Home Assistant's MQTT discovery announces them, and what messages say of them.

A configuration is turned into a small document (`Entity`, as a dictionary that the hub can keep);
a later message on the entity's topic is read by it. Templates are read only in their simple forms:
the value, or one place in its JSON, with filters that change its kind. A template engine is a
programming language, and messages from the network are no place for one.

Facts: Home Assistant's documentation of the MQTT integration (discovery messages, binary sensor,
sensor, event, device trigger).
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from device_drivers.driver import Document, Unreadable
from device_drivers.message import Message
from device_drivers.points import shown
from device_drivers.reading import Reading
from device_drivers.words import (
    has_no_unit,
    is_another_measure,
    point_of,
    press_of,
    read_named,
)

TEXT_CHARACTERS_MAX = 512
STATE, AVAILABILITY, TRIGGER, EVENT = "state", "availability", "trigger", "event"
ROLES = (STATE, AVAILABILITY, TRIGGER, EVENT)
# What Home Assistant itself takes for "no value".
NO_VALUE = frozenset(("", "none", "unknown", "unavailable", "undefined"))

# Device classes by the name that `words.py` has for the same; "on" is open, low, detected.
BINARY_CLASSES = {
    **dict.fromkeys(("door", "window", "opening", "garage_door"), "door"),
    **dict.fromkeys(("occupancy", "presence"), "occupancy"),
    **dict.fromkeys(("motion", "moving"), "motion"),
    **{one: one for one in ("tamper", "vibration")},
    "battery": "battery_low",
}
SENSOR_CLASSES = {
    **{one: one for one in ("battery", "voltage", "temperature", "humidity")},
    "signal_strength": "rssi",
}
# Classes that leave it to the entity's name what it is.
UNSAFE_CLASSES = ("safety", "problem")
OPEN_CLASSES = (None, *UNSAFE_CLASSES, "enum", "button", "doorbell")
ONLINE = "online"

_TEMPLATE = re.compile(
    r"\{\{-?\s*(?P<root>value_json|value)"
    r"(?P<path>(?:\.[A-Za-z_]\w*|\[\s*(?:'[^'\]]+'|\"[^\"\]]+\"|[0-9]{1,4})\s*\])*)"
    r"(?P<filters>(?:\s*\|\s*\w+\s*(?:\([^()]*\))?)*)\s*-?\}\}"
)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[\s*(?:'([^'\]]+)'|\"([^\"\]]+)\"|([0-9]{1,4}))\s*\]")
_FILTER = re.compile(r"\|\s*(\w+)")
_FILTERS = frozenset(
    ("float", "int", "round", "string", "is_defined", "default", "trim", "lower", "upper", "abs")
)


class Template(NamedTuple):
    """Where in a payload the value is. `steps` None: the payload's own text."""

    steps: tuple[str | int, ...] | None
    filters: tuple[str, ...] = ()

    @property
    def leaf(self) -> str:
        """The last word of the way to the value: it often names what it is."""
        names = [step for step in self.steps or () if isinstance(step, str)]
        return names[-1] if names else ""


WHOLE_PAYLOAD = Template(None)
MISSING = object()


@lru_cache(maxsize=1_024)
def template_of(text: str | None) -> Template:
    """A template of one of the simple forms. Raises `Unreadable`, which quotes it."""
    if not text:
        return WHOLE_PAYLOAD
    match = _TEMPLATE.fullmatch(text.strip())
    filters = tuple(_FILTER.findall(match["filters"])) if match else ()
    if match is None or not _FILTERS.issuperset(filters):
        raise Unreadable(
            f"the template {shown(text)} is not one of the simple forms "
            "{{ value }}, {{ value_json.name }}, {{ value_json.name | float }}"
        )
    if match["root"] == "value":
        if match["path"]:
            raise Unreadable(f"the template {shown(text)}: text has no parts")
        return Template(None, filters)
    steps = (one.groups() for one in _STEP.finditer(match["path"]))
    return Template(tuple(int(d) if d else a or b or c for a, b, c, d in steps), filters)


def value_at(template: Template, message: Message) -> Any:
    """What a template makes of a payload; MISSING where its place is not there, or null."""
    value: Any = _json(message) if template.steps is not None else _text(message)
    for step in template.steps or ():
        value = _part(value, step)
    if value is None or (isinstance(value, str) and value.strip().lower() in NO_VALUE):
        return MISSING
    for one in template.filters:
        value = _filtered(value, one)
    return value


def _part(value: Any, step: str | int) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    is_place = isinstance(value, list) and isinstance(step, int) and step < len(value)
    return value[step] if is_place else None


def _filtered(value: Any, name: str) -> Any:
    """Filters that change a text; those that make a number of it are left to the point."""
    if name == "lower":
        return rendered(value).lower()
    if name == "upper":
        return rendered(value).upper()
    if name == "trim":
        return rendered(value).strip()
    return abs(value) if name == "abs" and isinstance(value, int | float) else value


def rendered(value: Any) -> str:
    """A value as a template writes it: Python's own way, `True` and not `true`."""
    return value if isinstance(value, str) else str(value)


def _json(message: Message) -> Any:
    try:
        return message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"the payload is not JSON: {error}") from None


def _text(message: Message) -> str:
    try:
        text = bytes(message.payload).decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"the payload is no text: {error}") from None
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Unreadable(f"expected up to {TEXT_CHARACTERS_MAX} characters, not {len(text)}")
    return text


def name_of_entity(component: str, config: Mapping[str, Any], names: list[str]) -> str | None:
    """The name under which `words.py` reads the entity; None: nothing of ours.

    By its device class; where that leaves it open, by the first of its names that says something.
    """
    device_class = config.get("device_class") or None
    unit = str(config.get("unit_of_measurement") or "")
    if component == "binary_sensor" and device_class == "connectivity":
        return ONLINE
    classes = BINARY_CLASSES if component == "binary_sensor" else SENSOR_CLASSES
    if isinstance(device_class, str) and device_class in classes:
        return classes[device_class]
    if device_class not in OPEN_CLASSES:
        return None
    known = next((name for name in names if point_of(name, unit) is not None), None)
    if known is not None:
        # On is unsafe, and that is open, even where the entity is called "closed".
        is_unsafe = device_class in UNSAFE_CLASSES and point_of(known, unit) == "contact"
        return "door" if is_unsafe else known
    return _name_of_sensor(config, unit, names) if component == "sensor" else None


def _name_of_sensor(config: Mapping[str, Any], unit: str, names: list[str]) -> str | None:
    if _is_action(names):
        return "button"
    return "uses" if _counts(config, unit, names) else None


def _is_action(names: list[str]) -> bool:
    """A remote control's action as a sensor, as zigbee2mqtt once announced it."""
    return any(name.lower() in ("action", "click") for name in names)


def _counts(config: Mapping[str, Any], unit: str, names: list[str]) -> bool:
    return (
        config.get("state_class") == "total_increasing"
        and not config.get("device_class")
        and has_no_unit(unit)
        and not any(is_another_measure(name) for name in names)
    )


def entities(documents: Document) -> list[Mapping[str, Any]]:
    """The entities among what was announced under a topic."""
    return [
        one for one in documents.values() if isinstance(one, Mapping) and one.get("role") in ROLES
    ]


class Said(NamedTuple):
    """What one message said of the entities on its topic."""

    readings: tuple[Reading, ...]
    warnings: tuple[str, ...]


def read_entities(message: Message, among: list[Mapping[str, Any]]) -> Said:
    """The readings of all entities on a topic. Raises `Unreadable` where none can be read."""
    readings: list[Reading] = []
    warnings: list[str] = []
    for one in among:
        try:
            readings += _read(message, one)
        except Unreadable as error:
            warnings.append(str(error))
    if warnings and not readings:
        raise Unreadable("; ".join(dict.fromkeys(warnings)))
    return Said(tuple(dict.fromkeys(readings)), tuple(dict.fromkeys(warnings)))


def _read(message: Message, entity: Mapping[str, Any]) -> Iterator[Reading]:
    value = value_at(template_of(entity.get("template")), message)
    if value is MISSING:
        return
    role = entity["role"]
    if role == AVAILABILITY:
        yield Reading("online", _one_of(value, entity))
    elif role == TRIGGER:
        if entity.get("payload") in (None, rendered(value)):
            yield Reading("press", entity["press"])
    elif role == EVENT:
        yield from _event(value, entity, message)
    elif entity["name"] == ONLINE:
        yield Reading("online", _one_of(value, entity))
    else:
        if entity.get("component") == "binary_sensor":
            value = _one_of(value, entity)
        yield from _named(entity, value)


def _one_of(value: Any, entity: Mapping[str, Any]) -> bool:
    """On or off, in the words that the configuration has for the two."""
    text = rendered(value)
    if text in (entity["on"], entity["off"]):
        return bool(text == entity["on"])
    raise Unreadable(
        f"{shown(entity['name'])}: expected {shown(entity['on'])} or {shown(entity['off'])}, "
        f"not {shown(text)}"
    )


def _named(entity: Mapping[str, Any], value: Any) -> tuple[Reading, ...]:
    return read_named(entity["name"], value, unit=entity.get("unit", ""), made="open") or ()


def _event(value: Any, entity: Mapping[str, Any], message: Message) -> tuple[Reading, ...]:
    """`{"event_type": …}`: the type is how the button was pressed."""
    body = value if isinstance(value, dict) else _json(message)
    kind = body.get("event_type") if isinstance(body, dict) else None
    if not isinstance(kind, str):
        raise Unreadable(f"event_type: expected text, not {shown(kind)}")
    return _named(entity, "press" if kind == "ring" else kind)


def press_of_trigger(config: Mapping[str, Any]) -> str | None:
    """How a device trigger is pressed, by its type or its subtype."""
    kinds = (config.get("type"), config.get("subtype"))
    if any(isinstance(one, str) and "release" in one for one in kinds):
        return None
    return next((kind for one in kinds if isinstance(one, str) and (kind := press_of(one))), None)
