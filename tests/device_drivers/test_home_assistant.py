"""Home Assistant's discovery: configurations are kept, and messages are read by them."""

import json
from typing import Any

import pytest

from device_drivers.catalog import receive
from device_drivers.driver import Announcement, Decoded, Refused
from device_drivers.entities import template_of, value_at
from device_drivers.message import Message
from hub.commands.decode import Memory

DEVICE = {"identifiers": ["door-3"], "name": "Front", "manufacturer": "Maker", "model": "M1"}


def nobody(_address: str) -> None:
    """A register that knows no device."""
    return


def hear(memory: Memory, topic: str, body: Any) -> Decoded | Refused:
    """One message, with all that was announced before it."""
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    outcome = receive(Message(topic, payload), nobody, memory.documents)
    if isinstance(outcome, Decoded):
        memory.keep(outcome.driver, outcome.announcements)
    return outcome


def configure(memory: Memory, topic: str, body: Any) -> list[Announcement]:
    """A configuration that must be understood, without what the driver keeps for itself."""
    outcome = hear(memory, f"homeassistant/{topic}/config", body)
    assert isinstance(outcome, Decoded), outcome
    return [one for one in outcome.announcements if not one.key.endswith("/config")]


def said(memory: Memory, topic: str, body: Any) -> list[tuple[str, Any]]:
    """Points and values of a message."""
    outcome = hear(memory, topic, body)
    assert isinstance(outcome, Decoded), outcome
    return [(one.point, one.value) for one in outcome.readings]


DOOR = {
    "device_class": "door",
    "state_topic": "bridge/door-3",
    "value_template": "{{ value_json.state }}",
    "payload_on": "OPEN",
    "payload_off": "SHUT",
    "availability": [{"topic": "bridge/door-3/there", "payload_available": "yes"}],
    "device": DEVICE,
}


def test_a_configured_door_says_what_its_words_say() -> None:
    """Address, maker, model and family stand in the announcement."""
    memory = Memory()
    door, there = configure(memory, "binary_sensor/front", DOOR)

    assert (door.key, door.address, door.family) == ("bridge/door-3", "ha:door-3", "door")
    assert (door.name, door.maker, door.model) == ("Front", "Maker", "M1")
    assert door.topics == ("bridge/door-3", "bridge/door-3/there")
    assert there.key == "bridge/door-3/there"
    assert said(memory, "bridge/door-3", {"state": "OPEN"}) == [("contact", "open")]
    assert said(memory, "bridge/door-3", {"state": "SHUT"}) == [("contact", "closed")]
    assert said(memory, "bridge/door-3/there", "yes") == [("online", True)]
    assert said(memory, "bridge/door-3/there", "offline") == [("online", False)]
    outcome = hear(memory, "bridge/door-3", {"state": "AJAR"})
    assert isinstance(outcome, Refused)
    assert "expected 'OPEN' or 'SHUT'" in outcome.reason


def test_a_configuration_is_nobodys_sign_of_life() -> None:
    """A bridge announces for devices that may be long dead."""
    outcome = hear(Memory(), "homeassistant/binary_sensor/front/config", DOOR)

    assert isinstance(outcome, Decoded)
    assert (outcome.address, outcome.readings) == ("ha:discovery", ())


def test_all_entities_of_a_topic_make_one_messages_readings() -> None:
    """With what is missing left out."""
    memory = Memory()
    configs: dict[str, dict[str, Any]] = {
        "contact": {"device_class": "opening", "payload_on": True, "payload_off": False},
        "battery": {"device_class": "battery", "unit_of_measurement": "%"},
        "voltage": {"device_class": "voltage", "unit_of_measurement": "mV"},
        "rssi": {"device_class": "signal_strength", "unit_of_measurement": "dBm"},
        "power": {"device_class": "power", "unit_of_measurement": "W"},
    }
    for name, config in configs.items():
        component = "binary_sensor" if name == "contact" else "sensor"
        whole = {
            **config,
            "state_topic": "gw/x",
            "value_template": "{{ value_json['" + name + "'] | is_defined }}",
            "device": DEVICE,
        }
        configure(memory, f"{component}/{name}", whole)

    assert said(memory, "gw/x", {"contact": True, "voltage": 3050, "rssi": -60, "power": 5}) == [
        ("contact", "open"),
        ("battery_v", 3.05),
        ("rssi", -60.0),
    ]
    assert said(memory, "gw/x", {"battery": None}) == []


def test_abbreviations_and_a_base_topic_are_whole_words() -> None:
    """As most firmwares send them."""
    memory = Memory()
    configure(
        memory,
        "binary_sensor/node/front",
        {
            "~": "node/front",
            "dev_cla": "window",
            "stat_t": "~/state",
            "avty_t": "~/lwt",
            "pl_on": "1",
            "pl_off": "0",
            "val_tpl": "{{value}}",
            "dev": {"cns": [["mac", "aa:bb"]], "mf": "Maker", "mdl": "M1"},
        },
    )

    assert said(memory, "node/front/state", "1") == [("contact", "open")]
    assert said(memory, "node/front/lwt", "online") == [("online", True)]
    outcome = hear(memory, "node/front/state", "0")
    assert isinstance(outcome, Decoded)
    assert outcome.address == "ha:aa:bb"


def test_a_whole_device_configures_all_its_entities_at_once() -> None:
    """A component with nothing but its platform is taken back."""
    memory = Memory()
    body: dict[str, Any] = {
        "dev": {"ids": "gym-1", "name": "Leg press"},
        "stat_t": "gym/1",
        "cmps": {
            "total": {
                "p": "sensor",
                "stat_cla": "total_increasing",
                "val_tpl": "{{ value_json.n | int }}",
            },
            "low": {
                "p": "binary_sensor",
                "dev_cla": "battery",
                "val_tpl": "{{ value_json.low }}",
                "pl_on": True,
                "pl_off": False,
            },
        },
    }
    total, low = configure(memory, "device/gym-1", body)

    assert (total.family, low.part) == ("counter", "homeassistant/device/gym-1/config#low")
    assert said(memory, "gym/1", {"n": 1024, "low": False}) == [
        ("uses", 1024),
        ("battery_low", False),
    ]
    body["cmps"] = {**body["cmps"], "low": {"p": "binary_sensor"}}
    configure(memory, "device/gym-1", body)
    assert said(memory, "gym/1", {"n": 1025, "low": False}) == [("uses", 1025)]


def test_an_empty_configuration_takes_back_what_its_topic_announced() -> None:
    """Though it does not say what that was."""
    memory = Memory()
    configure(memory, "binary_sensor/front", DOOR)
    configure(memory, "binary_sensor/front", "")

    assert isinstance(hear(memory, "bridge/door-3", {"state": "OPEN"}), Refused)


def test_an_entity_may_speak_below_the_discovery_prefix() -> None:
    """As the example of Home Assistant's own documentation does."""
    memory = Memory()
    topic = "homeassistant/binary_sensor/garden/state"
    configure(memory, "binary_sensor/garden", {"device_class": "motion", "state_topic": topic})

    assert said(memory, topic, "ON") == [("motion", True)]


def test_triggers_of_a_device_are_presses_by_their_payload() -> None:
    """Releases are none, and a payload of another trigger is none of this one."""
    memory = Memory()
    for kind in ("button_short_press", "button_long_press", "button_long_release"):
        configure(
            memory,
            f"device_automation/btn/{kind}",
            {"automation_type": "trigger", "topic": "btn/act", "payload": kind, "type": kind,
             "subtype": "button_1", "device": DEVICE},
        )  # fmt: skip

    assert said(memory, "btn/act", "button_short_press") == [("press", "single")]
    assert said(memory, "btn/act", "button_long_press") == [("press", "long")]
    assert said(memory, "btn/act", "button_long_release") == []


def test_an_event_of_a_button_is_a_press_by_its_type() -> None:
    """A doorbell's ring is one."""
    memory = Memory()
    body = {"state_topic": "bell/event", "event_types": ["ring"], "device_class": "doorbell"}
    (bell,) = configure(memory, "event/bell", body)

    assert bell.family == "button"
    assert said(memory, "bell/event", {"event_type": "ring"}) == [("press", "single")]
    assert said(memory, "bell/event", {"event_type": "double_press"}) == [("press", "double")]
    assert isinstance(hear(memory, "bell/event", {"event_type": 5}), Refused)


@pytest.mark.parametrize(
    ("component", "config", "payload", "wanted"),
    [
        ("binary_sensor", {"device_class": "vibration"}, "ON", [("vibration", True)]),
        ("binary_sensor", {"device_class": "presence"}, "OFF", [("occupancy", False)]),
        ("binary_sensor", {"device_class": "connectivity"}, "OFF", [("online", False)]),
        ("binary_sensor", {"name": "SOS button"}, "ON", [("press", "sos")]),
        ("binary_sensor", {"device_class": "safety", "name": "SOS"}, "ON", [("press", "sos")]),
        ("binary_sensor", {"device_class": "safety", "name": "closed", "payload_on": "0",
         "payload_off": "1"}, "0", [("contact", "open")]),
        ("sensor", {"name": "Openings"}, "12", [("openings", 12)]),
        ("sensor", {"state_class": "total_increasing", "name": "Squats"}, "7", [("uses", 7)]),
        ("sensor", {"device_class": "temperature", "unit_of_measurement": "°F"}, "68",
         [("temperature", 20.0)]),
        ("sensor", {"device_class": "battery", "unit_of_measurement": "%"}, "unknown", []),
        ("sensor", {"name": "Action"}, "double", [("press", "double")]),
    ],
)  # fmt: skip
def test_an_entity_is_what_its_class_or_its_name_says(
    component: str, config: Any, payload: str, wanted: list[tuple[str, Any]]
) -> None:
    memory = Memory()
    configure(memory, f"{component}/x1", {**config, "state_topic": "a/b"})

    assert said(memory, "a/b", payload) == wanted


@pytest.mark.parametrize(
    ("component", "config"),
    [
        ("binary_sensor", {"device_class": "smoke"}),
        ("binary_sensor", {"device_class": "lock", "name": "Front door"}),
        ("sensor", {"device_class": "energy", "state_class": "total_increasing"}),
        ("sensor", {"state_class": "total_increasing", "unit_of_measurement": "kWh"}),
        ("sensor", {"state_class": "total_increasing", "name": "Reboot count"}),
        ("light", {}),
    ],
)
def test_an_entity_that_is_nothing_of_ours_is_passed_over(component: str, config: Any) -> None:
    assert configure(Memory(), f"{component}/x1", {**config, "state_topic": "a/b"}) == []


@pytest.mark.parametrize(
    ("template", "payload", "wanted"),
    [
        ("{{ value }}", "ON", "ON"),
        ("{{ value | int }}", "5", "5"),
        ("{{ value_json.a.b }}", '{"a": {"b": 1}}', 1),
        ("{{ value_json['a b'] }}", '{"a b": 2}', 2),
        ('{{ value_json["a"][1] }}', '{"a": [1, 3]}', 3),
        ("{{value_json.a|float(0)|round(1)}}", '{"a": 1.5}', 1.5),
        ("{{ value_json.a | lower }}", '{"a": true}', "true"),
    ],
)
def test_a_template_of_a_simple_form_finds_its_place(
    template: str, payload: str, wanted: Any
) -> None:
    assert value_at(template_of(template), Message("t", payload.encode())) == wanted


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'ON' if value_json.a > 5 else 'OFF' }}",
        "{% if value %}ON{% endif %}",
        "{{ value_json.a * 2 }}",
        "{{ value_json.a | regex_replace('a', 'b') }}",
        "{{ states('sensor.x') }}",
        "{{ value_json.__class__() }}",
        "prefix {{ value }}",
    ],
)
def test_a_template_that_is_a_program_is_refused_by_name(template: str) -> None:
    config = {"device_class": "door", "state_topic": "a/b", "value_template": template}
    outcome = hear(Memory(), "homeassistant/binary_sensor/x/config", config)

    assert isinstance(outcome, Refused)
    assert "not one of the simple forms" in outcome.reason


def test_devices_of_other_drivers_keep_their_address() -> None:
    """A device must not be two."""
    zigbee = configure(Memory(), "binary_sensor/a", {**DOOR, "state_topic": "zigbee2mqtt/b3/door"})
    node = configure(
        Memory(), "binary_sensor/b", {**DOOR, "state_topic": "node/binary_sensor/front/state"}
    )

    assert (zigbee[0].address, zigbee[0].driver) == ("zigbee2mqtt:b3/door", "zigbee2mqtt")
    assert (node[0].address, node[0].driver) == ("esphome:node", "esphome")


def test_a_topic_of_several_devices_only_tells_whether_their_gateway_is_there() -> None:
    """One message can be of one device."""
    memory = Memory()
    for name in ("a", "b"):
        config = {
            "device_class": "door",
            "state_topic": "gw/all",
            "availability_topic": "gw/lwt",
            "device": {"ids": name},
        }
        configure(memory, f"binary_sensor/{name}", config)
    outcome = hear(memory, "gw/lwt", "online")

    assert isinstance(outcome, Decoded)
    assert (outcome.address, outcome.family) == ("ha:gw-lwt", "gateway")
    refused = hear(memory, "gw/all", "ON")
    assert isinstance(refused, Refused)
    assert "announced for 2 devices" in refused.reason


def test_an_esphome_node_that_announced_itself_is_read_by_that() -> None:
    """Class and unit say what a name does not."""
    memory = Memory()
    topic = "node/binary_sensor/gpio_5/state"
    assert isinstance(hear(memory, topic, "ON"), Refused)
    configure(
        memory,
        "binary_sensor/node/gpio_5",
        {"dev_cla": "garage_door", "stat_t": topic, "avty_t": "node/status", "dev": {"ids": "aa"}},
    )

    assert said(memory, topic, "ON") == [("contact", "open")]
    outcome = hear(memory, "node/status", "offline")
    assert isinstance(outcome, Decoded)
    assert outcome.address == "esphome:node"


@pytest.mark.parametrize(
    "body",
    [
        {"device_class": "door"},
        {"device_class": "door", "state_topic": "a/+"},
        {"device_class": "door", "state_topic": 5},
        {"device_class": "door", "state_topic": "a", "value_template": 5},
        {"device_class": [], "state_topic": "a", "payload_on": [], "device": [], "~": 5},
        {"name": {}, "state_topic": "a", "availability": 5},
        [],
    ],
)
def test_a_configuration_with_wrong_kinds_is_answered(body: Any) -> None:
    """Decoded or refused, never an exception."""
    outcome = hear(Memory(), "homeassistant/binary_sensor/x/config", body)

    assert isinstance(outcome, Decoded | Refused)
    if isinstance(outcome, Refused):
        assert "failed" not in outcome.reason
