"""What is known to go wrong with the frames of these makers, as sentences that must be true."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.catalog import DRIVERS, decode, driver_by_hint, driver_by_model, plain
from device_drivers.driver import Decoded, Frame, Refused
from device_drivers.moments import rfc_3339
from tests.device_drivers.test_any_bytes import check


def outcome(maker: str, model: str, payload: str, fport: int | None = None) -> Decoded | Refused:
    """What the driver of a model makes of a frame."""
    driver = driver_by_model(maker, model)
    return decode(driver, Frame("lorawan:0", bytes.fromhex(payload), fport, model=plain(model)))


def read(maker: str, model: str, payload: str, fport: int | None = None) -> dict[str, Any]:
    """The readings of a frame, by point."""
    decoded = outcome(maker, model, payload, fport)
    assert isinstance(decoded, Decoded), decoded
    return {one.point: one.value for one in decoded.readings}


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("abeeway", "asset-tracker", "abeeway_tracker"),
        ("abeeway", "asset-tracker-3", "abeeway_at3"),
        ("Abeeway", "badgeTracker", "abeeway_tracker"),
        ("abeeway", "abeeway-compact-tracker", "abeeway_tracker"),
        ("elsys", "ELT-2", "elsys"),
        ("ELSYS SE", "ems-door", "elsys"),
        ("tektelic", "t0007392", "tektelic"),
        ("TEKTELIC Communications", "Comfort", "tektelic"),
        ("radio-bridge", "rbs301-dws", "radio_bridge"),
        ("RadioBridge", "RBS306-CON", "radio_bridge"),
        ("multitech", "RBS301-1", "radio_bridge"),
        ("adeunis", "dryContact", "adeunis"),
        ("IMBuildings", "OfficeOccupancyCounter", "imbuildings"),
        ("mclimate", "multipurpose-button", "mclimate"),
        ("digital-matter", "digital-matter-oyster3-yabby3", "digital_matter"),
        ("digitalMatter", "guppy", "digital_matter"),
        ("seeed", "senseCAPT1000A", "sensecap"),
        ("seeed-technology-co-ltd", "SenseCAP-T1000-E", "sensecap"),
        ("sensecap", "t1110", "sensecap"),
    ],
)
def test_a_model_is_found_however_a_source_spells_it(maker: str, model: str, name: str) -> None:
    """The collections of decoders spell makers and models in their own ways."""
    driver = driver_by_model(maker, model)

    assert driver is not None
    assert driver.name == name


@pytest.mark.parametrize("hint", ["Smart Button", "Door Sensor", "Pulse counter", "Comfort"])
def test_a_word_that_any_maker_uses_points_to_no_driver(hint: str) -> None:
    """A network server's profile may be called after what the device is."""
    assert driver_by_hint(hint) is None


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport"),
    [
        ("abeeway", "compact-tracker", "031064860011", 18),
        ("abeeway", "compact-tracker", "0a10d4860063", 18),
        ("abeeway", "asset-tracker-3", "4864838102", 19),
        ("tektelic", "finch", "0295800067", 10),
        ("sensecap", "t1000", "06000040006502cf150082390e02d37bd400f200641f06", 5),
        ("sensecap", "t1000", "0600004000000000000000000000000000000000ffff", 5),
        ("radio-bridge", "rbs301", "10067700", 2),
        ("adeunis", "ftd", "b01a47", 1),
    ],
)
def test_a_press_outlives_what_is_wrong_beside_it(
    maker: str, model: str, payload: str, fport: int
) -> None:
    """It is kept, and the warnings say what was left out."""
    decoded = outcome(maker, model, payload, fport)

    assert isinstance(decoded, Decoded)
    assert any(one.point == "press" for one in decoded.readings)
    assert decoded.warnings


def test_sos_is_a_state_of_every_message_of_a_tracker_until_it_is_taken_back() -> None:
    """Abeeway's flag and Tektelic's panic are no edges: both the press and the state are told."""
    assert read("abeeway", "badge", "03105c8200061c572f054ffb08", 18)["sos"] is True
    assert read("abeeway", "badge", "03005c8200061c572f054ffb08", 18)["sos"] is False
    assert read("tektelic", "finch", "029580", 10) == {"press": "sos", "sos": True}
    assert read("tektelic", "finch", "029501", 10) == {"sos": False}


def test_a_press_that_waited_in_a_buffer_keeps_its_old_moment() -> None:
    """An alarm of June is not raised today."""
    decoded = outcome("abeeway", "asset-tracker-3", "48e46862afe610", 19)

    assert isinstance(decoded, Decoded)
    press = next(one for one in decoded.readings if one.point == "press")
    assert press.at_ms is not None
    assert rfc_3339(press.at_ms) == "2025-06-30T15:40:22.000Z"  # as the maker's decoder says


def test_a_tracker_with_a_clock_of_its_own_tells_when_it_was_pressed() -> None:
    """The T1000 sends what happened when it finds a network again."""
    decoded = outcome("seeed", "t1000", "090000800064b909080082355b02d379e460", 5)

    assert isinstance(decoded, Decoded)
    assert decoded.readings[0].at_ms == 1_689_848_072_000


def test_a_charging_battery_is_no_empty_battery() -> None:
    """0 of an Abeeway in percent means that it is being charged."""
    assert "battery" not in read("abeeway", "badge", "05000082004002020000", 18)
    assert read("abeeway", "badge", "05005c82004002020000", 18)["battery"] == 92


def test_the_end_of_a_press_is_no_press() -> None:
    """Radio Bridge says when the button was let go."""
    assert read("radio-bridge", "rbs301-1", "10060301") == {}


def test_an_elsys_counter_says_both_what_is_new_and_what_is_in_all() -> None:
    """`pulse1` is since the last frame, `pulseAbs` in all."""
    assert read("elsys", "ems-door", "0a00030b00000792", 5) == {
        "rep_1": 3,
        "rep": 3,
        "uses_1": 1938,
        "uses": 1938,
    }


def test_a_total_of_32_bits_has_no_sign() -> None:
    """Upstream decodes the upper half as negative."""
    assert read("elsys", "elt-2", "0bffffffff", 5)["uses"] == 4_294_967_295


def test_the_same_byte_is_another_press_of_another_model() -> None:
    """Bit 0 of `0295` is the button of a Finch, which is no panic, and the alarm of a Seal."""
    assert "press" not in read("tektelic", "finch", "029501", 10)
    assert read("tektelic", "seal", "029501", 10)["press"] == "sos"


def test_the_same_name_has_another_size_in_another_model() -> None:
    """`00ba` has one byte in a Finch and two in a Comfort; an unknown model is read as it fits."""
    assert read("tektelic", "finch", "00ba3200d350", 10)["battery_v"] == 3.0
    assert read("tektelic", "comfort", "00ba0b9e00d350", 10)["battery_v"] == 2.974
    assert read("tektelic", "of next year", "00ba3200d350", 10)["battery_v"] == 3.0


def test_an_unknown_port_is_refused_with_the_ports_that_are_known() -> None:
    """A port selects the meaning; nobody guesses."""
    for maker, model in (("abeeway", "badge"), ("tektelic", "finch")):
        refused = outcome(maker, model, "0102030405", 254)
        assert isinstance(refused, Refused)
        assert "expected one of" in refused.reason


def test_a_model_that_decides_the_layout_must_be_known() -> None:
    """Five bytes of MClimate may be a button or a thermometer."""
    refused = outcome("mclimate", "of next year", "01db011a01", 1)

    assert isinstance(refused, Refused)
    assert "the model decides" in refused.reason


def test_a_broken_probe_costs_its_own_value_only() -> None:
    """A door is a door at -3,000 °C too, whether its model is known or not."""
    for maker, model, payload, fport in (
        ("elsys", "ems-door", "0185000d01", 5),
        ("tektelic", "comfort", "036785000100ff", 10),
        ("tektelic", "of next year", "036785000100ff", 10),
    ):
        decoded = outcome(maker, model, payload, fport)
        assert isinstance(decoded, Decoded)
        assert [one.point for one in decoded.readings] == ["contact"]
        assert "temperature" in decoded.warnings[0]


OWN = (
    *("abeeway_at3", "abeeway_tracker", "adeunis", "digital_matter", "elsys", "imbuildings"),
    *("mclimate", "radio_bridge", "sensecap", "tektelic"),
)
MODELS = (
    *("multipurposebutton", "openclosesensor", "floodsensor", "htpirlite", "co2sensor", "ht"),
    *("oyster3", "guppy", "g62", "sensornode", "finch", "seal", "tundra", "orca", "edoctor"),
    *("ftdnetworktester", "emsdoor", "t1000", "s2101", "closo", "moveo", ""),
)


@given(
    name=st.sampled_from(OWN),
    model=st.sampled_from(MODELS),
    payload=st.binary(max_size=60),
    fport=st.none() | st.sampled_from([1, 2, 3, 4, 5, 10, 11, 17, 18, 19, 31, 33, 82, 83, 125]),
)
@settings(max_examples=800, deadline=None)
def test_any_bytes_of_any_model_give_readings_or_a_refusal(
    name: str, model: str, payload: bytes, fport: int | None
) -> None:
    """The layouts that only a model's name opens, too."""
    check(decode(DRIVERS[name], Frame("lorawan:0", payload, fport, model=model)))
