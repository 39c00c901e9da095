"""Devices with the firmware Tasmota: buttons, counters, and the Zigbee and LoRaWAN behind them.

`tele/{topic}/…` and `stat/{topic}/…`, or the other order `{topic}/tele/…`; other full topics are
known from the device's own discovery message.
"""

import re
from typing import Any

from device_drivers.driver import (
    Decoded,
    Document,
    Documents,
    Driver,
    Heard,
    Publication,
    Refused,
    Sign,
    Unreadable,
    no_documents,
)
from device_drivers.loose import (
    Value,
    answer,
    checked,
    flag_or_none,
    json_or_text,
    number,
    numbered,
    whole_number,
)
from device_drivers.message import Message
from device_drivers.moments import text_ms, unix_s_ms
from device_drivers.names import is_name
from device_drivers.points import number_or_none, shown
from device_drivers.tasmota import words
from device_drivers.tasmota.bridged import SHORT_ADDRESS, Bridged, find_bridged, values_of
from device_drivers.tasmota.discovery import (
    COMMAND,
    CONFIG,
    SENSORS,
    Way,
    announced,
    full_topic,
    mode_of,
    standard_word,
    switch_named,
    way_of,
)

NAME = "tasmota"
PREFIXES = ("tele", "stat")
SHAPE = "tele/{topic}/…, stat/{topic}/…, {topic}/tele/…, {topic}/stat/… or tasmota/discovery/…"
WILL = "LWT"
ONLINE, OFFLINE = "Online", "Offline"
INSIDE = ("StatusSNS", "StatusSTS")  # answers to `Status 8`, `10` and `11` wrap the same things
LEAF = re.compile(
    r"SENSOR|STATE|RESULT|LWT|STATUS\d*|INFO\d?|ZbReceived|LwReceived|BUTTON\d*|SWITCH\d*T?"
)
OWN_LEAF = re.compile(r"(BUTTON|SWITCH|PIR|MOTION|DOOR|GARAGE|WINDOW)\d*T?")
# Topics that the documentation's own rules for sensors publish to; ON is motion, ON is open.
POINT_OF_LEAF = {
    **dict.fromkeys(("PIR", "MOTION"), "motion"),
    **dict.fromkeys(("DOOR", "GARAGE", "WINDOW"), "contact"),
}
MOVED: dict[str, dict[str, Any]] = {
    "motion": {"ON": True, "OFF": False},
    "contact": {"ON": "open", "OFF": "closed"},
}
COUNTER = re.compile(r"C(\d{1,2})")
# Objects beside the sensors: the chip itself, and Bluetooth devices with an address in their name.
NO_CLIMATE = re.compile(r"ESP32|MPU6050|MPU9250|ENERGY|.+-[0-9a-f]{6}")
Body = dict[str, Any]


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device, or of its discovery."""
    levels = message.topic.split("/")
    if levels[:2] == ["tasmota", "discovery"]:
        return _discovery(levels, message, documents)
    way = way_of(_announced_way(documents(message.topic))) or _way(levels)
    if way is None or not is_name(way.device):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{NAME}:{way.device}"
    try:
        return _said(way, address, json_or_text(message), _config(documents, address))
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _announced_way(document: Document) -> Document:
    found = document.get(CONFIG)
    return found if isinstance(found, dict) else {"": ""}


def _config(documents: Documents, address: str) -> Document:
    found = documents(address).get(CONFIG)
    return found if isinstance(found, dict) else {}


def _way(levels: list[str]) -> Way | None:
    if levels[0] in PREFIXES and len(levels) > 2:
        return _leaf(levels[1], levels[0], levels[2:])
    if len(levels) > 2 and levels[1] in PREFIXES:
        return _leaf(levels[0], levels[1], levels[2:])
    return None


def _leaf(device: str, prefix: str, rest: list[str]) -> Way:
    """`SENSOR`, or `{name}/SENSOR` and `SENSOR/{name}` for a device behind a bridge."""
    if len(rest) > 1 and LEAF.fullmatch(rest[0]):
        return Way(device, prefix, rest[0], "/".join(rest[1:]))
    return Way(device, prefix, rest[-1], "/".join(rest[:-1]))


# -- discovery ------------------------------------------------------------------------------------


def _discovery(levels: list[str], message: Message, documents: Documents) -> Decoded | Refused:
    mac = levels[2] if len(levels) == 4 else ""
    if not is_name(mac) or levels[3] not in (CONFIG, SENSORS):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    known = _config(documents, f"{NAME}-mac:{mac}").get("t", mac)
    address = f"{NAME}:{known}"
    if levels[3] == SENSORS or not message.payload:
        return Decoded(NAME, address, None, ())
    try:
        body = json_or_text(message)
        if not isinstance(body, dict):
            raise Unreadable(f"expected a JSON object, not {shown(body)}")
        news = announced(NAME, mac, body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    return Decoded(NAME, str(news[0].address), None, (), announcements=tuple(news))


# -- messages -------------------------------------------------------------------------------------


def _said(way: Way, address: str, body: Any, config: Document) -> Decoded | Refused:
    if way.leaf == WILL:
        return _will(address, body, config)
    warnings: list[str] = []
    if not isinstance(body, dict):
        readings = checked(_plain(way.leaf, str(body), warnings), warnings)
        return answer(NAME, address, readings, warnings)
    for word in INSIDE:
        inner = body.get(word)
        body = inner if isinstance(inner, dict) else body
    at_ms = _at_ms(body)
    bridged = find_bridged(body, way.sub)
    if bridged:
        return _bridged(way, bridged, at_ms, warnings)
    readings = checked(_own(body, config, warnings), warnings, at_ms)
    return answer(NAME, address, readings, warnings)


def _will(address: str, body: Any, config: Document) -> Decoded | Refused:
    online, offline = config.get("onln", ONLINE), config.get("ofln", OFFLINE)
    if body not in (online, offline):
        raise Unreadable(f"LWT: expected {online} or {offline}, not {shown(body)}")
    return answer(NAME, address, checked([("online", body == online)], []), [])


def _plain(leaf: str, text: str, warnings: list[str]) -> list[Value]:
    """Single words on topics of their own, as rules publish them."""
    match = OWN_LEAF.fullmatch(leaf)
    if match is None:
        return []
    if match[1] == "BUTTON":
        return _press(leaf, text, words.PRESS_OF_BUTTON_STATE, words.NO_PRESS_OF_BUTTON, warnings)
    if match[1] == "SWITCH":
        return _press(leaf, text, words.PRESS_OF_SWITCH, words.NO_PRESS_OF_SWITCH, warnings)
    point = POINT_OF_LEAF[match[1]]
    known = flag_or_none(text)
    return [(point, text if known is None else MOVED[point]["ON" if known else "OFF"])]


def _press(
    key: str, action: str, presses: dict[str, str], others: tuple[str, ...], warnings: list[str]
) -> list[Value]:
    if action in presses:
        return [("press", presses[action])]
    if action not in others:
        warnings.append(f"{key}: {shown(action)} is no press that Tasmota lists")
    return []


def _at_ms(body: Body) -> int | None:
    """`Time` is local; it tells the moment only with its zone. `Epoch` always does."""
    epoch, time = body.get("Epoch"), body.get("Time")
    try:
        if type(epoch) is int:
            return unix_s_ms(epoch)
        return text_ms(time) if isinstance(time, str) else None
    except Unreadable:
        return None


def _bridged(
    way: Way, devices: list[Bridged], at_ms: int | None, warnings: list[str]
) -> Decoded | Refused:
    """What a bridge says of a device. Where one message has several, only the first is read."""
    first = devices[0]
    readings = checked(values_of(first, warnings), warnings, at_ms)
    if len(devices) > 1:
        others = ", ".join(shown(one.name) for one in devices[1:])
        warnings.append(f"more than one device in a message; not read: {others}")
    return answer(NAME, f"{NAME}:{way.device}/{first.name}", readings, warnings, gateway=way.device)


def _own(body: Body, config: Document, warnings: list[str]) -> list[Value]:
    values = [*_actions(body, config, warnings), *_counters(body.get("COUNTER"))]
    values += _climate(body)
    wifi = body.get("Wifi")
    if isinstance(wifi, dict) and "Signal" in wifi:  # its RSSI is in percent
        values.append(("rssi", number(wifi["Signal"])))
    return values


def _actions(body: Body, config: Document, warnings: list[str]) -> list[Value]:
    values: dict[Value, None] = {}
    for key, said in body.items():
        action = said.get("Action") if isinstance(said, dict) else None
        if isinstance(action, str):
            press = _button(key, action, warnings) or _switch(key, action, config, warnings)
            values.update(dict.fromkeys(press))
    return list(values)


def _button(key: str, action: str, warnings: list[str]) -> list[Value]:
    if not key.startswith("Button"):
        return []
    others = (*words.NO_PRESS_OF_BUTTON, *words.NO_PRESS_OF_SWITCH)
    return _press(key, action, words.PRESS_OF_BUTTON, others, warnings)


def _switch(key: str, action: str, config: Document, warnings: list[str]) -> list[Value]:
    if key.startswith("Button"):
        return []
    word = standard_word(config, action).removeprefix("POWER_")
    if word == "HOLD" and mode_of(config, switch_named(config, key)) in words.TWICE_MODES:
        return [("press", "double")]
    return _press(key, word, words.PRESS_OF_SWITCH, words.NO_PRESS_OF_SWITCH, warnings)


def _counters(said: Any) -> list[Value]:
    """Counters of pulses. One that times them (`CounterType 1`) has a fraction and is none."""
    if not isinstance(said, dict):
        return []
    found = {
        int(match[1]): value for key, value in said.items() if (match := COUNTER.fullmatch(key))
    }
    return numbered("uses", [whole_number(found[channel]) for channel in sorted(found)])


def _climate(body: Body) -> list[Value]:
    """Temperature and humidity where one sensor alone has them."""
    sensors = [
        said
        for key, said in body.items()
        if isinstance(said, dict)
        and not NO_CLIMATE.fullmatch(key)
        and not SHORT_ADDRESS.fullmatch(key)
        and ("Temperature" in said or "Humidity" in said)
    ]
    if len(sensors) != 1:
        return []
    degrees = number_or_none(sensors[0].get("Temperature"))
    if degrees is not None and body.get("TempUnit") == "F":
        degrees = round((degrees - 32) / 1.8, 2)
    return [("temperature", degrees), ("humidity", number_or_none(sensors[0].get("Humidity")))]


# -- showing --------------------------------------------------------------------------------------

SHOWN: dict[Sign, str] = {
    "heard": "Buzzer 1; LedPower 1",
    "on_the_way": "Buzzer 2; LedPower 1",
    "arrived": "LedPower 1",
    "nobody": "Buzzer 3,5,5",
    "closed": "LedPower 0",
}


def show(sign: Sign, topic: str, document: Document) -> Publication | None:
    """Beeps and the LED of the device itself, or of the bridge that speaks for it."""
    found = document.get(CONFIG)
    base = full_topic(found, COMMAND) if isinstance(found, dict) and "t" in found else None
    if base is None:
        way = _way(topic.split("/"))
        if way is None or not is_name(way.device):
            return None
        is_first = topic.startswith(PREFIXES)
        base = f"cmnd/{way.device}/" if is_first else f"{way.device}/cmnd/"
    return Publication(f"{base}Backlog", SHOWN[sign].encode())


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="tasmota",
    points=(
        *("press", "contact", "uses", *(f"uses_{channel}" for channel in range(1, 17))),
        *("openings", "tamper", "vibration", "motion", "occupancy"),
        *("battery", "battery_v", "battery_low", "rssi", "snr", "lqi"),
        *("temperature", "humidity", "online"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("tasmota", "`Backlog Buzzer 1; LedPower 1` on `cmnd/{topic}/Backlog`"),
    tested="frames",
    receive=receive,
    topics=("tele/#", "stat/#", "+/tele/#", "+/stat/#", "tasmota/discovery/#"),
    subscriptions=(
        *("tele/#", "stat/#", "+/tele/#", "+/stat/#"),
        "tasmota/discovery/+/config",
    ),
    topic="tele/unknown/SENSOR",
    show=show,
)
