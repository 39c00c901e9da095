"""Whatever arrives, the answer is `Decoded` or `Refused` and never an exception."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.catalog import DRIVER_FAILED, DRIVERS, decode, receive
from device_drivers.driver import Decoded, Driver, Frame, Refused, Unreadable
from device_drivers.envelopes import open_envelope
from device_drivers.message import Message
from device_drivers.points import POINTS, READERS
from hub.commands.decode import Memory, decode_line
from tests.device_drivers.examples import (
    CHIRPSTACK_TOPIC,
    TTS_TOPIC,
    all_examples,
    chirpstack,
    payload_of,
    tts,
)

LORAWAN = [driver for driver in DRIVERS.values() if driver.decode is not None]
WORDS = st.sampled_from(
    [
        *POINTS,
        "ts",
        "id",
        "via",
        "action",
        "sos",
        "voltage",
        "linkquality",
        "last_seen",
        "state",
        "deviceInfo",
        "devEui",
        "end_device_ids",
        "uplink_message",
        "frm_payload",
        "rx_metadata",
        "rxInfo",
        "data",
        "fPort",
        "time",
        "tags",
        "devEUI",
        "hardware_serial",
        "DevEUI",
        "DevEUI_uplink",
        "payload_hex",
        "Lrrs",
        "endDevice",
        "hotspots",
        "deveui",
        "gatewayId",
        *("state_topic", "value_template", "device", "device_class", "availability", "cmps"),
        *(
            "nodes",
            "properties",
            "friendly_name",
            "definition",
            "exposes",
            "vibration",
            "fall_status",
        ),
        *("bn", "bt", "n", "v", "vb", "vs", "t", "contact_1", "battery_state", "presence_state"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["sos", "open", "2026-01-01T00:00:00Z", "emergency", "24e124136b502217"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=8)
BODIES = (OBJECTS | st.lists(OBJECTS, max_size=3)).map(lambda body: json.dumps(body).encode())
TOPICS = st.sampled_from(
    [
        "community/demo/button/b1/up",
        "community/demo/door/d1/status",
        "zigbee2mqtt/front_door",
        "zigbee2mqtt/front_door/action",
        "zigbee2mqtt/front_door/availability",
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/bridge/devices",
        "homeassistant/binary_sensor/x/config",
        "homeassistant/device/x/config",
        "node/binary_sensor/sos/state",
        "node/event/button/state",
        "homie/5/d/contact/open",
        "homie/5/d/$description",
        "homie/d/battery/level/$unit",
        "spBv1.0/g/DDATA/e/d",
        "spBv1.0/g/NBIRTH/e",
        "a/b/senml",
        CHIRPSTACK_TOPIC,
        CHIRPSTACK_TOPIC.replace("/up", "/status"),
        TTS_TOPIC,
        "mqtt/things/24E124136B502217/uplink",
        "lorawan/24e124136b502217/85/up",
        "lorawan/gateway/up",
        "lora/24-e1-24-13-6b-50-22-17/up",
        "eu868/gateway/0016c001f153a14c/state/conn",
    ]
) | st.text(max_size=40).flatmap(
    lambda text: st.sampled_from(
        ["community/", "zigbee2mqtt/", "v3/", "application/", "lorawan/", ""]
    ).map(lambda start: start + text)
)
REGISTERED = st.sampled_from([None, "nobody", *DRIVERS])
READ_JSON = st.sampled_from([json.loads, msgspec.json.decode])


def check(outcome: Decoded | Refused) -> None:
    """An answer that the hub can keep: known points, checked values, no bug behind a refusal."""
    if isinstance(outcome, Refused):
        assert outcome.reason
        assert not outcome.reason.startswith(DRIVER_FAILED), outcome.reason
        outcome.reason.encode()
        return
    (outcome.address + (outcome.id or "") + (outcome.answer or "")).encode()
    (outcome.gateway or "").encode()
    "".join(outcome.warnings).encode()
    for one in outcome.announcements:
        "".join([one.key, one.part, one.name or "", one.address or "", *one.topics]).encode()
        json.dumps(dict(one.document))
    for reading in outcome.readings:
        read, unit = READERS[reading.point]
        assert read(reading.value) == reading.value
        assert reading.unit == unit


@given(topic=TOPICS, payload=st.binary() | BODIES, registered=REGISTERED, read_json=READ_JSON)
@settings(max_examples=600, deadline=None)
def test_any_message(topic: str, payload: bytes, registered: str | None, read_json: Any) -> None:
    """Any topic, any payload, whatever the register says."""
    check(receive(Message(topic, payload, read_json=read_json), lambda _address: registered))


CONFIGURATIONS = st.fixed_dictionaries(
    {"state_topic": st.just("a/b")},
    optional={
        "device_class": st.sampled_from(["door", "battery", "tamper", "connectivity"]) | VALUES,
        "value_template": st.sampled_from(["{{ value_json.n }}", "{{ value_json['n'][0] }}"])
        | VALUES,
        "payload_on": VALUES,
        "state_class": st.just("total_increasing") | VALUES,
        "name": st.sampled_from(["sos", "total", "contact"]) | VALUES,
        "availability": st.just([{"t": "a/b"}]) | VALUES,
        "device": st.fixed_dictionaries({}, optional={"identifiers": VALUES, "name": VALUES})
        | VALUES,
        "~": VALUES,
        "cmps": st.dictionaries(st.text(max_size=4), VALUES, max_size=3) | VALUES,
    },
)


@given(
    kind=st.sampled_from(["binary_sensor", "sensor", "event", "device_automation", "device"]),
    config=CONFIGURATIONS,
    body=st.binary(max_size=20) | st.fixed_dictionaries({"n": VALUES}).map(json.dumps),
)
@settings(max_examples=600, deadline=None)
def test_any_message_after_any_configuration(kind: str, config: Any, body: bytes | str) -> None:
    """What somebody announced may be as wrong as any message."""
    memory = Memory()
    payload = body if isinstance(body, bytes) else body.encode()
    told = Message(f"homeassistant/{kind}/x/config", json.dumps(config).encode())
    for message in (told, Message("a/b", payload), told._replace(payload=b"")):
        outcome = receive(message, lambda _address: None, memory.documents)
        check(outcome)
        if isinstance(outcome, Decoded):
            memory.keep(outcome.driver, outcome.announcements)


@given(
    driver=st.sampled_from(LORAWAN),
    payload=st.binary(max_size=64),
    fport=st.none() | st.integers(0, 255),
)
@settings(max_examples=600, deadline=None)
def test_any_frame(driver: Driver, payload: bytes, fport: int | None) -> None:
    """Any bytes on any port, straight to every driver of LoRaWAN frames."""
    check(decode(driver, Frame("lorawan:0", payload, fport)))


@given(
    registered=st.sampled_from([driver.name for driver in LORAWAN]),
    payload=st.binary(max_size=64),
    fport=st.integers(-1, 300),
)
@settings(max_examples=300, deadline=None)
def test_any_frame_in_an_envelope(registered: str, payload: bytes, fport: int) -> None:
    """The same through both envelopes."""
    for topic, wrap in ((CHIRPSTACK_TOPIC, chirpstack), (TTS_TOPIC, tts)):
        check(receive(Message(topic, wrap(payload, fport)), lambda _address: registered))


@given(example=st.sampled_from(list(all_examples())), data=st.data())
@settings(max_examples=600, deadline=None)
def test_any_mutation_of_a_right_message(example: Any, data: st.DataObject) -> None:
    """A right message with some bytes cut out, put in or changed."""
    driver, row = example
    payload = bytearray(payload_of(driver, row))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(payload)))
        end = data.draw(st.integers(start, min(len(payload), start + 4)))
        payload[start:end] = data.draw(st.binary(max_size=4))

    if driver.receive is not None:
        check(receive(Message(row["topic"], bytes(payload)), lambda _address: None))
    else:
        model = row.get("model", "")
        check(decode(driver, Frame("lorawan:0", bytes(payload), row["fport"], model=model)))


LINES = st.fixed_dictionaries(
    {
        "payload": VALUES | st.binary(max_size=40).map(bytes.hex),
        "transport": st.sampled_from(
            [
                "lorawan",
                "chirpstack",
                "tts",
                "loriot",
                "chirpstack-v3-http",
                "native",
                "zigbee2mqtt",
                *("ha-discovery", "esphome", "homie", "sparkplug-b", "senml"),
            ]
        )
        | VALUES,
    },
    optional={
        "id": VALUES,
        "vendor": st.sampled_from(["milesight", "Dragino", "netvox", "browan", "merryiot"])
        | VALUES,
        "model": st.sampled_from(["WS101", "lds02", "dw10", "VS350", "r718h"]) | VALUES,
        "topic": TOPICS | VALUES,
        "payload_encoding": st.sampled_from(["json", "hex", "base64", "text"]) | VALUES,
        "fport": st.integers(0, 255) | VALUES,
    },
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "deviceInfo": st.just({"devEui": "24e124136b502217"}) | VALUES,
        "end_device_ids": st.just({"dev_eui": "24e124136b502217"}) | VALUES,
        "uplink_message": st.fixed_dictionaries(
            {"f_port": VALUES},
            optional={"frm_payload": VALUES, "rx_metadata": st.lists(VALUES, max_size=2)},
        )
        | VALUES,
        "devEUI": st.just("24e124136b502217") | VALUES,
        "EUI": st.just("24e124136b502217") | VALUES,
        "gws": st.lists(VALUES, max_size=2),
        "rxInfo": st.lists(VALUES, max_size=2) | VALUES,
        "data": st.sampled_from(["AXUQ/y4B", "017510ff2e01"]) | VALUES,
        "fPort": st.integers(0, 255) | VALUES,
        "port": st.integers(0, 255) | VALUES,
        "ts": VALUES,
        "time": VALUES,
    },
)


@given(raw=LINES.map(lambda line: json.dumps(line).encode()) | st.binary())
@settings(max_examples=400, deadline=None)
def test_any_line_of_a_file_of_messages(raw: bytes) -> None:
    """`hub decode --jsonl` has an answer for whatever stands in a line, and can print it."""
    out = decode_line(raw)

    assert ("readings" in out) != ("refused" in out)
    assert not out.get("refused", "").startswith(DRIVER_FAILED), out
    json.dumps(out).encode()


@given(body=ENVELOPES, driver=st.sampled_from(LORAWAN))
@settings(max_examples=400, deadline=None)
def test_any_envelope(body: Any, driver: Driver) -> None:
    """The envelope of every network server with any part of it wrong."""
    try:
        frame = open_envelope("", body)
    except Unreadable:
        return
    check(decode(driver, frame))


def test_a_mistake_of_a_driver_is_a_refusal_and_no_crash() -> None:
    """One driver's bug costs its own message, and the reason says that it is a bug."""

    def broken(_payload: bytes) -> Any:
        raise KeyError("a bug")

    outcome = receive(
        Message("community/demo/button/b1/up", b"{}", read_json=broken), lambda _address: None
    )

    assert isinstance(outcome, Refused)
    assert outcome.reason == f"{DRIVER_FAILED}: KeyError: \"'a bug'\""
