"""`hub decode` and `hub drivers`: what the drivers make of a message, without a broker."""

import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import Any, BinaryIO

import click

from device_drivers.bits import from_base64, from_hex
from device_drivers.catalog import (
    ANNOUNCED_BY,
    DRIVER_FAILED,
    DRIVERS,
    driver_by_hint,
    driver_by_model,
    driver_by_topic,
    drivers_of_transport,
    is_network_server,
    plain,
)
from device_drivers.catalog import decode as decode_frame
from device_drivers.driver import Announcement, Decoded, Driver, Frame, Refused, Unreadable
from device_drivers.envelopes import SERVER_NAMES as NETWORK_SERVERS
from device_drivers.envelopes import SERVER_STEMS as NETWORK_SERVER_STEMS
from device_drivers.envelopes import open_message
from device_drivers.message import Message
from device_drivers.moments import rfc_3339
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.reading import Reading
from hub.cli import Complaint
from hub.downlinks import can_show

ENVELOPES = ("hex", "base64", "raw", "json", *NETWORK_SERVERS)
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
        memory = Memory()
        for raw in jsonl:
            click.echo(_json(decode_line(raw, memory)))
        return
    if envelope is None and driver_name is None and is_network_server(topic):
        envelope = "json"
    by_topic = None if driver_name else driver_by_topic(topic)
    driver = _driver(driver_name, envelope) if by_topic is None else by_topic
    payload = sys.stdin.buffer.read()
    outcome = decode_one(payload, driver, fport=fport, topic=topic, envelope=envelope)
    click.echo(_json(shape(outcome)))
    if isinstance(outcome, Refused):
        sys.exit(1)


def _driver(name: str | None, envelope: str | None) -> Driver | None:
    if name is None:
        if envelope in NETWORK_SERVERS or envelope == "json":
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
        return _receive(driver, payload, topic, envelope or "raw", Memory())
    try:
        if envelope in NETWORK_SERVERS or envelope == "json":
            frame = open_message(Message(topic, payload))
            return _decode(driver or driver_by_hint(frame.hint), frame)
        frame = Frame("", _unwrapped(payload, envelope or "hex"), fport)
    except Unreadable as error:
        return Refused(str(error))
    return _decode(driver, frame)


def _decode(driver: Driver | None, frame: Frame) -> Outcome:
    return _guarded(lambda: decode_frame(driver, frame))


class Memory:
    """What the messages of one file announced for those after them."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Any]] = {}

    def keep(self, driver: str, announcements: Iterable[Announcement]) -> None:
        """Take what a message announced; an empty document takes a part back."""
        for one in announcements:
            parts = self._documents.setdefault(one.key, {ANNOUNCED_BY: driver})
            if one.document:
                parts[one.part] = one.document
            else:
                parts.pop(one.part, None)

    def documents(self, key: str) -> Mapping[str, Any]:
        """All that was announced under a key."""
        return self._documents.get(key, {})


def _receive(driver: Driver, payload: bytes, topic: str, envelope: str, memory: Memory) -> Outcome:
    assert driver.receive is not None
    receive = driver.receive
    try:
        message = Message(topic or driver.topic, _unwrapped(payload, envelope))
    except Unreadable as error:
        return Refused(str(error))
    outcome = _guarded(lambda: receive(message, memory.documents))
    if isinstance(outcome, Decoded):
        memory.keep(outcome.driver, outcome.announcements)
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


def decode_line(raw: bytes, memory: Memory | None = None) -> dict[str, Any]:
    """One line of a file of messages: what comes out for it, whatever it is."""
    try:
        line = json_object(Message("", raw))
    except Unreadable as error:
        return {"id": None, "refused": str(error)}
    try:
        outcome = _line(line, memory or Memory())
    except Unreadable as error:
        outcome = Refused(str(error))
    return {"id": line.get("id"), **shape(outcome)}


def _line(line: Line, memory: Memory) -> Outcome:
    transport = _text(line, "transport")
    topic, payload = _text(line, "topic"), _payload(line)
    receivers = drivers_of_transport(transport)
    if receivers:
        by_topic = driver_by_topic(topic)
        receiver = by_topic if by_topic in receivers else receivers[0]
        return _receive(receiver, payload, topic, "raw", memory)
    maker, model = _text(line, "vendor"), _text(line, "model")
    driver = driver_by_model(maker, model)
    if transport == "lorawan":
        return _of_model(driver, Frame("", payload, _fport(line)), maker, model)
    if transport.startswith(NETWORK_SERVER_STEMS):
        frame = open_message(Message(topic, payload))
        return _of_model(driver or driver_by_hint(frame.hint), frame, maker, model)
    return Refused(f"transport {shown(transport)}: no driver understands it")


def _of_model(driver: Driver | None, frame: Frame, maker: str, model: str) -> Outcome:
    frame = frame._replace(model=plain(model))
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
    """The port; 0, which carries no payload of a device, says that nobody noted it."""
    value = line.get("fport") or None
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
        "topics": list(driver.subscriptions or driver.topics),
        "heard": driver.heard._asdict(),
        "shows": can_show(driver),
        "tested": driver.tested,
    }


_NUMBERED = re.compile(r"_[0-9]+$")
COLUMNS = ("name", "family", "transport", "tested")
WIDTH = 100  # characters of a line: what a terminal beside another window shows


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each driver; indented below it maker and models, then the points."""
    cells = [COLUMNS, *([_cell(row[column]) for column in COLUMNS] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    for cell_row, row in zip(cells, [None, *rows], strict=True):
        padded = [cell.ljust(width) for cell, width in zip(cell_row, widths, strict=True)]
        yield "  ".join(padded).rstrip()
        if row is not None:
            yield from _below(row)


def _below(row: dict[str, Any]) -> Iterator[str]:
    models = "" if row["models"] == ["*"] else _cell(row["models"])
    whose = " ".join(filter(None, ("" if row["maker"] == "any" else row["maker"], models)))
    for name, text in (("", whose), ("points: ", _cell(row["points"]))):
        if text:
            yield from textwrap.wrap(
                text,
                WIDTH,
                initial_indent=f"    {name}",
                subsequent_indent="      ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def _cell(value: Any) -> str:
    return ", ".join(folded(value)) if isinstance(value, list) else str(value)


def folded(names: Iterable[str]) -> Iterator[str]:
    """`uses_1, uses_2, uses_3` as `uses_1…3`."""
    for _stem, group in groupby(names, key=lambda name: _NUMBERED.sub("_", name)):
        row = list(group)
        yield row[0] if len(row) == 1 else f"{row[0]}…{row[-1].rpartition('_')[2]}"
