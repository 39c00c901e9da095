"""Names that somebody chose: what they mean, and what they do not mean."""

from typing import Any

import pytest

from device_drivers.driver import Unreadable
from device_drivers.reading import Reading
from device_drivers.words import family_of, is_known, press_of, read_named, words_of


def said(name: str, value: Any, unit: str = "") -> list[tuple[str, Any]] | None:
    """Points and values, or None where the name is nothing of ours."""
    found = read_named(name, value, unit=unit)
    return None if found is None else [(one.point, one.value) for one in found]


@pytest.mark.parametrize(
    ("name", "value", "unit", "wanted"),
    [
        ("Contact/Open", True, "", [("contact", "open")]),
        ("Contact/Open", False, "", [("contact", "closed")]),
        ("contact", True, "", [("contact", "closed")]),
        ("front_door", "ON", "", [("contact", "open")]),
        ("front_door_closed", "true", "", [("contact", "closed")]),
        ("door_state", "opened", "", [("contact", "open")]),
        ("doorcontact_state", True, "", [("contact", "open")]),
        ("Window 2", "closed", "", [("contact_2", "closed")]),
        ("emergency_exit_door", "ON", "", [("contact", "open")]),
        ("sos", "long", "", [("press", "sos")]),
        ("SOSAlarm", 1, "", [("press", "sos")]),
        ("sos_button", "OFF", "", []),
        ("help_call", "released", "", []),
        ("alarm", True, "", [("press", "sos")]),
        ("alarm_state", 0, "", []),
        ("Press/Kind", "long", "", [("press", "long")]),
        ("button", "double_press", "", [("press", "double")]),
        ("button_3", "", "", []),
        ("front_door_button", "ON", "", [("press", "single")]),
        ("power_button", "ON", "", [("press", "single")]),
        ("fall_detected", True, "", [("press", "fall")]),
        ("Reps/Total", 1024, "", [("uses", 1024)]),
        ("leg_press_total", "1024", "", [("uses", 1024)]),
        ("Counter2", 7.0, "", [("uses_2", 7)]),
        ("strokes", 12, "count", [("uses", 12)]),
        ("rep_delta", 2, "", [("rep", 2)]),
        ("openings", 1024, "count", [("openings", 1024)]),
        ("door_open_count", 5, "", [("openings", 5)]),
        ("people_in", 5, "", [("in", 5)]),
        ("total_out", 4, "", [("out", 4)]),
        ("battery", 87, "%EL", [("battery", 87.0)]),
        ("batteryLevel", 0.5, "/", [("battery", 50.0)]),
        ("BatteryVoltage", 3.1, "V", [("battery_v", 3.1)]),
        ("battery_mv", 3100, "", [("battery_v", 3.1)]),
        ("battery", 3.05, "V", [("battery_v", 3.05)]),
        ("low_battery", True, "", [("battery_low", True)]),
        ("battery_ok", 1, "", [("battery_low", False)]),
        ("battery_state", "middle", "", [("battery_low", False)]),
        ("voltage", 3.0, "V", [("battery_v", 3.0)]),
        ("voltage", 120.1, "V", []),
        ("temper_alarm", True, "", [("tamper", True)]),
        ("vibration", "detected", "", [("vibration", True)]),
        ("presence", "OFF", "", [("occupancy", False)]),
        ("temperature", 68, "°F", [("temperature", 20.0)]),
        ("rssi", -60, "dBm", [("rssi", -60.0)]),
    ],
)
def test_a_name_is_what_its_words_say(
    name: str, value: Any, unit: str, wanted: list[tuple[str, Any]]
) -> None:
    assert said(name, value, unit) == wanted


@pytest.mark.parametrize(
    "name",
    [
        *("bdSeq", "Node Control/Rebirth", "reboot_count", "press_duration", "door_open_time"),
        *("leg_press", "bench_press_weight", "smoke_alarm", "energy_total", "water_counter"),
        *("uptime", "wifi_rssi_min", "error_count", "battery_temperature_limit", "power", "", "☃"),
        *("engine", "emergency_light", "button_mode", "door_light", "power_outage_count"),
    ],
)
def test_a_setting_a_statistic_or_another_measure_is_nothing_of_ours(name: str) -> None:
    assert not is_known(name)
    assert said(name, True) is None


@pytest.mark.parametrize(
    ("name", "unit"), [("total", "kWh"), ("count", "L"), ("battery", "A"), ("temperature", "K")]
)
def test_a_unit_that_the_point_cannot_have_makes_it_another(name: str, unit: str) -> None:
    assert said(name, 5, unit) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("leg_press_total", "nan"), ("total", -1), ("total", 1.5), ("total", True)),
        *(("total", "many"), ("battery", 3.05), ("battery", 101), ("battery", None)),
        *(("contact", "perhaps"), ("contact", None), ("sos", 2), ("button", "wiggle")),
        *(("tamper", []), ("total", float("inf")), ("total", 10**30), ("battery_state", "blue")),
    ],
)
def test_a_value_that_cannot_be_so_is_unreadable_and_names_its_name(name: str, value: Any) -> None:
    with pytest.raises(Unreadable, match=name.split("_", maxsplit=1)[0]):
        read_named(name, value)


def test_a_bare_contact_that_is_on_is_open_where_entities_are() -> None:
    """A made contact is closed; an entity of a door that is "on" is open."""
    assert read_named("contact", True, made="open") == (Reading("contact", "open"),)


def test_words_of_any_spelling() -> None:
    assert words_of("SOSButton_2") == ("sos", "button", "2")
    assert words_of("batteryLevel") == ("battery", "level")
    assert words_of("门磁状态") == ("门磁状态",)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("button_short_press", "single"),
        ("button_long_press", "long"),
        ("button_long_release", None),
        ("button_quintuple_press", "many"),
        ("tripple_left", "triple"),
        ("up_double", "double"),
        ("press_twice", "double"),
        ("1_initial_press", "single"),
        ("single_long", "long"),
    ],
)
def test_the_word_that_says_more_is_the_kind(action: str, kind: str | None) -> None:
    assert press_of(action) == kind


def test_a_button_with_a_contact_is_a_button() -> None:
    assert family_of(["contact", "press", "battery"]) == "button"
    assert family_of(["uses_2", "battery"]) == "counter"
    assert family_of(["battery"]) is None
