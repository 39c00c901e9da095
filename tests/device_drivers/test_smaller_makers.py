"""What drivers of smaller LoRaWAN makers must not get wrong."""

import pytest

from device_drivers.catalog import DRIVERS, decode, driver_by_hint, driver_by_model
from device_drivers.driver import Decoded, Frame, Refused
from tests.device_drivers.examples import TIME_MS


def outcome(name: str, payload: str, fport: int = 1, model: str = "") -> Decoded | Refused:
    """What a driver makes of a frame that the network heard at a known moment."""
    frame = Frame("lorawan:0", bytes.fromhex(payload), fport, TIME_MS, model=model)
    return decode(DRIVERS[name], frame)


def read(name: str, payload: str, fport: int = 1, model: str = "") -> Decoded:
    """A frame that must be understood."""
    told = outcome(name, payload, fport, model)
    assert isinstance(told, Decoded), told
    return told


def values(told: Decoded) -> dict[str, object]:
    """Points and values."""
    return {one.point: one.value for one in told.readings}


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("watteco", "closo_v1.1", "watteco_door"),
        ("Watteco", "Clos'O", "watteco_door"),
        ("watecco", "flashO", "watteco_pulse"),
        ("watteco", "pulse-senso-atex_v1.1", "watteco_pulse"),
        ("watteco", "th_v1.0", "watteco_sensor"),
        ("watecco", "bob", "watteco_bob"),
        ("terabee", "pc-l-xl", "terabee_people"),
        ("Yosensi", "YO-PeopleCounter", "yosensi_people"),
        ("yosensi", "generic", "yosensi_sensor"),
        ("enless-wireless", "600-036", "enless"),
        ("mokosmart", "LW007-PIR", "moko_pir"),
        ("MOKO", "lw001-bg", "moko_tracker"),
        ("sensingLabs", "senlabM", "sensing_labs"),
        ("comtac", "LPN-TD1", "comtac_td1"),
        ("comtac", "LPN CM-4", "comtac_lpn"),
        ("Ezurio", "RS1xx-ext-multi-sensor", "laird"),
        ("Elvaco", "CMi4110", None),
        ("decentlab", "DL-DLR2-002", "decentlab"),
        ("swisscom", "multisense", "swisscom_multisense"),
        ("milesight-iot", "GS601", "milesight_commands"),
        ("milesight-iot", "GS524N", "milesight_smoke"),
        ("comtac", "CM-1", "comtac_cm"),
        ("yobiiq", "iq-rm200-lrw", "yobiiq_rm200"),
        ("Yobiiq", "SD-1001", "yobiiq_sd1001"),
        ("rivercity-innovations", "lynx", "rivercity_lynx"),
        ("rakwireless", "rak_standard", "cayenne_lpp"),
    ],
)
def test_a_model_of_a_smaller_maker_is_found_however_it_is_spelt(
    maker: str, model: str, name: str | None
) -> None:
    """Sources write makers and models in their own ways."""
    driver = driver_by_model(maker, model)

    assert (driver.name if driver else None) == name


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        ("strips by the door", None),
        ("presence", None),
        ("Sensative Strips", "sensative_strips"),
        ("LW007-PIR", "moko_pir"),
    ],
)
def test_an_everyday_word_is_a_model_only_beside_its_maker(hint: str, name: str | None) -> None:
    """A network server's tags hold any words."""
    driver = driver_by_hint(hint)

    assert (driver.name if driver else None) == name


def test_the_same_frame_is_a_door_only_on_the_doors_own_input() -> None:
    """Input 0 of a Clos'O is its case, input 1 the door."""
    assert values(read("watteco_door", "310a000f00551001", 125)) == {"contact": "open"}
    assert values(read("watteco_door", "310a000f00551000", 125)) == {"contact": "closed"}
    assert values(read("watteco_door", "110a000f00551001", 125)) == {"tamper": True}


def test_a_report_may_name_what_caused_it() -> None:
    """The criteria behind the value are no part of the value."""
    told = read("watteco_sensor", "118a0402000029010ea0b008fc000001b10834000001b207d0000001", 125)

    assert values(told) == {"temperature": 2.7}


def test_a_batch_is_refused_by_name() -> None:
    """Its table is not in the frame: nothing can be read out of it."""
    told = outcome("watteco_pulse", "3203032cd2dc00000000117b02000080903d00", 125)

    assert isinstance(told, Refused)
    assert "a batch" in told.reason


def test_stored_reports_count_back_from_the_networks_time() -> None:
    """Sensative: ninety seconds ago the door was opened."""
    told = read("sensative_strips", "00010000005a0901", 2)

    assert [(one.value, one.at_ms) for one in told.readings] == [("open", TIME_MS - 90_000)]


def test_a_stored_report_without_any_time_is_not_taken_for_now() -> None:
    """A bare frame at the command line: nobody knows when it was."""
    frame = Frame("lorawan:0", bytes.fromhex("00010000005a0901"), 2)
    told = decode(DRIVERS["sensative_strips"], frame)

    assert isinstance(told, Decoded)
    assert told.readings == ()


def test_measurements_have_the_age_that_their_frame_says() -> None:
    """Yosensi: the frame was made 61 seconds ago, the measurement taken 2 seconds after."""
    told = read("yosensi_sensor", "0200003d0d020100f6")

    assert [(one.value, one.at_ms) for one in told.readings] == [(24.6, TIME_MS - 59_000)]


def test_counts_of_a_data_logger_keep_their_moment() -> None:
    """Yobiiq and comtac write Unix time before their counts."""
    relay = read("yobiiq_rm200", "aafe6735d830aa9700000005", 11)
    counter = read("comtac_cluey", "100128df015fee66014100000007", 21)

    assert [one.at_ms for one in relay.readings] == [1_731_582_000_000]
    assert ("uses_1", 1_609_459_201_000) in [(one.point, one.at_ms) for one in counter.readings]


def test_a_clock_that_was_never_set_does_not_cost_the_contact() -> None:
    """Moko: 1970 is left out and said; the network's time stands in."""
    told = read("moko_pir", "000000051000" + "8de55f" + "0007", 5)

    assert values(told)["contact"] == "closed"
    assert {one.at_ms for one in told.readings} == {TIME_MS}
    assert "2000 to 2100" in told.warnings[0]


@pytest.mark.parametrize(
    ("name", "payload", "fport"),
    [("miromico_button", "040111070003038c", 1), ("comtac_lpn", "01120cc60309", 3)],
)
def test_a_press_is_kept_whatever_is_wrong_behind_it(name: str, payload: str, fport: int) -> None:
    """The rest is left out and said."""
    told = read(name, payload, fport)

    assert values(told)["press"] == "single"
    assert told.warnings


def test_a_heartbeat_of_a_button_is_no_press() -> None:
    """Oxon: the same shape with no button down."""
    assert "press" not in values(read("oxon", "30000100001a64140070ff69101a"))
    assert "press" not in values(read("oxon", "39000201006408c210b00000"))


def test_parking_sensors_of_two_generations_differ_in_their_bit() -> None:
    """Nwave: the model tells whether the lowest or the highest bit is the state."""
    assert values(read("nwave", "01", 1, "nps310sm")) == {"occupancy": True}
    assert values(read("nwave", "01", 1, "nps405")) == {"occupancy": False}


def test_a_device_on_the_mains_has_no_empty_battery() -> None:
    """Yobiiq's relay reports 0 %: no cell that is empty reports."""
    about = (
        "ff050200ff040200ff038f3c1740ff025031303032303033ff01594f42494951ff1102ff0700ff0800ff0601"
    )

    assert "battery" not in values(read("yobiiq_rm200", about, 50))
