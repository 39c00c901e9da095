"""Recorded frames become messages: each line of a JSONL file in its own topic and envelope.

A bare LoRaWAN frame is wrapped as ChirpStack v4 would send it, under a device EUI that belongs to
the line. What was recorded without a topic gets the one on which its network server or its
forwarder publishes; what no driver understands gets one under `frames/`, to which no hub listens.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from device_drivers.catalog import drivers_of_transport
from device_drivers.envelope_fields import eui_digits, hex_of_base64
from device_drivers.envelopes import SERVER_STEMS
from hub.simulated.figures import FRAME_LINE_BYTES_MAX
from hub.simulated.voices import APPLICATION_ID, Event, chirpstack_uplink

TOPIC_BYTES_MAX = 65_535
GATEWAY = "gw-frames"
APPLICATION_NUMBER = 1  # version 3 of ChirpStack numbers its applications
NOBODY = "unknown"  # stands for the device in the topics that drivers show
ENCODINGS = ("json", "text", "hex", "base64")


class Unusable(NamedTuple):
    """A line that cannot be played, and why."""

    line: int
    reason: str


def read_frames(lines: Iterable[bytes], *, run: str) -> Iterator[Event | Unusable]:
    """One event for each line that is not blank, or why there is none."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _event(number, line, run)
            except (ValueError, RecursionError) as error:
                yield Unusable(number, str(error) or type(error).__name__)


def _event(number: int, line: bytes, run: str) -> Event:
    if len(line) > FRAME_LINE_BYTES_MAX:
        raise ValueError(f"longer than {FRAME_LINE_BYTES_MAX} bytes")
    frame = json.loads(line)
    if not isinstance(frame, dict):
        raise ValueError("expected a JSON object")
    transport = str(frame.get("transport") or "unknown")
    family = str(frame.get("family") or "unknown")
    if transport == "lorawan":
        return _lorawan(number, frame, family, run)
    topic = _topic(frame, transport, number)
    body = _payload(frame)
    return Event(0, topic, body, family, transport, retained=frame.get("retained") is True)


def _lorawan(number: int, frame: dict[str, Any], family: str, run: str) -> Event:
    eui = device_eui(str(frame.get("id") or number))
    profile = " ".join(str(frame.get(key) or "") for key in ("vendor", "model")).strip()
    port = frame.get("fport")
    if port is not None and (type(port) is not int or not 0 <= port <= 255):
        raise ValueError(f"fport: expected a whole number from 0 to 255, not {port!r}")
    body = chirpstack_uplink(
        eui,
        profile,
        _payload(frame),
        port=port,
        count=number,
        gateway=GATEWAY,
        unique=f"{run}/{number}",
    )
    topic = f"application/{APPLICATION_ID}/device/{eui}/event/up"
    return Event(0, topic, body, family, "lorawan", stamp="time")


def device_eui(name: str) -> str:
    """A device EUI that belongs to a name for good (locally administered)."""
    raw = bytearray(sha256(f"frame/{name}".encode()).digest()[:8])
    raw[0] = raw[0] & 0xFC | 0x02
    return raw.hex()


def _payload(frame: dict[str, Any]) -> bytes:
    payload, encoding = frame.get("payload"), frame.get("payload_encoding", "json")
    if encoding == "json":
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    if not isinstance(payload, str):
        raise ValueError(f"payload: expected text, not {type(payload).__name__}")
    if encoding == "text":
        return payload.encode()
    if encoding == "hex":
        return bytes.fromhex(payload)
    if encoding == "base64":
        try:
            return base64.b64decode(payload, validate=True)
        except binascii.Error as error:
            raise ValueError(f"payload: {error}") from error
    raise ValueError(f"payload_encoding: expected {', '.join(ENCODINGS)}, not {encoding!r}")


def _topic(frame: dict[str, Any], transport: str, number: int) -> str:
    topic = frame.get("topic")
    if topic is None:
        return _derived_topic(frame, transport, number)
    if not isinstance(topic, str) or not topic or {"+", "#", "\0"} & set(topic):
        raise ValueError(f"topic: expected a topic without wildcards, not {topic!r}")
    if len(topic.encode()) > TOPIC_BYTES_MAX:
        raise ValueError(f"topic: longer than {TOPIC_BYTES_MAX} bytes")
    return topic


def _derived_topic(frame: dict[str, Any], transport: str, number: int) -> str:
    body = frame.get("payload")
    body = body if isinstance(body, dict) else {}
    name = _one_level(str(frame.get("id") or number))
    if transport == "chirpstack":
        info = body.get("deviceInfo") or {}
        eui = info.get("devEui") or device_eui(name)
        return f"application/{info.get('applicationId') or APPLICATION_ID}/device/{eui}/event/up"
    if transport == "tts":
        ids = body.get("end_device_ids") or {}
        application = (ids.get("application_ids") or {}).get("application_id") or "frames"
        return f"v3/{application}@ttn/devices/{ids.get('device_id') or name}/up"
    if transport.startswith("chirpstack-v3"):
        eui = eui_digits(hex_of_base64(body.get("devEUI"))) or device_eui(name)
        return f"application/{APPLICATION_NUMBER}/device/{eui}/event/up"
    own = _driver_topic(transport, name)
    if own is None and transport.startswith(SERVER_STEMS):
        own = f"lorawan/{_one_level(transport)}/{name}"  # there the owner chooses the topic
    return own or f"frames/{_one_level(transport)}/{name}"


def _one_level(name: str) -> str:
    return name.translate({ord(character): "_" for character in "/+#\0"})


def _driver_topic(transport: str, name: str) -> str | None:
    """The topic that a driver of the transport shows as its own, said by another device."""
    for driver in drivers_of_transport(transport):
        return driver.topic.replace(NOBODY, name)
    return None
