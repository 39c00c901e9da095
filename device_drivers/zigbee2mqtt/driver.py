"""What zigbee2mqtt publishes: `zigbee2mqtt/{name}`, its availability, and the bridge's own state.

The properties are those of its "exposes", which are the same for every model, so this driver knows
no models. Null is "not known", never a value; a property of the wrong kind is left out and said.
"""

import re
from typing import Any

from device_drivers.driver import Decoded, Driver, Heard, Refused, Unreadable
from device_drivers.message import Message
from device_drivers.moments import moment_ms
from device_drivers.points import number_or_none, reading, shown
from device_drivers.reading import Reading

NAME = "zigbee2mqtt"
BASE = "zigbee2mqtt/"
BRIDGE = f"{NAME}:bridge"
TOPIC_CHARACTERS_MAX = 512

# A cell's voltage comes in mV, a mains voltage in V: below this it is not a cell.
CELL_MILLIVOLTS_MIN = 500
CELL_MILLIVOLTS_MAX = 60_000

# Words inside an action that say how a button was pressed: `1_double`, `button_2_hold`, `on_press`.
PRESS_OF_WORD = {
    **dict.fromkeys(("sos", "emergency", "panic", "fire"), "sos"),
    **dict.fromkeys(("single", "click", "press", "pressed", "short", "push"), "single"),
    "double": "double",
    "triple": "triple",
    "quadruple": "quadruple",
    "many": "many",
    **dict.fromkeys(("hold", "long", "held"), "long"),
}
# Words that make an action no press, whatever stands beside them; they need no mention.
NO_PRESS_WORDS = frozenset(("release", "released", "none", "vibration"))
ONLINE = {"online": True, "offline": False}
CONTACT = {True: "closed", False: "open"}  # zigbee2mqtt: contact is made = closed

# Single properties that may come on a topic of their own (`output: attribute`, old `…/action`).
SAME_NAMES = ("tamper", "battery", "battery_low", "temperature", "humidity")
PROPERTIES = {"action", "sos", "contact", "vibration", "voltage", "linkquality", *SAME_NAMES}


def receive(message: Message) -> Decoded | Refused:
    """One message of zigbee2mqtt, understood or refused."""
    name = message.topic.removeprefix(BASE)
    if name == message.topic or not name or not _is_topic(name):
        return Refused(f"topic {shown(message.topic)}: expected {BASE}{{name}}", driver=NAME)
    if name == "bridge" or name.startswith("bridge/"):
        return _bridge(name, message)
    head, _, tail = name.rpartition("/")
    if head and tail == "availability":
        return _availability(f"{NAME}:{head}", message)
    if tail in ("set", "get") and head:
        return Refused(
            f"topic {shown(message.topic)}: a command to a device, not its word",
            f"{NAME}:{head}",
            NAME,
        )
    return _device(name, head, tail, message)


def _is_topic(name: str) -> bool:
    plain = name.isprintable() and "+" not in name and "#" not in name
    return plain and len(name) <= TOPIC_CHARACTERS_MAX and not name.startswith("/")


def _read(message: Message) -> Any:
    """The payload as JSON, or as the plain text that old versions send."""
    try:
        return message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        try:
            text = bytes(message.payload).decode()
        except UnicodeDecodeError:
            raise Unreadable(f"the payload is neither JSON nor text: {error}") from None
        if not text or not text.isprintable() or text.lstrip()[:1] in ("{", "[", '"'):
            raise Unreadable(f"the payload is not JSON: {error}") from None
        return text


def _online(message: Message) -> bool:
    body = _read(message)
    state = body.get("state") if isinstance(body, dict) else body
    if isinstance(state, str) and state in ONLINE:
        return ONLINE[state]
    raise Unreadable(f"state: expected online or offline, not {shown(state)}")


def _bridge(name: str, message: Message) -> Decoded | Refused:
    if name != "bridge/state":
        return Decoded(NAME, BRIDGE, "gateway", ())
    try:
        online = Reading("online", _online(message))
    except Unreadable as error:
        return Refused(str(error), BRIDGE, NAME, "gateway")
    return Decoded(NAME, BRIDGE, "gateway", (online,))


def _availability(address: str, message: Message) -> Decoded | Refused:
    try:
        online = Reading("online", _online(message))
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    return Decoded(NAME, address, None, (online,), gateway="bridge")


def _device(name: str, head: str, tail: str, message: Message) -> Decoded | Refused:
    try:
        body = _read(message)
    except Unreadable as error:
        return Refused(str(error), f"{NAME}:{name}", NAME)
    if not isinstance(body, dict) and head and tail in PROPERTIES:
        name, body = head, {tail: body}
    if not isinstance(body, dict):
        return Refused(f"expected a JSON object, not {shown(body)}", f"{NAME}:{name}", NAME)
    readings, warnings = read_properties(body)
    if warnings and not readings:
        return Refused("; ".join(warnings), f"{NAME}:{name}", NAME)
    return Decoded(
        NAME, f"{NAME}:{name}", None, readings, gateway="bridge", warnings=tuple(warnings)
    )


def read_properties(body: dict[str, Any]) -> tuple[tuple[Reading, ...], list[str]]:
    """Readings of a device's properties, and what had to be left out."""
    readings: list[Reading] = []
    warnings: list[str] = []
    at_ms = _last_seen_ms(body, warnings)
    for point, value in _values(body, warnings):
        try:
            readings.append(reading(point, value, at_ms))
        except Unreadable as error:
            warnings.append(str(error))
    return tuple(readings), warnings


def _last_seen_ms(body: dict[str, Any], warnings: list[str]) -> int | None:
    if body.get("last_seen") is None:
        return None
    try:
        return moment_ms(body["last_seen"])
    except Unreadable as error:
        warnings.append(f"last_seen: {error}")
        return None


def _values(body: dict[str, Any], warnings: list[str]) -> list[tuple[str, Any]]:
    values = [*_press(body, warnings), *_contact(body.get("contact"))]
    values += [(name, body[name]) for name in SAME_NAMES if body.get(name) is not None]
    if body.get("vibration") is not None:
        values.append(("vibration", body["vibration"]))
    elif body.get("action") == "vibration":
        values.append(("vibration", True))
    if body.get("linkquality") is not None:
        values.append(("lqi", body["linkquality"]))
    millivolts = number_or_none(body.get("voltage"))
    if millivolts is not None and CELL_MILLIVOLTS_MIN <= millivolts <= CELL_MILLIVOLTS_MAX:
        values.append(("battery_v", millivolts / 1_000))
    return values


def _contact(value: Any) -> list[tuple[str, Any]]:
    if value is None:
        return []
    return [("contact", CONTACT[value] if isinstance(value, bool) else value)]


def _press(body: dict[str, Any], warnings: list[str]) -> list[tuple[str, Any]]:
    """Presses in `action` and `sos`; both naming the same press make one."""
    presses = [_action(body.get("action"), warnings)]
    if body.get("sos") is True:
        presses.append("sos")
    elif body.get("sos") not in (None, False):
        warnings.append(f"sos: expected true or false, not {shown(body['sos'])}")
    return [("press", kind) for kind in dict.fromkeys(presses) if kind is not None]


def _action(action: Any, warnings: list[str]) -> str | None:
    if action is None or action == "":
        return None  # the reset that follows an action, or a state published again
    if not isinstance(action, str):
        warnings.append(f"action: expected text, not {shown(action)}")
        return None
    kind = press_of(action)
    if kind is None and NO_PRESS_WORDS.isdisjoint(_words(action)):
        warnings.append(f"action: {shown(action)} is no press that is known here")
    return kind


def _words(action: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", action.lower())


def press_of(action: str) -> str | None:
    """How a button was pressed, out of an action's words (`1_double`, `on_press`); None: not.

    `hold` is a long press; `release`, and everything beside it, is none.
    """
    words = _words(action)
    if not NO_PRESS_WORDS.isdisjoint(words):
        return None
    kinds = [PRESS_OF_WORD[word] for word in words if word in PRESS_OF_WORD]
    return "sos" if "sos" in kinds else next(iter(kinds), None)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="zigbee2mqtt",
    points=(
        "press",
        "contact",
        "tamper",
        "vibration",
        "battery",
        "battery_v",
        "battery_low",
        "lqi",
        "temperature",
        "humidity",
        "online",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "no property that all sirens and buttons share; not tried"),
    tested="frames",
    receive=receive,
)
