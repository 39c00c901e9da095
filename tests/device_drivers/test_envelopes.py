"""LoRaWAN's envelopes: whose frame it is, when it was, who heard it, and which driver reads it."""

import json
from typing import Any

import pytest

from device_drivers.catalog import receive
from device_drivers.driver import Decoded, Refused
from device_drivers.message import Message
from device_drivers.reading import Reading
from tests.device_drivers.examples import (
    CHIRPSTACK_TOPIC,
    EUI,
    TIME_MS,
    TTS_TOPIC,
    chirpstack,
    tts,
)

PRESS = bytes.fromhex("017510ff2e01")
DOOR_OPEN = bytes.fromhex("030001")
BOTH = [
    pytest.param(CHIRPSTACK_TOPIC, chirpstack, id="chirpstack"),
    pytest.param(TTS_TOPIC, tts, id="tts"),
]


def nobody(_address: str) -> None:
    """A register that knows no device."""
    return


def decoded(topic: str, payload: bytes, driver: str | None = None) -> Decoded:
    """A message that must be understood; `driver` is what the register says."""
    outcome = receive(Message(topic, payload), lambda _address: driver)
    assert isinstance(outcome, Decoded), outcome
    return outcome


def refused(topic: str, payload: bytes, driver: str | None = None) -> Refused:
    """A message that must be refused."""
    outcome = receive(Message(topic, payload), lambda _address: driver)
    assert isinstance(outcome, Refused), outcome
    assert "driver itself" not in outcome.reason
    return outcome


def test_an_uplink_of_chirpstack() -> None:
    """Its deduplication id, its time, the gateway that heard best, and its signal as readings."""
    outcome = decoded(CHIRPSTACK_TOPIC, chirpstack(PRESS))
    assert outcome._replace(introduction=None) == Decoded(
        "milesight_button",
        f"lorawan:{EUI}",
        "button",
        (
            Reading("battery", 16.0, TIME_MS, "%"),
            Reading("press", "single", TIME_MS),
            Reading("rssi", -36.0, TIME_MS, "dBm"),
            Reading("snr", 10.5, TIME_MS, "dB"),
        ),
        id="3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        gateway="0016c001f153a14d",
        network_ms=TIME_MS,
    )


@pytest.mark.parametrize(
    ("profile", "maker", "model"),
    [
        ("Milesight WS101", "Milesight", "WS101"),
        ("ws101", "Milesight", "ws101"),
        ("Panic buttons", "Milesight", "Panic buttons"),
    ],
)
def test_what_people_call_it_on_the_network_server_fills_in_the_form(
    profile: str, maker: str, model: str
) -> None:
    info = {"devEui": EUI, "deviceName": "三楼走廊按钮", "deviceProfileName": profile}
    outcome = decoded(CHIRPSTACK_TOPIC, chirpstack(PRESS, deviceInfo=info), "milesight_button")
    said = outcome.introduction
    assert said is not None
    assert (said.address, said.name) == (f"lorawan:{EUI}", "三楼走廊按钮")
    assert (said.maker, said.model, said.family) == (maker, model, "button")
    assert outcome.announcements == (), "and the message is the device's own word all the same"


def test_an_uplink_of_the_things_stack() -> None:
    """The network server's time, an id out of session, counter and moment."""
    outcome = decoded(TTS_TOPIC, tts(PRESS))

    assert outcome.address == f"lorawan:{EUI}"
    assert outcome.gateway == "6a7e111a10000000"
    assert outcome.id == "AYfg8rhha5n+FWx0ZaAprA==:7:2026-01-01T00:00:00.250Z"
    assert outcome.readings[:2] == (
        Reading("battery", 16.0, TIME_MS, "%"),
        Reading("press", "single", TIME_MS),
    )


def test_a_counter_that_began_anew_is_another_message() -> None:
    """After a reset the same frame counter comes again, and that press is a new one."""
    first = decoded(TTS_TOPIC, tts(PRESS))
    again = decoded(TTS_TOPIC, tts(PRESS, received_at="2026-02-01T00:00:00Z"))

    assert first.id == decoded(TTS_TOPIC, tts(PRESS)).id
    assert first.id != again.id


@pytest.mark.parametrize(("topic", "wrap"), BOTH)
def test_the_register_tells_the_driver(topic: str, wrap: Any) -> None:
    """What the register says goes before what the envelope says."""
    outcome = decoded(topic, wrap(DOOR_OPEN), "milesight_door")

    assert outcome.driver == "milesight_door"
    assert outcome.readings[0] == Reading("contact", "open", TIME_MS)


def test_a_stranger_without_a_hint_is_refused_by_name() -> None:
    """No driver is known: who it was and what the network calls it are kept."""
    payload = chirpstack(PRESS, deviceInfo={"devEui": EUI, "deviceProfileName": "default profile"})
    outcome = refused(CHIRPSTACK_TOPIC, payload)

    assert outcome.address == f"lorawan:{EUI}"
    assert "unknown device, no driver is known" in outcome.reason
    assert "default profile" in outcome.reason


@pytest.mark.parametrize(("topic", "wrap"), BOTH)
def test_a_registered_driver_that_is_gone_is_a_refusal(topic: str, wrap: Any) -> None:
    """A register may name a driver whose folder was deleted, or one of another kind."""
    gone = refused(topic, wrap(PRESS), "acme_toaster")

    assert gone.address == f"lorawan:{EUI}"
    assert "the driver 'acme_toaster', which is not there" in gone.reason
    assert "reads no LoRaWAN frames" in refused(topic, wrap(PRESS), "native").reason


@pytest.mark.parametrize(("topic", "wrap"), BOTH)
@pytest.mark.parametrize(("payload", "fport"), [(b"", 85), (b"", 0), (b"\x02\x03", 0)])
def test_a_frame_without_data_is_a_sign_of_life(
    topic: str, wrap: Any, payload: bytes, fport: int
) -> None:
    """An empty frame, or one with the network's own commands on port 0, still says it lives."""
    outcome = decoded(topic, wrap(payload, fport))

    assert {reading.point for reading in outcome.readings} == {"rssi", "snr"}


@pytest.mark.parametrize(("topic", "wrap"), BOTH)
def test_a_frame_that_is_cut_off_is_refused_from_a_known_sender(topic: str, wrap: Any) -> None:
    """The hub must know that it came from a button."""
    outcome = refused(topic, wrap(bytes.fromhex("0175")))

    assert outcome.address == f"lorawan:{EUI}"
    assert (outcome.driver, outcome.family) == ("milesight_button", "button")


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2020-0327T12:39:05.547336Z"},
        {"time": 5},
        {"rxInfo": "none"},
        {"rxInfo": [{"rssi": "loud", "gatewayId": 7}]},
        {"rxInfo": [None, 3, {"rssi": float("nan")}]},
        {"deduplicationId": ["x"]},
        {"deduplicationId": "\ud800"},
        {"rxInfo": []},
    ],
)
def test_what_the_network_says_wrongly_does_not_cost_the_press(changes: dict[str, Any]) -> None:
    """Time, signal and id are left out and named; the press is there."""
    outcome = decoded(CHIRPSTACK_TOPIC, chirpstack(PRESS, **changes))

    assert any(reading.point == "press" for reading in outcome.readings)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deviceInfo": {"devEui": "24e1"}}, "devEui: expected 16 hex digits"),
        ({"deviceInfo": None}, "deviceInfo: expected an object"),
        ({"data": "%%%"}, "expected base64"),
        ({"data": 5}, "data: expected text"),
        ({"fPort": 256}, "fPort: expected a whole number"),
        ({"fPort": True}, "fPort: expected a whole number"),
    ],
)
def test_what_a_frame_cannot_do_without_refuses_it(changes: dict[str, Any], reason: str) -> None:
    """The sender's name stays known by the topic."""
    outcome = refused(CHIRPSTACK_TOPIC, chirpstack(PRESS, **changes))

    assert reason in outcome.reason
    assert outcome.address == f"lorawan:{EUI}"


def test_a_payload_may_not_name_another_device_than_its_topic() -> None:
    """The topic is what the broker's access list guards."""
    topic = CHIRPSTACK_TOPIC.replace(EUI, "0000000000000001")

    assert "does not belong to the device" in refused(topic, chirpstack(PRESS)).reason


def test_events_that_are_the_devices_own_doing() -> None:
    """A join is a sign of life; a status brings the battery, whatever the device is."""
    join = decoded(CHIRPSTACK_TOPIC.replace("/up", "/join"), chirpstack(b""))
    status = chirpstack(b"", batteryLevel=88.3, deviceInfo={"devEui": EUI})
    told = decoded(CHIRPSTACK_TOPIC.replace("/up", "/status"), status)

    assert join.readings == ()
    assert told.readings == (Reading("battery", 88.3, TIME_MS, "%"),)


@pytest.mark.parametrize("event", ["log", "txack", "location", "integration", "x"])
def test_events_of_the_network_are_not_the_devices_word(event: str) -> None:
    """A gateway that sent something downwards says nothing of whether the device lives."""
    topic = CHIRPSTACK_TOPIC.replace("/up", f"/{event}")

    assert "not a word of the device" in refused(topic, chirpstack(b"")).reason


def test_the_things_stack_beside_uplinks() -> None:
    """A join is a sign of life; a failed downlink is not."""
    ids = json.loads(tts(b""))["end_device_ids"]
    join = json.dumps({"end_device_ids": ids, "join_accept": {}}).encode()
    failed = json.dumps({"end_device_ids": ids, "downlink_failed": {}}).encode()

    assert decoded(TTS_TOPIC.replace("/up", "/join"), join, "milesight_door").readings == ()
    assert "not a word of the device" in refused(TTS_TOPIC, failed).reason


def test_stored_records_keep_their_own_time() -> None:
    """A backlog is judged by its times, not by that of the frame which brought it."""
    frame = bytes.fromhex("060000" + "20ce9e744663100165" + "01")
    outcome = decoded(CHIRPSTACK_TOPIC, chirpstack(frame), "milesight_door")

    contacts = [reading for reading in outcome.readings if reading.point == "contact"]
    assert contacts == [
        Reading("contact", "closed", TIME_MS),
        Reading("contact", "open", 1_665_561_758_000),
    ]


def test_a_stored_record_of_a_clock_never_set_is_left_out() -> None:
    """1970 is not when the door was opened."""
    frame = bytes.fromhex("060000" + "20ce00000000100165" + "01")
    outcome = decoded(CHIRPSTACK_TOPIC, chirpstack(frame), "milesight_door")

    assert [one.value for one in outcome.readings if one.point == "contact"] == ["closed"]
    assert "2000 to 2100" in outcome.warnings[0]
