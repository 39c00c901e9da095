"""The catalogue is complete, and every driver's examples come true."""

import re
from pathlib import Path

import pytest

from device_drivers.catalog import (
    DRIVERS,
    driver_by_hint,
    driver_by_model,
    plain,
)
from device_drivers.driver import Decoded, Driver, Refused
from device_drivers.points import POINTS
from hub.commands.decode import shape
from tests.device_drivers.examples import ROOT, Example, all_examples, examples_of, outcome_of

SECTIONS = ("## What it measures", "## Payload", "## Quirks", "## Expected silence", "## Tested")
NO_PAYLOAD_TABLE = {"zigbee2mqtt"}  # its table of properties is what it measures


@pytest.mark.parametrize(
    ("driver", "example"),
    [
        pytest.param(driver, example, id=f"{driver.name}: {example['about']}")
        for driver, example in all_examples()
    ],
)
def test_every_example_comes_true(driver: Driver, example: Example) -> None:
    """What an example says is what the driver says: all readings, or the reason of a refusal."""
    outcome = outcome_of(driver, example)

    if "refused" in example:
        assert isinstance(outcome, Refused), outcome
        assert example["refused"] in outcome.reason
        return
    assert isinstance(outcome, Decoded), outcome
    shaped = shape(outcome)
    assert shaped["readings"] == example["readings"]
    wanted = example.get("warnings", [])
    assert bool(outcome.warnings) == bool(wanted)
    assert all(part in " ".join(outcome.warnings) for part in wanted)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_a_driver_is_a_whole_data_sheet(driver: Driver) -> None:
    """Folder, README and examples are there; what the sheet says can be true."""
    folder = ROOT / driver.name
    readme = (folder / "README.md").read_text(encoding="utf-8")

    assert (driver.receive is None) != (driver.decode is None), "exactly one of the two kinds"
    assert set(driver.points) <= set(POINTS)
    assert driver.expected_silence_s > 0
    assert all(pattern == "*" or pattern.rstrip("*") == plain(pattern) for pattern in driver.models)
    missing = [one for one in SECTIONS if one not in readme]
    assert missing == (["## Payload"] if driver.name in NO_PAYLOAD_TABLE else [])
    assert any("refused" in example for example in examples_of(driver))


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_a_driver_yields_only_points_of_its_sheet(driver: Driver) -> None:
    """No example has a point that the sheet does not name."""
    outcomes = [outcome_of(driver, example) for example in examples_of(driver)]
    decoded = [one for one in outcomes if isinstance(one, Decoded)]
    yielded = {reading.point for one in decoded for reading in one.readings}

    assert yielded <= set(driver.points)


def test_every_folder_is_in_the_catalogue() -> None:
    """A driver's folder that nobody lists is a driver that nobody has."""
    folders = {file.parent.name for file in ROOT.glob("*/driver.py")}

    assert folders == set(DRIVERS)


def test_a_driver_knows_nothing_of_another() -> None:
    """A folder can be deleted: nobody but the catalogue imports it."""
    for file in Path(ROOT).rglob("*.py"):
        if file.name == "catalog.py":
            continue
        imported = re.findall(r"device_drivers\.(\w+)\.driver", file.read_text(encoding="utf-8"))
        assert set(imported) <= {file.parent.name}, file


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("milesight", "WS101", "milesight_button"),
        ("Milesight", "ws101-v2", "milesight_button"),
        ("milesight-iot", "ws136ws156", "milesight_button"),
        ("milesight", "EM300-MCS", "milesight_door"),
        ("milesight", "em300-di-hall", "milesight_em300_di"),
        ("milesight", "UC51X", "milesight_uc51x"),
        ("milesight", "a model of next year", "milesight_sensor"),
    ],
)
def test_a_model_is_found_however_it_is_spelt(maker: str, model: str, name: str) -> None:
    """Case, dashes and versions differ between those who write a model's name."""
    driver = driver_by_model(maker, model)

    assert driver is not None
    assert driver.name == name


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        ("Milesight WS301", "milesight_door"),
        ("milesight-iot ws101", "milesight_button"),
        ("profile/EM300-DI", "milesight_em300_di"),
        ("Milesight", None),
        ("Chirpstack default device profile", None),
        ("", None),
    ],
)
def test_a_hint_must_name_the_model(hint: str, name: str | None) -> None:
    """A maker alone does not tell what a device is."""
    driver = driver_by_hint(hint)

    assert (driver.name if driver else None) == name
    assert driver_by_model("nobody", "ws101") is None
