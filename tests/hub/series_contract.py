"""What every store of time series must do, whoever keeps it.

A module of tests makes a class of `SeriesContract` and gives it a fixture `series`: an empty store
of which one answer holds at most 50 rows.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.series import Point, Refused, Row, Series, at_ns

T = 1_767_225_600_000  # 2026-01-01, a multiple of a minute
MINUTE = 60_000

NASTY = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\\\"'`%,= \n\r\t\0#/*;")),
    min_size=1,
    max_size=12,
)

# The store lives over all examples of one test, and the suite is run for several stores.
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
    ],
)


def point(
    at_ms: int, value: bool | float | str, *, seq: int = 1, name: str = "x", device: str = "d1"
) -> Point:
    """A point of a device that is registered in a grid."""
    return Point(seq, at_ns(at_ms, seq, 0), device, name, value, "door", "grid-3")


class SeriesContract:
    """The suite."""

    async def test_raw_readings_come_back_as_they_were(self, series: Series) -> None:
        """Numbers as floats, texts and yes or no as they are, in the order of time."""
        await series.write(
            [
                point(T + 3, "open", seq=4, name="contact"),
                point(T + 1, 21.5, seq=2),
                point(T + 2, True, seq=3, name="tamper"),
                point(T, 7, seq=1),
                point(T + 4, False, seq=5, name="tamper"),
            ]
        )

        assert await series.readings("d1", T, T + 10) == [
            Row(T, "x", 7.0),
            Row(T + 1, "x", 21.5),
            Row(T + 2, "tamper", True),
            Row(T + 3, "contact", "open"),
            Row(T + 4, "tamper", False),
        ]

    async def test_from_is_in_and_to_is_out(self, series: Series) -> None:
        """The last millisecond asked for is the one before `to`."""
        await series.write([point(T + ms, float(ms), seq=ms + 1) for ms in range(5)])

        assert [row.value for row in await series.readings("d1", T + 1, T + 3)] == [1.0, 2.0]
        assert await series.readings("d1", T + 3, T + 3) == []

    async def test_only_the_device_and_the_points_asked_for(self, series: Series) -> None:
        """Other devices and points stay out; an empty choice of points is nothing."""
        await series.write(
            [
                point(T, 1.0, name="a"),
                point(T, 2.0, name="b"),
                point(T, 3.0, name="c"),
                point(T, 4.0, device="d2", name="a"),
            ]
        )

        chosen = await series.readings("d1", T, T + 1, points=["c", "a"])
        assert {(row.point, row.value) for row in chosen} == {("a", 1.0), ("c", 3.0)}
        assert await series.readings("d1", T, T + 1, points=[]) == []
        assert await series.readings("d1", T, T + 1, MINUTE, points=[]) == []
        assert await series.readings("nobody", T, T + 1) == []

    async def test_windows_are_aligned_and_say_mean_min_max_last_count(
        self, series: Series
    ) -> None:
        """A window starts at a multiple of its length, whatever `from` is; no empty ones."""
        await series.write(
            [
                point(T + 10, 3.0, seq=1),
                point(T + 50_000, -1.0, seq=2),
                point(T + 20_000, 7.0, seq=3),
                point(T + 2 * MINUTE, 5.0, seq=4),
            ]
        )

        assert await series.readings("d1", T + 5, T + 10 * MINUTE, MINUTE) == [
            Row(T, "x", -1.0, 3, mean=3.0, min=-1.0, max=7.0),
            Row(T + 2 * MINUTE, "x", 5.0, 1, mean=5.0, min=5.0, max=5.0),
        ]

    async def test_windows_of_texts_and_yes_or_no_say_last_and_count(self, series: Series) -> None:
        """There is no mean of open and closed."""
        await series.write(
            [
                point(T + 1, "open", seq=1, name="contact"),
                point(T + 2, "closed", seq=2, name="contact"),
                point(T + 3, True, seq=3, name="tamper"),
                point(T + 4, False, seq=4, name="tamper"),
                point(T + 5, True, seq=5, name="tamper"),
            ]
        )

        assert await series.readings("d1", T, T + MINUTE, MINUTE) == [
            Row(T, "contact", "closed", 2),
            Row(T, "tamper", True, 3),
        ]

    async def test_a_point_that_changes_its_kind_has_a_row_for_each(self, series: Series) -> None:
        """A type never conflicts with what is stored; a window keeps the kinds apart."""
        await series.write(
            [point(T, 1.0, seq=1), point(T + 1, "one", seq=2), point(T + 2, True, seq=3)]
        )

        assert [row.value for row in await series.readings("d1", T, T + 9)] == [1.0, "one", True]
        assert await series.readings("d1", T, T + 9, MINUTE) == [
            Row(T, "x", True, 1),
            Row(T, "x", 1.0, 1, mean=1.0, min=1.0, max=1.0),
            Row(T, "x", "one", 1),
        ]

    async def test_two_events_of_one_millisecond_both_live(self, series: Series) -> None:
        """They differ in the digits below the millisecond, in the order of the journal."""
        await series.write([point(T, "single", seq=8), point(T, "double", seq=9)])

        assert [row.value for row in await series.readings("d1", T, T + 1)] == ["single", "double"]

    async def test_the_same_points_again_change_nothing(self, series: Series) -> None:
        """A replay overwrites itself."""
        points = [point(T + ms, float(ms), seq=ms + 1) for ms in range(10)]
        await series.write(points)
        await series.write(points[3:])

        assert len(await series.readings("d1", T, T + 100)) == 10
        assert [row.count for row in await series.readings("d1", T, T + 100, MINUTE)] == [10]

    @pytest.mark.parametrize("every_ms", [0, -1, 10**13])
    async def test_what_is_no_window_is_refused(self, series: Series, every_ms: int) -> None:
        """Before anybody is asked."""
        with pytest.raises(ValueError, match="every_ms: expected 1 to"):
            await series.readings("d1", T, T + 1, every_ms)

    async def test_rows_are_bounded_oldest_first(self, series: Series) -> None:
        """`series_rows_max` is 50 here, over all points together."""
        points = [
            point(T + n * MINUTE, float(n), seq=n + 1, name=name)
            for n in range(40)
            for name in "ab"
        ]
        await series.write(points)

        raw = await series.readings("d1", T, T + 100 * MINUTE)
        windows = await series.readings("d1", T, T + 100 * MINUTE, MINUTE)
        assert [row.at_ms for row in raw] == [T + n * MINUTE for n in range(25) for _ in "ab"]
        assert [(row.at_ms, row.point) for row in windows] == [
            (T + n * MINUTE, name) for n in range(25) for name in "ab"
        ]

    async def test_no_points_are_no_write(self, series: Series) -> None:
        """An empty write is allowed."""
        await series.write([])

    @pytest.mark.parametrize(
        "bad",
        [
            point(T, float("nan")),
            point(T, float("inf")),
            point(T, 1.0, name=""),
            point(T, 1.0, device=""),
            point(10**16, 1.0),
        ],
        ids=["nan", "infinite", "no point", "no device", "beyond all times"],
    )
    async def test_what_cannot_be_stored_is_refused_in_words(
        self, series: Series, bad: Point
    ) -> None:
        """Every store refuses the same points, so that they end as dead letters."""
        with pytest.raises(Refused, match=r"\w+ \w+"):
            await series.write([bad])

    async def test_any_range_of_time_may_be_asked_for(self, series: Series) -> None:
        """Beyond what a store can hold is as far as it can hold."""
        await series.write([point(T, 1.0)])

        assert len(await series.readings("d1", -(10**18), 10**18)) == 1

    @FEW
    @given(device=NASTY, name=NASTY, text=st.one_of(NASTY, st.just("")))
    async def test_any_text_comes_back_as_it_was(
        self, series: Series, device: str, name: str, text: str
    ) -> None:
        """Names and values with all the characters that mean something to somebody on the way."""
        await series.write([point(T, text, device=device, name=name)])

        rows = await series.readings(device, T, T + 1, points=[name])
        assert rows == [Row(T, name, text)]

    @FEW
    @given(number=st.floats(allow_nan=False, allow_infinity=False))
    async def test_any_number_comes_back_as_it_was(self, series: Series, number: float) -> None:
        """To the last bit."""
        await series.write([point(T, number, device="n")])

        assert [row.value for row in await series.readings("n", T, T + 1)] == [number]
