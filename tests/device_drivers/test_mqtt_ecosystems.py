"""Ecosystems that speak MQTT themselves: what must be true of their messages."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.catalog import DRIVER_FAILED, DRIVERS, receive, topics_of_all
from device_drivers.driver import Decoded, Driver, Publication, Refused
from device_drivers.message import Message
from device_drivers.points import READERS
from hub.commands.decode import Memory

NAMES = (
    *("tasmota", "shelly_gen1", "shelly_gen2", "openmqttgateway_ble", "rtl_433", "alink"),
    *("jetlinks", "tuya", "aqara_lan", "ctwing", "zhzyou_watch", "awish", "ai_gym"),
    "qdomyos_zwift",
)
BLE = "home/OpenMQTTGateway/BTtoMQTT/AABBCCDDEEFF"
WATCH = "atom/g616/status/358800005942033"
RTL = "rtl_433/hub/events"
BUTTON1 = "shellies/shellybutton1-4855199C9FD2/input_event/0"


def outcome(topic: str, body: Any, memory: Memory | None = None) -> Decoded | Refused:
    """What comes of a message, with what earlier ones announced."""
    known = memory or Memory()
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    said = receive(Message(topic, payload), lambda _address: None, known.documents)
    if isinstance(said, Decoded):
        known.keep(said.driver, said.announcements)
    return said


def said(topic: str, body: Any, memory: Memory | None = None) -> dict[str, Any]:
    """Points and values of a message that is understood."""
    decoded = outcome(topic, body, memory)
    assert isinstance(decoded, Decoded), decoded
    return {one.point: one.value for one in decoded.readings}


def id_of(topic: str, body: Any) -> str | None:
    """The message's own id."""
    decoded = outcome(topic, body)
    assert isinstance(decoded, Decoded), decoded
    return decoded.id


# -- presses and repeats --------------------------------------------------------------------------


def test_a_repeated_event_of_shelly_has_the_same_id_and_the_next_press_another() -> None:
    """`event_cnt` counts the events, the device repeats the last one with its state."""
    first = id_of(BUTTON1, {"event": "S", "event_cnt": 57})

    assert first is not None
    assert id_of(BUTTON1, {"event": "S", "event_cnt": 57}) == first
    assert id_of(BUTTON1, {"event": "S", "event_cnt": 58}) != first


def test_an_empty_event_of_shelly_is_no_press() -> None:
    """A device without an event since its start publishes its state all the same."""
    assert said(BUTTON1, {"event": "", "event_cnt": 57}) == {}


def test_one_advertisement_heard_by_two_gateways_is_one_message() -> None:
    """The packet's number and what it tells are its id, whoever heard it."""
    body = {"model_id": "SBBT-002C", "packet": 30, "batt": 100, "button": 2, "rssi": -50}
    other = BLE.replace("OpenMQTTGateway", "Kitchen")

    assert id_of(BLE, body) == id_of(other, {**body, "rssi": -80})
    assert id_of(BLE, body) != id_of(BLE, {**body, "button": 1})
    assert id_of(BLE, body) != id_of(BLE, {**body, "packet": 31})


def test_eight_copies_of_one_radio_frame_have_one_id_where_the_frame_has_a_number() -> None:
    """rtl_433 hands over every copy; the times differ, the sequence number does not."""
    body = {"model": "SimpliSafe-Keypad", "id": "1JZAG", "seq": 34}
    panic = {**body, "extradata": "Keypad Panic Button"}
    ids = {id_of(RTL, {**panic, "time": f"@0.{copy}00000s"}) for copy in range(8)}

    assert len(ids) == 1
    assert None not in ids


def test_a_raw_code_is_no_id_since_the_same_state_has_it_again() -> None:
    """Or the second opening of a door within the hour would be taken for a copy of the first."""
    body = {"model": "Interlogix-Security", "subtype": "contact", "id": "a7106d"}

    assert id_of(RTL, {**body, "raw_message": "cd15b8", "switch1": "OPEN"}) is None


def test_the_id_that_alink_devices_repeat_for_ever_is_not_used() -> None:
    """Samples of the platform send "123" with every message."""
    topic = "/sys/pk/dn/thing/event/Sos/post"

    assert id_of(topic, {"id": "123", "params": {"value": {}, "time": 1_700_000_000_000}}) is None


def test_a_released_button_is_no_press_in_any_ecosystem() -> None:
    """Each has its own word for it."""
    clear = {"Button1": {"Action": "CLEAR"}}
    up = {"params": {"events": [{"component": "input:0", "event": "btn_up"}]}}
    aqara = {"cmd": "report", "model": "switch", "sid": "1", "data": '{"status": "x_release"}'}

    assert "press" not in said("stat/x/RESULT", clear)
    assert "press" not in said("shellyplusi4-1/events/rpc", up)
    assert "press" not in said(BLE, {"model_id": "NODONNIU", "button": 10})
    assert "press" not in said("aqara/lan", aqara)


def test_a_press_stays_when_something_beside_it_is_wrong() -> None:
    """The rest goes to the warnings."""
    watch = outcome(WATCH, {"sos": True, "battery": "?"})
    tag = outcome(BLE, {"button": 1, "batt": 300})
    status = outcome("tuya/x/status", {"status": [{"code": "sos_state", "value": True}, 7]})

    for one in (watch, tag, status):
        assert isinstance(one, Decoded)
        assert "press" in {reading.point for reading in one.readings}
    assert "battery" in " ".join(watch.warnings if isinstance(watch, Decoded) else ())


def test_a_watch_s_sos_is_a_state_and_a_press() -> None:
    """It is repeated until the watch takes it back; the wear flag does not matter."""
    assert said(WATCH, {"sos": True, "isWearing": False}) == {"press": "sos", "sos": True}
    assert said(WATCH, {"sos": False}) == {"sos": False}


# -- contacts -------------------------------------------------------------------------------------


def test_true_is_open_with_tuya_and_each_ecosystem_keeps_its_own_sense() -> None:
    """What zigbee2mqtt calls true (contact made) is closed; here true and 1 are open."""
    tuya = {"status": [{"code": "doorcontact_state", "value": True}]}
    zigbee = {"ZbReceived": {"0x662E": {"Contact": 1, "LinkQuality": 9}}}

    assert said("tuya/x/status", tuya)["contact"] == "open"
    assert said("tele/bridge/SENSOR", zigbee)["contact"] == "open"
    assert said(BLE, {"open": True})["contact"] == "open"
    assert said(RTL, {"model": "DSC-Security", "id": 1, "closed": 1})["contact"] == "closed"


def test_a_door_that_is_open_for_too_long_is_open() -> None:
    """SwitchBot and Aqara have a third state for it."""
    aqara = {"cmd": "report", "model": "magnet", "sid": "1", "data": '{"no_close": "60"}'}

    assert said(BLE, {"contact": "timeout not closed"})["contact"] == "open"
    assert said("aqara/lan", aqara)["contact"] == "open"


def test_the_position_of_a_switch_is_no_door() -> None:
    """Whether ON is open depends on wiring and mode; a rule that publishes DOOR says it."""
    assert said("tele/x/SENSOR", {"Time": "2026-01-01T10:00:00", "Switch1": "ON"}) == {}
    assert said("stat/x/DOOR", "ON") == {"contact": "open"}


def test_the_role_of_a_simplisafe_sensor_is_not_in_its_frame() -> None:
    """A panic pendant and a door send the same; no SOS is made up of it."""
    frame = {"model": "SimpliSafe-Sensor", "id": "1M38R", "seq": 98, "state": 1}

    assert said(RTL, frame) == {"contact": "open"}


def test_a_bare_contact_of_a_product_s_own_model_may_be_either() -> None:
    """It is left out, and the warnings say why."""
    decoded = outcome("/p/d/properties/report", {"properties": {"contact": True, "battery": 5}})

    assert isinstance(decoded, Decoded)
    assert [one.point for one in decoded.readings] == ["battery"]
    assert "open or closed" in decoded.warnings[0]


# -- alarms and counts ----------------------------------------------------------------------------


def test_an_alarm_that_nothing_stands_beside_is_no_call_for_help() -> None:
    """On these platforms it is smoke or water as often as not."""
    alink = "/sys/pk/dn/thing/event/property/post"

    assert said(alink, {"params": {"AlarmState": 1}}) == {}
    assert said("tuya/x/status", {"status": [{"code": "master_state", "value": "alarm"}]}) == {}


def test_an_event_that_takes_an_sos_back_is_no_sos() -> None:
    """Its name has the word in it all the same."""
    topic = "/sys/pk/dn/thing/event/SosCancel/post"

    assert said(topic, {"params": {"value": {}, "time": 1_700_000_000_000}}) == {}


def test_a_session_s_count_is_no_running_total() -> None:
    """It begins anew with each session."""
    topic = "/sys/pk/dn/thing/event/property/post"

    assert said(topic, {"params": {"TotalCount": 9, "SessionCount": 2}}) == {"uses": 9}


def test_a_reply_of_a_platform_is_no_reading() -> None:
    """Not even where it repeats the values."""
    topic = "/sys/pk/dn/thing/event/property/post_reply"

    assert said(topic, {"code": 200, "data": {"BatteryPercentage": 1}}) == {}


# -- times ----------------------------------------------------------------------------------------


def test_local_time_without_a_zone_is_not_used() -> None:
    """Seconds since 1970, or a zone, make it a moment."""
    body = {"COUNTER": {"C1": 1}}
    times: list[dict[str, Any]] = [
        {},
        {"Time": "2026-01-01T10:00:00"},
        {"Time": "2026-01-01T10:00:00+08:00"},
    ]
    at = []
    for time in (*times, {"Time": "2026-01-01T10:00:00", "Epoch": 1_767_225_600}):
        decoded = outcome("tele/x/SENSOR", {**time, **body})
        assert isinstance(decoded, Decoded)
        at.append(decoded.readings[0].at_ms)

    assert at == [None, None, 1_767_232_800_000, 1_767_225_600_000]


def test_a_last_will_is_of_now_and_not_of_when_it_was_written() -> None:
    """awish writes a time into it when the machine connects."""
    body = {"method": "client.offline", "client_id": "7", "timestamp": "1748330699"}
    decoded = outcome("/server/app", body)

    assert isinstance(decoded, Decoded)
    assert [(one.value, one.at_ms) for one in decoded.readings] == [(False, None)]


# -- discovery ------------------------------------------------------------------------------------

CONFIG = {
    "t": "hall",
    "dn": "Hall",
    "md": "Generic",
    "mac": "0ABC12345678",
    "ft": "home/%prefix%/%topic%/",
    "tp": ["cmnd", "stat", "tele"],
    "swc": [8],
    "swn": [None],
    "state": ["AUS", "AN", "UM", "LANG"],
    "onln": "Da",
    "ofln": "Weg",
}


def test_tasmota_s_discovery_tells_topics_words_and_modes_of_later_messages() -> None:
    """A full topic of the owner's own, words of another language, a switch that doubles."""
    memory = Memory()
    outcome("tasmota/discovery/0ABC12345678/config", CONFIG, memory)

    assert said("home/tele/hall/LWT", "Weg", memory) == {"online": False}
    assert said("home/stat/hall/RESULT", {"Switch1": {"Action": "UM"}}, memory)["press"] == "single"
    held = said("home/stat/hall/RESULT", {"Switch1": {"Action": "LANG"}}, memory)
    assert held["press"] == "double"
    assert said("stat/other/RESULT", {"Switch1": {"Action": "HOLD"}})["press"] == "long"


def test_discovery_fills_in_the_form_for_adopting_a_device() -> None:
    """Name and model of the device, and the topics to subscribe to."""
    decoded = outcome("tasmota/discovery/0ABC12345678/config", CONFIG)
    shelly = outcome("shellies/announce", {"id": "shellybutton1-1", "model": "SHBTN-2"})

    assert isinstance(decoded, Decoded)
    first = decoded.announcements[0]
    assert (first.address, first.name, first.model) == ("tasmota:hall", "Hall", "Generic")
    assert "home/tele/hall/SENSOR" in first.topics
    assert isinstance(shelly, Decoded)
    assert shelly.announcements[0].model == "SHBTN-2"


# -- showing --------------------------------------------------------------------------------------


def shown_by(name: str, topic: str) -> list[Publication | None]:
    """What a device is told, from "heard" to "closed"."""
    show = DRIVERS[name].show
    assert show is not None
    return [
        show(sign, topic, {}) for sign in ("heard", "on_the_way", "arrived", "nobody", "closed")
    ]


def test_a_tasmota_board_beeps_and_lights_up_when_somebody_has_heard() -> None:
    """On its own command topic, in the order of its own topics; closed puts the light out."""
    heard, *_, closed = shown_by("tasmota", "stat/hall/RESULT")
    other = shown_by("tasmota", "hall/stat/RESULT")[0]

    assert heard == Publication("cmnd/hall/Backlog", b"Buzzer 1; LedPower 1")
    assert closed == Publication("cmnd/hall/Backlog", b"LedPower 0")
    assert other is not None
    assert other.topic == "hall/cmnd/Backlog"


def test_a_watch_shows_a_line_of_text() -> None:
    """Within the vendor's 50 characters, without Chinese punctuation."""
    for one in shown_by("zhzyou_watch", WATCH)[:4]:
        assert one is not None
        assert one.topic == "atom/g616/cmd/358800005942033/MESSAGE"
        assert len(one.payload.decode()) < 50
        assert not set(one.payload.decode()) & set("，。！？")


# -- topics ---------------------------------------------------------------------------------------


def test_every_topic_of_a_driver_leads_to_it_and_is_subscribed_to() -> None:
    """No other driver's filter stands before its own."""
    subscribed = topics_of_all()
    for name in NAMES:
        driver = DRIVERS[name]
        topic = driver.topic
        said_by = receive(Message(topic, b"{}"), lambda _address: None).driver
        assert said_by == name, topic
        assert set(driver.subscriptions or driver.topics) <= set(subscribed)


WORDS = st.sampled_from(
    [
        *("Button1", "Switch1", "Action", "COUNTER", "C1", "ZbReceived", "LwReceived", "0x12AB"),
        *("Contact", "DoorOpen", "Name", "Node", "LinkQuality", "StatusSNS", "Time", "Epoch"),
        *("Wifi", "Signal", "t", "ft", "tp", "swc", "swn", "state", "onln", "mac", "md", "dn"),
        *("params", "events", "event", "component", "ts", "input:0", "counts", "total", "method"),
        *("devicepower:0", "battery", "bthomedevice:200", "event_cnt", "sensor", "bat", "tmp"),
        *("servicedata", "servicedatauuid", "button", "open", "packet", "batt", "id", "model"),
        *("switch1", "battery_ok", "seq", "extradata", "subtype", "time", "properties", "value"),
        *("timestamp", "data", "status", "code", "devId", "eventCode", "outputParams", "cmd"),
        *("sid", "voltage", "messageType", "payload", "APPdata", "serviceData", "deviceId"),
        *("eventContent", "imei", "sos", "isOnline", "machine_id", "equipment_id", "repetitions"),
        *("BatteryPercentage", "DoorContactState", "TotalCount", "Sos", "subDevices"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            *("SINGLE", "TOGGLE", "ON", "open", "single_push", "S", "0xfcd2", "40001e01643a02"),
            *("contact", "magnet", "switch", "report", "dataReport", "e30=", "magnet", "1e999"),
            *("Interlogix", "SimpliSafe-Sensor", "X10-Security", "%prefix%/%topic%/", "{}", "-1"),
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=10,
)
PAYLOADS = (
    st.dictionaries(WORDS, VALUES, max_size=6).map(lambda body: json.dumps(body).encode())
    | SCALARS.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
)
LEVELS = st.sampled_from(
    [
        *("x", "SENSOR", "RESULT", "LWT", "STATE", "BUTTON1", "DOOR", "config", "sensors", "info"),
        *("announce", "input_event", "0", "status", "input:0", "online", "events", "rpc", "child"),
        *("event", "post", "property", "thing", "devices", "AABBCCDDEEFF", "sos", "report", ""),
    ]
) | st.text(max_size=4)


@st.composite
def topics(draw: st.DrawFn, driver: Driver) -> str:
    """A topic that one of the driver's own filters lets through, or nearly."""
    wanted = draw(st.sampled_from(driver.topics)).split("/")
    levels = [draw(LEVELS) if level == "+" else level for level in wanted if level != "#"]
    if wanted[-1] == "#":
        levels += draw(st.lists(LEVELS, min_size=1, max_size=4))
    return "/".join(levels)


@given(data=st.data(), driver=st.sampled_from([DRIVERS[name] for name in NAMES]))
@settings(max_examples=1_500, deadline=None)
def test_any_message_to_any_of_these_drivers(data: st.DataObject, driver: Driver) -> None:
    """Whatever arrives is understood or refused, straight and after any announcement."""
    memory = Memory()
    for _ in range(2):
        topic = data.draw(topics(driver))
        message = Message(topic, data.draw(PAYLOADS))
        assert driver.receive is not None
        one = driver.receive(message, memory.documents)
        if isinstance(one, Refused):
            assert one.reason
            assert DRIVER_FAILED not in one.reason
            continue
        memory.keep(one.driver, one.announcements)
        assert {reading.point for reading in one.readings} <= set(driver.points)
        for reading in one.readings:
            read, unit = READERS[reading.point]
            assert read(reading.value) == reading.value
            assert reading.unit == unit
        (one.address + (one.id or "") + "".join(one.warnings)).encode()
