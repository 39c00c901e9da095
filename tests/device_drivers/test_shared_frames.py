"""Real devices' frames: our own few, and their collection where it lies beside the checkout."""

import pytest

from device_drivers.catalog import DRIVER_FAILED
from tests.device_drivers.shared_frames import FOLDER, OWN, Checked, check_all

needs_collection = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the collection of frames is not there: {FOLDER}"
)

LORAWAN_MAKERS = ("milesight", "netvox", "dragino", "browan")
PERCENT = "the frame has volts; upstream works out percent by a curve of its own"
TRANSPORTS = ("lorawan", "chirpstack", "tts", "loriot")
NOT_RIGHT = {
    "S-lorawan_frames-0270": "a difference to the frame before; a driver has no memory",
    "S-lorawan_frames-0301": "the frame is cut off: five bytes of seven",
    "S-lorawan_frames-0223": PERCENT,
    "S-lorawan_frames-0399": PERCENT,
    "S-lorawan_frames-0400": PERCENT,
    "S-lorawan_frames-0598": PERCENT,
    "S-lorawan_frames-0619": PERCENT,
    "S-lorawan_frames-0623": PERCENT,
}


@pytest.fixture(scope="module")
def checked() -> list[Checked]:
    """Every line, decoded once."""
    return list(check_all())


def is_ours(one: Checked) -> bool:
    """Whether there is a driver for this family of devices."""
    transport = one.line["transport"]
    maker = str(one.line["vendor"]).lower()
    return transport == "zigbee2mqtt" or (
        transport in TRANSPORTS and maker.startswith(LORAWAN_MAKERS)
    )


def test_every_fact_of_our_own_file_is_among_the_readings_and_the_broken_line_is_refused() -> None:
    """This one runs in every checkout."""
    ours = list(check_all(OWN))

    assert len(ours) > 10
    assert {one.line["id"]: one.missing for one in ours if one.missing} == {}
    assert all(one.line["source"] for one in ours)
    refused = {one.line["id"]: one.out["refused"] for one in ours if "refused" in one.out}
    assert set(refused) == {one.line["id"] for one in ours if "malformed" in one.line}
    assert all("cut off" in reason for reason in refused.values())


@needs_collection
def test_every_fact_of_our_families_is_among_the_readings(checked: list[Checked]) -> None:
    """All of them, but for a short list with reasons; whoever mends one must take it off."""
    wrong = {
        one.line["id"]: (one.missing, one.out) for one in checked if one.missing and is_ours(one)
    }

    assert {key: value for key, value in wrong.items() if key not in NOT_RIGHT} == {}
    assert set(NOT_RIGHT) <= set(wrong)


@needs_collection
def test_every_line_has_an_answer(checked: list[Checked]) -> None:
    """Readings or a reason, in the order of the file, and never a bug of ours."""
    for one in checked:
        assert one.out["id"] == one.line["id"]
        assert ("readings" in one.out) != ("refused" in one.out)
        assert DRIVER_FAILED not in one.out.get("refused", "")


@needs_collection
def test_what_upstream_calls_broken_gives_no_made_up_value(checked: list[Checked]) -> None:
    """A truncated frame of ours is refused, not read leniently."""
    broken = [
        one for one in checked if "truncated" in str(one.line.get("malformed")) and is_ours(one)
    ]

    assert broken
    assert all("cut off" in one.out["refused"] for one in broken)
