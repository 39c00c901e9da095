"""A rule on trial becomes live: its file's text without the words that put it on trial.

YAML is read to find the places and never written: comments, quotes and blank lines stay as they
are. Where the rule stands instead of another one, the other one's lines go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from rules.document import nearest

TRIAL_KEYS = ("mode", "instead_of")


class NotPromoted(Exception):
    """Why the rule cannot be made live in its file."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """The files' texts afterwards; `replaced` is the rule whose lines are gone, if any."""

    texts: Mapping[str, str]  # of the files that change; the first is the rule's own
    replaced: str | None


@dataclass(frozen=True, slots=True)
class _Item:
    """One rule of a file: its node, and the list and the file that hold it."""

    file: str
    node: MappingNode
    place: int
    of: SequenceNode

    def word(self, key: str) -> str | None:
        found = (v.value for k, v in self.node.value if k.value == key)
        return next((str(value) for value in found), None)


def promote(texts: Mapping[str, str], name: str) -> Promotion:
    """What the files must say so that the rule is live. Raises `NotPromoted`."""
    items = {item.word("rule") or "": item for item in _items(texts)}
    item = items.get(name)
    if item is None:
        near = nearest(name, items)
        raise NotPromoted(f"there is no rule {name}" + (f"; did you mean {near}?" if near else ""))
    if item.word("mode") != "shadow":
        raise NotPromoted(f"{item.file}: the rule {name} is live already")
    other = items.get(item.word("instead_of") or "")
    cuts = {item.file: list(_key_cuts(texts[item.file], item.node))}
    if other is not None:
        cuts.setdefault(other.file, []).append(_item_cut(texts[other.file], other))
    changed = {file: _cut(texts[file], parts) for file, parts in cuts.items()}
    return Promotion(changed, None if other is None else other.word("rule"))


def _items(texts: Mapping[str, str]) -> Iterator[_Item]:
    for file, text in texts.items():
        try:
            top = YAML(typ="safe", pure=True).compose(text)
        except YAMLError as error:
            raise NotPromoted(f"{file}: {error}") from error
        for key, rules in top.value if isinstance(top, MappingNode) else ():
            if key.value == "rules" and isinstance(rules, SequenceNode):
                for place, node in enumerate(rules.value):
                    if isinstance(node, MappingNode):
                        yield _Item(file, node, place, rules)


# ---------------------------------------------------------------------- what goes

_Span = tuple[int, int, str]  # from, up to, what stands there instead


def _key_cuts(text: str, rule: MappingNode) -> Iterator[_Span]:
    """Each of the keys with its value, and its line where it has one of its own."""
    pairs = rule.value
    for place, (key, value) in enumerate(pairs):
        if key.value not in TRIAL_KEYS:
            continue
        begin, end = key.start_mark.index, value.end_mark.index
        if not rule.flow_style and place:
            yield _line_start(text, begin), _next_line(text, end), ""
        elif place + 1 < len(pairs):
            yield begin, pairs[place + 1][0].start_mark.index, ""
        else:
            yield pairs[place - 1][1].end_mark.index, end, ""


def _item_cut(text: str, item: _Item) -> _Span:
    """A rule with the comments directly above it; of the last one of a file the list stays."""
    if item.of.flow_style:
        raise NotPromoted(f"{item.file}: write the list `rules` with a line for each rule first")
    begin = _with_comments(text, _dash(text, item.node.start_mark.index))
    end = _next_line(text, _last_leaf(item.node).end_mark.index - 1)
    if len(item.of.value) == 1:
        opened = text.rindex(":", 0, begin) + 1
        return opened, end, " []\n"
    return begin, end, ""


def _dash(text: str, index: int) -> int:
    """The beginning of the line with the dash before a rule."""
    return _line_start(text, text.rindex("-", 0, index))


def _with_comments(text: str, begin: int) -> int:
    while begin:
        above = _line_start(text, begin - 1)
        if not text[above:begin].lstrip().startswith("#"):
            break
        begin = above
    return begin


def _last_leaf(node: Node) -> Node:
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return node


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _next_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _cut(text: str, spans: list[_Span]) -> str:
    for begin, end, instead in sorted(spans, reverse=True):
        text = text[:begin] + instead + text[end:]
    return text
