"""A rule's own lines in its file: found, and replaced while all other bytes stay as they are.

The lines of a rule are those of its item in the list `rules`, with the comments that stand
directly above it. Comments inside are part of the text; YAML is read to find the places and never
written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from rules.document import DOCUMENTS_REMEMBERED, FILE_BYTES_MAX

# What YAML takes for the end of a line: `str.splitlines` knows others beside them.
_END = r"\n\r\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_END}]*(?:\r\n|[{_END}])|[^{_END}]+")


class NoBlock(Exception):
    """The rule's lines cannot be told from others; the text says why."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first` … `last` of a file (counted from 1) and their text, ended by a line break."""

    file: str
    first: int
    last: int
    text: str


def find_block(texts: Mapping[str, str], rule: str) -> Block:
    """The rule's lines in one of these files. Raises `NoBlock`."""
    for file, text in texts.items():
        for number, (name, first, last) in enumerate(spans := _spans(text)):
            if name == rule:
                if any(one[1] <= last and one[2] >= first for one in _others(spans, number)):
                    raise NoBlock(f"{file}: the rule {rule} shares its lines with another")
                lines = _LINE.findall(text)
                return Block(file, first, last, _ended("".join(lines[first - 1 : last])))
    raise NoBlock(f"there is no rule {rule} in a form that can be edited by itself")


def replace_block(text: str, block: Block, new: str) -> str:
    """The file's text with other lines in the block's place."""
    lines = _LINE.findall(text)
    ending = "\r\n" if "\r\n" in block.text else "\n"
    body = ending.join(new.rstrip().splitlines())
    last = lines[block.last - 1]
    end = ending if last.endswith(("\n", "\r")) else ""
    return "".join([*lines[: block.first - 1], f"{body}{end}", *lines[block.last :]])


def names_in(text: str) -> list[str]:
    """The names of the rules that stand in a file, in order; none of what is no YAML."""
    return [name for name, _first, _last in _spans(text)]


def _others(spans: list[tuple[str, int, int]], number: int) -> list[tuple[str, int, int]]:
    return spans[:number] + spans[number + 1 :]


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


@lru_cache(maxsize=DOCUMENTS_REMEMBERED)  # each rule of a file is asked for
def _spans(text: str) -> list[tuple[str, int, int]]:
    """Name, first and last line of each rule of a list in block style."""
    if len(text) > FILE_BYTES_MAX:
        return []
    try:
        top = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, TypeError, AttributeError, NotImplementedError, RecursionError):
        return []
    rules = _value_of(top, "rules")
    if not isinstance(rules, SequenceNode) or rules.flow_style:
        return []
    lines = _LINE.findall(text)
    found = []
    for item in rules.value:
        name = _value_of(item, "rule")
        if name is not None:
            found.append((str(name.value), _first_line(lines, item), _last_line(lines, item)))
    return found


def _value_of(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _first_line(lines: list[str], item: Node) -> int:
    """The line of its dash, or the first comment directly above, as far in as the dash."""
    first = int(item.start_mark.line)
    while first > 0 and not lines[first].lstrip().startswith("-"):
        first -= 1  # the dash stands alone on a line above
    dash = _indent(lines[first])
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        if _indent(lines[first - 1]) != dash:
            break
        first -= 1
    return first + 1


def _last_line(lines: list[str], item: Node) -> int:
    """The last line that belongs to it: blank lines, and comments of what follows, do not."""
    dash = _indent(lines[_first_line(lines, item) - 1])
    last = min(int(item.end_mark.line), len(lines))  # the line on which the next thing begins
    if item.end_mark.column and last < len(lines) and _indent(lines[last]) > dash:
        last += 1
    while last > 1 and _is_no_part(lines[last - 1], dash):
        last -= 1
    return last


def _is_no_part(line: str, dash: int) -> bool:
    if not line.strip():
        return True
    return line.lstrip().startswith("#") and _indent(line) <= dash


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
