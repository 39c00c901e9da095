"""`hub decode` and `hub drivers`: what the drivers make of a message, without a broker."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import Any, BinaryIO

import click

from device_drivers.bits import from_base64, from_hex
from device_drivers.catalog import DRIVER_FAILED, DRIVERS, driver_by_hint, driver_by_model
from device_drivers.catalog import decode as decode_frame
from device_drivers.driver import Decoded, Driver, Frame, Refused, Unreadable
from device_drivers.envelopes import open_envelope
from device_drivers.message import Message
from device_drivers.moments import rfc_3339
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.reading import Reading
from hub.cli import Complaint

ENVELOPES = ("hex", "base64", "raw", "json", "chirpstack", "tts", "loriot")
NETWORK_SERVERS = ("chirpstack", "tts", "loriot")
UNKNOWN_TOPICS = {
    "native": "community/demo/button/unknown/up",
    "zigbee2mqtt": "zigbee2mqtt/unknown",
}
# How a topic begins, and who speaks there: a driver, or a network server in its envelope.
DRIVER_OF_TOPIC = {"community": "native", "zigbee2mqtt": "zigbee2mqtt"}
ENVELOPE_OF_TOPIC = {"application": "chirpstack", "v3": "tts"}
FPORT_MAX = 255
Outcome = Decoded | Refused
Line = Mapping[str, Any]


@click.command(epilog="Exit code: 1 if the one message was refused; 0 for a file of messages.")
@click.option("--driver", "driver_name", metavar="D", help="A name that `hub drivers` lists.")
@click.option("--fport", type=click.IntRange(0, FPORT_MAX), help="LoRaWAN port of a bare frame.")
@click.option("--topic", default="", help="MQTT topic of the message; it tells the driver.")
@click.option(
    "--envelope",
    type=click.Choice(ENVELOPES),
    help="What is on standard input; hex for a LoRaWAN driver, raw for the others.",
)
@click.option(
    "--jsonl",
    type=click.File("rb"),
    metavar="FILE",
    help="A file of messages, one JSON object a line (- is standard input): a line out for each.",
)
def decode(
    driver_name: str | None,
    fport: int | None,
    topic: str,
    envelope: str | None,
    jsonl: BinaryIO | None,
) -> None:
    """One message from standard input, or a file of them, through envelope and driver.

    Prints JSON: `{"driver", "device", "readings"}` or `{"refused": reason}`.
    """
    if jsonl is not None:
        if driver_name or envelope or topic or fport is not None:
            raise Complaint("--jsonl stands alone: every line names its own device and envelope")
        for raw in jsonl:
            click.echo(_json(decode_line(raw)))
        return
    begins = topic.partition("/")[0]
    envelope = envelope or ENVELOPE_OF_TOPIC.get(begins if driver_name is None else "")
    driver = _driver(driver_name or DRIVER_OF_TOPIC.get(begins), envelope)
    payload = sys.stdin.buffer.read()
    outcome = decode_one(payload, driver, fport=fport, topic=topic, envelope=envelope)
    click.echo(_json(shape(outcome)))
    if isinstance(outcome, Refused):
        sys.exit(1)


def _driver(name: str | None, envelope: str | None) -> Driver | None:
    if name is None:
        if envelope in NETWORK_SERVERS:
            return None
        raise Complaint("--driver is missing, or a --topic that tells it; see `hub drivers`")
    if name not in DRIVERS:
        near = get_close_matches(name, DRIVERS, n=1)
        also = f"did you mean {near[0]}?" if near else "`hub drivers` lists the names"
        raise Complaint(f"--driver {shown(name)}: there is no such driver; {also}")
    return DRIVERS[name]


def decode_one(
    payload: bytes, driver: Driver | None, *, fport: int | None, topic: str, envelope: str | None
) -> Outcome:
    """One message as it would be understood. `driver` None: by the envelope's own words."""
    if driver is not None and driver.receive is not None:
        return _receive(driver, payload, topic, envelope or "raw")
    try:
        if envelope in NETWORK_SERVERS or envelope == "json":
            frame = open_envelope(topic, json_object(Message(topic, payload)))
            return _decode(driver or driver_by_hint(frame.hint), frame)
        frame = Frame("", _unwrapped(payload, envelope or "hex"), fport)
    except Unreadable as error:
        return Refused(str(error))
    return _decode(driver, frame)


def _decode(driver: Driver | None, frame: Frame) -> Outcome:
    return _guarded(lambda: decode_frame(driver, frame))


def _receive(driver: Driver, payload: bytes, topic: str, envelope: str) -> Outcome:
    assert driver.receive is not None
    receive = driver.receive
    try:
        message = Message(topic or UNKNOWN_TOPICS[driver.name], _unwrapped(payload, envelope))
    except Unreadable as error:
        return Refused(str(error))
    outcome = _guarded(lambda: receive(message))
    return outcome if topic else outcome._replace(address="")


def _guarded(read: Callable[[], Outcome]) -> Outcome:
    """A driver's mistake costs its own line, not the file."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - the same net as around the hub's ingest
        return Refused(f"{DRIVER_FAILED}: {type(error).__name__}: {shown(str(error))}")


def _unwrapped(payload: bytes, envelope: str) -> bytes:
    if envelope not in ("hex", "base64"):
        return payload
    try:
        text = payload.decode("ascii").strip()
    except UnicodeDecodeError:
        raise Unreadable(f"expected {envelope}, not {shown(payload)}") from None
    return from_hex(text) if envelope == "hex" else from_base64(text)


def decode_line(raw: bytes) -> dict[str, Any]:
    """One line of a file of messages: what comes out for it, whatever it is."""
    try:
        line = json_object(Message("", raw))
    except Unreadable as error:
        return {"id": None, "refused": str(error)}
    try:
        outcome = _line(line)
    except Unreadable as error:
        outcome = Refused(str(error))
    return {"id": line.get("id"), **shape(outcome)}


def _line(line: Line) -> Outcome:
    transport = _text(line, "transport")
    topic, payload = _text(line, "topic"), _payload(line)
    if transport in UNKNOWN_TOPICS:
        return _receive(DRIVERS[transport], payload, topic, "raw")
    maker, model = _text(line, "vendor"), _text(line, "model")
    driver = driver_by_model(maker, model)
    if transport == "lorawan":
        return _of_model(driver, Frame("", payload, _fport(line)), maker, model)
    if transport.startswith(NETWORK_SERVERS):
        frame = open_envelope(topic, json_object(Message(topic, payload)))
        return _of_model(driver or driver_by_hint(frame.hint), frame, maker, model)
    return Refused(f"transport {shown(transport)}: no driver understands it")


def _of_model(driver: Driver | None, frame: Frame, maker: str, model: str) -> Outcome:
    if driver is None and frame.payload is not None:
        return Refused(f"no driver is known for {shown(maker)} {shown(model)}", frame.address)
    return _decode(driver, frame)


def _text(line: Line, key: str) -> str:
    value = line.get(key)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise Unreadable(f"{key}: expected text, not {shown(value)}")


def _fport(line: Line) -> int | None:
    value = line.get("fport")
    if value is None or (type(value) is int and 0 <= value <= FPORT_MAX):
        return value
    raise Unreadable(f"fport: expected a whole number from 0 to {FPORT_MAX}, not {shown(value)}")


def _payload(line: Line) -> bytes:
    encoding = _text(line, "payload_encoding") or "json"
    value = line.get("payload")
    if encoding == "json":
        return json.dumps(value).encode()
    if not isinstance(value, str):
        raise Unreadable(f"payload: expected text, not {shown(value)}")
    if encoding == "text":
        return value.encode("utf-8", "surrogatepass")
    if encoding in ("hex", "base64"):
        return from_hex(value) if encoding == "hex" else from_base64(value)
    raise Unreadable(f"payload_encoding: expected json, hex, base64 or text, not {shown(encoding)}")


def shape(outcome: Outcome) -> dict[str, Any]:
    """What is printed of an outcome."""
    if isinstance(outcome, Refused):
        return {"refused": outcome.reason}
    shaped: dict[str, Any] = {
        "driver": outcome.driver,
        "device": outcome.address or None,
        "readings": [_shape_reading(one) for one in outcome.readings],
    }
    if outcome.warnings:
        shaped["warnings"] = list(outcome.warnings)
    return shaped


def _shape_reading(reading: Reading) -> dict[str, Any]:
    shaped: dict[str, Any] = {"point": reading.point, "value": reading.value}
    if reading.unit is not None:
        shaped["unit"] = reading.unit
    if reading.at_ms is not None:
        shaped["at"] = rfc_3339(reading.at_ms)
    return shaped


def _json(shaped: Mapping[str, Any]) -> bytes:
    """As people read it; only half a surrogate pair, which no text can hold, stays escaped."""
    return json.dumps(shaped, ensure_ascii=False).encode("utf-8", "backslashreplace")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def drivers(as_json: bool) -> None:
    """Every driver with family, maker, model, transport, points and what it was tested on."""
    rows = [_shape_driver(driver) for driver in DRIVERS.values()]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for line in _table(rows):
        click.echo(line)


def _shape_driver(driver: Driver) -> dict[str, Any]:
    return {
        "name": driver.name,
        "family": list(driver.families),
        "maker": driver.maker,
        "models": list(driver.models),
        "transport": driver.transport,
        "points": list(driver.points),
        "fports": list(driver.fports),
        "expected_silence_s": driver.expected_silence_s,
        "heard": driver.heard._asdict(),
        "tested": driver.tested,
    }


_NUMBERED = re.compile(r"_[0-9]+$")
COLUMNS = ("name", "family", "maker", "models", "transport", "tested", "points")


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    cells = [COLUMNS, *([_cell(row[column]) for column in COLUMNS] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS) - 1)]
    for row in cells:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*padded, row[-1]])


def _cell(value: Any) -> str:
    return ", ".join(_folded(value)) if isinstance(value, list) else str(value)


def _folded(names: list[str]) -> Iterator[str]:
    """`uses_1, uses_2, uses_3` as `uses_1…3`."""
    for _stem, group in groupby(names, key=lambda name: _NUMBERED.sub("_", name)):
        row = list(group)
        yield row[0] if len(row) == 1 else f"{row[0]}…{row[-1].rpartition('_')[2]}"
