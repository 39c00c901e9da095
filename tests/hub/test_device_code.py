"""What stands on devices, and whom it may mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.device_code import CANDIDATES_MAX, DeviceCode, is_inside, read_code

EUI = "24e124136b501a01"


@pytest.mark.parametrize(
    "text",
    [
        "24E124136B501A01",
        "24e124136b501a01",
        "24-E1-24-13-6B-50-1A-01",
        "24:E1:24:13:6B:50:1A:01",
        " 24E124136B501A01\n",
        "SN:6412A1234567,EUI:24E124136B501A01",
        "LW:D0:24E124C0002A0001:24E124136B501A01:02400001:C5A1B2:S8B1",
        "lw:d0:24e124c0002a0001:24e124136b501a01:02400001",
    ],
)
def test_a_deveui_is_found_however_it_is_written(text: str) -> None:
    assert read_code(text).addresses[0] == f"lorawan:{EUI}"


def test_the_join_eui_of_the_alliances_text_is_nobodys_address() -> None:
    assert read_code(f"LW:D0:24E124C0002A0001:{EUI}:02400001").addresses == (f"lorawan:{EUI}",)


@pytest.mark.parametrize("text", ["0x00158d0001a2b3c4", "0X00158D0001A2B3C4"])
def test_an_ieee_address_is_zigbees_first(text: str) -> None:
    assert read_code(text).addresses[0] == "zigbee2mqtt:0x00158d0001a2b3c4"


@pytest.mark.parametrize("text", ["A4:CF:12:F4:54:A3", "a4cf12f454a3", "a4cf.12f4.54a3"])
def test_a_mac_is_looked_for_inside_addresses(text: str) -> None:
    code = read_code(text)
    assert code.parts == ("a4cf12f454a3",)
    assert is_inside(code.parts[0], "shelly:shellybutton1-A4CF12F454A3")
    assert not is_inside(code.parts[0], "shelly:shellybutton1-A4CF12F454A4")


@pytest.mark.parametrize(
    "text", ["https://hub.example/d/A7K2", "http://10.0.0.5:8000/d/A7K2?x=1", "/d/A7K2"]
)
def test_our_own_link_is_a_code_whatever_its_host(text: str) -> None:
    assert read_code(text) == DeviceCode(("A7K2",))


def test_a_plain_word_is_a_code_of_ours_or_a_name_on_the_air() -> None:
    assert read_code("A7K2") == DeviceCode(("A7K2",), ("native:A7K2", "zigbee2mqtt:A7K2"))
    assert read_code("native:btn-1").addresses == ("native:btn-1",)


@pytest.mark.parametrize("text", ["", "  ", "x" * 1_001, "a\0b"])
def test_what_is_no_code_means_nobody(text: str) -> None:
    assert read_code(text) == DeviceCode()


@given(st.text(max_size=300))
def test_any_text_means_a_bounded_number_of_senders(text: str) -> None:
    assert len(read_code(text).addresses) <= CANDIDATES_MAX
