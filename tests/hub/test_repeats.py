"""Which messages are the same message."""

from hub.journal import BY_ID, WEAK
from hub.repeats import BY_TIME, Repeats, Trace, fingerprint

MINUTE_MS = 60_000


def repeats(presses_max: int = 100, messages_max: int = 100) -> Repeats:
    return Repeats(
        messages_max=messages_max,
        presses_max=presses_max,
        repeat_window_ms=60 * MINUTE_MS,
        copy_window_ms=10 * MINUTE_MS,
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
