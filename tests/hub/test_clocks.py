"""Device's time, gateway's time and arrival, and clocks that are off."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.journal import CORRECTED_TIME, DEVICE_TIME, GATEWAY_TIME, Entry, time_from
from tests.hub.threshold import BUTTON, DAY_MS, DOOR, HOUR_MS, MINUTE_MS, NOON_MS, Threshold

TIMES = DEVICE_TIME | GATEWAY_TIME | CORRECTED_TIME
OFF_MS = 8 * HOUR_MS


@pytest.fixture
def door() -> Threshold:
    return Threshold()


def late_ms(entries: list[Entry], now_ms: int) -> int:
    """How long before now the first reading of the first entry happened."""
    at_ms = entries[0].readings[0].at_ms
    assert at_ms is not None
    return now_ms - at_ms


def live(door: Threshold, off_ms: int, device: str = "door-1", **points: Any) -> list[Entry]:
    """A live message of a device whose clock is off by so much."""
    points = points or {"contact": "open"}
    return door.said(device, ts=door.now + off_ms, id=str(len(door.heard)), **points)


def every_ten_minutes(door: Threshold, off_ms: int, times: int, device: str = "door-1") -> None:
    for _ in range(times):
        door.now += 10 * MINUTE_MS
        live(door, off_ms, device, battery=50)


# -- told apart ---------------------------------------------------------------------------------


def test_a_message_without_a_time_has_that_of_its_arrival(door: Threshold) -> None:
    (entry,) = door.said("door-1", contact="open")
    assert time_from(entry.flags) == "arrival"
    assert entry.readings[0].at_ms == NOON_MS


def test_a_native_time_is_the_devices_own(door: Threshold) -> None:
    (entry,) = door.said("door-1", contact="open", ts=NOON_MS - 5_000)
    assert time_from(entry.flags) == "device"
    assert entry.readings[0].at_ms == NOON_MS - 5_000


def chirpstack(at: str, data: str = "AXVk") -> bytes:
    """A frame of an EM300-DI that a network server heard at that moment."""
    body = {
        "deduplicationId": at,
        "time": at,
        "deviceInfo": {"devEui": "24e124136b502217"},
        "fPort": 85,
        "data": data,
    }
    return json.dumps(body).encode()


def test_a_network_servers_time_is_the_gateways(door: Threshold) -> None:
    topic = "application/1/device/24e124136b502217/event/up"
    (entry,) = door.hear(topic, chirpstack("2026-03-02T03:59:00Z"))
    assert time_from(entry.flags) == "gateway"
    assert entry.readings[0].at_ms == NOON_MS - MINUTE_MS


# -- ahead --------------------------------------------------------------------------------------


def test_a_time_in_the_future_is_wrong_at_once_and_so_is_what_is_as_far_ahead(
    door: Threshold,
) -> None:
    entries = live(door, OFF_MS)
    assert late_ms(entries, door.now) == 0
    assert time_from(entries[0].flags) == "corrected"
    door.now += HOUR_MS
    backlog = door.said("door-1", contact="closed", ts=door.now + OFF_MS - 2 * HOUR_MS)
    assert late_ms(backlog, door.now) == 2 * HOUR_MS


def test_a_clock_that_was_ahead_is_believed_again_when_several_messages_are_right(
    door: Threshold,
) -> None:
    live(door, OFF_MS)
    every_ten_minutes(door, 0, 3)
    assert late_ms(live(door, -HOUR_MS), door.now) == HOUR_MS
    assert time_from(door.heard[-1].flags) == "device"


def test_a_backlog_of_a_clock_that_is_ahead_does_not_make_it_right(door: Threshold) -> None:
    """Records of eight hours ago bear the present time."""
    live(door, OFF_MS)
    door.now += MINUTE_MS
    for hours in range(12, 0, -1):
        entries = door.said("door-1", battery=hours, ts=door.now + OFF_MS - hours * HOUR_MS)
        if hours != 8:
            assert late_ms(entries, door.now) == hours * HOUR_MS


# -- behind -------------------------------------------------------------------------------------


def test_a_clock_that_is_behind_is_known_by_several_messages_over_a_while(door: Threshold) -> None:
    lags = []
    for _ in range(4):
        door.now += 10 * MINUTE_MS
        lags.append(late_ms(live(door, -OFF_MS), door.now))
    assert lags == [OFF_MS, OFF_MS, 0, 0]
    assert time_from(door.heard[-1].flags) == "corrected"


def test_a_backlog_of_a_clock_that_is_behind_is_corrected_as_well(door: Threshold) -> None:
    every_ten_minutes(door, -OFF_MS, 3)
    backlog = door.said("door-1", contact="closed", ts=door.now - OFF_MS - 3 * HOUR_MS)
    assert late_ms(backlog, door.now) == 3 * HOUR_MS


def test_when_a_clock_that_was_behind_is_right_again_the_correction_ends(door: Threshold) -> None:
    every_ten_minutes(door, -OFF_MS, 3)
    assert late_ms(live(door, 0), door.now) == 0
    assert late_ms(live(door, -HOUR_MS), door.now) == HOUR_MS
    assert door.opener.worth.clocks.look("door-1").offset_ms == 0


def test_a_clock_that_is_set_to_another_wrong_time_is_followed(door: Threshold) -> None:
    every_ten_minutes(door, -OFF_MS, 3)
    every_ten_minutes(door, -2 * OFF_MS, 8)
    assert late_ms(live(door, -2 * OFF_MS), door.now) == 0


def test_a_clock_that_drifts_is_followed(door: Threshold) -> None:
    every_ten_minutes(door, -OFF_MS, 3)
    for drift_s in range(0, 600, 20):
        door.now += 10 * MINUTE_MS
        assert late_ms(live(door, -OFF_MS - drift_s * 1_000), door.now) == 0


# -- never set, standing still ------------------------------------------------------------------


@pytest.mark.parametrize("ts", [5_000, "1970-01-01T00:00:05Z"])
def test_a_clock_that_was_never_set_gives_no_time_and_its_words_are_heard(
    door: Threshold, ts: object
) -> None:
    entries = door.said("door-1", contact="open", ts=ts)
    assert late_ms(entries, door.now) == 0
    assert time_from(entries[0].flags) == "arrival"


def test_a_clock_that_begins_in_2000_is_behind_and_its_words_are_of_now(door: Threshold) -> None:
    began = 946_684_800_000
    for minutes in range(0, 60, 10):
        door.now = NOON_MS + minutes * MINUTE_MS
        entries = door.said("door-1", contact="open", ts=began + minutes * MINUTE_MS)
        assert late_ms(entries, door.now) == 0


def test_a_clock_that_stands_still_is_no_clock(door: Threshold) -> None:
    stood = NOON_MS - HOUR_MS
    lags = []
    for number in range(4):
        door.now += 10 * MINUTE_MS
        lags.append(late_ms(door.said("door-1", battery=number, ts=stood), door.now))
    assert lags[2:] == [0, 0]
    door.now += 10 * MINUTE_MS
    assert late_ms(live(door, 0), door.now) == 0
    assert late_ms(live(door, -HOUR_MS), door.now) == HOUR_MS


# -- right clocks -------------------------------------------------------------------------------


def test_a_backlog_of_two_days_from_a_right_clock_is_judged_by_its_times(door: Threshold) -> None:
    for minutes in range(2 * 24 * 60, 0, -17):
        at_ms = NOON_MS - minutes * MINUTE_MS
        door.now += 40  # one frame after the other
        assert late_ms(door.said("door-1", battery=1, ts=at_ms), NOON_MS) == minutes * MINUTE_MS
    assert late_ms(live(door, 0), door.now) == 0


def test_a_slow_backlog_from_a_right_clock_is_judged_by_its_times(door: Threshold) -> None:
    """Five minutes of the past each minute: its distance from now shrinks."""
    at_ms = NOON_MS - DAY_MS
    while at_ms < door.now:
        entries = door.said("door-1", battery=1, ts=at_ms)
        assert entries[0].readings[0].at_ms == at_ms
        at_ms += 5 * MINUTE_MS
        door.now += MINUTE_MS


# -- a press ------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_ms", [-OFF_MS, OFF_MS, -30 * DAY_MS, 3 * MINUTE_MS])
def test_a_press_of_a_clock_that_is_known_to_be_off_is_of_now(door: Threshold, off_ms: int) -> None:
    every_ten_minutes(door, off_ms, 3, "btn-1")
    door.now += MINUTE_MS
    assert late_ms(live(door, off_ms, "btn-1", press="sos"), door.now) == 0


def test_a_press_is_of_now_while_it_is_in_doubt_whether_its_clock_is_behind(
    door: Threshold,
) -> None:
    live(door, -OFF_MS, "btn-1", battery=50)
    door.now += MINUTE_MS
    assert late_ms(live(door, -OFF_MS, "btn-1", press="sos"), door.now) == 0


def test_a_press_is_of_now_where_a_wrong_clock_says_something_new(door: Threshold) -> None:
    every_ten_minutes(door, -OFF_MS, 3, "btn-1")
    for off_ms in (-2 * OFF_MS, -OFF_MS // 2, OFF_MS, -40 * DAY_MS):
        door.now += MINUTE_MS
        assert late_ms(live(door, off_ms, "btn-1", press="sos"), door.now) == 0


def test_an_old_press_of_a_clock_that_is_right_keeps_its_time(door: Threshold) -> None:
    live(door, 0, "btn-1", battery=50)
    door.now += MINUTE_MS
    assert late_ms(live(door, -HOUR_MS, "btn-1", press="sos"), door.now) == HOUR_MS


def test_two_presses_of_a_clock_that_stands_still_are_two(door: Threshold) -> None:
    """The very same bytes: nothing but the hub's own clock tells one from the other."""
    stood = NOON_MS - HOUR_MS
    first = door.said("btn-1", press="sos", ts=stood)
    door.now += 3 * HOUR_MS
    second = door.said("btn-1", press="sos", ts=stood)
    assert [len(first), len(second)] == [1, 1]
    assert late_ms(second, door.now) == 0


def test_one_press_that_comes_twice_is_one(door: Threshold) -> None:
    door.said("btn-1", press="sos", ts=NOON_MS)
    door.now += 3 * HOUR_MS
    assert door.said("btn-1", press="sos", ts=NOON_MS) == []


# -- what is kept -------------------------------------------------------------------------------


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Threshold]:
    found = Threshold(BUTTON, DOOR, folder=tmp_path)
    yield found
    found.close()


def test_a_clock_that_is_off_is_known_after_a_restart(lasting: Threshold) -> None:
    every_ten_minutes(lasting, -OFF_MS, 3)
    lasting.restart()
    assert late_ms(live(lasting, -OFF_MS), lasting.now) == 0
    live(lasting, 0)
    lasting.restart()
    assert late_ms(live(lasting, -HOUR_MS), lasting.now) == HOUR_MS


def test_odd_clocks_are_forgotten_when_there_are_too_many() -> None:
    door = Threshold(clocks_devices_max=2)
    for number in range(3):
        live(door, OFF_MS, f"stranger-{number}")
    names = [f"native:stranger-{number}" for number in range(3)]
    assert [door.opener.worth.clocks.look(name).what for name in names] == [
        0,
        2,
        2,
    ]
