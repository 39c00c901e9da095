"""Entries on their way to the judge."""

from hub.journal import COMMAND, PRESS, READING, REFUSAL, Entry
from hub.lanes import Lanes

SLICE = 256


def counter() -> Entry:
    return Entry(0, READING, "gym", 0)


def press() -> Entry:
    return Entry(0, READING, "btn", 0, flags=PRESS)


def test_a_press_goes_before_all_counters_that_wait() -> None:
    lanes = Lanes(0, common_max=10_000, slice_max=SLICE)
    lanes.add(1, [counter()] * 1_000)
    lanes.add(1_001, [press()])

    handed_out = lanes.next_slice()
    assert handed_out[0].seq == 1_001
    assert [entry.seq for entry in handed_out[1:]] == list(range(1, SLICE + 1))


def test_done_is_what_has_been_handed_out_without_a_gap() -> None:
    lanes = Lanes(0, common_max=10_000, slice_max=SLICE)
    lanes.add(1, [counter()] * 300 + [press()])
    lanes.next_slice()

    assert lanes.done_until() == SLICE
    lanes.next_slice()
    assert lanes.done_until() == 301
    assert not lanes.waits()


def test_what_is_known_already_is_passed_over() -> None:
    lanes = Lanes(5, common_max=10, slice_max=SLICE)
    lanes.add(4, [counter()] * 4)

    assert [entry.seq for entry in lanes.next_slice()] == [6, 7]


def test_a_refusal_is_nothing_to_judge() -> None:
    lanes = Lanes(0, common_max=10, slice_max=SLICE)
    lanes.add(1, [Entry(0, REFUSAL, "btn", 0, flags=PRESS), Entry(0, REFUSAL, None, 0)])

    assert lanes.next_slice() == []
    assert lanes.done_until() == 2


def test_a_full_lane_leaves_counters_on_the_disk_but_never_a_press() -> None:
    lanes = Lanes(0, common_max=10, slice_max=SLICE)
    lanes.add(1, [counter()] * 15)
    lanes.add(16, [press(), counter()])

    assert [entry.seq for entry in lanes.next_slice()] == [16, *range(1, 11)]
    assert lanes.disk_from == 10
    assert lanes.done_until() == 10
    lanes.take_from_disk([counter()._replace(seq=seq) for seq in (11, 12)], all_read=False)
    assert lanes.disk_from == 12
    lanes.take_from_disk([counter()._replace(seq=seq) for seq in (13, 14, 15, 17)], all_read=True)
    assert [entry.seq for entry in lanes.next_slice()] == [11, 12, 13, 14, 15, 17]
    assert lanes.done_until() == 17


def test_a_gap_leaves_the_common_entries_on_the_disk() -> None:
    lanes = Lanes(3, common_max=10, slice_max=SLICE)
    lanes.add_urgent([press()._replace(seq=5), Entry(6, COMMAND, None, 0)])
    lanes.leave_on_disk(8)

    assert (lanes.disk_from, lanes.known_until) == (3, 8)
    assert [entry.seq for entry in lanes.next_slice()] == [5, 6]
    assert lanes.waits()
    assert lanes.done_until() == 3
