"""A file of recorded readings: a stretch of the journal that can be carried to another hub.

JSON lines, UTF-8, by gzip if the name ends in `.gz`. A line about a message is

    {"device": "door-1", "at_ms": 1772413200000, "points": {"contact": "open"}}

with `arrived_ms` (left out: `at_ms`), `gateway` and `retained: true` where they matter. Lines with
a `kind` say what else was known: `device` (a row of the register; without such lines the register
at hand is used), `gateway`, `case` (which a person closed at `closed_ms`), `service` and `swap`.
They stand before the messages; messages stand in the order of their arrival.
"""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec

from device_drivers.reading import Reading, Value
from hub.devices import Device
from hub.journal import COMMAND, GATEWAY, PRESS, READING, RETAINED, STRANGER, Entry
from hub.world import PastCase, World

MOMENT_MAX_MS = 253_402_300_799_999  # the last one of the year 9999

Moment = Annotated[int, msgspec.Meta(ge=0, le=MOMENT_MAX_MS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WrongFile(Exception):
    """A file that is none of recorded readings; the text has file, line and what was expected."""


class _Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What every line may be refused for."""


class Message(_Line):
    """What a device said of one moment."""

    device: Name
    at_ms: Moment
    points: dict[Name, Value] = {}
    arrived_ms: Moment | None = None
    gateway: Name | None = None
    retained: bool = False
    button: bool = False  # an unregistered sender that is one
    stranger: bool = False


class Registered(_Line, tag="device", tag_field="kind"):
    """A row of the register, without names and addresses."""

    id: Name
    family: Name
    driver: str = "native"
    place: str | None = None
    grid: str | None = None
    ground: str | None = None
    tags: list[str] = []
    resident: str | None = None
    resident_tags: list[str] = []
    gateway: str | None = None
    expected_silence_s: int | None = None
    added_ms: Moment = 0


class GatewayKnown(_Line, tag="gateway", tag_field="kind"):
    """A gateway, registered or not."""

    id: Name


class CaseLine(_Line, tag="case", tag_field="kind"):
    """A case of the log, and when a person closed it."""

    rule: Name
    key: Name
    raised_ms: Moment
    closed_ms: Moment | None = None


class Service(_Line, tag="service", tag_field="kind"):
    """Somebody serviced a machine."""

    device: Name
    at_ms: Moment


class Swap(_Line, tag="swap", tag_field="kind"):
    """Another device took a device's place."""

    device: Name
    at_ms: Moment


_Known = Registered | GatewayKnown | CaseLine | Service | Swap
_MESSAGE = msgspec.json.Decoder(Message)
_KNOWN = msgspec.json.Decoder(_Known)
_encode = msgspec.json.Encoder().encode


# ---------------------------------------------------------------------- reading


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[IO[bytes]]:
    try:
        if file.suffix == ".gz":
            with gzip.open(file, mode) as stream:
                yield stream  # type: ignore[misc]
        else:
            with file.open(mode) as stream:
                yield stream
    except (OSError, EOFError) as error:
        raise WrongFile(f"{file}: {error}") from error


def _lines(file: Path, bytes_max: int) -> Iterator[tuple[int, bytes]]:
    with _opened(file, "rb") as stream:
        number = 0
        while line := stream.readline(bytes_max + 1):
            number += 1
            if len(line) > bytes_max:
                raise WrongFile(f"{file}:{number}: a line longer than {bytes_max} bytes")
            if line.strip():
                yield number, line


def read_known(file: Path, bytes_max: int) -> tuple[World, list[Entry], bool]:
    """What stands before the messages: the world, its commands, and whether devices are named.

    Raises `WrongFile`.
    """
    devices, gateways, cases, commands = [], [], [], []
    for number, line in _lines(file, bytes_max):
        if b'"kind"' not in line:
            break
        match _decode(file, number, line, _KNOWN):
            case Registered() as row:
                devices.append(_device(row))
            case GatewayKnown(id=name):
                gateways.append(name)
            case CaseLine() as row:
                cases.append(PastCase(row.rule, row.key, row.raised_ms, row.closed_ms))
            case Service(device=device, at_ms=at_ms):
                commands.append(_command("service", device, at_ms))
            case Swap(device=device, at_ms=at_ms):
                commands.append(_command("swap", device, at_ms))
    commands.sort(key=lambda one: one.arrived_ms)
    return World(devices, (), gateways, cases), commands, bool(devices)


def read_messages(file: Path, bytes_max: int) -> Iterator[Entry]:
    """The messages, numbered by their lines. Raises `WrongFile`."""
    before_ms = 0
    for number, line in _lines(file, bytes_max):
        if b'"kind"' in line[:12]:
            continue
        message = _decode(file, number, line, _MESSAGE)
        entry = _entry(number, message)
        if entry.arrived_ms < before_ms:
            raise WrongFile(
                f"{file}:{number}: arrived before the line above it; the order is that of arrival"
            )
        before_ms = entry.arrived_ms
        yield entry


def _decode(file: Path, number: int, line: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongFile(f"{file}:{number}: {error}") from error


def _entry(number: int, message: Message) -> Entry:
    readings = tuple(Reading(*named, message.at_ms) for named in message.points.items())
    arrived_ms = message.at_ms if message.arrived_ms is None else message.arrived_ms
    flags = (RETAINED if message.retained else 0) | (STRANGER if message.stranger else 0)
    if message.button or "press" in message.points:
        flags |= PRESS
    entry = Entry(number, READING, message.device, arrived_ms, readings)
    return entry._replace(gateway=message.gateway, flags=flags)


def _command(act: str, device: str, at_ms: int) -> Entry:
    return Entry(0, COMMAND, None, at_ms, (), {"act": act, "device": device})


def _device(row: Registered) -> Device:
    return Device(
        id=row.id,
        family=row.family,
        driver=row.driver,
        address=f"recorded:{row.id}",
        name_zh=row.id,
        name_en=row.id,
        place=row.place,
        grid=row.grid,
        ground=row.ground,
        tags=frozenset(row.tags),
        resident_id=row.resident,
        resident_tags=frozenset(row.resident_tags),
        gateway=row.gateway,
        expected_silence_s=row.expected_silence_s,
        added_ms=row.added_ms,
    )


# ---------------------------------------------------------------------- writing


def write(file: Path, world: World, commands: Iterable[Entry], entries: Iterable[Entry]) -> int:
    """World and commands, then the messages; how many there were. Raises `WrongFile`."""
    count = 0
    with _opened(file, "wb") as stream:
        for line in _known_lines(world, commands):
            stream.write(_encode(line) + b"\n")
        for entry in entries:
            for message in _messages(entry) if entry.kind == READING else ():
                stream.write(_encode(message) + b"\n")
                count += 1
    return count


def _known_lines(world: World, commands: Iterable[Entry]) -> Iterator[_Line]:
    for device in world.devices:
        yield Registered(
            id=device.id,
            family=device.family,
            driver=device.driver,
            place=device.place,
            grid=device.grid,
            ground=device.ground,
            tags=sorted(device.tags),
            resident=device.resident_id,
            resident_tags=sorted(device.resident_tags),
            gateway=device.gateway,
            expected_silence_s=device.expected_silence_s or device.learned_silence_s,
            added_ms=device.added_ms,
        )
    yield from (GatewayKnown(id=name) for name in world.gateways)
    for case in world.cases:
        yield CaseLine(case.rule, case.key, case.raised_ms, case.closed_ms)
    kinds = {"service": Service, "swap": Swap}
    for entry in commands:
        body = entry.body or {}
        if body.get("act") in kinds:
            yield kinds[body["act"]](device=str(body["device"]), at_ms=entry.arrived_ms)


def _messages(entry: Entry) -> Iterator[Message]:
    """One for each moment of the entry; a heartbeat has no points."""
    assert entry.device is not None
    common = Message(
        device=entry.device,
        at_ms=entry.arrived_ms,
        gateway=entry.gateway,
        retained=bool(entry.flags & RETAINED),
        button=bool(entry.flags & PRESS),
        stranger=bool(entry.flags & (STRANGER | GATEWAY)),
    )
    parts: list[tuple[int, dict[str, Value]]] = []
    for point, value, at_ms, _unit in entry.readings:
        assert at_ms is not None
        part = next((p for moment, p in parts if moment == at_ms and point not in p), None)
        if part is None:
            parts.append((at_ms, part := {}))
        part[point] = value
    for moment, points in sorted(parts, key=lambda one: one[0]) or [(entry.arrived_ms, {})]:
        arrived_ms = None if moment == entry.arrived_ms else entry.arrived_ms
        yield msgspec.structs.replace(common, at_ms=moment, points=points, arrived_ms=arrived_ms)
