"""Network servers beside ChirpStack v4 and The Things Stack, bare frames, and the way back down."""

import json
from base64 import b64encode
from typing import Any

import pytest

from device_drivers.catalog import driver_by_topic, is_network_server, topics_of_all
from device_drivers.driver import Downlink
from device_drivers.envelopes import downlink, open_message
from device_drivers.message import Message
from device_drivers.reading import Reading
from tests.device_drivers.examples import CHIRPSTACK_TOPIC, EUI, TIME, TIME_MS, TTS_TOPIC
from tests.device_drivers.test_envelopes import decoded, refused

PRESS = bytes.fromhex("017510ff2e01")
PRESS_BASE64 = b64encode(PRESS).decode()
ADDRESS = f"lorawan:{EUI}"
EUI_BASE64 = b64encode(bytes.fromhex(EUI)).decode()
DASHED = "-".join(EUI[place : place + 2] for place in range(0, 16, 2)).upper()

CHIRPSTACK_V3 = {
    "applicationID": "1",
    "devEUI": EUI,
    "time": TIME,
    "rxInfo": [
        {"mac": "24e124fffef021be", "rssi": -90, "loRaSNR": 3},
        {"mac": "24e124fffef021bf", "rssi": -57, "loRaSNR": 10},
    ],
    "fCnt": 7,
    "fPort": 85,
    "data": PRESS_BASE64,
}
CHIRPSTACK_V3_PROTOBUF = {
    **CHIRPSTACK_V3,
    "devEUI": EUI_BASE64,
    "rxInfo": [{"gatewayID": "JOEk//7wIb8=", "rssi": -57, "loRaSNR": 10, "time": TIME}],
    "publishedAt": "2026-01-01T00:00:01Z",
}
del CHIRPSTACK_V3_PROTOBUF["time"]
ACTILITY = {
    "DevEUI_uplink": {
        "Time": "2026-01-01T01:00:00.250+01:00",
        "DevEUI": EUI.upper(),
        "FPort": 85,
        "FCntUp": 7,
        "payload_hex": PRESS.hex(),
        "Lrrid": "100019D4",
        "LrrRSSI": -114.0,
        "LrrSNR": 4.75,
        "Lrrs": {
            "Lrr": [
                {"Lrrid": "100019D4", "LrrRSSI": -114.0, "LrrSNR": 4.75},
                {"Lrrid": "24e124fffef021bf", "LrrRSSI": "-57.000000", "LrrSNR": "10.000000"},
            ]
        },
        "DriverCfg": {"mod": {"pId": "milesight-iot", "mId": "ws101", "ver": "1"}},
    }
}
TTN_V2 = {
    "app_id": "app",
    "dev_id": "button",
    "hardware_serial": EUI.upper(),
    "port": 85,
    "counter": 7,
    "payload_raw": PRESS_BASE64,
    "metadata": {
        "time": TIME,
        "gateways": [{"gtw_id": "eui-24e124fffef021bf", "rssi": -57, "snr": 10}],
    },
}
LORIOT = {
    "cmd": "gw",
    "EUI": EUI.upper(),
    "ts": TIME_MS,
    "fcnt": 7,
    "port": 85,
    "gws": [{"gweui": "24E124FFFEF021BF", "rssi": -57, "snr": 10}],
    "data": PRESS.hex(),
}
KERLINK = {
    "id": "5a6f",
    "endDevice": {"devEui": EUI.upper()},
    "fPort": 85,
    "payload": PRESS.hex(),
    "encodingType": "HEXA",
    "recvTime": TIME_MS,
    "gwInfo": [{"gwEui": "24E124FFFEF021BF", "rssi": -57, "snr": 10}],
}
HELIUM = {
    "dev_eui": EUI.upper(),
    "port": 85,
    "fcnt": 7,
    "payload": PRESS_BASE64,
    "reported_at": TIME_MS,
    "hotspots": [{"name": "24e124fffef021bf", "rssi": -57, "snr": 10}],
}
MULTITECH = {
    "deveui": DASHED,
    "data": PRESS_BASE64,
    "port": 85,
    "time": TIME,
    "rssi": -57,
    "lsnr": 10,
    "gweui": "24-e1-24-ff-fe-f0-21-bf",
}
SERVERS = [
    pytest.param(f"application/1/device/{EUI}/event/up", CHIRPSTACK_V3, id="chirpstack v3"),
    pytest.param(f"application/1/device/{EUI}/rx", CHIRPSTACK_V3, id="older chirpstack v3"),
    pytest.param(
        f"application/1/device/{EUI}/event/up", CHIRPSTACK_V3_PROTOBUF, id="chirpstack v3, base64"
    ),
    pytest.param("lorawan/milesight", CHIRPSTACK_V3, id="gateway of milesight"),
    pytest.param(f"mqtt/things/{EUI.upper()}/uplink", ACTILITY, id="actility"),
    pytest.param(
        f"mqtt/things/{EUI.upper()}/uplink", ACTILITY["DevEUI_uplink"], id="actility, no root"
    ),
    pytest.param("app/devices/button/up", TTN_V2, id="ttn v2"),
    pytest.param("lorawan/loriot", LORIOT, id="loriot"),
    pytest.param("lorawan/kerlink", KERLINK, id="kerlink"),
    pytest.param("helium/7a1c/rx", HELIUM, id="helium"),
    pytest.param(f"lora/{DASHED.lower()}/up", MULTITECH, id="multitech"),
]


@pytest.mark.parametrize(("topic", "body"), SERVERS)
def test_every_server_tells_the_same(topic: str, body: dict[str, Any]) -> None:
    """Whose frame it is, its bytes and port, when it was, and the gateway that heard it best."""
    outcome = decoded(topic, json.dumps(body).encode(), "milesight_button")

    assert outcome.address == ADDRESS
    assert outcome.network_ms == TIME_MS
    assert (outcome.gateway or "").removeprefix("eui-") == "24e124fffef021bf"
    assert outcome.warnings == ()
    assert outcome.readings == (
        Reading("battery", 16.0, TIME_MS, "%"),
        Reading("press", "single", TIME_MS),
        Reading("rssi", -57.0, TIME_MS, "dBm"),
        Reading("snr", 10.0, TIME_MS, "dB"),
    )


@pytest.mark.parametrize(("topic", "body"), SERVERS)
def test_the_same_message_twice_has_one_id(topic: str, body: dict[str, Any]) -> None:
    """Counter and moment, where the server has no id of its own."""
    first, again = (open_message(Message(topic, json.dumps(body).encode())) for _ in range(2))

    assert first.id == again.id


def test_the_driver_of_thingpark_is_a_hint() -> None:
    """Maker and model stand in the driver's name."""
    payload = json.dumps(ACTILITY).encode()

    assert decoded(f"mqtt/things/{EUI}/uplink", payload).driver == "milesight_button"


@pytest.mark.parametrize(
    "topic",
    [
        "application/1/device/0000000000000001/event/up",
        "lorawan/0000000000000001/up",
    ],
)
def test_no_payload_may_name_another_device_than_its_topic(topic: str) -> None:
    """The topic is what the broker's access list guards."""
    payload = json.dumps(CHIRPSTACK_V3).encode()

    assert "does not belong to the device" in refused(topic, payload).reason


def test_events_of_chirpstack_v3() -> None:
    """A join is a sign of life, a status brings the battery, an error is the network's affair."""
    start = f"application/1/device/{EUI}/event"
    status = {"devEUI": EUI, "margin": 7, "batteryLevel": 75.5, "batteryLevelUnavailable": False}
    mains = {**status, "externalPowerSource": True, "batteryLevel": 0}

    assert decoded(f"{start}/join", json.dumps({"devEUI": EUI, "devAddr": "x"}).encode())
    told = decoded(f"{start}/status", json.dumps(status).encode())
    assert [(one.point, one.value) for one in told.readings] == [("battery", 75.5)]
    assert decoded(f"{start}/status", json.dumps(mains).encode()).readings == ()
    error = refused(f"{start}/error", json.dumps({"devEUI": EUI, "error": "x"}).encode())
    assert "not a word of the device" in error.reason


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (f"mqtt/things/{EUI}/uplink", {"DevEUI_location": {"DevEUI": EUI}}),
        (f"mqtt/things/{EUI}/uplink", {"DevEUI": EUI, "DownFrameType": "1"}),
        (
            f"mqtt/things/{EUI}/uplink",
            {"DevEUI_notification": {"DevEUI": EUI, "Type": "multicastsummary"}},
        ),
        ("lorawan/loriot", {"cmd": "txd", "EUI": EUI}),
    ],
)
def test_words_of_the_network_are_not_the_devices(topic: str, body: dict[str, Any]) -> None:
    """They say nothing of whether the device lives."""
    reason = refused(topic, json.dumps(body).encode()).reason

    assert "not a word of the device" in reason or "no envelope known" in reason


def test_a_join_under_thingpark_is_a_sign_of_life() -> None:
    """A notification of the network server, about something that the device did."""
    note = {"DevEUI_notification": {"DevEUI": EUI, "Type": "join", "Time": TIME}}
    outcome = decoded(f"mqtt/things/{EUI}/uplink", json.dumps(note).encode())

    assert (outcome.address, outcome.network_ms, outcome.readings) == (ADDRESS, TIME_MS, ())


def test_protobuf_is_refused_by_name() -> None:
    """So that its owner knows what to change; the topic tells whose it was."""
    outcome = refused(CHIRPSTACK_TOPIC, b"\x0a\x24bf2a9746-1c8b-49be-a92e-f0b89c8534e4\x12\x00")

    assert "looks like protobuf" in outcome.reason
    assert outcome.address == ADDRESS


@pytest.mark.parametrize(
    ("last", "payload"),
    [
        ("up", PRESS.hex().encode()),
        ("up", PRESS.hex(" ").upper().replace(" ", "").encode() + b"\n"),
        ("up", PRESS_BASE64.encode()),
        ("up", PRESS),
        ("up/hex", PRESS.hex(" ").encode()),
        ("up/base64", PRESS_BASE64.encode()),
        ("up/raw", PRESS),
    ],
)
def test_bare_frames_on_a_topic_that_names_device_and_port(last: str, payload: bytes) -> None:
    """Hex, base64 or raw; the topic may say which."""
    outcome = decoded(f"lorawan/{EUI}/85/{last}", payload, "milesight_button")

    assert outcome.address == ADDRESS
    assert [one.point for one in outcome.readings] == ["battery", "press"]


def test_bytes_that_look_like_text_need_the_topic_to_say_so() -> None:
    """`12` is one byte in hex and two bytes raw."""
    assert open_message(Message(f"lorawan/{EUI}/2/up", b"12")).payload == b"\x12"
    assert open_message(Message(f"lorawan/{EUI}/2/up/raw", b"12")).payload == b"12"


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (f"lorawan/{EUI}/256/up", b"00", "fPort"),
        (f"lorawan/{EUI}/2/up", b"hello!", "expected base64"),
        (f"lorawan/{EUI}/2/up/hex", b"0g", "expected hex digits"),
        (f"lorawan/{EUI}/2/up/text", b"00", "expected hex, base64, raw"),
        ("lorawan/button/2/up", b"00", "expected 16 hex digits"),
        ("lorawan/x", b'{"a": 1}', "no envelope known here"),
    ],
)
def test_wrong_bare_frames_are_refused(topic: str, payload: bytes, reason: str) -> None:
    """With what was expected."""
    assert reason in refused(topic, payload).reason


def test_what_servers_speak_on_belongs_to_no_driver() -> None:
    """And a gateway's own words are not a device's."""
    assert is_network_server(CHIRPSTACK_TOPIC)
    assert is_network_server("any/devices/button/up")
    assert driver_by_topic(CHIRPSTACK_TOPIC) is None
    gateway = driver_by_topic("eu868/gateway/0016c001f153a14c/state/conn")
    assert gateway is not None
    assert gateway.name == "chirpstack_gateway"
    assert {"lorawan/#", "+/gateway/+/state/conn"} <= set(topics_of_all())


WANTED = Downlink(15, bytes.fromhex("beef"))


@pytest.mark.parametrize(
    ("topic", "to", "body"),
    [
        (
            f"application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{EUI}/event/up",
            f"application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{EUI}/command/down",
            {"devEui": EUI, "confirmed": False, "fPort": 15, "data": "vu8="},
        ),
        (
            f"application/12/device/{EUI}/event/up",
            f"application/12/device/{EUI}/command/down",
            {"confirmed": False, "fPort": 15, "data": "vu8="},
        ),
        (
            f"application/12/device/{EUI}/rx",
            f"application/12/device/{EUI}/tx",
            {"confirmed": False, "fPort": 15, "fport": 15, "data": "vu8="},
        ),
        (
            TTS_TOPIC,
            TTS_TOPIC.replace("/up", "/down/push"),
            {"downlinks": [{"f_port": 15, "frm_payload": "vu8=", "priority": "NORMAL"}]},
        ),
    ],
)
def test_a_downlink_goes_where_the_uplink_came_from(
    topic: str, to: str, body: dict[str, Any]
) -> None:
    """In the shape that the server's documentation gives."""
    sent = downlink(topic, ADDRESS, WANTED)

    assert sent is not None
    assert sent.topic == to
    assert json.loads(sent.payload) == body


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "application/12/device",
        "application/12/device/0000000000000001/event/up",
        f"mqtt/things/{EUI}/uplink",
        f"lorawan/{EUI}/85/up",
        "app/devices/button/up",
    ],
)
def test_no_downlink_where_the_server_is_not_known_or_the_device_is_another(topic: str) -> None:
    """Better none than one that goes astray."""
    assert downlink(topic, ADDRESS, WANTED) is None
