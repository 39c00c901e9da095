"""zigbee2mqtt: the words of its actions, and the pitfalls that were seen in the field."""

import json
from typing import Any

import pytest

from device_drivers.catalog import receive
from device_drivers.driver import Decoded, Refused
from device_drivers.message import Message
from device_drivers.reading import Reading
from device_drivers.zigbee2mqtt.driver import press_of


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
