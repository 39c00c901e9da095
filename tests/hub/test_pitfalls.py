"""What goes wrong with real devices, as it was seen in the field, at the hub's door.

What a driver has to know of it is tested with the drivers; here is what only the door can do.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.devices import Device
from hub.ingest import BUTTONS, OTHERS
from hub.journal import PRESS
from tests.hub.threshold import BUTTON, MINUTE_MS, NOON_MS, WATCH, Threshold

WS101 = Device("btn-2", "button", "milesight_button", "lorawan:24e124535b316056", "按钮", "Button")
SOS_Z2M = Device("btn-3", "button", "zigbee2mqtt", "zigbee2mqtt:sos_1", "按钮", "Button")
UP = f"application/1/device/{WS101.address.partition(':')[2]}/event/up"


@pytest.fixture
def door() -> Threshold:
    return Threshold(BUTTON, WATCH, WS101, SOS_Z2M)


def frame(counter: int, second: int, **more: object) -> bytes:
    """A single press of a WS101, as ChirpStack tells it."""
    body = {
        "deduplicationId": f"{counter}-{second}",
        "time": f"2026-03-02T03:59:{second:02}Z",
        "deviceInfo": {"devEui": WS101.address.partition(":")[2]},
        "fCnt": counter,
        "fPort": 85,
        "data": "/y4B",
        **more,
    }
    return json.dumps(body).encode()


# -- retained --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("community/demo/button/btn-1/up", b'{"press": "sos", "id": "1"}'),
        ("community/demo/button/watch-1/up", b'{"sos": true, "battery": 60}'),
        ("zigbee2mqtt/sos_1", b'{"action": "emergency", "battery": 90}'),
    ],
    ids=["native", "state", "zigbee2mqtt"],
)
def test_a_retained_sos_is_no_event(door: Threshold, topic: str, payload: bytes) -> None:
    door.hear(topic, payload, retained=True)
    assert not [one for entry in door.heard for one in entry.readings if one.point == "press"]


def test_a_retained_copy_does_not_swallow_the_call_itself(door: Threshold) -> None:
    door.said("watch-1", retained=True, sos=True)
    door.said("watch-1", sos=True)
    assert door.values("watch-1", "press") == ["sos"]


# -- repeats ---------------------------------------------------------------------------------------


def test_eight_copies_of_one_radio_frame_are_one(door: Threshold) -> None:
    """One action of a 433 MHz remote is sent eight times within two seconds."""
    for number in range(8):
        door.now = NOON_MS + number * 250
        door.said("btn-1", press="sos", ts=NOON_MS)
    assert door.values("btn-1", "press") == ["sos"]


def test_copies_by_eight_gateways_are_one(door: Threshold) -> None:
    for number in range(8):
        door.hear(
            UP, frame(7, 1, rxInfo=[{"gatewayId": f"00000000000000{number:02}", "rssi": -90}])
        )
    assert door.values("btn-2", "press") == ["single"]


def test_random_ids_that_a_decoder_adds_do_not_double_a_press(door: Threshold) -> None:
    """The network server's codec puts a number of its own into `object` at every delivery."""
    for msgid in (17, 4_711):
        door.hear(UP, frame(7, 1, object={"press": "short", "msgid": msgid}))
    assert door.values("btn-2", "press") == ["single"]


def test_equal_presses_at_different_times_are_two(door: Threshold) -> None:
    door.hear(UP, frame(7, 1))
    door.hear(UP, frame(8, 9))
    assert door.values("btn-2", "press") == ["single", "single"]


@pytest.mark.parametrize("counters", [(7, 3), (7, 7), (65_535, 0)], ids=["reset", "same", "rolled"])
def test_a_packet_counter_that_begins_anew_is_no_repeat(
    door: Threshold, counters: tuple[int, int]
) -> None:
    """After a change of battery the numbers come again; the moment tells the frames apart."""
    door.hear(UP, frame(counters[0], 1))
    door.now += MINUTE_MS
    door.hear(UP, frame(counters[1], 40))
    assert door.values("btn-2", "press") == ["single", "single"]


def test_a_native_button_that_counts_from_zero_after_a_change_of_battery_is_heard(
    door: Threshold,
) -> None:
    for _ in range(2):
        door.said("btn-1", press="sos", id="0")
        door.now += 2 * 60 * MINUTE_MS
    assert door.values("btn-1", "press") == ["sos", "sos"]


def test_a_button_without_id_and_time_is_heard_once_by_both_connections(door: Threshold) -> None:
    """Pressed twice: four messages, two presses."""
    for _ in range(2):
        for link in (BUTTONS, OTHERS):
            door.hear("zigbee2mqtt/sos_1", b'{"action": "emergency"}', link=link)
        door.hear("zigbee2mqtt/sos_1", b'{"action": ""}', link=OTHERS)
    assert door.values("btn-3", "press") == ["sos", "sos"]


def test_a_button_that_somebody_has_called_down_is_heard_and_the_hubs_own_words_are_not(
    door: Threshold,
) -> None:
    door.hear("zigbee2mqtt/down", b'{"action": "emergency"}')
    assert door.values("zigbee2mqtt:down", "press") == ["sos"]
    assert door.hear("community/demo/button/btn-1/down", b'{"heard": "1"}') == []


@pytest.mark.parametrize("name", ["btn-1", "@site"])
def test_what_a_gateway_says_is_no_word_of_a_button_or_of_the_site_with_its_name(
    door: Threshold, name: str
) -> None:
    [entry] = door.hear(f"community/demo/gateway/{name}/status", b"offline")
    assert entry.device == f"gateway:native:{name}"


# -- an emergency that is a state ------------------------------------------------------------------


def position(door: Threshold, *, sos: bool, minutes: float = 1) -> None:
    """A watch says where it is, and whether it calls."""
    door.now += round(minutes * MINUTE_MS)
    door.said("watch-1", sos=sos, battery=60)


def test_a_watch_that_repeats_its_call_every_minute_is_one_call(door: Threshold) -> None:
    for _ in range(25):
        position(door, sos=True)
    assert door.values("watch-1", "press") == ["sos"]


def test_the_first_word_of_a_watch_may_be_a_call(door: Threshold) -> None:
    position(door, sos=True)
    assert door.heard[-1].flags & PRESS
    assert door.values("watch-1", "sos", "press") == [True, "sos"]


def test_who_takes_a_call_back_and_calls_again_makes_a_new_one(door: Threshold) -> None:
    for sos in (False, True, True, False, True, True):
        position(door, sos=sos)
    assert door.values("watch-1", "press") == ["sos", "sos"]


def test_a_call_that_goes_on_counts_once_more_every_half_hour(door: Threshold) -> None:
    """People may have closed the case: a watch that calls already cannot tell a second press."""
    for _ in range(65):
        position(door, sos=True)
    assert door.values("watch-1", "press") == ["sos"] * 3


def test_a_watch_that_comes_back_after_an_hour_still_calling_is_a_call(door: Threshold) -> None:
    position(door, sos=True)
    position(door, sos=True, minutes=60)
    assert door.values("watch-1", "press") == ["sos", "sos"]


def test_a_late_word_of_a_call_that_is_known_is_no_second_one(door: Threshold) -> None:
    door.said("watch-1", sos=True, ts=NOON_MS)
    door.now += 20 * MINUTE_MS
    for minutes in (5, 3, 9):
        door.said("watch-1", sos=True, ts=NOON_MS + minutes * MINUTE_MS)
    assert door.values("watch-1", "press") == ["sos"]


def test_a_late_word_of_a_call_that_was_never_heard_is_one(door: Threshold) -> None:
    door.said("watch-1", sos=False, ts=NOON_MS)
    door.now += 60 * MINUTE_MS
    door.said("watch-1", sos=True, ts=NOON_MS - 50 * MINUTE_MS)
    (press,) = door.readings("watch-1", "press")
    assert press.at_ms == NOON_MS - 50 * MINUTE_MS


def test_a_watch_that_says_both_press_and_state_calls_once(door: Threshold) -> None:
    door.said("watch-1", sos=True, press="sos", id="1")
    position(door, sos=True)
    assert door.values("watch-1", "press") == ["sos"]


def test_a_stranger_that_says_sos_is_a_button(door: Threshold) -> None:
    (entry,) = door.hear("community/demo/door/new/up", b'{"sos": true}')
    assert entry.flags & PRESS
    assert [reading.value for reading in entry.readings] == [True, "sos"]


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Threshold]:
    found = Threshold(WATCH, folder=tmp_path)
    yield found
    found.close()


def test_a_restart_neither_repeats_a_call_nor_swallows_the_next(lasting: Threshold) -> None:
    position(lasting, sos=True)
    lasting.restart()
    position(lasting, sos=True)
    position(lasting, sos=False)
    lasting.restart()
    position(lasting, sos=True)
    assert lasting.values("watch-1", "press") == ["sos", "sos"]


def test_a_watch_that_hangs_on_in_its_call_and_is_swapped_swallows_none_of_the_next(
    door: Threshold,
) -> None:
    for _ in range(3):
        position(door, sos=True)
    door.devices.replace([replace(WATCH, address="native:watch-2")])
    door.hear("community/demo/button/watch-2/up", b'{"sos": true}')
    assert door.values("watch-1", "press") == ["sos", "sos"]


def test_a_watch_that_calls_while_it_is_registered_calls_once(door: Threshold) -> None:
    for _ in range(2):
        door.hear("community/demo/button/watch-9/up", b'{"sos": true}')
        door.devices.replace([replace(WATCH, address="native:watch-9")])
    assert [one.value for entry in door.heard for one in entry.readings] == [*(True, "sos"), True]


# -- counters at the door ---------------------------------------------------------------------


def test_totals_of_a_swapped_machine_are_one_life(tmp_path: Path) -> None:
    old = Device("gym-1", "counter", "native", "native:old", "器材", "Machine")
    new = Device("gym-1", "counter", "native", "native:new", "器材", "Machine")
    door = Threshold(old, folder=tmp_path)
    door.hear("community/demo/counter/old/up", b'{"uses": 700}')
    door.devices.replace([new])
    door.restart()
    door.hear("community/demo/counter/new/up", b'{"uses": 12}')
    door.hear("community/demo/counter/new/up", b'{"uses": 15}')
    assert door.values("gym-1", "uses") == [700, 700, 703]
    door.close()


def test_a_kill_between_two_rows_of_a_counter_makes_no_total_fall(tmp_path: Path) -> None:
    """What it said since its newest row stands in the journal."""
    machine = Device("gym-1", "counter", "native", "native:gym-1", "器材", "Machine")
    door = Threshold(machine, folder=tmp_path)
    for uses in (100, 130, 3, 90):
        door.now += 1_000
        door.said("gym-1", uses=uses)
    door.restart()
    for uses in (5, 6):
        door.now += 1_000
        door.said("gym-1", uses=uses)
    assert door.values("gym-1", "uses") == [100, 130, 133, 220, 225, 226]
    door.close()


def test_pulses_become_uses_at_the_door() -> None:
    bike = Device("gym-1", "counter", "native", "native:gym-1", "器材", "Bike", pulses_per_use=10)
    door = Threshold(bike)
    for pulses in (5, 19, 20, 35):
        door.said("gym-1", uses=pulses)
    for pulses in (3, 4):
        door.said("gym-1", openings=pulses)
    assert door.values("gym-1", "uses") == [0, 1, 2, 3]
    assert door.values("gym-1", "openings") == [3, 4]


def test_a_jump_is_a_remark_that_is_never_read_again_as_a_message() -> None:
    door = Threshold()
    door.said("gym-1", uses=100)
    door.said("gym-1", uses=9_000_000)
    assert door.values("gym-1", "uses", "jump") == [100, 100, 8_999_900]
    assert len(door.refusals()) == 1
    assert "cannot be true" in door.refusals()[0]


def test_a_strangers_counter_is_as_it_says(door: Threshold) -> None:
    for uses in (50, 3):
        door.hear("community/demo/counter/new/up", b'{"uses": %d}' % uses)
    assert door.values("native:new", "uses") == [50, 3]
