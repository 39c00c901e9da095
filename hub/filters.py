"""Filters of MQTT topics: what one covers, where two overlap, and the set of one connection.

A broker may hand over a message once for each filter of a connection that fits its topic (of
mosquitto it depends on a setting and the version). So no filter is subscribed to that another one
covers, and of a topic that several still fit the hub knows that it may get copies
(`hub/repeats.py`).

A site has thousands of buttons with a filter each, and every change of the register asks for all of
them: so filters are kept in a tree of their levels, where neither question looks at all the others.
"""

from collections.abc import Iterable, Iterator
from itertools import islice


def covers(wide: str, narrow: str) -> bool:
    """Does every topic that fits `narrow` fit `wide`? A topic is a filter, too."""
    if narrow.startswith("$") and wide.startswith(("+", "#")):
        return False  # the broker's own topics are for those only who name them
    ours, theirs = wide.split("/"), narrow.split("/")
    if ours[-1] == "#":
        ours.pop()
        theirs = theirs[: len(ours)]
    return len(ours) == len(theirs) and all(
        one == other or (one == "+" and other != "#")
        for one, other in zip(ours, theirs, strict=True)
    )


class _Node:
    """One level: the levels that follow, and the filter that ends here."""

    __slots__ = ("below", "filter")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.filter: str | None = None

    def here(self) -> Iterator[str]:
        """The filter that ends here, if one does."""
        if self.filter is not None:
            yield self.filter

    def all(self) -> Iterator[str]:
        """Every filter from here on."""
        yield from self.here()
        for node in self.below.values():
            yield from node.all()

    def fitting(self, place: int, but: str | None = None) -> "Iterator[_Node]":
        """What follows and is meant by a wildcard at that place: not the broker's own topics."""
        for name, node in self.below.items():
            if name != but and (place or not name.startswith("$")):
                yield node


class Tree:
    """Filters by their levels. What it finds is what `covers` says of each of them."""

    def __init__(self, filters: Iterable[str] = ()) -> None:
        self._root = _Node()
        for one in filters:
            self.add(one)

    def add(self, filter_: str) -> None:
        """Take in one more."""
        node = self._root
        for level in filter_.split("/"):
            node = node.below.setdefault(level, _Node())
        node.filter = filter_

    def remove(self, filter_: str) -> None:
        """Take one out that is in it."""
        levels, path = filter_.split("/"), [self._root]
        for level in levels:
            path.append(path[-1].below[level])
        path[-1].filter = None
        for level, above, node in zip(reversed(levels), path[-2::-1], path[:0:-1], strict=True):
            if node.filter is None and not node.below:
                del above.below[level]

    def covering(self, narrow: str) -> Iterator[str]:
        """Those that cover it, itself among them if it is there."""
        return _covering(self._root, narrow.split("/"), 0)

    def covered_by(self, wide: str) -> Iterator[str]:
        """Those that it covers, itself among them if it is there."""
        return _covered(self._root, wide.split("/"), 0)


def _covering(node: _Node, levels: list[str], place: int) -> Iterator[str]:
    wild = place > 0 or not levels[0].startswith("$")
    rest = node.below.get("#") if wild else None
    if rest is not None and rest.filter is not None:
        yield rest.filter
    if place == len(levels):
        yield from node.here()
        return
    level = levels[place]
    if level == "#":
        return  # only another # covers it
    for name in dict.fromkeys((level, "+") if wild else (level,)):
        if name in node.below:
            yield from _covering(node.below[name], levels, place + 1)


def _covered(node: _Node, levels: list[str], place: int) -> Iterator[str]:
    level = levels[place] if place < len(levels) else None
    if level is None:
        yield from node.here()
    elif level == "#":
        if place:
            yield from node.here()
        for below in node.fitting(place):
            yield from below.all()
    elif level == "+":
        for below in node.fitting(place, but="#"):
            yield from _covered(below, levels, place + 1)
    elif level in node.below:
        yield from _covered(node.below[level], levels, place + 1)


def without_covered(filters: Iterable[str]) -> list[str]:
    """The same topics with fewer filters: those that no other one covers, in their order."""
    every = list(dict.fromkeys(filters))
    tree = Tree(every)
    return [one for one in every if not any(other != one for other in tree.covering(one))]


class Filters:
    """The filters of one connection; none of them covers another."""

    def __init__(self, filters: Iterable[str], *, topics_max: int) -> None:
        self._topics_max = topics_max  # of which it is remembered whether several filters fit
        self._wanted = dict.fromkeys(filters)
        self._every = Tree(self._wanted)
        self._filters = dict.fromkeys(without_covered(self._wanted))
        self._tree = Tree(self._filters)
        self._several: dict[str, bool] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._filters))

    def add(self, filter_: str) -> list[str] | None:
        """Take in one more; the older ones that it covers, or None if there was no need."""
        if filter_ not in self._wanted:
            self._wanted[filter_] = None
            self._every.add(filter_)
        if self._is_covered(filter_):
            return None
        covered = list(self._tree.covered_by(filter_))
        for one in covered:
            self._leave(one)
        self._join(filter_)
        return covered

    def drop(self, filter_: str) -> tuple[bool, list[str]]:
        """Want it no more: is there one less, and which others had it covered until now?"""
        if filter_ not in self._wanted:
            return False, []
        del self._wanted[filter_]
        self._every.remove(filter_)
        if filter_ not in self._filters:
            return False, []
        self._leave(filter_)
        hidden = self._every.covered_by(filter_)
        free = without_covered(one for one in hidden if not self._is_covered(one))
        for one in free:
            self._join(one)
        return True, free

    def _is_covered(self, filter_: str) -> bool:
        return next(self._tree.covering(filter_), None) is not None

    def _join(self, filter_: str) -> None:
        self._filters[filter_] = None
        self._tree.add(filter_)
        self._several.clear()

    def _leave(self, filter_: str) -> None:
        del self._filters[filter_]
        self._tree.remove(filter_)
        self._several.clear()

    def several_fit(self, topic: str) -> bool:
        """Do two filters or more fit a topic, so that a broker may hand it over as often?"""
        known = self._several.get(topic)
        if known is None:
            known = len(list(islice(self._tree.covering(topic), 2))) > 1
            self._several[topic] = known
            if len(self._several) > self._topics_max:
                del self._several[next(iter(self._several))]
        return known
