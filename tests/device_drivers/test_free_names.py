"""Homie, Sparkplug B, SenML and ESPHome: formats whose names are the owner's own."""

import json
import struct
from typing import Any

import pytest

from device_drivers.catalog import receive
from device_drivers.driver import Decoded, Refused
from device_drivers.message import Message
from device_drivers.sparkplug_b.wire import Metric, read_payload, value_of
from hub.commands.decode import Memory

SENT_MS = 1_700_000_000_000


def nobody(_address: str) -> None:
    """A register that knows no device."""
    return


def hear(topic: str, payload: bytes, memory: Memory | None = None) -> Decoded | Refused:
    """One message, with all that was announced before it."""
    known = memory or Memory()
    outcome = receive(Message(topic, payload), nobody, known.documents)
    if isinstance(outcome, Decoded):
        known.keep(outcome.driver, outcome.announcements)
    return outcome


def said(topic: str, payload: bytes, memory: Memory | None = None) -> list[tuple[str, Any]]:
    """Points and values of a message that must be understood."""
    outcome = hear(topic, payload, memory)
    assert isinstance(outcome, Decoded), outcome
    return [(one.point, one.value) for one in outcome.readings]


def refusal(topic: str, payload: bytes, memory: Memory | None = None) -> str:
    """Why a message is refused."""
    outcome = hear(topic, payload, memory)
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def varint(number: int) -> bytes:
    """Protobuf's way to write a whole number."""
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    """A field of a number, or of bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def payload(*metrics: bytes, at_ms: int = SENT_MS, seq: int = 1) -> bytes:
    """A message of Sparkplug B."""
    return field(1, at_ms) + b"".join(field(2, one) for one in metrics) + field(3, seq)


BIRTH = "spBv1.0/g/DBIRTH/edge/gym"
DATA = "spBv1.0/g/DDATA/edge/gym"
TOTAL = field(1, "Reps/Total") + field(2, 7) + field(4, 7) + field(10, 1_200)
UINT_32, INT_8, BOOLEAN, STRING = 7, 1, 11, 12


def test_data_with_an_alias_is_read_by_the_birth_certificate() -> None:
    """The name, the datatype and the unit are told once."""
    memory = Memory()
    unit = field(1, "engUnit") + field(2, field(1, STRING) + field(8, "mV"))
    cell = field(1, "Battery/Voltage") + field(2, 8) + field(4, UINT_32) + field(9, unit)
    other = field(1, "Motor/Speed") + field(2, 9) + field(4, UINT_32) + field(10, 5)
    born = hear(BIRTH, payload(TOTAL, cell + field(10, 3_100), other), memory)

    assert isinstance(born, Decoded)
    assert [(one.point, one.value) for one in born.readings] == [
        ("online", True),
        ("uses", 1_200),
        ("battery_v", 3.1),
    ]
    (announcement,) = born.announcements
    assert (announcement.address, announcement.family) == ("sparkplug_b:g/edge/gym", "counter")
    metrics = (field(2, alias) + field(10, value) for alias, value in ((7, 1_201), (8, 3_000)))
    assert said(DATA, payload(*metrics, field(2, 9) + field(10, 6)), memory) == [
        ("uses", 1_201),
        ("battery_v", 3.0),
    ]


def test_an_alias_of_the_edge_nodes_birth_holds_for_its_devices() -> None:
    memory = Memory()
    hear("spBv1.0/g/NBIRTH/edge", payload(TOTAL), memory)

    assert said(DATA, payload(field(2, 7) + field(10, 3)), memory) == [("uses", 3)]


def test_an_alias_that_no_birth_certificate_told_is_refused() -> None:
    reason = refusal(DATA, payload(field(2, 7) + field(10, 3)))
    assert "alias 7: no birth certificate" in reason


def test_what_a_birth_certificate_repeats_did_not_happen_now() -> None:
    press = field(1, "Press/Kind") + field(4, STRING) + field(15, "long")
    button = hear("spBv1.0/g/DBIRTH/edge/btn", payload(press))

    assert isinstance(button, Decoded)
    assert [one.point for one in button.readings] == ["online"]
    assert button.announcements[0].family == "button"
    assert said("spBv1.0/g/DDATA/edge/btn", payload(press)) == [("press", "long")]


def test_an_old_value_keeps_its_own_moment() -> None:
    """Without one it is left out, and a press beside it is not."""
    old = field(3, SENT_MS - 60_000) + field(5, 1)
    outcome = hear(DATA, payload(TOTAL + old))
    assert isinstance(outcome, Decoded)
    assert outcome.readings[0].at_ms == SENT_MS - 60_000

    sos = field(1, "Sos") + field(4, BOOLEAN) + field(14, 1)
    both = hear(DATA, payload(TOTAL + field(5, 1), sos, at_ms=5))
    assert isinstance(both, Decoded)
    assert [one.point for one in both.readings] == ["press"]
    assert "an old value without the time" in both.warnings[0]


@pytest.mark.parametrize(
    ("datatype", "raw", "value"),
    [
        (INT_8, 0xFF, -1),
        (2, 0xFFFF8000, -32_768),
        (4, 2**64 - 5, -5),
        (UINT_32, 2**32 - 1, 2**32 - 1),
    ],
)
def test_signed_numbers_are_turned_by_their_datatype(datatype: int, raw: int, value: int) -> None:
    assert value_of(Metric("x", raw=raw), datatype) == value


def test_floats_are_read_from_their_bytes() -> None:
    metric = field(1, "x") + b"\x65" + struct.pack("<f", 1.5)
    (one,) = read_payload(payload(metric)).metrics
    assert value_of(one, 9) == 1.5


@pytest.mark.parametrize("end", range(1, 40))
def test_a_cut_off_payload_is_refused_or_is_whole_before_the_cut(end: int) -> None:
    """Never an exception, never a value that was not sent."""
    whole = payload(TOTAL, field(1, "Tamper") + field(4, BOOLEAN) + field(14, 1))
    outcome = hear(DATA, whole[:end])

    if isinstance(outcome, Decoded):
        assert all(one.value in (1_200, True) for one in outcome.readings)
    else:
        assert "cut off" in outcome.reason


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("spBv1.0/g/DCMD/edge/gym", "a command"),
        ("spBv1.0/STATE/host", "host application"),
        ("spBv1.0/g/DDATA/edge", "expected spBv1.0"),
        ("spBv1.0/g/NDATA/edge/gym", "expected spBv1.0"),
        ("spBv1.0/g", "expected spBv1.0"),
    ],
)
def test_other_topics_of_sparkplug_are_refused(topic: str, words: str) -> None:
    assert words in refusal(topic, b"")


def test_a_described_flag_is_read_in_its_own_words() -> None:
    """Homie 5: `false,true` have names."""
    memory = Memory()
    about = {"datatype": "boolean", "format": "open,closed"}
    described = {
        "homie": "5.0",
        "name": "Front door",
        "nodes": {"door": {"properties": {"state": about}}},
    }
    outcome = hear("homie/5/d/$description", json.dumps(described).encode(), memory)

    assert isinstance(outcome, Decoded)
    assert (outcome.announcements[0].family, outcome.announcements[0].name) == (
        "door",
        "Front door",
    )
    assert said("homie/5/d/door/state", b"true", memory) == [("contact", "closed")]
    hear("homie/5/d/$description", b"", memory)
    assert said("homie/5/d/door/state", b"true", memory) == [("contact", "open")]


def test_attributes_of_older_versions_are_kept_too() -> None:
    """Homie 3 and 4: a topic for each."""
    memory = Memory()
    hear("homie/d/battery/level/$unit", b"V", memory)

    assert said("homie/d/battery/level", b"3.1", memory) == [("battery_v", 3.1)]
    assert said("homie/d/battery/level", b"87") == [("battery", 87.0)]
    assert said("homie/d/$fw/version", b"1.0") == []
    assert said("homie/d/$state", b"lost") == [("online", False)]


def test_a_records_mistake_costs_only_that_record() -> None:
    """SenML: the press beside it is kept."""
    pack = [{"bn": "urn:dev:mac:01:", "n": "sos", "vb": True}, {"n": "total", "v": "x"}]
    outcome = hear("a/b/senml", json.dumps(pack).encode())

    assert isinstance(outcome, Decoded)
    assert [one.point for one in outcome.readings] == ["press"]
    assert "'total'" in outcome.warnings[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\x81\xa2\x61n", "CBOR"),
        (b"{}", "list of SenML records"),
        (b"[]", "list of SenML records"),
        (b'[{"bver": 11, "n": "x", "v": 1}]', "bver"),
        (b'[{"n": "total", "v": 1, "t": 9e99}]', "t: expected"),
        (b'[{"n": "total", "v": 1, "vb": true}]', "expected one value"),
        (b'[{"bn": 5}]', "bn"),
    ],
)
def test_a_pack_that_is_wrong_is_refused_in_words(body: bytes, words: str) -> None:
    assert words in refusal("a/b/senml", body)


def test_base_time_and_base_value_are_added() -> None:
    pack = [
        {"bn": "urn:dev:mac:01:", "bt": 1_700_000_000, "bv": 100, "n": "reps", "v": 5, "t": 1.5}
    ]
    outcome = hear("senml/x", json.dumps(pack).encode())

    assert isinstance(outcome, Decoded)
    assert outcome.address == "senml:urn:dev:mac:01"
    assert [(one.value, one.at_ms) for one in outcome.readings] == [(105, 1_700_000_001_500)]


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("gym/binary_sensor/leg_press/state", b"ON"),
        ("n/sensor/uptime/state", b"1"),
        ("n/sensor/door/state", b"\xff"),
        ("n/status", b"perhaps"),
        ("n/debug", b"hello"),
        ("n/event/button/state", b"[]"),
    ],
)
def test_what_esphome_does_not_say_plainly_is_refused(topic: str, body: bytes) -> None:
    assert refusal(topic, body)
