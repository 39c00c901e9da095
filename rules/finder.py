"""Which rules are about a device, and as what: by itself, or as one of a group that shares a key.

A device is not asked for by each rule: most name devices or families; only those that name neither
are asked for every device.
"""

from collections.abc import Iterator
from heapq import merge

from rules.condition import Step, Then, Together, Without, same_of
from rules.facts import DeviceFacts
from rules.rule import CANARY, GRAVE, Rule, RuleSet

_Placed = tuple[int, Rule]  # its place in the set, so that the order of the files is kept


class Finder:
    """The rules of one set."""

    def __init__(self, rules: RuleSet) -> None:
        self.of = rules
        self._by_device: dict[str, list[_Placed]] = {}
        self._by_family: dict[str, list[_Placed]] = {}
        self._others: list[_Placed] = []
        for place, rule in enumerate(rules.rules):
            self._put((place, rule))

    def _put(self, placed: _Placed) -> None:
        where = placed[1].where
        if where.device:
            for name in dict.fromkeys(where.device):
                self._by_device.setdefault(name, []).append(placed)
        elif where.family:
            for name in dict.fromkeys(where.family):
                self._by_family.setdefault(name, []).append(placed)
        else:
            self._others.append(placed)

    def may_fit(self, facts: DeviceFacts) -> Iterator[Rule]:
        """All rules that fit the device, and some others; in the order of the set."""
        found = (
            self._by_device.get(facts.id, ()),
            self._by_family.get(facts.family, ()),
            self._others,
        )
        return (rule for _, rule in merge(*found, key=_place))


def _place(placed: _Placed) -> int:
    return placed[0]


def key_of(rule: Rule, facts: DeviceFacts, site: str) -> str | None:
    """The key under which a rule watches a device: its id, or what its group shares.

    None: it does not watch it.
    """
    if not _may_judge(rule, facts) or not rule.where.fits(facts):
        return None
    match rule.when:
        case Together(where=where) if not where.fits(facts):
            return None
        case (
            Then(first=Step(where=one), then=Step(where=two))
            | Without(first=Step(where=one), without=Step(where=two))
        ) if not (one.fits(facts) or two.fits(facts)):
            return None
    match same_of(rule.when):
        case "device":
            return facts.id
        case "site":
            return site
        case same:
            value: str | None = getattr(facts, same)
            return value


def _may_judge(rule: Rule, facts: DeviceFacts) -> bool:
    """Strangers are judged by grave rules only, the canary by the hub's own and by no other."""
    if rule.built_in or facts.family == CANARY:
        return rule.built_in and facts.family == CANARY
    return facts.registered or rule.severity in GRAVE
