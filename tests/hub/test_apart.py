"""The past judged in parts, or by several processes: the same history as in one piece."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from hub.apart import Part, is_heard, parts_of
from hub.backtest import Trial
from hub.devices import Device
from hub.ghosts import Ghost
from hub.past import Asked, Past, Reader, open_journal
from hub.replay import Terms, Timing, TooMany, replay, replay_parts
from hub.settings import Settings
from hub.side_by_side import Fallen, processes_for, replay_side_by_side
from hub.site import Site
from hub.trying import Span, try_rules
from hub.world import PastCase, World
from rules.loader import load_texts
from rules.past import History
from tests.hub.test_backtest import REGISTER, RULES, Living

# Rules that bind devices of a grid, of the whole site with its strangers, and of nobody at all.
BINDING = (
    RULES
    + """
  - rule: calls-everywhere
    when:
      together: {}
      at_least: 2
      within: 2h
      same: site
      when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
  - rule: grid-silent
    when:
      together: {}
      at_least: 2
      within: 30m
      same: grid
      when: {silent_for: 10m}
    severity: warning
    category: fault
  - rule: anybody-silent
    when: {silent_for: 45m}
    severity: urgent
    category: fault
  - rule: door-unlike-itself
    where: {family: door}
    when: {unlike_itself: {point: contact, over: 7d}}
    severity: notice
    category: welfare
  - rule: open-then-pressed
    when:
      first: {point: contact, equals: open}
      then: {point: press, happens: [sos]}
      within: 20m
      same: resident
    severity: urgent
    category: welfare
"""
)
SPREAD = [replace(one, grid=f"g{(n + 1) // 3 % 3}") for n, one in enumerate(REGISTER)]


def past_of(living: Living) -> tuple[Past, Terms, Timing]:
    """All of the journal, and how it is judged."""
    now_ms = living.clock.now
    past = open_journal(living.engine, living.settings, Asked(living.rules), None, now_ms, 0)
    terms = Terms(zone=Site().zone, settle_ms=living.settings.settle_ms)
    return past, terms, Timing(past.hub_since_ms, past.starts_ms, now_ms)


def in_parts(living: Living, places: int, assumed: Sequence[str] = ()) -> list[History]:
    """What each place finds, by the reader that its process would use."""
    past, terms, timing = past_of(living)
    assert past.bites is not None
    found = []
    dealt = parts_of(living.rules, past.world, terms.site, places=places, by_turns=assumed)
    for parts in dealt:
        reader = Reader(living.engine, Asked(living.rules), past.world.devices)
        moments = reader.moments(past.bites, partial(is_heard, parts))
        found.append(replay_parts(moments, parts, terms, timing, assumed))
    return found


def rows_of(history: History) -> tuple[list[Any], ...]:
    """All alerts with all that is known of them, all calls in their order, all that was learned."""
    return history.alerts, history.calls, history.learned


def joined(histories: Sequence[History]) -> History:
    """Of all of them."""
    whole = History()
    for one in histories:
        whole.join(one)
    return whole


ASSUMED = ("emergency-press", "service-due")


@pytest.mark.parametrize(("seed", "assumed"), [(400, ()), (402, ASSUMED), (404, ())])
def test_parts_give_row_by_row_what_the_whole_gives(
    tmp_path: Path, seed: int, assumed: tuple[str, ...]
) -> None:
    """Whichever part was ready first; strangers, gateways, copies and closed cases included."""
    living = Living(tmp_path, seed, BINDING, SPREAD)
    asyncio.run(living.live(90))
    past, terms, timing = past_of(living)
    by_turns = replace(terms, row_entries_max=0)
    whole = replay(past.entries(), living.rules, past.world, by_turns, timing, assumed=assumed)
    parts = in_parts(living, 3, assumed)
    living.close()

    assert rows_of(joined(parts)) == rows_of(joined(parts[::-1])) == rows_of(whole)
    assert sum(len(part.calls) for part in parts) == len(whole.calls)
    assert sum(bool(part.calls) for part in parts) > 1
    rules = {alert.rule for alert in whole.alerts}
    assert [one.key for one in whole.learned] == ["door-1", "door-2", "door-3"]
    assert {"calls-everywhere", "grid-silent", "doors-together", "gateway-gone"} <= rules


def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    """Real processes: the same result, too many alerts told as by one, none left when one falls."""
    living = Living(tmp_path, 310, BINDING, SPREAD)
    asyncio.run(living.live(60))
    past, terms, timing = past_of(living)
    span, trial = Span(None, living.clock.now), Trial.of(living.rules, living.rules)
    alone = replace(living.settings, backtest_processes=1)
    many = replace(alone, backtest_processes=2, backtest_side_by_side_entries_min=1)

    expected = try_rules(past, trial, span, alone, Site())
    assert try_rules(past, trial, span, many, Site()) == expected
    assert len(expected.here.alerts) > 2
    assert past.bites is not None
    few = past.bites, living.rules, past.world, replace(terms, alerts_max=2), timing
    with pytest.raises(TooMany, match="more than 2 alerts"):
        replay_side_by_side(*few, processes=1)
    nowhere = past.bites._replace(url=f"sqlite:///{tmp_path / 'nowhere.db'}")
    with pytest.raises(Fallen, match="ended before it was ready"):
        replay_side_by_side(nowhere, *few[1:], processes=1)
    assert active_children() == []
    living.close()


def test_a_short_past_is_not_worth_a_second_process() -> None:
    """As many as were asked for, else as processors, up to a bound."""
    asked = Settings(backtest_processes=3, backtest_side_by_side_entries_min=10)
    bound = Settings(backtest_processes_max=1, backtest_side_by_side_entries_min=10)
    assert [processes_for(9, asked), processes_for(10, asked), processes_for(10, bound)] == [
        1,
        3,
        1,
    ]


# ---------------------------------------------------------------------- how it is dealt


def dealt(rules: str, devices: Sequence[Device], places: int = 3) -> list[list[Part]]:
    """Parts over these devices."""
    return parts_of(load_texts({"rules.yaml": rules}), World(devices), "demo", places=places)


def test_devices_that_any_rule_binds_stay_together() -> None:
    """By a grid, and by way of a resident who has something in another grid."""
    rules = """
rules:
  - rule: grid
    when: {together: {}, at_least: 2, within: 1m, same: grid, when: {point: p, equals: 1}}
    severity: warning
    category: fault
  - rule: resident
    when: {together: {}, at_least: 2, within: 1m, same: resident, when: {point: p, equals: 1}}
    severity: warning
    category: fault
"""
    names = "abcdef"
    grids = dict(zip(names, ("g1", "g1", "g2", "g2", "g3", "g4"), strict=True))
    residents = dict.fromkeys("bc", "chen")
    devices = [
        replace(REGISTER[0], id=name, grid=grids[name], resident_id=residents.get(name))
        for name in names
    ]
    parts = [part for (part,) in dealt(rules, devices)]
    heard = [{name for name in names if part.hears(name)} for part in parts]

    assert set.union(*heard) == set(names)
    assert sum(map(len, heard)) == len(names)
    assert {"a", "b", "c", "d"} in heard
    assert [part.owns("grid", "g2") for part in parts] == [part.hears("d") for part in parts]
    assert not any(part.hears("nobody") for part in parts)  # a stranger is of no grid


def test_what_carries_others_is_heard_everywhere_and_spoken_of_once() -> None:
    """Gateways, the link, the hub's phones; each device, ghost and stranger at one place."""
    devices = [*SPREAD, replace(REGISTER[0], id="btn-3", gateway="box-7")]
    ghost = Ghost("native:old", "btn-3", "native", "button", 5)
    cases = [PastCase("silent", "btn-3", 1, 2), PastCase("other", "btn-3", 1, 2)]
    rules = """
rules:
  - rule: silent
    when: {silent_for: 1h}
    severity: urgent
    category: fault
"""
    world = World(devices, [ghost], ["gw-9"], cases)
    three = parts_of(load_texts({"rules.yaml": rules}), world, "demo", places=3)
    parts = [part for (part,) in three]

    for name in ("gw-1", "gw-9", "box-7", "@site", "phone:g1"):
        assert all(part.hears(name) for part in parts)
        assert sum(part.owns("silent", name) for part in parts) == 1
    for name in ("btn-1", "native:old", "native:nobody"):
        assert sum(part.hears(name) for part in parts) == 1
        assert sum(part.owns("silent", name) for part in parts) == 1
    at_home = next(part for part in parts if part.hears("btn-3"))
    assert at_home.hears("native:old")
    assert [part.world.cases for part in parts].count(cases[:1]) == 1
    assert sum(len(part.world.cases) for part in parts) == 1
    assert sum(len(part.world.devices) for part in parts) == len(devices) + 2  # gw-1 thrice
