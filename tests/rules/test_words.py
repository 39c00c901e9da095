"""Durations, places and totals as people write them."""

import pytest

from rules.duration import format_duration, parse_duration, say_duration
from rules.place import place_matches
from rules.tally import Tally


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0s", 0), ("500ms", 500), ("30s", 30_000), ("25m30s", 1_530_000), ("26h", 93_600_000),
     ("7d", 604_800_000), ("1.5h", 5_400_000)],
)  # fmt: skip
def test_durations_as_people_write_them(text: str, ms: int) -> None:
    """Read, and written back so that it reads the same."""
    assert parse_duration(text) == ms
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "1h-5m", "0.5ms", "99999999d", "１m5"])
def test_what_is_no_duration(text: str) -> None:
    """Refused with what was expected."""
    with pytest.raises(ValueError, match=r"expected|longer|finer"):
        parse_duration(text)


def test_durations_in_words() -> None:
    """The two largest units."""
    assert say_duration(600_000) == ("10 分钟", "10 minutes")
    assert say_duration(90_061_000) == ("1 天 1 小时", "1 day 1 hour")
    assert say_duration(999) == ("0 秒", "0 seconds")


@pytest.mark.parametrize(
    ("glob", "place", "fits"),
    [
        ("b3/u1/*", "b3/u1/1204", True),
        ("b3/*", "b3/u1/1204", True),
        ("b3/*/1204", "b3/u1/1204", True),
        ("b3/*/1204", "b3/u1/x/1204", False),
        ("b3/u1", "b3/u1", True),
        ("b3/u1/*", "b3/u1", False),
        ("b3/u1/*", "b3/u10/1", False),
        ("b3/u?", "b3/u1", True),
        ("*", None, False),
    ],
)
def test_globs_over_places(glob: str, place: str | None, fits: bool) -> None:
    """A star is one step; at the end it is all below."""
    assert place_matches(place, (glob,)) is fits


@pytest.mark.parametrize(
    ("values", "grown"),
    [
        ([10, 15, 15, 20], [0, 5, 0, 5]),
        ([5_000, 0, 7], [0, 0, 7]),  # a reset
        ([65_530, 4], [0, 10]),  # 16 bits
        ([250, 4], [0, 10]),  # 8 bits
        ([300, 250, 4], [0, 250, 4]),  # it has been above 255: no counter of 8 bits
        ([16_777_210, 5], [0, 11]),
        ([4_294_967_290, 5], [0, 11]),
        ([60_000, 100], [0, 100]),  # too far for a roll-over
    ],
)
def test_a_total_never_falls(values: list[float], grown: list[float]) -> None:
    """A reset counts from zero on, a roll-over goes on."""
    tally = Tally()

    assert [tally.count(value) for value in values] == grown
    assert tally.total == values[0] + sum(grown)


def test_repetitions_count_where_no_total_is_said() -> None:
    """A machine that says both is not counted twice."""
    alone, both = Tally(), Tally()
    assert [alone.repeat(1), alone.repeat(2)] == [1, 2]
    both.count(100)
    assert both.repeat(1) == 0
    assert (alone.total, both.total) == (3, 100)
