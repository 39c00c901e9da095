"""What is easily read wrong in the frames of Milesight, Dragino, Browan and Netvox."""

from typing import Any

import pytest

from device_drivers.bits import from_hex
from device_drivers.catalog import DRIVERS, decode, driver_by_model, plain
from device_drivers.driver import Decoded, Frame, Refused
from device_drivers.moments import EARLIEST_MS, text_ms

AT = "2023-07-06T06:14:06.000Z"
NETWORK_MS = text_ms("2026-01-01T00:00:00Z")


def outcome(maker: str, model: str, payload: str, fport: int | None) -> Decoded | Refused:
    """A frame as the network server hands it on."""
    driver = driver_by_model(maker, model)
    assert driver is not None
    frame = Frame("lorawan:1", from_hex(payload), fport, at_ms=NETWORK_MS, model=plain(model))
    return decode(driver, frame)


def readings(maker: str, model: str, payload: str, fport: int | None) -> dict[str, Any]:
    """Points and values of a frame that can be read."""
    decoded = outcome(maker, model, payload, fport)
    assert isinstance(decoded, Decoded), decoded
    return {one.point: one.value for one in decoded.readings}


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("milesight-iot", "AT101-v2", "milesight_tracker"),
        ("Milesight IoT", "VS34x", "milesight_occupancy"),
        ("milesight", "ts302-v2", "milesight_ts30x"),
        ("milesight", "UC11-N1", "milesight_uc11n1"),
        ("milesight", "uc11xx-v2", "milesight_uc11xx"),
        ("milesight", "uc11-t1", "milesight_sensor"),
        ("milesight", "UC502", "milesight_uc50x"),
        ("Dragino", "LT-22222-L", "dragino_lt"),
        ("dragino", "cpl03lb", "dragino_cpl03"),
        ("dragino", "DS03A-LB", "dragino_door"),
        ("dragino", "DS03A-NB", "dragino_nb"),
        ("dragino", "LSN50-v2", "dragino_sn50"),
        ("dragino", "lsn50v2-d23", "dragino_sn50"),
        ("dragino", "a model of next year", "dragino_sensor"),
        ("browan", "tabs-tbms100", "browan_tabs"),
        ("browan", "door-and-window-sensor", "browan_tabs"),
        ("browan", "merryiot-dw10", "browan_merryiot"),
        ("browan-merryiot", "generic", "browan_merryiot"),
        ("netvox", "door", "netvox"),
        ("Netvox", "RA0715Y", "netvox"),
    ],
)
def test_a_model_is_found_however_its_collection_spells_it(
    maker: str, model: str, name: str
) -> None:
    """Each collection of decoders has names of its own for the same devices."""
    driver = driver_by_model(maker, model)

    assert driver is not None
    assert driver.name == name


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport", "point"),
    [
        ("milesight", "em300-mcs", "20ceae5ba66410015d01", 85, "contact"),
        ("milesight", "em300-di", "20ceae5ba66410015d020070170000", 85, "uses"),
        ("milesight", "uc511", "20ceae5ba6640370170000", 85, "uses_1"),
        ("milesight", "uc501", "20dcae5ba66402701700000000000000 0000000000000000", 85, "uses_1"),
        ("milesight", "vs373", "20ceae5ba664010000010b", 85, "press"),
        ("dragino", "pb01", "0111000001ae0164a65bae", 3, "press"),
        ("dragino", "lds03a", "0100000500000064a65bae", 3, "contact"),
        ("dragino", "cpl01", "0000000500000064a65bae", 3, "uses"),
        ("dragino", "sw3l", "0400000000012064a65bae", 3, "uses"),
    ],
)
def test_a_stored_record_keeps_its_own_moment(
    maker: str, model: str, payload: str, fport: int, point: str
) -> None:
    """A press of last night must not ring as if it were of now."""
    decoded = outcome(maker, model, payload, fport)

    assert isinstance(decoded, Decoded), decoded
    stored = [one for one in decoded.readings if one.point == point]
    assert [one.at_ms for one in stored] == [text_ms(AT)]
    assert decoded.network_ms == NETWORK_MS


def test_a_clock_that_was_never_set_does_not_put_an_open_door_into_1970() -> None:
    """What is sent at once gets the network's time; what was stored cannot be placed."""
    live = outcome("dragino", "ds03a-lb", "0100000700000500000000", 2)
    stored = outcome("dragino", "ds03a-lb", "0100000700000500000000", 3)

    assert isinstance(live, Decoded)
    assert [one.at_ms for one in live.readings] == [NETWORK_MS] * 2
    assert isinstance(stored, Refused)
    assert NETWORK_MS > EARLIEST_MS


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport", "values"),
    [
        ("netvox", "r718mbb", "012b0124ffffffff000000", 6, {"uses": 2**32 - 1}),
        ("netvox", "r718h", "011f0124ffff0000000000", 6, {"uses": 2**16 - 1}),
        ("dragino", "lds02", "0bb801ffffff00000000", 10, {"openings": 2**24 - 1}),
        ("milesight", "em300-di", "05c8ffffffff", 85, {"uses": 2**32 - 1}),
        ("dragino", "lht65n-vib", "0ce40401020304000000ff", 2, {"uses": 0x01020304}),
        ("browan", "dw10", "000ff51c0000050201", 120, {"openings": 66_053}),
        ("browan", "dw10", "000fd6003200000502 01", 120, {"openings": 66_053}),
    ],
)
def test_a_total_has_its_full_width_and_no_sign(
    maker: str, model: str, payload: str, fport: int, values: dict[str, int]
) -> None:
    """Published decoders give -1, or lose a byte of the count."""
    assert values.items() <= readings(maker, model, payload, fport).items()


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport"),
    [
        ("dragino", "ds03a-lb", "0800000300000565000000", 2),
        ("dragino", "cpl03-lb", "2000000300000565000000", 2),
        ("dragino", "sw3l", "0400000003010065000000", 2),
    ],
)
def test_what_was_counted_since_the_last_message_is_no_running_total(
    maker: str, model: str, payload: str, fport: int
) -> None:
    """Dragino counts all or a part, as the owner has set it; the frame tells which."""
    found = readings(maker, model, payload, fport)

    assert found["rep"] == 3
    assert not {"uses", "openings"} & set(found)


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport", "contact"),
    [
        ("netvox", "r311a", "0102011e01000000000000", 6, "open"),
        ("netvox", "r311a", "0102011e00000000000000", 6, "closed"),
        ("browan", "tbdw100", "017b345cb1510c00", 100, "open"),
        ("browan-merryiot", "dw10", "010f151c0000d22500", 120, "open"),
        ("dragino", "lds02", "8bb80100000600000000", 10, "open"),
        ("dragino", "lds03a", "0000000500000065000000", 2, "closed"),
        ("dragino", "lsn50v2", "0ce4010f00008000000000", 2, "closed"),
        ("milesight", "ws301", "030001", 85, "open"),
        ("milesight", "em300-mcs", "060000", 85, "closed"),
    ],
)
def test_open_and_closed_are_what_the_maker_means_by_its_bit(
    maker: str, model: str, payload: str, fport: int, contact: str
) -> None:
    """One is open nearly everywhere; on Dragino's nodes the bit is set by a closed door."""
    assert readings(maker, model, payload, fport)["contact"] == contact


@pytest.mark.parametrize(
    ("model", "payload", "tamper"),
    [("ws301", "040000", False), ("ws301", "040001", True), ("at101", "070001", True)],
)
def test_installed_is_no_tampering(model: str, payload: str, tamper: bool) -> None:
    """The maker's README says "installed" for the code that its decoder calls "uninstalled"."""
    assert readings("milesight", model, payload, 85) == {"tamper": tamper}


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport"),
    [
        ("netvox", "r312a", "8100", 13),
        ("netvox", "r311a", "8202003c003c0100000000", 7),
        ("netvox", "r716s", "810000000000", 20),
        ("netvox", "r311a", "010200640b202004240000", 6),
        ("milesight", "ws101", "ff0bffff0101ff166592b32851010013ff090100ff0a0102", 85),
        ("milesight", "ws101", "fe033c00", 85),
        ("milesight", "uc521", "f9a7010203", 85),
        ("dragino", "lds03a", "31618e5740618e", 4),
        ("browan", "dw10", "000c0103a0", 204),
    ],
)
def test_an_answer_to_a_setting_is_a_sign_of_life_and_no_reading(
    maker: str, model: str, payload: str, fport: int
) -> None:
    """Its bytes look like data: the port or the channel tells."""
    decoded = outcome(maker, model, payload, fport)

    assert isinstance(decoded, Decoded), decoded
    assert decoded.readings == ()


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport", "kind"),
    [
        ("milesight", "ws101", "ff2e010175", 85, "single"),
        ("milesight", "vs373", "06fb34120001005f5f", 85, "fall"),
        ("netvox", "r312a", "014d011e0100000000000001ee011e01000000000000", 6, "sos"),
        ("netvox", "r315", "01d2011e0001000209c4ff", 6, "sos"),
        ("dragino", "pb01", "0ce5010100f7ffff", 2, "single"),
        ("dragino", "trackerd", "02863d68fac29baf4b4560ffff011a", 2, "sos"),
    ],
)
def test_a_press_is_kept_though_something_else_in_its_message_is_wrong(
    maker: str, model: str, payload: str, fport: int, kind: str
) -> None:
    """And the message says what was left out."""
    decoded = outcome(maker, model, payload, fport)

    assert isinstance(decoded, Decoded), decoded
    assert [one.value for one in decoded.readings if one.point == "press"] == [kind]
    assert decoded.warnings


@pytest.mark.parametrize(
    ("maker", "model", "payload", "fport", "reason"),
    [
        ("milesight", "ws101", "0175", 85, "cut off"),
        ("milesight", "ws101", "ff2e", 85, "cut off"),
        ("netvox", "r312a", "014d011e01", 6, "11 bytes"),
        ("netvox", "r312a", "014d051e01000000000000", 6, "report 5"),
        ("dragino", "lds01", "0b880100250001", 42, "fPort 42"),
        ("dragino", "pb01", "0111", 3, "11 bytes"),
        ("browan", "tbms100", "01", 42, "fPort 42"),
        ("browan", "tbdw100", "017b345cb1510c00", None, "nobody said it"),
    ],
)
def test_a_frame_that_is_broken_or_on_another_port_is_refused_with_the_reason(
    maker: str, model: str, payload: str, fport: int | None, reason: str
) -> None:
    """Published decoders read a missing byte as 0 and any port as data."""
    refused = outcome(maker, model, payload, fport)

    assert isinstance(refused, Refused), refused
    assert reason in refused.reason


def test_what_stood_whole_before_a_cut_is_kept_with_a_warning() -> None:
    """The battery of a tilt sensor does not depend on the angles behind it."""
    decoded = outcome("milesight", "em310-tilt", "01755c03cf7806117433", 85)

    assert isinstance(decoded, Decoded)
    assert [(one.point, one.value) for one in decoded.readings] == [("battery", 92.0)]
    assert "cut off" in decoded.warnings[0]


def test_the_battery_of_a_device_on_the_mains_is_not_made_up() -> None:
    """Where others have their battery, a plug has its relay, a breaker its address."""
    assert readings("netvox", "r809a", "010e011e00000001000000", 6) == {}
    assert readings("netvox", "rp02", "019c011e00000001000000", 6) == {}
    assert "battery_v" in readings("netvox", "r718ad", "019c011e09c40000000000", 6)


@pytest.mark.parametrize("name", ["netvox", "dragino_button", "dragino_tracker"])
def test_a_device_without_a_sign_for_its_person_says_so(name: str) -> None:
    """No downlink of theirs makes a light or a sound at once."""
    driver = DRIVERS[name]

    assert driver.heard.how == "none"
    assert driver.show_frame is None
