"""What of the past can be judged apart: rules from rules, devices from devices. Pure.

A rule over single devices needs the words of one device at a time: they may be judged in a row, and
devices may be dealt to several processes. A rule that binds devices (of a grid, of a resident)
needs the words of all of them by turns: devices that any rule binds, be it by way of others, stay
together. What carries the words of others (gateways, the site's link, the hub's own phones and
channels) explains silences everywhere: every part hears it, and one of them speaks of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heapreplace
from typing import NamedTuple
from zlib import crc32

from hub.device_facts import CARRIERS, facts_of, facts_of_ghost
from hub.own_parts import facts_of_part
from hub.world import World
from rules.condition import same_of
from rules.facts import DeviceFacts
from rules.finder import Finder, key_of
from rules.judge import SITE
from rules.rule import RuleSet

# What it costs to judge a device by the rules that bind it, against those over it alone: a fifth
# with the community's rules (`python -m benchmarks.backtest`). Only the balance hangs on it.
BOUND_WEIGHT = 0.2
NOBODY, BY_NAME = -1, -2  # a place that is none; the place that a name gives by itself


@dataclass(frozen=True, slots=True)
class Part:
    """Some rules over some devices, and what must be known of the world to judge these.

    `dealt` says of devices (and of addresses of ghosts), `keys` of groups, at which of the `places`
    of the same rules they are; `strangers` where whoever is not named there is.
    """

    rules: RuleSet
    world: World
    carriers: frozenset[str] = frozenset()
    dealt: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] | None = None  # None: the rules are over single devices
    strangers: int = BY_NAME
    place: int = 0
    places: int = 1

    def hears(self, device: str) -> bool:
        """Must it hear what this device says?"""
        if device in self.carriers or facts_of_part(device) is not None:
            return True
        return self._place_of(device) == self.place

    def owns(self, rule: str, key: str) -> bool:
        """Is it this part that speaks of that alert?"""
        if self.keys is None:
            return self._place_of(key) == self.place
        name = f"{rule}|{key}"
        place = self.keys.get(name)
        return (self._by_name(name) if place is None else place) == self.place

    def _place_of(self, device: str) -> int:
        place = self.dealt.get(device)
        if place is not None:
            return place
        return self._by_name(device) if self.strangers == BY_NAME else self.strangers

    def _by_name(self, name: str) -> int:
        return crc32(name.encode()) % self.places


def parts_of(
    rules: RuleSet,
    world: World,
    site: str,
    *,
    places: int = 1,
    by_turns: Collection[str] = (),
    alias: Mapping[str, str] | None = None,
) -> list[list[Part]]:
    """For each place the parts that are judged there; together they are the whole.

    `by_turns` are rules over single devices whose cases are closed by the clock, so that words in
    a row would come too early. `alias`: other names of rules of the world's cases.
    """
    bound = frozenset(rule.name for rule in rules.rules if same_of(rule.when) != "device")
    slow = frozenset(by_turns) - bound
    in_rows = frozenset(rule.name for rule in rules.rules) - bound - slow
    binding = _only(rules, bound)
    deal = _deal(binding, world, site, places)
    whole = Part(rules, world, frozenset(_carriers(world)), deal.devices, places=places)
    kinds = [replace(whole, rules=_only(rules, names)) for names in (in_rows, slow) if names]
    if bound:
        kinds.append(
            replace(
                whole,
                rules=binding,
                dealt=deal.members,
                keys=deal.keys,
                strangers=deal.strangers,
            )
        )
    at_places = ([replace(part, place=place) for part in kinds] for place in range(places))
    return [
        [replace(part, world=_share(part, alias or {})) for part in parts] for parts in at_places
    ]


class _Deal(NamedTuple):
    """At which place each device is, each that a rule binds and each group, and all strangers."""

    devices: dict[str, int]
    members: dict[str, int]
    keys: dict[str, int]
    strangers: int


def _deal(binding: RuleSet, world: World, site: str, places: int) -> _Deal:
    """As evenly as groups allow."""
    groups = sorted(_groups(binding, _nodes(world), site), key=lambda one: -len(one.devices))
    loads = [0.0] * places
    grouped = _deal_groups(groups, loads)
    devices = _deal_devices(world, loads)
    keys = {key: grouped[n] for n, group in enumerate(groups) for key in group.keys}
    members = {name: grouped[n] for n, group in enumerate(groups) for name in group.devices}
    of_site = [f"{rule.name}|{site}" for rule in binding.rules if same_of(rule.when) == "site"]
    at_site = next((keys[one] for one in of_site if one in keys), 0) if of_site else NOBODY
    keys |= dict.fromkeys(of_site, at_site)
    return _Deal(devices, {one: members.get(one, NOBODY) for one in devices}, keys, at_site)


def is_heard(parts: Iterable[Part], device: str) -> bool:
    """Must one of them hear it?"""
    return any(part.hears(device) for part in parts)


def _only(rules: RuleSet, names: Collection[str]) -> RuleSet:
    return RuleSet(
        tuple(rule for rule in rules.rules if rule.name in names),
        tuple(override for override in rules.overrides if override.rule in names),
    )


def _carriers(world: World) -> Iterator[str]:
    """Whatever may explain that others are silent."""
    yield SITE
    yield from world.gateways
    for device in world.devices:
        if device.family in CARRIERS:
            yield device.id
        if device.gateway is not None:
            yield device.gateway


def _nodes(world: World) -> Iterator[DeviceFacts]:
    """All that may be bound by a rule because of where it is."""
    known = {device.id: device for device in world.devices}
    yield from map(facts_of, world.devices)
    yield from (facts_of_ghost(ghost, known.get(ghost.device)) for ghost in world.ghosts)


class Group(NamedTuple):
    """Devices that rules bind together, and the keys under which they do."""

    devices: tuple[str, ...]
    keys: tuple[str, ...]


def _groups(rules: RuleSet, nodes: Iterable[DeviceFacts], site: str) -> list[Group]:
    """Devices that share a key, or share one with somebody who does, and so on."""
    finder, union, keys_of = Finder(rules), _Union(), dict[str, list[str]]()
    for facts in nodes:
        for rule in finder.may_fit(facts):
            key = key_of(rule, facts, site)
            if key is not None:
                keys_of.setdefault(facts.id, []).append(f"{rule.name}|{key}")
                union.join(facts.id, f"{rule.name}|{key}")
                if same_of(rule.when) == "site":  # strangers are of the site: they are at one place
                    union.join(facts.id, SITE)
    groups: dict[str, tuple[list[str], dict[str, None]]] = {}
    for name, keys in keys_of.items():
        devices, known = groups.setdefault(union.root(name), ([], {}))
        devices.append(name)
        known.update(dict.fromkeys(keys))
    return [Group(tuple(devices), tuple(known)) for devices, known in groups.values()]


class _Union:
    """Which names are of one set (union-find, paths halved on the way)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The same name for all of a set."""
        above = self._above
        while (up := above.setdefault(name, name)) != name:
            above[name] = above[up]
            name = above[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Their sets are one."""
        self._above[self.root(one)] = self.root(other)


def _deal_groups(groups: Sequence[Group], loads: list[float]) -> list[int]:
    """To whoever has least so far; the place of each."""
    places = []
    for group in groups:
        place = loads.index(min(loads))
        loads[place] += BOUND_WEIGHT * len(group.devices)
        places.append(place)
    return places


def _deal_devices(world: World, loads: Sequence[float]) -> dict[str, int]:
    """The same, family by family, because those of one talk about as much. A ghost goes with its
    device.
    """
    heap = [(load, place) for place, load in enumerate(loads)]
    heapify(heap)
    dealt: dict[str, int] = {}
    for device in sorted(world.devices, key=lambda one: (one.family, one.id)):
        load, place = heap[0]
        dealt[device.id] = place
        heapreplace(heap, (load + 1, place))
    for ghost in world.ghosts:
        dealt[ghost.address] = dealt.get(ghost.device, 0)
    return dealt


def _share(part: Part, alias: Mapping[str, str]) -> World:
    """Of the world what its part must know."""
    world, names = part.world, frozenset(rule.name for rule in part.rules.rules)
    cases = []
    for case in world.cases:
        called = names & {case.rule, alias.get(case.rule, case.rule)}
        if any(part.owns(name, case.key) for name in called):
            cases.append(case)
    return World(
        [device for device in world.devices if part.hears(device.id)],
        [ghost for ghost in world.ghosts if part.hears(ghost.address)],
        world.gateways,
        cases,
    )
