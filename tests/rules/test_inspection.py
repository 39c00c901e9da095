"""Inspections by calendar and ends of life: periods, what is overdue, what tables may say."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hub.commands.orders import orders
from rules.facts import DeviceFacts
from rules.inspection import (
    PERIODS,
    EndOfLife,
    period_before,
    period_of,
    standing,
)
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from rules.reading import RuleMistakes

OLD = date(2000, 1, 1)


@pytest.mark.parametrize(
    ("every", "since", "until"),
    [
        ("week", "2026-03-02", "2026-03-09"),
        ("month", "2026-03-01", "2026-04-01"),
        ("quarter", "2026-01-01", "2026-04-01"),
        ("half-year", "2026-01-01", "2026-07-01"),
        ("year", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_period_of_the_calendar(every: str, since: str, until: str) -> None:
    """That of the second of March 2026, a Monday."""
    found = period_of(every, date(2026, 3, 2))
    assert (found.since.isoformat(), found.until.isoformat()) == (since, until)


@given(st.sampled_from(PERIODS), st.dates(date(1999, 1, 1), date(2101, 1, 1)))
def test_periods_follow_one_another_without_gap(every: str, day: date) -> None:
    """Each day is in one of them."""
    now, before = period_of(every, day), period_before(every, day)
    assert now.since <= day < now.until
    assert before.until == now.since
    assert period_of(every, now.last) == now


def test_overdue_is_what_a_whole_period_has_missed() -> None:
    """Done in this period or in the one before it is not; what is new has time."""
    today = date(2026, 3, 2)
    assert standing("month", today, OLD, ()).overdue == date(2026, 3, 1)
    assert standing("month", today, OLD, [date(2026, 2, 28)]).overdue is None
    assert standing("month", today, OLD, [date(2026, 1, 31)]).overdue == date(2026, 3, 1)
    assert standing("month", today, date(2026, 2, 2), ()).overdue is None
    assert standing("month", today, date(2026, 2, 1), ()).overdue == date(2026, 3, 1)
    done = standing("month", today, OLD, [today])
    assert (done.is_done, done.overdue, done.due) == (True, None, date(2026, 3, 31))


def test_an_end_of_life_counts_years_from_its_beginning() -> None:
    """Half years too, and a 29th of February."""
    day_ms = 86_400_000
    row = EndOfLife("x", "x", "x", 8, 90 * day_ms)
    assert row.ends_on(date(2020, 2, 29)) == date(2028, 2, 29)
    assert row.ends_on(date(2018, 3, 1)) == date(2026, 3, 1)
    assert row.warns_on(date(2018, 3, 1)) == date(2026, 3, 1) - timedelta(days=90)
    half = EndOfLife("x", "x", "x", 1.5, 0)
    assert half.ends_on(date(2020, 2, 29)) == date(2021, 8, 30)
    facts = DeviceFacts("d", "button")
    assert not EndOfLife("x", "x", "x", 1, 0, models=("WS1",)).fits(facts, None)
    assert EndOfLife("x", "x", "x", 1, 0, models=("WS1",)).fits(facts, "WS101")


# -- files ----------------------------------------------------------------------------------------

WRONG = [
    ("troubels: []", "1:1: the file: unknown key 'troubels'; did you mean troubles?"),
    ("troubles: 5", "1:11: expected a list, not 5"),
    ("troubles:\n  - {trouble: x}", "2:5: x: 'title' is missing"),
    (
        "priorities:\n  - {priority: 9, reason: {zh: 因, en: why}}",
        "2:16: priority: expected 1 to 4, 1 is first",
    ),
    (
        "priorities:\n  - {priority: 1, troubles: [silnt], reason: {zh: 因, en: why}}",
        "2:5: unknown trouble 'silnt'",
    ),
    (
        "troubles:\n  - {trouble: x, title: {zh: 某, en: x}, reason: {zh: 因, en: why}, "
        "proof: {by: devise}}",
        "by: expected device | reports",
    ),
    (
        "troubles:\n  - {trouble: x, title: {zh: 某, en: x}, reason: {zh: 因, en: why}, "
        "proof: {by: says}}",
        "a proof by says names its points",
    ),
    (
        "troubles:\n  - {trouble: x, title: {zh: 某, en: x}, reason: {zh: 因, en: why}, "
        "proof: {by: reports}}",
        "says how long it is waited for",
    ),
    (
        "troubles:\n  - {trouble: x, title: {zh: 某, en: x}, reason: {zh: 因, en: why}, "
        "proof: {by: signature}, bring: [{zh: '{sell}', en: y}]}",
        "unknown field {sell}; there are cell, model, maker, driver; did you mean cell?",
    ),
    (
        "troubles:\n  - {trouble: x, title: {zh: 某, en: x}, reason: {zh: 因, en: why}, "
        "proof: {by: signature}, conditions: [equal]}",
        "conditions: unknown word 'equal'",
    ),
    (
        "inspections:\n  - {inspection: x, title: {zh: 某, en: x}, source: {zh: 源, en: s}, "
        "every: fortnight, items: [{item: a, ask: {zh: 问, en: q}}]}",
        "every: expected week | month",
    ),
    (
        "inspections:\n  - {inspection: x, title: {zh: 某, en: x}, source: {zh: 源, en: s}, "
        "every: week, items: [{item: a, ask: {zh: 问, en: q}}, {item: a, ask: {zh: 问, en: q}}]}",
        "an item stands twice",
    ),
    (
        "ends_of_life:\n  - {end_of_life: x, title: {zh: 某, en: x}, years: -1, "
        "source: {zh: 源, en: s}}",
        "expected a number above 0",
    ),
    ("troubles: [", "this is not YAML"),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_every_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    """And the nearest right word."""
    file = tmp_path / "orders.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RuleMistakes) as caught:
        load_orders([file])
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


def test_names_stand_once_over_all_files(tmp_path: Path) -> None:
    """A site's folder stands instead of the community's, so a double is a slip."""
    text = (COMMUNITY_ORDERS / "troubles.yaml").read_text(encoding="utf-8")
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(RuleMistakes, match="stands here a second time"):
        load_orders([tmp_path])


def test_the_command_counts_what_is_sound_and_shows_every_mistake(tmp_path: Path) -> None:
    """As `hub plans check` does."""
    well = CliRunner().invoke(orders, ["check"])
    assert well.exit_code == 0, well.output
    assert well.output.endswith("4 inspections, 2 ends of life, no mistake\n")
    file = tmp_path / "orders.yaml"
    file.write_text("troubles:\n  - {trouble: x}\npriority: []\n", encoding="utf-8")
    wrong = CliRunner().invoke(orders, ["check", str(tmp_path)])
    assert wrong.exit_code == 1
    assert wrong.output.splitlines()[-1] == "4 mistakes, nothing loaded"
    assert f"{file}:3:1: the file: unknown key 'priority'; did you mean priorities?" in wrong.output
