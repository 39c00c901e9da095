"""ESPHome over MQTT: `{node}/{component}/{object}/state`, `{node}/status`, `{node}/debug`.

Where the node announced itself by Home Assistant's discovery, its messages are read by that. Where
it did not, the object's name alone says what it is: the words that are plain are taken, everything
else is refused, for any other program may publish on such a topic.

Facts: ESPHome's documentation of its MQTT client component.
"""

import re

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.entities import entities, read_entities
from device_drivers.message import Message
from device_drivers.names import is_name
from device_drivers.points import shown
from device_drivers.reading import Reading
from device_drivers.words import POINTS_OF_NAMES, Named, is_known, read_all

NAME = "esphome"
SHAPE = "{node}/{binary_sensor, sensor, text_sensor, event}/{object}/state or {node}/status"
COMPONENTS = ("binary_sensor", "sensor", "text_sensor", "event")
TEXT_CHARACTERS_MAX = 512
ONLINE = {"online": True, "offline": False}
LINE_OF_LOG = re.compile(r"(?:\x1b\[[0-9;]*m)*\[[A-Z]{1,3}\]\[[\w.]+:[0-9]+\]")


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a node, understood or refused."""
    levels = message.topic.split("/")
    if not all(is_name(level) for level in levels) or len(levels) not in (2, 4):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{NAME}:{levels[0]}"
    try:
        if len(levels) == 2:
            return Decoded(NAME, address, None, _own_word(levels[1], _text(message)))
        return _state(address, levels, message, documents)
    except Unreadable as error:
        # On two levels anybody may speak: a payload that is not ESPHome's is nobody's that we know.
        return Refused(str(error), None if len(levels) == 2 else address, NAME)


def _state(
    address: str, levels: list[str], message: Message, documents: Documents
) -> Decoded | Refused:
    among = entities(documents(message.topic))
    if among:
        said = read_entities(message, among)
        return Decoded(NAME, address, None, said.readings, warnings=said.warnings)
    if levels[1] not in COMPONENTS or levels[3:] != ["state"]:
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    name = levels[2]
    if not is_known(name):
        raise Unreadable(
            f"{shown(name)} does not say what it is, and the node has not announced it"
        )
    value = _event_type(message) if levels[1] == "event" else _text(message)
    # An entity that is "on" is open, whatever else its name calls the contact.
    readings, warnings = read_all([Named(name, value)], made="open")
    return Decoded(NAME, address, None, readings, warnings=warnings)


def _event_type(message: Message) -> str:
    try:
        body = message.read_json(message.payload)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the payload is not JSON: {error}") from None
    kind = body.get("event_type") if isinstance(body, dict) else None
    if isinstance(kind, str):
        return kind
    raise Unreadable(f"event_type: expected text, not {shown(kind)}")


def _own_word(leaf: str, text: str) -> tuple[Reading, ...]:
    """Birth, last will, and lines of the log."""
    if leaf == "status" and text in ONLINE:
        return (Reading("online", ONLINE[text]),)
    if leaf == "debug" and LINE_OF_LOG.match(text):
        return ()
    expected = "online or offline" if leaf == "status" else "a line of ESPHome's log"
    raise Unreadable(f"{leaf}: expected {expected}, not {shown(text)}")


def _text(message: Message) -> str:
    try:
        text = bytes(message.payload).decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"the payload is no text: {error}") from None
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Unreadable(f"expected up to {TEXT_CHARACTERS_MAX} characters, not {len(text)}")
    return text


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="esphome",
    points=(*POINTS_OF_NAMES, "online"),
    expected_silence_s=26 * 3_600,
    heard=Heard("none", "a command needs an entity that the owner has named"),
    tested="frames",
    receive=receive,
    topics=(
        *(f"+/{component}/+/state" for component in COMPONENTS),
        *("+/status", "+/debug"),
    ),
    # Every line of a log would be a message to keep, and any other program may write one there.
    subscriptions=(*(f"+/{component}/+/state" for component in COMPONENTS), "+/status"),
    topic="unknown/binary_sensor/unknown/state",
)
