"""Every figure of the simulated day in one table.

None of them was measured: they are ours, chosen so that a day looks as people who know such a
community would expect it, with more emergencies than life has, so that a screen has something to
show.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Outing(NamedTuple):
    """A reason to leave home: between which hours, how likely on a day, away for how long."""

    from_h: float
    to_h: float
    chance: float
    away_min: tuple[float, float]


class Traffic(NamedTuple):
    """Between which hours, how many happenings an hour."""

    from_h: float
    to_h: float
    per_hour: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Units stand last in the names."""

    # homes
    outings: tuple[Outing, ...] = (
        Outing(5.8, 7.5, 0.55, (30, 90)),  # morning exercise
        Outing(8.0, 10.0, 0.60, (25, 80)),  # market
        Outing(14.5, 16.5, 0.45, (40, 140)),  # chess, culture centre, grandchildren
        Outing(18.3, 19.8, 0.50, (25, 75)),  # walk after supper
    )
    visits: tuple[Outing, ...] = (Outing(10.0, 17.0, 0.25, (1, 3)),)  # door opens for a visitor
    door_open_s: tuple[float, float] = (4, 25)
    stairs_s: tuple[float, float] = (30, 110)  # between home door and unit door

    # unit doors: the other people of the house
    unit_traffic: tuple[Traffic, ...] = (
        Traffic(0, 5, 0.3),
        Traffic(5, 7, 3),
        Traffic(7, 9, 12),
        Traffic(9, 11.5, 6),
        Traffic(11.5, 13.5, 9),
        Traffic(13.5, 17, 5),
        Traffic(17, 20, 12),
        Traffic(20, 22, 6),
        Traffic(22, 24, 1.5),
    )
    unit_open_s: tuple[float, float] = (5, 20)
    propped_chance: float = 0.004  # of a pass: somebody leaves the door propped open
    propped_min: tuple[float, float] = (11, 35)

    # public places
    shop_traffic: tuple[Traffic, ...] = (Traffic(5.5, 8, 7), Traffic(8, 20, 3), Traffic(20, 21, 5))
    station_traffic: tuple[Traffic, ...] = (
        Traffic(7.5, 9.5, 14),
        Traffic(9.5, 15.5, 3),
        Traffic(15.5, 17.5, 14),
    )
    culture_traffic: tuple[Traffic, ...] = (Traffic(8.5, 11.5, 9), Traffic(14, 20.5, 8))
    cabinet_traffic: tuple[Traffic, ...] = (Traffic(8, 12, 2), Traffic(14, 18, 2))
    public_open_s: tuple[float, float] = (6, 60)
    cold_store_degrees: tuple[float, float] = (-19.5, -16.5)
    fridge_degrees: tuple[float, float] = (3.5, 6.5)

    # machines on the sports grounds
    machine_sessions: tuple[Traffic, ...] = (
        Traffic(5.5, 8.5, 3.5),
        Traffic(8.5, 11, 1.2),
        Traffic(15, 18, 1.5),
        Traffic(18, 21, 3),
    )
    session_repetitions: tuple[int, int] = (12, 60)
    repetition_s: tuple[float, float] = (1.6, 3.2)
    repetitions_a_message: int = 5
    next_person_s: float = 5

    # buttons
    presses_per_button_and_day: float = 0.03  # about four a day in the whole community
    press_words: tuple[str, ...] = ("sos", "sos", "sos", "long", "single")
    pressed_again_chance: float = 0.25  # somebody in need presses more than once
    pressed_again_s: tuple[float, float] = (5, 40)
    test_hours: tuple[float, float] = (9.5, 11.0)  # the monthly test of a button

    # how a device is
    hello_within_s: float = 900
    heartbeat_h: float = 4
    cold_heartbeat_h: float = 0.25  # of what measures a cold store or a medicine fridge
    battery_days: tuple[float, float] = (250, 900)  # from full to empty
    battery_changed_at_pct: float = 14.6  # about one in two hundred is low at any time
    rssi_dbm: tuple[int, int] = (-104, -58)
    snr_db: tuple[float, float] = (-4, 11)


FIGURES = Figures()

# Longer than the two minutes after which a gateway that is gone becomes a case.
OUTAGE_S = 180.0

# Bounds of the simulator itself.
DEVICES_MAX = 20_000
IN_FLIGHT_MAX = 200  # messages that wait for the broker's ack
PRESSES_WAITING_MAX = 5_000  # presses that wait for the hub's answer
PRESS_IDS_MAX = 20_000  # ids that the last line lists
REPEAT_FIRST_S = 2.0  # a press that nobody has heard is said again after
REPEAT_MAX_S = 15.0  # and then ever less often, up to
ANSWER_WAIT_S = 10.0  # how long the end waits for the last answers
RECONNECT_MIN_S = 0.2
RECONNECT_MAX_S = 10.0
FRAMES_FILE_BYTES_MAX = 268_435_456
FRAME_LINE_BYTES_MAX = 16_777_216
