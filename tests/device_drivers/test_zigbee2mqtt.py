"""zigbee2mqtt: the words of its actions, and the pitfalls that were seen in the field."""

import json
from typing import Any

import pytest

from device_drivers.catalog import DRIVERS, receive
from device_drivers.driver import Announcement, Decoded, Refused
from device_drivers.message import Message
from device_drivers.reading import Reading
from device_drivers.zigbee2mqtt.properties import press_of
from hub.commands.decode import Memory


def nobody(_address: str) -> None:
    """A register that knows no device."""
    return


def said(body: Any, topic: str = "zigbee2mqtt/front_door") -> Decoded:
    """A message that must be understood."""
    outcome = receive(Message(topic, json.dumps(body).encode()), nobody)
    assert isinstance(outcome, Decoded), outcome
    return outcome


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("single", "single"),
        ("1_single", "single"),
        ("single_left", "single"),
        ("button_2_double", "double"),
        ("dual_hold", "long"),
        ("on_press", "single"),
        ("on_press_release", None),
        ("hold_release", None),
        ("release", None),
        ("arrow_left_click", "single"),
        ("long", "long"),
        ("triple", "triple"),
        ("quadruple", "quadruple"),
        ("many", "many"),
        ("emergency", "sos"),
        ("panic", "sos"),
        ("SOS", "sos"),
        ("short_press_sos", "sos"),
        ("arm_day_zones", None),
        ("off", None),
        ("toggle", None),
        ("none", None),
        ("vibration", None),
        ("", None),
    ],
)
def test_how_an_action_was_pressed(action: str, kind: str | None) -> None:
    """The words in an action tell, not its whole spelling."""
    assert press_of(action) == kind


@pytest.mark.parametrize("reset", ["", None])
def test_the_reset_after_an_emergency_is_no_second_press(reset: str | None) -> None:
    """Presence of the key is not a press; its transition is."""
    assert [one.point for one in said({"action": "emergency", "battery": 90}).readings] == [
        "press",
        "battery",
    ]
    assert [one.point for one in said({"action": reset, "battery": 90}).readings] == ["battery"]


def test_an_action_nobody_knows_is_said() -> None:
    """Something happened at a button: it is not guessed, and not passed over in silence."""
    outcome = said({"action": "wiggle", "linkquality": 90})

    assert [one.point for one in outcome.readings] == ["lqi"]
    assert outcome.warnings == ("action: 'wiggle' is no press that is known here",)


def test_an_action_and_a_property_naming_one_press_make_one() -> None:
    """A model may say its SOS twice in one message."""
    assert said({"action": "emergency", "sos": True}).readings == (Reading("press", "sos"),)


def test_a_made_contact_is_a_closed_door() -> None:
    """True is closed; other words are not guessed."""
    assert said({"contact": True}).readings == (Reading("contact", "closed"),)
    assert said({"contact": False}).readings == (Reading("contact", "open"),)
    assert isinstance(receive(Message("zigbee2mqtt/x", b'{"contact": "OFF"}'), nobody), Refused)


def test_a_mains_voltage_is_no_cell() -> None:
    """Plugs say volts, cells millivolts, under the same name."""
    assert said({"voltage": 231}).readings == ()
    assert said({"voltage": 2985}).readings == (Reading("battery_v", 2.985, None, "V"),)


def test_a_name_may_have_slashes_and_blanks() -> None:
    """Friendly names are people's own."""
    assert said({"contact": True}, "zigbee2mqtt/b3/u1/back door").address == (
        "zigbee2mqtt:b3/u1/back door"
    )


def test_properties_on_topics_of_their_own() -> None:
    """`output: attribute`, and the plain text of old versions."""
    press = receive(Message("zigbee2mqtt/btn/action", b"double"), nobody)
    door = said(True, "zigbee2mqtt/door/contact")

    assert isinstance(press, Decoded)
    assert (press.address, press.readings) == ("zigbee2mqtt:btn", (Reading("press", "double"),))
    assert (door.address, door.readings) == ("zigbee2mqtt:door", (Reading("contact", "closed"),))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b'"text"', b"3", b"[]", b"[" * 100_000])
def test_what_is_no_state_is_refused(payload: bytes) -> None:
    """With the sender's name, which the topic tells."""
    outcome = receive(Message("zigbee2mqtt/front_door", payload), nobody)

    assert isinstance(outcome, Refused)
    assert outcome.address == "zigbee2mqtt:front_door"


def listed(*devices: dict[str, Any], memory: Memory | None = None) -> Memory:
    """What the hub knows after the bridge's list of devices."""
    known = memory or Memory()
    body = json.dumps([{"type": "Coordinator", "friendly_name": "Coordinator"}, *devices]).encode()
    outcome = receive(Message("zigbee2mqtt/bridge/devices", body), nobody, known.documents)
    assert isinstance(outcome, Decoded), outcome
    assert outcome.address == "zigbee2mqtt:bridge"
    known.keep(outcome.driver, outcome.announcements)
    return known


def device(name: str, *exposes: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A row of the list."""
    definition = {"vendor": "Maker", "model": "M1", "exposes": list(exposes)}
    return {"type": "EndDevice", "friendly_name": name, "definition": {**definition, **about}}


def contact(on: Any, off: Any) -> dict[str, Any]:
    """A contact as a definition exposes it."""
    return {
        "type": "binary",
        "property": "contact",
        "value_on": on,
        "value_off": off,
        "access": 1,
    }


def actions(*values: str) -> dict[str, Any]:
    """An action as a definition exposes it."""
    return {"type": "enum", "property": "action", "values": list(values), "access": 1}


def read(known: Memory, name: str, body: Any) -> list[tuple[str, Any]]:
    """Points and values of a message of a known device."""
    message = Message(f"zigbee2mqtt/{name}", json.dumps(body).encode())
    outcome = receive(message, nobody, known.documents)
    assert isinstance(outcome, Decoded), outcome
    return [(one.point, one.value) for one in outcome.readings]


def announced(*devices: dict[str, Any]) -> list[Announcement]:
    """The announcements of the devices, without the bridge's own list of names."""
    body = json.dumps(list(devices)).encode()
    outcome = receive(Message("zigbee2mqtt/bridge/devices", body), nobody)
    assert isinstance(outcome, Decoded), outcome
    return list(outcome.announcements[:-1])


@pytest.mark.parametrize(
    ("on", "off", "value", "wanted"),
    [
        (False, True, True, "closed"),
        (True, False, True, "open"),
        (True, False, False, "closed"),
        ("ON", "OFF", "ON", "open"),
        ("ON", "OFF", "OFF", "closed"),
    ],
)
def test_a_contact_that_is_the_other_way_round_is_read_by_its_definition(
    on: Any, off: Any, value: Any, wanted: str
) -> None:
    """On is open, whatever word the model has for on."""
    known = listed(device("d", contact(on, off)))

    assert read(known, "d", {"contact": value}) == [("contact", wanted)]


def test_the_key_of_a_remote_control_that_has_no_word_for_a_press_is_a_press() -> None:
    """But not that of a wall switch, whose off may be the reset of another action."""
    known = listed(
        device("shortcut", actions("on", "off", "brightness_move_up", "brightness_stop")),
        device("scenes", actions("circle", "square")),
        device("emergency", actions("off", "single", "double")),
        device("pir", actions("on", "off"), {"type": "binary", "property": "occupancy"}),
    )

    assert read(known, "shortcut", {"action": "on", "linkquality": 9})[0] == ("press", "single")
    assert read(known, "shortcut", {"action": "brightness_move_up"}) == [("press", "long")]
    assert read(known, "shortcut", {"action": "brightness_stop"}) == []
    assert read(known, "scenes", {"action": "circle"}) == [("press", "single")]
    assert read(known, "emergency", {"action": "off", "linkquality": 9}) == [("lqi", 9.0)]
    assert read(known, "pir", {"action": "on", "linkquality": 9}) == [("lqi", 9.0)]
    assert read(Memory(), "shortcut", {"action": "on", "linkquality": 9}) == [("lqi", 9.0)]


def test_an_announced_device_has_maker_model_and_family() -> None:
    """Enough for the form of whoever adopts it."""
    door, keypad, plain, odd = announced(
        device("b3/front", contact(False, True)),
        device("keypad", actions("disarm", "panic"), contact(False, True)),
        device("lamp", {"type": "light", "features": [{"property": "state", "access": 7}]}),
        {"friendly_name": "old", "type": "Router", "model": "X", "vendor": "V"},
    )

    assert (door.address, door.family, door.maker, door.model) == (
        "zigbee2mqtt:b3/front",
        "door",
        "Maker",
        "M1",
    )
    assert door.topics == ("zigbee2mqtt/b3/front", "zigbee2mqtt/b3/front/availability")
    assert keypad.family == "button"
    assert (plain.family, plain.topics) == (None, ())
    assert (odd.maker, odd.model) == ("V", "X")


def test_a_device_that_left_the_list_is_taken_back() -> None:
    """The list is whole each time."""
    known = listed(device("d", contact("ON", "OFF")), device("e", contact("ON", "OFF")))
    listed(device("e", contact("ON", "OFF")), memory=known)

    assert "device" not in known.documents("zigbee2mqtt:d")
    assert read(known, "e", {"contact": "ON"}) == [("contact", "open")]


WARNING = {
    "type": "composite",
    "property": "warning",
    "access": 2,
    "features": [{"property": "mode", "values": ["stop", "burglar", "emergency"]}],
}


@pytest.mark.parametrize(
    ("expose", "sign", "wanted"),
    [
        (
            WARNING,
            "heard",
            {"warning": {"mode": "emergency", "level": "low", "strobe": True, "duration": 1}},
        ),
        (WARNING, "arrived", {"warning": {"mode": "stop", "strobe": False}}),
        (
            {"type": "enum", "property": "alarm", "values": ["beep", "ring", "stop"], "access": 3},
            "heard",
            {"alarm": "beep"},
        ),
        (
            {
                "type": "binary",
                "property": "led",
                "access": 7,
                "value_on": True,
                "value_off": False,
            },
            "closed",
            {"led": False},
        ),
        (
            {"type": "enum", "property": "identify", "values": ["identify"], "access": 2},
            "on_the_way",
            {"identify": "identify"},
        ),
    ],
)
def test_a_device_that_can_show_something_is_told(expose: Any, sign: Any, wanted: Any) -> None:
    """As a command on its own topic, whichever of its topics spoke last."""
    driver = DRIVERS["zigbee2mqtt"]
    assert driver.show is not None
    known = listed(device("b3/btn", expose)).documents("zigbee2mqtt:b3/btn")
    shown = driver.show(sign, "zigbee2mqtt/b3/btn/availability", known)

    assert shown is not None
    assert (shown.topic, json.loads(shown.payload)) == ("zigbee2mqtt/b3/btn/set", wanted)


def test_a_device_that_can_show_nothing_is_told_nothing() -> None:
    """A property that can only be read, or no property at all."""
    driver = DRIVERS["zigbee2mqtt"]
    assert driver.show is not None
    can_be_read = {"type": "binary", "property": "alarm", "access": 1}
    known = listed(device("d", can_be_read)).documents("zigbee2mqtt:d")

    assert driver.show("heard", "zigbee2mqtt/d", known) is None
    assert driver.show("heard", "zigbee2mqtt/d", {}) is None


def test_what_a_cube_or_a_vibration_sensor_does_is_no_press() -> None:
    """Nobody fell, nobody pressed."""
    assert said({"action": "fall", "linkquality": 9}).readings[0].point == "lqi"
    assert said({"action": "triple_strike"}).readings == (Reading("vibration", True),)
    assert said({"action": "drop"}).readings == ()


def test_last_seen_in_every_form_is_the_moment_of_the_readings() -> None:
    """Text with a zone, or milliseconds."""
    for last_seen in ("2026-04-17T23:33:17+08:00", "2026-04-17T15:33:17Z", 1_776_439_997_000):
        (reading,) = said({"contact": True, "last_seen": last_seen}).readings
        assert reading.at_ms == 1_776_439_997_000
