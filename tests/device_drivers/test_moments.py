"""Moments: what is accepted, and that nothing is lost on the way there and back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_drivers.driver import Unreadable
from device_drivers.moments import EARLIEST_MS, LATEST_MS, moment_ms, rfc_3339, unix_s_ms

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(at_ms=st.integers(EARLIEST_MS, LATEST_MS))
def test_there_and_back(at_ms: int) -> None:
    """A moment written as text is the same moment when it is read."""
    assert moment_ms(rfc_3339(at_ms)) == at_ms
    assert moment_ms(at_ms) == at_ms


@given(at_ms=st.integers(EARLIEST_MS, LATEST_MS), zone=ZONES)
def test_a_zone_changes_the_text_and_not_the_moment(at_ms: int, zone: timezone) -> None:
    """08:00 in Xuchang is 00:00 in UTC."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)

    assert moment_ms(moment.astimezone(zone).isoformat()) == at_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2023-05-18T08:25:26.112483370Z", 1_684_398_326_112),
        ("2023-05-18 08:25:26Z", 1_684_398_326_000),
        ("2023-05-18t08:25:26.1z", 1_684_398_326_100),
        ("2023-05-22T07:47:05.404859+00:00", 1_684_741_625_404),
        ("2026-04-17T23:33:17+08:00", 1_776_439_997_000),
    ],
)
def test_what_network_servers_write(text: str, at_ms: int) -> None:
    """Any number of digits behind the second; what is finer than a millisecond is cut off."""
    assert moment_ms(text) == at_ms


@pytest.mark.parametrize(
    "value",
    [
        "2020-0327T12:39:05.547336Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "20260101T000000Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:61:00Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "２026-01-01T00:00:00Z",
        "",
        0,
        1_767_225_600,
        10**20,
        1.7e12,
        True,
        None,
        [],
    ],
)
def test_what_is_no_moment(value: Any) -> None:
    """Without a zone, impossible, never set, seconds: refused in words."""
    with pytest.raises(Unreadable, match="expected"):
        moment_ms(value)


def test_a_clock_that_was_never_set() -> None:
    """A device's own seconds from its start are no moment."""
    with pytest.raises(Unreadable, match="2000 to 2100"):
        unix_s_ms(12_345)
