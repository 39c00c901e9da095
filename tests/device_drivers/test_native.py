"""The native route: what a message becomes, and what is said of a wrong one."""

import json
from typing import Any

import msgspec
import pytest

from device_drivers.catalog import receive
from device_drivers.driver import Decoded, Refused
from device_drivers.message import JsonReader, Message
from device_drivers.reading import Reading

BUTTON = "community/demo/button/btn-b3-1204/up"
DOOR = "community/demo/door/door-b3/up"


def nobody(_address: str) -> None:
    """A register that knows no device."""
    return


@pytest.fixture(params=[json.loads, msgspec.json.decode], ids=["json", "msgspec"])
def read_json(request: pytest.FixtureRequest) -> JsonReader:
    """Both readers of JSON that are in use."""
    reader: JsonReader = request.param
    return reader


def up(read_json: JsonReader, body: Any, topic: str = BUTTON) -> Decoded | Refused:
    """What a JSON body becomes."""
    return receive(Message(topic, json.dumps(body).encode(), read_json=read_json), nobody)


def test_a_press_carries_all_that_the_hub_needs(read_json: JsonReader) -> None:
    """Address, family, the message's id, what to answer, its gateway, time and points."""
    body = {"ts": 1_767_225_600_000, "id": "a1", "via": "gw1", "press": "sos", "battery": 93}

    assert up(read_json, body) == Decoded(
        "native",
        "native:btn-b3-1204",
        "button",
        (
            Reading("press", "sos", 1_767_225_600_000),
            Reading("battery", 93.0, 1_767_225_600_000, "%"),
        ),
        id="a1",
        answer="a1",
        gateway="gw1",
    )


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"press": "sos", "id": 12}, "12"),
        ({"press": "sos", "ts": 1_767_225_600_000}, "1767225600000"),
        ({"press": "sos", "ts": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z"),
        ({"press": "sos", "ts": 5}, "5"),
        ({"press": "sos"}, None),
        ({"contact": "open", "id": "x"}, None),
    ],
)
def test_the_answer_repeats_id_or_time_as_given(body: Any, answer: str | None) -> None:
    """A button that repeats until it is heard knows its own words again."""
    outcome = up(json.loads, body)

    assert isinstance(outcome, Decoded)
    assert outcome.answer == answer


def test_a_heartbeat_and_an_empty_object_are_signs_of_life(read_json: JsonReader) -> None:
    """Nothing but a word that the device lives is a right message."""
    empty = up(read_json, {})

    assert isinstance(empty, Decoded)
    assert empty.readings == ()
    assert up(read_json, {"later": [1], "unknown": {}}) == empty


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"contact": "ajar"}, "contact: expected open, closed, not 'ajar'"),
        ({"contact": True}, "contact: expected open, closed, not True"),
        ({"press": "sosn"}, "did you mean sos?"),
        ({"press": ["sos"]}, "press: expected sos"),
        ({"tamper": "yes"}, "tamper: expected true or false, not 'yes'"),
        ({"tamper": 1}, "tamper: expected true or false, not 1"),
        ({"uses": -1}, "uses: expected a whole number from 0"),
        ({"uses": 1.5}, "uses: expected a whole number"),
        ({"uses": True}, "uses: expected a whole number"),
        ({"rep": "3"}, "rep: expected a whole number"),
        ({"uses": 10**30}, "uses: expected a whole number"),
        ({"battery": 101}, "battery: expected a number from 0 to 100, not 101"),
        ({"battery": None}, "battery: expected a number"),
        ({"alive": False}, "alive: expected true"),
        ({"ts": 1_767_225_600}, "these look like seconds"),
        ({"ts": "2026-01-01T00:00:00"}, "RFC 3339 text with a zone"),
        ({"ts": "2026-02-30T00:00:00Z"}, "RFC 3339"),
        ({"ts": True}, "ts: expected milliseconds"),
        ({"id": ""}, "id: expected text"),
        ({"id": "\ud800"}, "id: expected text"),
        ({"id": {"a": 1}}, "id: expected text"),
        ({"via": "a/b"}, "via: expected 1 to"),
        ([], "expected a JSON object"),
        ("open", "expected a JSON object"),
    ],
)
def test_a_wrong_field_refuses_the_message_by_name(body: Any, reason: str) -> None:
    """Field, what was expected, and what stood there."""
    outcome = up(json.loads, body, DOOR)

    assert isinstance(outcome, Refused)
    assert reason in outcome.reason
    assert (outcome.address, outcome.driver, outcome.family) == ("native:door-b3", "native", "door")


def test_every_wrong_field_is_named_at_once() -> None:
    """Whoever mends a device wants the whole list."""
    outcome = up(json.loads, {"contact": 1, "battery": -1, "ts": 0})

    assert isinstance(outcome, Refused)
    assert all(name in outcome.reason for name in ("contact:", "battery:", "ts:"))


def test_a_press_outlives_whatever_is_wrong_beside_it(read_json: JsonReader) -> None:
    """Somebody pressed: that is kept, and the rest is said."""
    outcome = up(read_json, {"press": "sos", "battery": "low", "ts": "noon", "via": 3, "id": []})

    assert isinstance(outcome, Decoded)
    assert outcome.readings == (Reading("press", "sos"),)
    assert [one.partition(":")[0] for one in outcome.warnings] == ["ts", "id", "via", "battery"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b'{"press": NaN}',
        b'{"battery": NaN}',
        b'{"battery": Infinity}',
        b'{"battery": 1e999}',
        b'{"uses": ' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"id":' * 50_000,
        b'{"id":' + b"[" * 800 + b"]" * 800 + b"}",
        b"\x00" * 100,
        b'{"press": "\xed\xa0\x80"}',
    ],
)
def test_broken_payloads_are_refused(payload: bytes, read_json: JsonReader) -> None:
    """Cut off, deep, huge, not text, not a number: a refusal with a reason, from a known sender."""
    outcome = receive(Message(BUTTON, payload, read_json=read_json), nobody)

    assert isinstance(outcome, Refused)
    assert outcome.address == "native:btn-b3-1204"
    assert len(outcome.reason) < 1_000
    assert "driver itself" not in outcome.reason


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "community",
        "community/",
        "community/demo/button/b1",
        "community/demo/button/b1/up/more",
        "community/demo/button//up",
        "community//button/b1/up",
        "community/demo/window/b1/up",
        "community/demo/button/b1/down",
        "community/demo/gateway/g1/up",
        "community/demo/button/b\x00/up",
        "community/demo/button/\ud800/up",
        "community/demo/button/b+/up",
        "community/demo/button/" + "b" * 129 + "/up",
        "nothing/that/fits",
        "application/a1",
        "v3/app/devices/d/up",
        "zigbee2mqtt/",
        "zigbee2mqtt//",
    ],
)
def test_topics_that_fit_nothing_are_refused(topic: str) -> None:
    """A topic tells its shape or the message is refused; nothing is guessed."""
    outcome = receive(Message(topic, b'{"press": "sos"}'), nobody)

    assert isinstance(outcome, Refused)
    assert "driver itself" not in outcome.reason


@pytest.mark.parametrize(
    ("topic", "address", "family"),
    [
        ("community/demo/door/d1/status", "native:d1", "door"),
        ("community/demo/gateway/gw1/status", "native:gw1", "gateway"),
    ],
)
def test_the_will_of_a_device_or_gateway(topic: str, address: str, family: str) -> None:
    """`online` and `offline` and nothing else."""
    gone = receive(Message(topic, b"offline", retained=True), nobody)
    back = receive(Message(topic, b"online"), nobody)

    assert gone == Decoded("native", address, family, (Reading("online", False),))
    assert back == Decoded("native", address, family, (Reading("online", True),))
    assert isinstance(receive(Message(topic, b"Online"), nobody), Refused)
