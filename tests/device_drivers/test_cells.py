"""Percent out of volts, by the curve of the cell."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import device_drivers
from device_drivers.catalog import DRIVERS, decode
from device_drivers.cells import CELLS, cell_of, percent_of
from device_drivers.driver import Decoded, Driver, Frame
from tests.device_drivers.examples import examples_of, outcome_of

TABLE = (Path(device_drivers.__file__).parent / "cells.md").read_text(encoding="utf-8")
# What a meter shows on a battery out of its box.
NEW_V = {
    "CR": 3.0,
    "3 V lithium": 3.01,
    "AA": 1.6,
    "2xAA": 3.2,
    "2xC": 3.2,
    "3xAA": 5.0,
    "ER": 3.6,
    "Li-ion": 4.2,
}


def percent(driver: str, payload: str, fport: int, model: str = "") -> list[Any]:
    """Every charge in percent that comes out of a frame."""
    found = decode(DRIVERS[driver], Frame("", bytes.fromhex(payload), fport, model=model))
    assert isinstance(found, Decoded), found
    return [one.value for one in found.readings if one.point == "battery"]


@pytest.mark.parametrize("name", CELLS)
def test_a_curve_rises_from_nothing_to_all_and_says_where_it_is_from(name: str) -> None:
    cell = CELLS[name]

    assert cell.curve == tuple(sorted(cell.curve))
    assert [percent for _volts, percent in cell.curve] == sorted(p for _v, p in cell.curve)
    assert (cell.curve[0][1], cell.curve[-1][1]) == (0.0, 100.0)
    assert cell.source


@pytest.mark.parametrize(
    ("volts", "cell", "percent"),
    [
        (3.2, "CR2032", 100.0),
        (2.9, "CR2032", 42.0),
        (2.95, "CR2032", 71.0),
        (2.0, "CR2032", 0.0),
        (3.0, "2xAA", 95.0),
        (2.48, "2xAA to 2.1 V", 42.0),
        (3.4, "ER14505 to 3.0 V", 67.0),
        (3.568, "ER14505", 84.0),
        (3.574, "ER14505 to 2.7 V", 100.0),  # no finer than tens
        (3.246, "ER26500 to 2.45 V", 70.0),
        (3.45, "ER14250 to 3.1 V", 70.0),
        (3.0, "of a new kind", None),
        (3.0, None, None),
    ],
)
def test_volts_become_percent_by_the_curve_of_the_cell(
    volts: float, cell: str | None, percent: float | None
) -> None:
    assert percent_of(volts, cell) == percent


@given(volts=st.floats(0, 10), more=st.floats(0, 1), cell=st.sampled_from(sorted(CELLS)))
def test_more_volts_are_never_less_percent(volts: float, more: float, cell: str) -> None:
    low, high = percent_of(volts, cell), percent_of(volts + more, cell)

    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 100


def test_every_driver_that_names_a_cell_names_a_known_one() -> None:
    assert {driver.cell for driver in DRIVERS.values()} <= {"", *CELLS}


@pytest.mark.parametrize("name", CELLS)
def test_a_new_battery_is_full(name: str) -> None:
    new_v = next(volts for kind, volts in NEW_V.items() if name.startswith(kind))

    assert percent_of(new_v, name) == 100.0


@pytest.mark.parametrize("name", CELLS)
def test_every_kind_of_cell_is_in_the_table_with_its_source(name: str) -> None:
    """Whoever fills in the register reads there what may be named."""
    assert f"| `{name}` | {CELLS[name].source} |\n" in TABLE


def test_the_longest_beginning_of_a_models_name_tells_its_cell() -> None:
    kinds = {"ers": "ER14505", "erseco": ""}

    assert cell_of("ersco2", kinds) == "ER14505"
    assert cell_of("erseco", kinds) == ""
    assert cell_of("", kinds) == ""


def test_a_coin_cell_of_netvox_is_not_read_as_a_lithium_cell_of_more_volts() -> None:
    """3.0 V: a coin cell is new, lithium thionyl chloride is at its end."""
    assert percent("netvox", "0102011e00000000000000", 6) == [100.0]  # R311A
    assert percent("netvox", "011d011e00000000000000", 6) == [0.0]  # R718F
    assert percent("netvox", "0110011e00000000000000", 6) == [95.0]  # RB02I, two AAA


def test_a_type_that_two_models_with_different_cells_share_has_no_percent() -> None:
    """R711 and R712; the model's name tells."""
    frame = "0101011f00000000000000"

    assert percent("netvox", frame, 6) == []
    assert percent("netvox", frame, 6, "r711") == [98.0]
    assert percent("netvox", frame, 6, "r712") == [17.0]


def test_a_model_that_nobody_names_has_no_percent() -> None:
    """An LDS01 and an LDS02 send the same frames from different cells."""
    frame = "8c960100000200001200"

    assert percent("dragino_door", frame, 2, "lds02") == [100.0]
    assert percent("dragino_door", frame, 2, "lds01") == []
    assert percent("dragino_door", frame, 2) == []


def test_a_cell_that_the_sun_charges_has_no_percent() -> None:
    status = "0a011001ff0e65"

    assert percent("dragino_sw3l", status, 5, "sw3llb") == [100.0]
    assert percent("dragino_sw3l", status, 5, "sw3lls") == []


def test_a_frame_with_percent_of_its_own_gets_no_second() -> None:
    """The locator among Browan's Tabs, whose fourteen fifteenths its volts do not overrule."""
    assert percent("browan_tabs", "00eb360000000000000000", 136, "tbol100") == [1400 / 15]


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_one_moment_has_one_percent(driver: Driver) -> None:
    for example in examples_of(driver):
        outcome = outcome_of(driver, example)
        found = outcome.readings if isinstance(outcome, Decoded) else ()
        moments = [one.at_ms for one in found if one.point == "battery"]

        assert len(moments) == len(set(moments)), example["about"]
