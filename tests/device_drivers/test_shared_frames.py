"""Real devices' frames: our own few, and their collection where it lies beside the checkout."""

import pytest

from device_drivers.catalog import DRIVER_FAILED
from tests.device_drivers.shared_frames import (
    FOLDER,
    NOT_RIGHT,
    OWN,
    PAGE,
    Checked,
    check_all,
)

needs_collection = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the collection of frames is not there: {FOLDER}"
)


@pytest.fixture(scope="module")
def checked() -> list[Checked]:
    """Every line, decoded once."""
    return list(check_all())


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
def test_every_fact_is_among_the_readings(checked: list[Checked]) -> None:
    """All of them, but for a short list with reasons; whoever mends one must take it off."""
    wrong = {one.line["id"]: (one.missing, one.out) for one in checked if one.missing}

    assert {key: value for key, value in wrong.items() if key not in NOT_RIGHT} == {}
    assert set(NOT_RIGHT) <= set(wrong)


def test_the_manual_names_what_is_not_decoded_and_why() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert all(f"| {line} |" in written for line in NOT_RIGHT)
    assert all(f"| {why} |" in written for why in NOT_RIGHT.values())


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
    broken = [one for one in checked if "truncated" in str(one.line.get("malformed"))]

    assert broken
    assert all("cut off" in one.out["refused"] for one in broken)
