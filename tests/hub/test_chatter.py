"""Devices that talk too much are thinned, nothing true is lost, a press always comes through."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.journal import RETAINED
from tests.hub.threshold import BUTTON, DOOR, GYM, MINUTE_MS, NOON_MS, Threshold

TIGHT: dict[str, Any] = {
    "chatter_burst_messages_max": 10,
    "chatter_messages_per_s_max": 5.0,
    "chatter_keep_every_s": 2.0,
    "chatter_calm_s": 300,
}


@pytest.fixture
def door() -> Threshold:
    return Threshold(**TIGHT)


def talk(door: Threshold, times: int, device: str = "gym-1", **points: object) -> int:
    """So many messages at once; how many entries came of them."""
    before = len(door.heard)
    for _ in range(times):
        door.said(device, id=str(len(door.heard) + door._packet), **(points or {"rep": 1}))  # type: ignore[arg-type]
    return len(door.heard) - before


def test_an_honest_burst_comes_through_whole(door: Threshold) -> None:
    assert talk(door, 10) == 10
    door.now += 10_000
    assert talk(door, 10) == 10


def test_what_is_beyond_is_thinned_and_reported_once(door: Threshold) -> None:
    assert talk(door, 500) < 15
    assert door.values("gym-1", "chatter") == [True]
    assert door.opener.worth.chatter.figures() == {"chattering": 1, "left_out": 490}


def test_repetitions_are_summed_up_and_totals_are_the_newest(door: Threshold) -> None:
    talk(door, 500)
    door.let_pass(2_000)
    assert sum(door.values("gym-1", "rep")) == 500
    assert door.values("gym-1", "uses")[-1] == 500


def test_the_newest_value_of_every_state_is_kept_in_time(door: Threshold) -> None:
    for second in range(60):
        for number in range(50):
            door.now = NOON_MS + second * 1_000 + number * 20
            contact = "open" if number % 2 else "closed"
            door.said("door-1", contact=contact, battery=number, id=f"{second}-{number}")
        door.let_pass(0)
        newest = door.readings("door-1", "contact")[-1]
        assert newest.at_ms is not None
        assert door.now - newest.at_ms <= 3_000
    assert len(door.heard) < 60 * 6
    door.let_pass(2_000)
    assert door.values("door-1", "contact")[-1] == "open"


def test_who_is_calm_again_is_reported_and_the_hubs_word_is_no_sign_of_life(
    door: Threshold,
) -> None:
    talk(door, 50)
    door.let_pass(2_000)
    (over,) = door.let_pass(300_000)
    assert door.values("gym-1", "chatter") == [True, False]
    assert over.flags & RETAINED
    assert door.let_pass(300_000) == []


def test_a_press_is_never_thinned(door: Threshold) -> None:
    talk(door, 100, "btn-1", battery=50)
    assert talk(door, 100, "btn-1", press="sos") == 100
    assert len(door.values("btn-1", "press")) == 100


def test_a_call_that_lasts_is_not_thinned_when_it_begins(door: Threshold) -> None:
    talk(door, 100, "watch-1", sos=False)
    talk(door, 5, "watch-1", sos=True)
    assert door.values("watch-1", "press") == ["sos"]


def test_a_stranger_that_presses_is_never_thinned(door: Threshold) -> None:
    for number in range(100):
        door.hear("community/demo/button/new/up", b'{"press": "sos", "id": "%d"}' % number)
    assert len(door.values("native:new", "press")) == 100


def test_what_cannot_be_read_of_a_button_is_never_thinned_and_of_others_is(
    door: Threshold,
) -> None:
    for number in range(100):
        door.hear("community/demo/button/btn-1/up", b"{%d" % number)
        door.hear("community/demo/door/door-1/up", b"{%d" % number)
    assert len(door.values("btn-1", "undecodable")) == 100
    assert len([e for e in door.heard if e.kind == "refusal" and e.device == "door-1"]) == 11
    door.let_pass(2_000)
    assert door.values("door-1", "chatter") == [True]


def test_one_that_chatters_takes_nothing_from_the_others(door: Threshold) -> None:
    talk(door, 500)
    assert talk(door, 10, "door-1", contact="open") == 10


def test_the_bucket_of_one_that_is_quiet_leaves_the_table() -> None:
    door = Threshold(**TIGHT | {"chatter_devices_max": 5})
    for number in range(100):
        door.now += MINUTE_MS
        talk(door, 1, f"native-{number}", contact="open")
    assert len(door.opener.worth.chatter._full_ms) <= 5


def test_who_chatters_beyond_the_bound_loses_nothing(door: Threshold) -> None:
    """The one that was silent for longest is kept whole and begins anew; the others stay."""
    door = Threshold(**TIGHT | {"chatter_thinned_max": 2})
    for number in range(5):
        door.now += 1
        talk(door, 40, f"box-{number}")
    talking = door.opener.worth.chatter.talking
    door.let_pass(0)

    assert list(talking) == ["native:box-3", "native:box-4"]
    assert door.values("native:box-0", "chatter") == [True, False]
    assert door.values("native:box-4", "chatter") == [True]
    door.let_pass(2_000)
    assert [sum(door.values(f"native:box-{number}", "rep")) for number in range(5)] == [40] * 5


def test_a_clock_of_the_hub_that_is_set_back_thins_nobody(door: Threshold) -> None:
    talk(door, 10)
    door.now -= 48 * 60 * MINUTE_MS
    assert talk(door, 10) == 10


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Threshold]:
    found = Threshold(BUTTON, DOOR, GYM, folder=tmp_path, **TIGHT)
    yield found
    found.close()


def test_a_kill_loses_nothing_of_what_was_acknowledged_and_is_held(lasting: Threshold) -> None:
    talk(lasting, 500)
    lasting.restart()
    lasting.let_pass(2_000)
    assert sum(lasting.values("gym-1", "rep")) == 500
    assert lasting.values("gym-1", "uses")[-1] == 500
    lasting.restart()
    lasting.let_pass(400_000)
    assert lasting.values("gym-1", "chatter") == [True, False]
    lasting.restart()
    assert lasting.let_pass(400_000) == []
