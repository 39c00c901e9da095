"""Filters of topics: which cover which, and what a connection subscribes to."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_drivers.catalog import topics_of_all
from hub.filters import Filters, covers, without_covered


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("a/+", "a/b", True),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "a/+/#", True),
        ("a/+/#", "a/#", False),
        ("a/+", "a/#", False),
        ("+/status", "zigbee2mqtt/+", False),
        ("/+/+/online", "/p/d/online", True),
        ("+/b", "a/b/c", False),
        ("#", "a/b", True),
        ("#", "$SYS/broker/load", False),
        ("+/broker/load", "$SYS/broker/load", False),
        ("$SYS/#", "$SYS/broker/load", True),
    ],
)
def test_a_filter_covers_another_when_it_fits_all_of_its_topics(
    wide: str, narrow: str, expected: bool
) -> None:
    assert covers(wide, narrow) is expected


def test_of_filters_that_cover_each_other_the_wide_ones_stay_in_their_order() -> None:
    asked = ["z/+", "a/b", "a/#", "z/+", "a/+/c"]

    assert without_covered(asked) == ["z/+", "a/#"]


def test_no_filter_of_a_driver_is_covered_by_another_drivers() -> None:
    assert without_covered(topics_of_all()) == topics_of_all()


def test_no_driver_asks_for_every_message_of_a_shared_broker() -> None:
    """Each filter names a level: what other programs say among themselves stays with them."""
    for one in topics_of_all():
        assert set(one.split("/")) - {"+", "#", ""}, one
        assert one.split("/")[0] != "#"
    unrelated = ["factory/line-3/temperature", "cars/7", "a/b/c/d", "frigate/events", "x/y/state"]
    fitting = [(one, topic) for one in topics_of_all() for topic in unrelated if covers(one, topic)]
    assert fitting == []


def test_a_filter_that_is_covered_already_is_not_added() -> None:
    filters = Filters(["zigbee2mqtt/+"], topics_max=10)

    assert filters.add("zigbee2mqtt/door") is None
    assert filters.add("zigbee2mqtt/flat/door") == []
    assert filters.add("zigbee2mqtt/#") == ["zigbee2mqtt/+", "zigbee2mqtt/flat/door"]
    assert list(filters) == ["zigbee2mqtt/#"]


def test_which_topics_several_filters_fit_is_known_after_an_addition_too() -> None:
    filters = Filters(["zigbee2mqtt/+", "+/status"], topics_max=1)

    assert [filters.several_fit(f"zigbee2mqtt/{name}") for name in ("door", "status")] == [
        *(False, True)
    ]
    filters.add("+/door")
    assert filters.several_fit("zigbee2mqtt/door")


LEVELS = st.sampled_from(["a", "b", "+", "$c", ""])
FILTERS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(LEVELS, min_size=1, max_size=3),
    st.sampled_from([(), ("#",)]),
) | st.just("#")


@given(st.lists(st.tuples(st.booleans(), FILTERS), max_size=12), FILTERS)
def test_what_is_listened_to_is_what_a_comparison_of_all_with_all_says(
    steps: list[tuple[bool, str]], topic: str
) -> None:
    filters, wanted = Filters([], topics_max=10), set[str]()
    for wants, one in steps:
        before = set(filters)
        if wants:
            covered = filters.add(one)
            wanted.add(one)
            left, joined = set(covered or ()), set() if covered is None else {one}
        else:
            gone, uncovered = filters.drop(one)
            wanted.discard(one)
            left, joined = {one} if gone else set(), set(uncovered)
        expected = {one for one in wanted if not any(covers(o, one) for o in wanted if o != one)}
        assert set(filters) == expected
        assert before - set(filters) == left
        assert set(filters) - before == joined
        fitting = sum(covers(one, topic) for one in expected)
        assert filters.several_fit(topic) is (fitting > 1)


def test_ten_thousand_buttons_keep_nobody_waiting_when_the_register_changes() -> None:
    """Every change of the register asks for all of them again, before the next press is judged."""
    buttons = [f"application/+/device/24e124{one:010x}/event/up" for one in range(10_000)]
    filters = Filters(buttons, topics_max=10)
    began_s = process_time()
    assert [one for one in buttons if filters.add(one) is not None] == []
    assert filters.several_fit(buttons[-1].replace("+", "1")) is False
    assert process_time() - began_s < 2.0  # a comparison of all with all took minutes
