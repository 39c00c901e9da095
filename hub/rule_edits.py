"""Edits of rules by page: a rule's own lines are replaced in its file, and can be put back.

All other bytes of the file stay as they are. What was there before is kept, as well as who changed
it and when. Nothing is written that is not right in all files together.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import rule_files, rule_sets
from hub.database import rule_edits
from hub.rule_files import Texts
from hub.settings import Settings
from rules.block import Block, find_block, replace_block

_BOM = b"\xef\xbb\xbf"


class Changed(Exception):
    """Somebody else changed the lines meanwhile; `diff` is what they did."""

    def __init__(self, diff: str) -> None:
        super().__init__("somebody else has changed this rule meanwhile")
        self.diff = diff


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit that was not written yet: the lines as they are, and all texts as they would be."""

    rule: str
    block: Block
    after: str
    texts: dict[str, str]
    before_texts: Texts


def draft(texts: Texts, rule: str, new: str, base: str | None = None) -> Draft:
    """The texts with other lines for a rule. Raises `NoBlock`, `Changed`.

    `base`: the lines from which the person began.
    """
    block = find_block(texts, rule)
    if base is not None and _plain(base) != _plain(block.text):
        raise Changed(diff_of(base, block.text))
    after = "\n".join(new.rstrip().splitlines()) + "\n"
    text = replace_block(texts[block.file], block, after)
    return Draft(rule, block, after, {**texts, block.file: text}, texts)


def diff_of(before: str, after: str) -> str:
    """What differs, line by line, with `-` and `+`."""
    lines = unified_diff(_plain(before).splitlines(), _plain(after).splitlines(), lineterm="", n=2)
    return "\n".join(list(lines)[2:])


def _plain(text: str) -> str:
    return "\n".join(text.rstrip().splitlines())


def save(
    connection: Connection,
    settings: Settings,
    wanted: Draft,
    by: str,
    now_ms: int,
    undoes: int | None = None,
) -> int:
    """Write the file and ask the judge for the new set; the command's number.

    The draft must have been checked, and the connection must hold the writer's place, so that one
    edit comes after another. Raises `Changed` for a file that is no longer the draft's, OSError.
    """
    now = rule_files.read_texts(settings)
    name = wanted.block.file
    if dict(now) != dict(wanted.before_texts):
        raise Changed(diff_of(wanted.before_texts.get(name, ""), now.get(name, "")))
    texts = {"before": wanted.block.text, "after": wanted.after}
    row = {"rule": wanted.rule, "file": name, "by": by, "at_ms": now_ms, "undoes": undoes}
    connection.execute(rule_edits.insert().values(**row, **texts))
    _forget(connection, wanted.rule, settings.rule_edits_keep)
    seq = rule_sets.ask_for(connection, wanted.texts, by, now_ms, settings.rule_sets_keep)
    write_whole(rule_files.folder_of(settings) / name, wanted.texts[name])
    return seq


def _forget(connection: Connection, rule: str, keep: int) -> None:
    kept = sa.select(rule_edits.c.id).where(rule_edits.c.rule == rule)
    newest = kept.order_by(rule_edits.c.id.desc()).limit(keep)
    old = sa.and_(rule_edits.c.rule == rule, rule_edits.c.id.not_in(newest))
    connection.execute(rule_edits.delete().where(old))


def write_whole(file: Path, text: str) -> None:
    """Put a file in the place of the old one: whoever reads sees the one or the other. OSError."""
    file = file.resolve()
    mark = _BOM if file.read_bytes().startswith(_BOM) else b""
    beside = file.with_name(f".{file.name}.new")  # an ending that nobody takes for rules
    try:
        with beside.open("wb") as opened:
            opened.write(mark + text.encode())
            opened.flush()
            os.fsync(opened.fileno())
        beside.chmod(file.stat().st_mode)
        beside.replace(file)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def of_rule(connection: Connection, rule: str, limit: int) -> list[dict[str, Any]]:
    """Who changed its lines when, the newest first."""
    query = rule_edits.select().where(rule_edits.c.rule == rule)
    rows = connection.execute(query.order_by(rule_edits.c.id.desc()).limit(limit)).mappings()
    return [_shown(row) for row in rows]


def find(connection: Connection, edit_id: int) -> dict[str, Any] | None:
    """One edit."""
    row = connection.execute(rule_edits.select().where(rule_edits.c.id == edit_id)).mappings()
    found = row.first()
    return None if found is None else _shown(found)


def _shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**row, "diff": diff_of(row["before"], row["after"])}
