"""Four phases, one table."""

from itertools import product

import pytest

from rules.machine import CLOSES, FALSE, OPENS, RIPE, TABLE, TRUE, Machine, Phase


def test_the_table_has_no_way_out_of_the_phases_and_reaches_each() -> None:
    """Every phase is entered and left."""
    assert set(TABLE.values()) == set(Phase)
    assert {before for before, _ in TABLE} == set(Phase)
    assert {what for _, what in TABLE} == {TRUE, FALSE, RIPE}


@pytest.mark.parametrize(("hold_for", "clear_for"), list(product((0, 10), (0, 5))))
def test_an_alert_opens_when_it_was_held_and_closes_when_it_was_clear(
    hold_for: int, clear_for: int
) -> None:
    """Zero is at once."""
    machine = Machine(hold_for, clear_for)

    opened = machine.judge(100, true=True)
    if hold_for:
        assert (opened, machine.due_ms) == (None, 110)
        opened = machine.ripen(110)
    assert opened == OPENS
    closed = machine.judge(200, true=False)
    if clear_for:
        assert (closed, machine.due_ms) == (None, 205)
        closed = machine.ripen(205)
    assert (closed, machine.phase, machine.due_ms) == (CLOSES, Phase.IDLE, None)


def test_a_pause_while_clearing_is_no_new_alert() -> None:
    """True again in time: it never was over."""
    machine = Machine(0, 5)
    assert machine.judge(0, true=True) == OPENS

    assert machine.judge(10, true=False) is None
    assert machine.judge(12, true=True) is None
    assert machine.phase is Phase.OPEN
    assert machine.ripen(15) is None


def test_the_end_of_the_hours_ends_everything() -> None:
    """Pending is forgotten, open closes whatever `clear_for` says."""
    machine = Machine(10, 5)
    machine.judge(0, true=True)
    assert machine.end(5) is None
    machine.judge(6, true=True)
    machine.ripen(16)
    assert machine.end(20) == CLOSES
    assert machine.due_ms is None


def test_what_is_dumped_comes_back() -> None:
    """For a restart in the middle."""
    machine = Machine(10, 5)
    machine.judge(3, true=True)
    other = Machine(10, 5)
    other.load(machine.dump())

    assert (other.phase, other.due_ms, other.since_ms) == (Phase.PENDING, 13, 3)
