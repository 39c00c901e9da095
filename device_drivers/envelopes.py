"""The envelopes of network servers, opened into a `Frame`: ChirpStack, The Things Stack, LORIOT.

An envelope is recognised by its own keys, so that the same function serves the broker and
`hub decode`. What the network adds wrongly (a time, a signal) is left out and said; what the frame
cannot do without (whose it is, its bytes) is refused. Facts: ChirpStack's and The Things Stack's
documentation of their integrations.
"""

from collections.abc import Callable, Mapping
from typing import Any

from device_drivers.bits import from_base64, from_hex
from device_drivers.driver import Frame, Unreadable
from device_drivers.moments import moment_ms
from device_drivers.names import read_id, read_name
from device_drivers.points import number_or_none, reading, shown
from device_drivers.reading import Reading

EUI_DIGITS = 16
FPORT_MAX = 255
HINT_CHARACTERS_MAX = 256
Body = Mapping[str, Any]

# ChirpStack's events that are the device's own doing; the others are about the network.
CHIRPSTACK_SILENT_EVENTS = ("join", "ack")
TTS_SILENT_KEYS = ("join_accept", "downlink_ack")


def open_chirpstack(topic: str, body: Body) -> Frame:
    """ChirpStack v4: an event of a device. Raises `Unreadable`."""
    info = _object(body, "deviceInfo")
    address = _eui(info.get("devEui"), "deviceInfo.devEui")
    _agree(topic, address, place=3)
    event = _last(topic) if topic else "up"
    warnings: list[str] = []
    frame = Frame(
        address,
        at_ms=_time(body, "time", warnings),
        id=_id(body.get("deduplicationId"), "deduplicationId", warnings),
        hint=_hint(info.get("deviceProfileName"), *_object(info, "tags", {}).values()),
    )
    if event == "status":
        frame = frame._replace(readings=_status(body, warnings))
    elif event == "up":
        frame = _chirpstack_up(frame, body, warnings)
    elif event not in CHIRPSTACK_SILENT_EVENTS:
        raise Unreadable(f"ChirpStack's event {shown(event)} is not a word of the device")
    return frame._replace(warnings=tuple(warnings))


def _chirpstack_up(frame: Frame, body: Body, warnings: list[str]) -> Frame:
    gateway, signal = _best(body.get("rxInfo"), _chirpstack_gateway, "snr", warnings)
    return frame._replace(
        fport=_fport(body.get("fPort", 0)),
        payload=from_base64(_text(body, "data", "")),
        gateway=gateway,
        readings=signal,
    )


def _chirpstack_gateway(one: Body) -> Any:
    return one.get("gatewayId")


def _status(body: Body, warnings: list[str]) -> tuple[Reading, ...]:
    """The battery of a status event; -1 or null: the device does not know."""
    level = number_or_none(body.get("batteryLevel"))
    if level is None or level < 0:
        return ()
    return _checked([("battery", level)], warnings)


def open_chirpstack_v3(topic: str, body: Body) -> Frame:
    """ChirpStack v3, as some gateways still forward it. Raises `Unreadable`."""
    del topic
    warnings: list[str] = []
    gateway, signal = _best(body.get("rxInfo"), lambda one: one.get("mac"), "loRaSNR", warnings)
    frame = Frame(
        _eui(body.get("devEUI"), "devEUI"),
        from_base64(_text(body, "data", "")),
        _fport(body.get("fPort", 0)),
        _time(body, "time", warnings),
        gateway=gateway,
        readings=signal,
        hint=_hint(body.get("deviceProfileName")),
    )
    return frame._replace(warnings=tuple(warnings))


def open_tts(topic: str, body: Body) -> Frame:
    """The Things Stack v3: an uplink, or another word of a device. Raises `Unreadable`."""
    ids = _object(body, "end_device_ids")
    address = _tts_address(ids)
    warnings: list[str] = []
    if "uplink_message" not in body:
        if not any(key in body for key in TTS_SILENT_KEYS):
            raise Unreadable(f"{shown(topic or 'the message')} is not a word of the device")
        return Frame(address, at_ms=_time(body, "received_at", warnings), warnings=tuple(warnings))
    up = _object(body, "uplink_message")
    timed = up if "received_at" in up else body
    gateway, signal = _best(up.get("rx_metadata"), _tts_gateway, "snr", warnings)
    versions = _object(up, "version_ids", {})
    frame = Frame(
        address,
        from_base64(_text(up, "frm_payload", "")),
        _fport(up.get("f_port", 0)),
        _time(timed, "received_at", warnings),
        _tts_id(up, timed),
        gateway,
        signal,
        _hint(versions.get("brand_id"), versions.get("model_id")),
    )
    return frame._replace(warnings=tuple(warnings))


def _tts_address(ids: Body) -> str:
    if ids.get("dev_eui") is not None:
        return _eui(ids["dev_eui"], "end_device_ids.dev_eui")
    application = read_name(_object(ids, "application_ids").get("application_id"))
    return f"tts:{application}/{read_name(ids.get('device_id'))}"


def _tts_id(up: Body, timed: Body) -> str | None:
    """Session, counter and moment: after a counter began anew, the same number is not the same
    message; the same message delivered again has the same moment."""
    parts = (up.get("session_key_id", ""), up.get("f_cnt", 0), timed.get("received_at", ""))
    if not parts[2]:
        return None
    try:
        return read_id(":".join(str(part) for part in parts if isinstance(part, str | int)))
    except (Unreadable, ValueError):
        return None


def _tts_gateway(one: Body) -> Any:
    broker = one.get("packet_broker")
    if isinstance(broker, dict) and broker.get("forwarder_gateway_eui"):
        return broker["forwarder_gateway_eui"]
    ids = one.get("gateway_ids")
    return (ids.get("eui") or ids.get("gateway_id")) if isinstance(ids, dict) else None


def open_loriot(topic: str, body: Body) -> Frame:
    """LORIOT's `rx` and `gw` messages. Raises `Unreadable`."""
    del topic
    warnings: list[str] = []
    gateway, signal = _best(body.get("gws", [body]), lambda one: one.get("gweui"), "snr", warnings)
    frame = Frame(
        _eui(body.get("EUI"), "EUI"),
        from_hex(_text(body, "data", "")),
        _fport(body.get("port", 0)),
        _time(body, "ts", warnings),
        gateway=gateway,
        readings=signal,
    )
    return frame._replace(warnings=tuple(warnings))


# by the key that only this envelope has
OPENERS: Mapping[str, Callable[[str, Body], Frame]] = {
    "deviceInfo": open_chirpstack,
    "end_device_ids": open_tts,
    "devEUI": open_chirpstack_v3,
    "EUI": open_loriot,
}


def open_envelope(topic: str, body: Any) -> Frame:
    """The frame in whichever envelope this is. Raises `Unreadable`."""
    if isinstance(body, dict):
        for key, opener in OPENERS.items():
            if key in body:
                return opener(topic, body)
        raise Unreadable(f"no envelope known here: expected one of the keys {', '.join(OPENERS)}")
    raise Unreadable(f"expected a JSON object, not {shown(body)}")


def address_of_topic(topic: str) -> str | None:
    """The device that a network server's topic names, where the payload cannot be read."""
    parts = topic.split("/")
    name = parts[3].removeprefix("eui-") if len(parts) > 3 else ""
    try:
        return _eui(name, "topic")
    except Unreadable:
        return None


def _object(body: Body, key: str, default: Any = None) -> Body:
    value = body.get(key, default)
    if isinstance(value, dict):
        return value
    raise Unreadable(f"{key}: expected an object, not {shown(value)}")


def _text(body: Body, key: str, default: str) -> str:
    value = body.get(key, default)
    if isinstance(value, str):
        return value
    if value is None:
        return default
    raise Unreadable(f"{key}: expected text, not {shown(value)}")


def _eui(value: Any, where: str) -> str:
    if isinstance(value, str) and len(value) == EUI_DIGITS:
        digits = value.lower()
        if set(digits) <= set("0123456789abcdef"):
            return f"lorawan:{digits}"
    raise Unreadable(f"{where}: expected {EUI_DIGITS} hex digits, not {shown(value)}")


def _agree(topic: str, address: str, place: int) -> None:
    """The topic is what a broker's access list guards: the payload may not name another device."""
    parts = topic.split("/")
    if topic and (len(parts) <= place or f"lorawan:{parts[place].lower()}" != address):
        raise Unreadable(f"topic {shown(topic)} does not belong to the device {address}")


def _last(topic: str) -> str:
    return topic.rpartition("/")[2]


def _fport(value: Any) -> int:
    if type(value) is int and 0 <= value <= FPORT_MAX:
        return value
    raise Unreadable(f"fPort: expected a whole number from 0 to {FPORT_MAX}, not {shown(value)}")


def _time(body: Body, key: str, warnings: list[str]) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    try:
        return moment_ms(value)
    except Unreadable as error:
        warnings.append(f"{key}: {error}")
        return None


def _id(value: Any, where: str, warnings: list[str]) -> str | None:
    if value is None:
        return None
    try:
        return read_id(value)
    except Unreadable as error:
        warnings.append(f"{where}: {error}")
        return None


def _hint(*values: Any) -> str:
    return " ".join(value for value in values if isinstance(value, str))[:HINT_CHARACTERS_MAX]


def _best(
    gateways: Any, name_of: Callable[[Body], Any], snr_key: str, warnings: list[str]
) -> tuple[str | None, tuple[Reading, ...]]:
    """Name and signal of the gateway that heard the device best."""
    heard = [one for one in gateways if isinstance(one, dict)] if isinstance(gateways, list) else []
    if not heard:
        return None, ()
    best = max(heard, key=lambda one: _strength(one.get("rssi")))
    name = name_of(best)
    pairs = [(point, best.get(key)) for point, key in (("rssi", "rssi"), ("snr", snr_key))]
    signal = _checked([(point, value) for point, value in pairs if value is not None], warnings)
    try:
        return (None if name is None else read_name(name).lower()), signal
    except Unreadable as error:
        warnings.append(f"gateway: {error}")
        return None, signal


def _strength(value: Any) -> float:
    number = number_or_none(value)
    return float("-inf") if number is None else number


def _checked(values: list[tuple[str, Any]], warnings: list[str]) -> tuple[Reading, ...]:
    readings = []
    for point, value in values:
        try:
            readings.append(reading(point, value))
        except Unreadable as error:
            warnings.append(str(error))
    return tuple(readings)
