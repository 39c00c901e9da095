"""The envelopes of network servers, opened into a `Frame`, and a frame for a device closed again.

An envelope is recognised by its own keys, so that the same function serves the broker and
`hub decode`. What the network adds wrongly (a time, a signal) is left out and said; what the frame
cannot do without (whose it is, its bytes) is refused.

Facts: the documentation of ChirpStack (v4, and v3 as gateways with a server of their own still
speak it), The Things Stack, The Things Network v2, LORIOT, Actility ThingPark, Kerlink, Helium and
MultiTech. `lorawan/{DevEUI}/{fPort}/up` is a convention of our own, for gateways and bridges that
hand over nothing but the device's bytes.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from device_drivers.bits import from_base64, from_hex
from device_drivers.driver import Downlink, Frame, Publication, Unreadable
from device_drivers.envelope_fields import (
    Body,
    address_of_topic,
    agree,
    best,
    checked,
    counted_id,
    eui,
    eui_of_base64,
    fport_of,
    hint_of,
    id_of,
    object_of,
    text_of,
    time_of,
)
from device_drivers.message import Message
from device_drivers.names import read_name
from device_drivers.payload import json_object
from device_drivers.points import number_or_none, shown
from device_drivers.reading import Reading

# ChirpStack's events that are the device's own doing; the others are about the network.
CHIRPSTACK_SILENT_EVENTS = ("join", "ack")
CHIRPSTACK_V3_UPLINKS = ("up", "rx")
TTS_SILENT_KEYS = ("join_accept", "downlink_ack")
ACTILITY_UPLINK = "DevEUI_uplink"
ACTILITY_NOTIFICATION = "DevEUI_notification"
MULTITECH_SILENT_EVENTS = ("joined", "moved")
# Names of envelopes for people; which one it is, its keys tell all the same.
SERVER_NAMES = (
    *("chirpstack", "chirpstack-v3", "tts", "ttn-v2", "loriot", "actility", "milesight-gateway"),
    *("kerlink", "helium", "multitech"),
)
# How recorded frames name their transport beside these (`thingpark`, `tts-http` …).
SERVER_STEMS = (*SERVER_NAMES, "ttn", "thingpark", "milesight")
PLAIN = "lorawan"  # the first level of our own topics
PLAIN_ENCODINGS = ("hex", "base64", "raw")


def open_chirpstack(topic: str, body: Body) -> Frame:
    """ChirpStack v4: an event of a device. Raises `Unreadable`."""
    info = object_of(body, "deviceInfo")
    address = eui(info.get("devEui"), "deviceInfo.devEui")
    _named_by(topic, address)
    event = _last(topic) if topic else "up"
    warnings: list[str] = []
    frame = Frame(
        address,
        at_ms=time_of(body, "time", warnings),
        id=id_of(body.get("deduplicationId"), "deduplicationId", warnings),
        hint=hint_of(info.get("deviceProfileName"), *object_of(info, "tags", {}).values()),
        name=hint_of(info.get("deviceName")),
        product=hint_of(info.get("deviceProfileName")),
    )
    if event == "status":
        frame = frame._replace(readings=_status(body, warnings))
    elif event == "up":
        frame = _chirpstack_up(frame, body, warnings)
    elif event not in CHIRPSTACK_SILENT_EVENTS:
        raise Unreadable(f"ChirpStack's event {shown(event)} is not a word of the device")
    return frame._replace(warnings=tuple(warnings))


def _named_by(topic: str, address: str) -> None:
    """ChirpStack's own topics always name the device."""
    agree(topic, address)
    if topic.startswith("application/") and address_of_topic(topic) is None:
        raise Unreadable(f"topic {shown(topic)} does not belong to the device {address}")


def _chirpstack_up(frame: Frame, body: Body, warnings: list[str]) -> Frame:
    signal = best(body.get("rxInfo"), lambda one: one.get("gatewayId"), warnings)
    return frame._replace(
        fport=fport_of(body.get("fPort", 0)),
        payload=from_base64(text_of(body, "data")),
        gateway=signal.gateway,
        readings=signal.readings,
    )


def _status(body: Body, warnings: list[str]) -> tuple[Reading, ...]:
    """The battery of a status event; -1, 255 in v3 or null: the device does not know."""
    level = number_or_none(body.get("batteryLevel"))
    if level is None or level < 0 or body.get("batteryLevelUnavailable") is True:
        return ()
    if body.get("externalPowerSource") is True:
        return ()
    return checked([("battery", level)], warnings)


def open_chirpstack_v3(topic: str, body: Body) -> Frame:
    """ChirpStack v3, which Milesight's gateways speak too. Raises `Unreadable`.

    The DevEUI is hex, or base64 where protobuf's own JSON was chosen. There the events stand on
    `…/event/up`, in older versions on `…/rx`; a gateway's owner chooses any topic.
    """
    address = eui_of_base64(body.get("devEUI"), "devEUI")
    _named_by(topic, address)
    warnings: list[str] = []
    event = _event_v3(topic, body)
    frame = Frame(
        address,
        at_ms=_time_v3(body, warnings),
        hint=hint_of(body.get("deviceProfileName"), *object_of(body, "tags", {}).values()),
        name=hint_of(body.get("deviceName")),
        product=hint_of(body.get("deviceProfileName")),
    )
    if event == "up":
        frame = _chirpstack_v3_up(frame, body, warnings)
    elif event == "status":
        frame = frame._replace(readings=_status(body, warnings))
    elif event not in CHIRPSTACK_SILENT_EVENTS:
        raise Unreadable(f"ChirpStack's event {shown(event)} is not a word of the device")
    return frame._replace(warnings=tuple(warnings))


def _event_v3(topic: str, body: Body) -> str:
    """The event by the topic where that is ChirpStack's own, by the keys otherwise."""
    if topic.startswith("application/"):
        event = _last(topic)
        return "up" if event in CHIRPSTACK_V3_UPLINKS else event
    if "data" in body or "fPort" in body:
        return "up"
    return "status" if "batteryLevel" in body else "join" if "devAddr" in body else "unknown"


def _time_v3(body: Body, warnings: list[str]) -> int | None:
    """The time of the message, of a gateway that knew it, or of the server's publishing."""
    gateways = body.get("rxInfo")
    heard = gateways if isinstance(gateways, list) else []
    for one in (body, *heard):
        if isinstance(one, dict) and one.get("time") is not None:
            return time_of(one, "time", warnings)
    return time_of(body, "publishedAt", warnings)


def _chirpstack_v3_up(frame: Frame, body: Body, warnings: list[str]) -> Frame:
    signal = best(
        body.get("rxInfo"),
        lambda one: one.get("gatewayID") or one.get("mac"),
        warnings,
        snr="loRaSNR",
    )
    return frame._replace(
        payload=from_base64(text_of(body, "data")),
        fport=fport_of(body.get("fPort", 0)),
        id=counted_id(body.get("fCnt", 0), body.get("time") or body.get("publishedAt")),
        gateway=signal.gateway,
        readings=signal.readings,
    )


def open_tts(topic: str, body: Body) -> Frame:
    """The Things Stack v3: an uplink, or another word of a device. Raises `Unreadable`."""
    ids = object_of(body, "end_device_ids")
    address = _tts_address(ids)
    warnings: list[str] = []
    if "uplink_message" not in body:
        if not any(key in body for key in TTS_SILENT_KEYS):
            raise Unreadable(f"{shown(topic or 'the message')} is not a word of the device")
        at_ms = time_of(body, "received_at", warnings)
        return Frame(address, at_ms=at_ms, warnings=tuple(warnings))
    up = object_of(body, "uplink_message")
    timed = up if "received_at" in up else body
    signal = best(up.get("rx_metadata"), _tts_gateway, warnings)
    versions = object_of(up, "version_ids", {})
    frame = Frame(
        address,
        from_base64(text_of(up, "frm_payload")),
        fport_of(up.get("f_port", 0)),
        time_of(timed, "received_at", warnings),
        counted_id(up.get("session_key_id", ""), up.get("f_cnt", 0), timed.get("received_at", "")),
        signal.gateway,
        signal.readings,
        hint_of(versions.get("brand_id"), versions.get("model_id")),
        name=hint_of(ids.get("device_id")),
        product=hint_of(versions.get("brand_id"), versions.get("model_id")),
    )
    return frame._replace(warnings=tuple(warnings))


def _tts_address(ids: Body) -> str:
    if ids.get("dev_eui") is not None:
        return eui(ids["dev_eui"], "end_device_ids.dev_eui")
    application = read_name(object_of(ids, "application_ids").get("application_id"))
    return f"tts:{application}/{read_name(ids.get('device_id'))}"


def _tts_gateway(one: Body) -> Any:
    broker = one.get("packet_broker")
    if isinstance(broker, dict) and broker.get("forwarder_gateway_eui"):
        return broker["forwarder_gateway_eui"]
    ids = one.get("gateway_ids")
    return (ids.get("eui") or ids.get("gateway_id")) if isinstance(ids, dict) else None


def open_ttn_v2(topic: str, body: Body) -> Frame:
    """The Things Network v2, in private networks that kept it. Raises `Unreadable`."""
    del topic
    warnings: list[str] = []
    about = object_of(body, "metadata", {})
    signal = best(about.get("gateways"), lambda one: one.get("gtw_id"), warnings)
    frame = Frame(
        eui(body.get("hardware_serial"), "hardware_serial"),
        from_base64(text_of(body, "payload_raw")),
        fport_of(body.get("port", 0)),
        time_of(about, "time", warnings),
        counted_id(body.get("counter", 0), about.get("time")),
        signal.gateway,
        signal.readings,
    )
    return frame._replace(warnings=tuple(warnings))


def open_loriot(topic: str, body: Body) -> Frame:
    """LORIOT's `rx` and `gw` messages. Raises `Unreadable`."""
    address = eui(body.get("EUI"), "EUI")
    agree(topic, address)
    command = body.get("cmd", "rx")
    if command not in ("rx", "gw"):
        raise Unreadable(f"LORIOT's message {shown(command)} is not a word of the device")
    warnings: list[str] = []
    signal = best(body.get("gws", [body]), lambda one: one.get("gweui"), warnings)
    frame = Frame(
        address,
        from_hex(text_of(body, "data")),
        fport_of(body.get("port", 0)),
        time_of(body, "ts", warnings),
        counted_id(body.get("fcnt", 0), body.get("ts")),
        signal.gateway,
        signal.readings,
    )
    return frame._replace(warnings=tuple(warnings))


def open_actility(topic: str, body: Body) -> Frame:
    """Actility ThingPark: `DevEUI_uplink`, with that root or without. Raises `Unreadable`."""
    if ACTILITY_NOTIFICATION in body:
        return _actility_notification(topic, object_of(body, ACTILITY_NOTIFICATION))
    up = object_of(body, ACTILITY_UPLINK) if ACTILITY_UPLINK in body else body
    address = eui(up.get("DevEUI"), "DevEUI")
    agree(topic, address)
    if "payload_hex" not in up and "FPort" not in up:
        raise Unreadable(f"{shown(next(iter(body)))} is not a word of the device")
    warnings: list[str] = []
    heard = object_of(up, "Lrrs", {}).get("Lrr")
    signal = best(
        heard if isinstance(heard, list) and heard else [up],
        lambda one: one.get("Lrrid"),
        warnings,
        rssi="LrrRSSI",
        snr="LrrSNR",
    )
    frame = Frame(
        address,
        from_hex(text_of(up, "payload_hex")),
        fport_of(up.get("FPort", 0)),
        time_of(up, "Time", warnings),
        counted_id(up.get("FCntUp", 0), up.get("Time")),
        signal.gateway,
        signal.readings,
        _actility_hint(up),
    )
    return frame._replace(warnings=tuple(warnings))


def _actility_hint(up: Body) -> str:
    """Maker and model of the driver that ThingPark itself would use."""
    config = up.get("DriverCfg")
    module = config.get("mod") if isinstance(config, dict) else None
    if not isinstance(module, dict):
        return ""
    return hint_of(module.get("pId"), module.get("mId"))


def _actility_notification(topic: str, note: Body) -> Frame:
    """A join or a reset is the device's own doing."""
    address = eui(note.get("DevEUI"), "DevEUI")
    agree(topic, address)
    if note.get("Type") not in ("join", "reset"):
        raise Unreadable(f"the notification {shown(note.get('Type'))} is not a word of the device")
    warnings: list[str] = []
    at_ms = time_of(note, "Time", warnings)
    return Frame(address, at_ms=at_ms, warnings=tuple(warnings))


def open_kerlink(topic: str, body: Body) -> Frame:
    """Kerlink Wanesy: a `dataUp`, its payload in hex or in base64. Raises `Unreadable`."""
    address = eui(object_of(body, "endDevice").get("devEui"), "endDevice.devEui")
    agree(topic, address)
    warnings: list[str] = []
    signal = best(body.get("gwInfo"), lambda one: one.get("gwEui"), warnings)
    is_hex = text_of(body, "encodingType", "HEXA").upper() == "HEXA"
    payload = text_of(body, "payload")
    frame = Frame(
        address,
        from_hex(payload) if is_hex else from_base64(payload),
        fport_of(body.get("fPort", 0)),
        time_of(body, "recvTime", warnings),
        id_of(body.get("id"), "id", warnings),
        signal.gateway,
        signal.readings,
    )
    return frame._replace(warnings=tuple(warnings))


def open_helium(topic: str, body: Body) -> Frame:
    """Helium's console: the hotspots that heard the device. Raises `Unreadable`."""
    address = eui(body.get("dev_eui"), "dev_eui")
    agree(topic, address)
    warnings: list[str] = []
    signal = best(body.get("hotspots"), lambda one: one.get("name"), warnings)
    frame = Frame(
        address,
        from_base64(text_of(body, "payload")),
        fport_of(body.get("port", 0)),
        time_of(body, "reported_at", warnings),
        counted_id(body.get("fcnt", 0), body.get("reported_at")),
        signal.gateway,
        signal.readings,
    )
    return frame._replace(warnings=tuple(warnings))


def open_multitech(topic: str, body: Body) -> Frame:
    """The server inside a MultiTech gateway. Raises `Unreadable`."""
    address = eui(body.get("deveui"), "deveui")
    agree(topic, address)
    warnings: list[str] = []
    at_ms = time_of(body, "time", warnings)
    if _last(topic) in MULTITECH_SILENT_EVENTS:
        return Frame(address, at_ms=at_ms, warnings=tuple(warnings))
    snr = "lsnr" if "lsnr" in body else "snr"
    signal = best([body], lambda one: one.get("gweui"), warnings, snr=snr)
    frame = Frame(
        address,
        from_base64(text_of(body, "data")),
        fport_of(body.get("port", 0)),
        at_ms,
        counted_id(body.get("fcnt", 0), body.get("time")),
        signal.gateway,
        signal.readings,
    )
    return frame._replace(warnings=tuple(warnings))


# by the key that only this envelope has
OPENERS: Mapping[str, Callable[[str, Body], Frame]] = {
    "deviceInfo": open_chirpstack,
    "end_device_ids": open_tts,
    "devEUI": open_chirpstack_v3,
    "hardware_serial": open_ttn_v2,
    ACTILITY_UPLINK: open_actility,
    ACTILITY_NOTIFICATION: open_actility,
    "DevEUI": open_actility,
    "EUI": open_loriot,
    "endDevice": open_kerlink,
    "hotspots": open_helium,
    "deveui": open_multitech,
}


def open_envelope(topic: str, body: Any) -> Frame:
    """The frame in whichever envelope this is. Raises `Unreadable`."""
    if isinstance(body, dict):
        for key, opener in OPENERS.items():
            if key in body:
                return opener(topic, body)
        raise Unreadable(f"no envelope known here: expected one of the keys {', '.join(OPENERS)}")
    raise Unreadable(f"expected a JSON object, not {shown(body)}")


def open_message(message: Message) -> Frame:
    """The frame in a network server's message, whatever server it is. Raises `Unreadable`."""
    levels = message.topic.split("/")
    if levels[0] == PLAIN and len(levels) in (4, 5) and levels[3] == "up" and levels[2].isdigit():
        return open_plain(message)
    return open_envelope(message.topic, json_object(message))


def open_plain(message: Message) -> Frame:
    """`lorawan/{DevEUI}/{fPort}/up`: the device's bytes and nothing else. Raises `Unreadable`.

    Bytes are raw, hex or base64; a fifth level (`…/up/hex`) says which. Without it, text of hex
    digits is hex, other text is base64, and what is no text is raw.
    """
    _, name, fport, _, *rest = message.topic.split("/")
    encoding = rest[0] if rest else _encoding(message.payload)
    if encoding not in PLAIN_ENCODINGS:
        raise Unreadable(f"expected {', '.join(PLAIN_ENCODINGS)}, not {shown(encoding)}")
    payload = message.payload
    if encoding != "raw":
        text = message.payload.decode("ascii", "replace").strip()
        payload = from_hex(text) if encoding == "hex" else from_base64(text)
    return Frame(eui(name, "topic"), payload, fport_of(fport))


def _encoding(payload: bytes) -> str:
    if not payload.isascii() or not payload.decode("ascii").strip().isprintable():
        return "raw"
    text = payload.decode("ascii").strip().lower()
    is_hex = len(text) % 2 == 0 and set(text) <= set("0123456789abcdef")
    return "hex" if is_hex else "base64"


def downlink(topic: str, address: str, wanted: Downlink) -> Publication | None:
    """The network server's message that brings a device some bytes; None where none is known.

    `topic` is that of the device's last uplink: it tells the server, its version and the
    application. A topic that names another device than `address` gives None.
    """
    if address_of_topic(topic) not in (None, address):
        return None
    levels = topic.split("/")
    if levels[0] == "application" and levels[2:3] == ["device"] and len(levels) in (5, 6):
        return _chirpstack_downlink(levels, wanted)
    if levels[0] == "v3" and levels[2:3] == ["devices"] and len(levels) >= 5:
        return _tts_downlink(levels, wanted)
    return None


def _chirpstack_downlink(levels: list[str], wanted: Downlink) -> Publication | None:
    """v4 wants the device in the body too; v3 numbers its applications and does not."""
    start = "/".join(levels[:4])
    body: dict[str, Any] = {
        "confirmed": False,
        "fPort": wanted.fport,
        "data": b64encode(wanted.payload).decode(),
    }
    if len(levels) == 5 and levels[4] == "rx":
        # The old topics; Milesight's gateways write the port's name in small letters.
        return _publication(f"{start}/tx", {**body, "fport": wanted.fport})
    if len(levels) != 6 or levels[4] != "event":
        return None
    if not levels[1].isdigit():
        body = {"devEui": levels[3], **body}
    return _publication(f"{start}/command/down", body)


def _tts_downlink(levels: list[str], wanted: Downlink) -> Publication:
    push = {
        "f_port": wanted.fport,
        "frm_payload": b64encode(wanted.payload).decode(),
        "priority": "NORMAL",
    }
    return _publication("/".join([*levels[:4], "down", "push"]), {"downlinks": [push]})


def _publication(topic: str, body: Body) -> Publication:
    return Publication(topic, json.dumps(body).encode())


def _last(topic: str) -> str:
    return topic.rpartition("/")[2]
