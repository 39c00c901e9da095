"""Which messages are the same message."""

from hub.journal import BY_ID, WEAK
from hub.repeats import BY_TIME, LastWords, Overlaps, Repeats, Trace, fingerprint

MINUTE_MS = 60_000


def repeats(presses_max: int = 100, messages_max: int = 100, several: bool = False) -> Repeats:
    return Repeats(
        messages_max=messages_max,
        presses_max=presses_max,
        repeat_window_ms=60 * MINUTE_MS,
        copy_window_ms=10 * MINUTE_MS,
        overlap_window_ms=1_000,
        several_fit=lambda _link, _topic: several,
    )


def trace(
    mark: int,
    *,
    sign: int = BY_ID,
    of_button: bool = True,
    link: int = 0,
    packet_id: int = 1,
    arrived_ms: int = 0,
) -> Trace:
    return Trace(mark, sign, of_button, link, packet_id, arrived_ms)


def test_a_fingerprint_fits_a_signed_column_and_depends_on_every_part() -> None:
    marks = {fingerprint(b"a", b"b"), fingerprint(b"ab", b""), fingerprint(b"", b"ab")}

    assert len(marks) == 3
    assert all(-(2**63) <= mark < 2**63 for mark in marks)


def test_an_id_seen_before_is_a_repeat_by_whatever_way_it_comes() -> None:
    known = repeats()

    assert not known.is_repeat(trace(7), redelivered=False)
    assert known.is_repeat(trace(7, link=1, packet_id=99), redelivered=False)
    assert not known.is_repeat(trace(8), redelivered=False)


def test_an_id_that_comes_again_days_later_is_of_a_device_that_began_to_count_anew() -> None:
    known = repeats()
    known.is_repeat(trace(7), redelivered=False)

    assert known.is_repeat(trace(7, arrived_ms=59 * MINUTE_MS), redelivered=False)
    assert not known.is_repeat(trace(7, arrived_ms=61 * MINUTE_MS), redelivered=False)


def test_an_id_from_a_time_that_the_hubs_clock_was_set_back_from_swallows_nothing() -> None:
    known, ahead_ms = repeats(), 10_000 * MINUTE_MS
    known.is_repeat(trace(7, arrived_ms=ahead_ms), redelivered=False, topic="t/1")

    assert known.is_repeat(trace(7, arrived_ms=ahead_ms - 1), redelivered=False)
    assert not known.is_repeat(trace(7, arrived_ms=MINUTE_MS), redelivered=False, topic="t/1")
    assert known.is_repeat(trace(7, arrived_ms=2 * MINUTE_MS), redelivered=False, topic="t/1")


def test_one_that_waited_for_its_twin_before_the_clock_was_set_back_is_no_twin() -> None:
    known = repeats()
    known.is_repeat(trace(7, sign=WEAK, arrived_ms=10_000 * MINUTE_MS), redelivered=False)
    press = trace(7, sign=WEAK, link=1, arrived_ms=MINUTE_MS)
    assert not known.is_repeat(press, redelivered=False)


def test_equal_bytes_with_their_own_time_are_the_same_message_however_late() -> None:
    known = repeats()
    known.is_repeat(trace(7, sign=BY_TIME), redelivered=False)

    late = trace(7, sign=BY_TIME, arrived_ms=10_000 * MINUTE_MS)
    assert known.is_repeat(late, redelivered=False)


def test_a_flood_of_counters_does_not_push_out_a_press() -> None:
    known = repeats(messages_max=10)
    known.is_repeat(trace(1), redelivered=False)
    for mark in range(100, 200):
        known.is_repeat(trace(mark, of_button=False), redelivered=False)

    assert known.is_repeat(trace(1), redelivered=False)


def test_the_memory_is_bounded_and_the_oldest_goes_first() -> None:
    known = repeats(messages_max=2)
    for mark in (1, 2, 3):
        known.is_repeat(trace(mark, of_button=False), redelivered=False)

    assert known.is_repeat(trace(3, of_button=False), redelivered=False)
    assert not known.is_repeat(trace(1, of_button=False), redelivered=False)


def test_equal_bytes_without_id_and_time_are_two_messages() -> None:
    known = repeats()
    first = trace(5, sign=WEAK, of_button=False, packet_id=1)

    assert not known.is_repeat(first, redelivered=False)
    assert not known.is_repeat(first._replace(packet_id=2), redelivered=False)


def test_the_brokers_second_delivery_of_a_packet_is_a_repeat() -> None:
    known = repeats()
    first = trace(5, sign=WEAK, of_button=False, packet_id=1)
    known.is_repeat(first, redelivered=False)

    assert known.is_repeat(first, redelivered=True)
    assert not known.is_repeat(first._replace(fingerprint=6), redelivered=True)


def test_of_a_button_without_id_each_connection_brings_one_copy() -> None:
    known = repeats()
    urgent = trace(5, sign=WEAK, link=0)
    common = trace(5, sign=WEAK, link=1)

    assert [
        known.is_repeat(one, redelivered=False) for one in (urgent, urgent, common, common, common)
    ] == [False, False, True, True, False]


def test_a_copy_is_not_waited_for_longer_than_the_window() -> None:
    known = repeats()
    known.is_repeat(trace(5, sign=WEAK, link=0), redelivered=False)
    late = trace(5, sign=WEAK, link=1, arrived_ms=11 * MINUTE_MS)

    assert not known.is_repeat(late, redelivered=False)


def test_a_copy_whose_ack_was_lost_is_no_second_press() -> None:
    known = repeats()
    known.is_repeat(trace(5, sign=WEAK, link=0), redelivered=False)
    copy = trace(5, sign=WEAK, link=1, packet_id=9)

    assert known.is_repeat(copy, redelivered=False)
    assert known.is_repeat(copy, redelivered=True)


def test_a_redelivered_packet_is_known_however_long_the_hub_was_away() -> None:
    known = repeats()
    known.is_repeat(trace(5), redelivered=False)

    assert known.is_repeat(trace(5, arrived_ms=600 * MINUTE_MS), redelivered=True)


INPUT = "shellies/button-1/input_event/0"


def said_on_topic(
    known: Repeats, mark: int, minute: int, *, sign: int = BY_ID, link: int = 0
) -> bool:
    one = trace(mark, sign=sign, link=link, arrived_ms=minute * MINUTE_MS)
    return known.is_repeat(one, redelivered=False, topic=INPUT)


def test_a_device_that_says_its_last_event_again_for_hours_gives_one_press() -> None:
    known = repeats()

    assert [said_on_topic(known, 7, minute) for minute in range(0, 600, 10)] == [False] + 59 * [
        True
    ]


def test_a_new_event_after_hours_of_the_old_one_is_a_press() -> None:
    known = repeats()
    for minute in range(0, 600, 10):
        said_on_topic(known, 7, minute)

    assert not said_on_topic(known, 8, 600)
    assert said_on_topic(known, 8, 601)


def test_an_old_id_is_a_press_when_the_device_has_said_something_else_on_its_topic() -> None:
    """As a Shelly that counts anew: it says that there was no event yet, then its first."""
    for sign in (WEAK, BY_TIME):
        known = repeats()
        for minute in range(0, 600, 10):
            said_on_topic(known, 1, minute)
        said_on_topic(known, 99, 595, sign=sign)

        assert not said_on_topic(known, 1, 596)
        assert said_on_topic(known, 1, 597)


def test_an_old_id_after_another_one_is_known_for_the_window_and_no_longer() -> None:
    known = repeats()
    said_on_topic(known, 1, 0)
    said_on_topic(known, 2, 1)

    assert said_on_topic(known, 1, 59)
    said_on_topic(known, 2, 60)
    assert not said_on_topic(known, 1, 61)


def test_an_id_that_was_silent_for_the_window_is_of_a_device_that_began_to_count_anew() -> None:
    known = repeats()
    said_on_topic(known, 1, 0)
    said_on_topic(known, 1, 30)

    assert not said_on_topic(known, 1, 91)


def test_what_is_said_elsewhere_does_not_make_an_old_event_new() -> None:
    known = repeats()
    for minute in range(0, 600, 10):
        said_on_topic(known, 7, minute)
        battery = trace(50 + minute, sign=WEAK, arrived_ms=minute * MINUTE_MS)
        known.is_repeat(battery, redelivered=False, topic="shellies/button-1/sensor/battery")

    assert said_on_topic(known, 7, 600)


def test_a_late_copy_by_the_other_connection_is_no_press() -> None:
    known = repeats()
    said_on_topic(known, 1, 0)
    said_on_topic(known, 2, 1)

    assert said_on_topic(known, 1, 2, link=1)
    assert said_on_topic(known, 2, 2, link=1)


def test_the_topics_whose_last_word_is_known_are_bounded() -> None:
    words = LastWords(2, 60 * MINUTE_MS)
    for topic in ("a", "b", "a", "c"):
        words.is_said_again(topic, 1, 0)

    assert words.is_said_again("a", 1, 0)
    assert not words.is_said_again("b", 1, 0)


def test_of_a_topic_that_several_filters_fit_the_brokers_copies_are_one_message() -> None:
    known = repeats(several=True)
    door = trace(5, sign=WEAK, of_button=False)

    def comes(packet_id: int, arrived_ms: int, mark: int = 5) -> bool:
        one = door._replace(packet_id=packet_id, arrived_ms=arrived_ms, fingerprint=mark)
        return known.is_repeat(one, redelivered=False, topic="zigbee2mqtt/status")

    assert not comes(1, 0)
    assert comes(2, 3)
    assert not comes(3, 500, mark=6)
    assert not comes(4, 900)  # closed, opened, closed
    assert not comes(5, MINUTE_MS)


def test_of_a_topic_that_one_filter_fits_equal_messages_at_once_are_two() -> None:
    known = repeats()
    door = trace(5, sign=WEAK, of_button=False)

    for packet_id in (1, 2):
        one = door._replace(packet_id=packet_id)
        assert not known.is_repeat(one, redelivered=False, topic="zigbee2mqtt/door")


def test_the_topics_on_which_copies_are_looked_for_are_bounded() -> None:
    overlaps = Overlaps(1, 1_000)
    one = trace(5, sign=WEAK)

    assert [overlaps.is_copy(one, topic) for topic in ("a", "a", "b", "a")] == [
        *(False, True, False, False)
    ]
