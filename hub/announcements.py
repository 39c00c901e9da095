"""What ecosystems say of their devices beforehand: kept, and given to the drivers that need it.

A document is a state, so a retained copy is as good as a fresh one; an empty document takes its
part back. Bounds: `announcements_max` parts, `announcement_bytes_max` bytes of a document,
`announced_topics_max` topics that the hub listens to because of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from device_drivers.catalog import ANNOUNCED_BY
from device_drivers.driver import Announcement, Document, no_documents
from hub.database import announcements
from hub.mqtt import is_filter
from hub.settings import Settings

Key = tuple[str, str]  # key and part
Row = dict[str, Any]
Rows = tuple[list[Row], list[Key]]  # to put, and to remove

_NOTHING: Document = no_documents("")
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.decode


class Announcements:
    """All that was announced, in memory; `take_rows()` gives what changed, for the next commit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rows: dict[Key, Row] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._wanted: Counter[str] = Counter()  # topics, and how many parts name them
        self._of: dict[str, set[Key]] = {}  # by address
        self._changed: set[Key] = set()
        self._gone: set[Key] = set()
        self._add_topic: Callable[[str, Row], None] = lambda _topic, _row: None
        self._drop_topic: Callable[[str], None] = lambda _topic: None

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        query = announcements.select().order_by(announcements.c.at_ms)
        for row in connection.execute(query).mappings():
            self._take(dict(row))

    def on_topics(self, add: Callable[[str, Row], None], drop: Callable[[str], None]) -> None:
        """Have `add` called with every topic to listen to, and its row; those known at once."""
        self._add_topic, self._drop_topic = add, drop
        for row in self._rows.values():
            for topic in _decode(row["topics_json"]):
                add(topic, row)

    def documents(self, key: str) -> Document:
        """All that was announced under a key, by part, and by whom (`ANNOUNCED_BY`)."""
        return self._documents.get(key, _NOTHING)

    def topics_of(self, address: str) -> list[str]:
        """Topics on which the device of that address was announced to speak."""
        rows = [self._rows[key] for key in sorted(self._of.get(address, ()))]
        return [topic for row in rows for topic in _decode(row["topics_json"])]

    # -- what comes ------------------------------------------------------------------------------

    def keep(self, driver: str, said: Iterable[Announcement], at_ms: int) -> list[str]:
        """Take what a message announced; the reasons for what could not be taken."""
        wrong = []
        for one in said:
            reason = self._keep(driver, one, at_ms)
            if reason is not None:
                wrong.append(f"announcement {one.key!r}: {reason}")
        return wrong

    def _keep(self, driver: str, one: Announcement, at_ms: int) -> str | None:
        key = (one.key, one.part)
        if not one.document:
            if key in self._rows:
                self._remove(key)
            return None
        document = _encode(dict(one.document))
        known = self._rows.get(key)
        reason = self._reason(one, document, known)
        if reason is not None:
            return reason
        row = _row(driver, one, document.decode(), at_ms)
        if known is None or any(known[name] != row[name] for name in row if name != "at_ms"):
            if known is not None:
                self._let_go(key, known)
            self._take(row)
            self._changed.add(key)
            self._gone.discard(key)
            for topic in _decode(row["topics_json"]):
                self._add_topic(topic, row)
            if known is not None:
                self._drop_unwanted(known)
        return None

    def _reason(self, one: Announcement, document: bytes, known: Row | None) -> str | None:
        bytes_max = self._settings.announcement_bytes_max
        if len(document) > bytes_max:
            return f"{len(document)} bytes; at most {bytes_max} (HUB_ANNOUNCEMENT_BYTES_MAX)"
        rows_max = self._settings.announcements_max
        if known is None and len(self._rows) >= rows_max:
            return f"{rows_max} are kept already (HUB_ANNOUNCEMENTS_MAX)"
        topics_max = self._settings.announced_topics_max
        if len(self._wanted) + len(one.topics) > topics_max and not set(one.topics) <= set(
            self._wanted
        ):
            return f"{topics_max} topics are listened to already (HUB_ANNOUNCED_TOPICS_MAX)"
        strange = [topic for topic in one.topics if not is_filter(topic)]
        return f"no topic to listen to: {strange[0]!r}" if strange else None

    # -- what is known ---------------------------------------------------------------------------

    def _take(self, row: Row) -> None:
        key = (row["key"], row["part"])
        self._rows[key] = row
        parts = self._documents.setdefault(row["key"], {ANNOUNCED_BY: row["driver"]})
        parts[row["part"]] = _decode(row["document_json"])
        self._wanted.update(_decode(row["topics_json"]))
        if row["address"] is not None:
            self._of.setdefault(row["address"], set()).add(key)

    def _let_go(self, key: Key, row: Row) -> None:
        self._wanted.subtract(_decode(row["topics_json"]))
        if row["address"] is not None:
            self._of[row["address"]].discard(key)
            if not self._of[row["address"]]:
                del self._of[row["address"]]

    def _remove(self, key: Key) -> None:
        row = self._rows.pop(key)
        self._let_go(key, row)
        parts = self._documents[row["key"]]
        parts.pop(row["part"], None)
        if set(parts) <= {ANNOUNCED_BY}:
            del self._documents[row["key"]]
        self._changed.discard(key)
        self._gone.add(key)
        self._drop_unwanted(row)

    def _drop_unwanted(self, row: Row) -> None:
        for topic in _decode(row["topics_json"]):
            if self._wanted[topic] <= 0:
                del self._wanted[topic]
                self._drop_topic(topic)

    # -- what is written -------------------------------------------------------------------------

    def waits(self) -> bool:
        """Is there anything that the next commit must write?"""
        return bool(self._changed or self._gone)

    def take_rows(self) -> Rows:
        """Rows to put and parts to remove since the last call."""
        rows = [self._rows[key] for key in self._changed]
        gone = list(self._gone)
        self._changed.clear()
        self._gone.clear()
        return rows, gone


def _row(driver: str, one: Announcement, document: str, at_ms: int) -> Row:
    return {
        "key": one.key,
        "part": one.part,
        "driver": driver,
        "document_json": document,
        "topics_json": _encode(list(one.topics)).decode(),
        "address": one.address,
        "family": one.family,
        "name": one.name,
        "maker": one.maker,
        "model": one.model,
        "guess": one.driver,
        "at_ms": at_ms,
    }


def write(connection: Connection, rows: Rows) -> None:
    """Put changed parts into the table and take those out that were taken back."""
    changed, gone = rows
    for key, part in gone:
        where = (announcements.c.key == key) & (announcements.c.part == part)
        connection.execute(announcements.delete().where(where))
    if changed:
        insert = upsert(announcements)
        new = {column.name: insert.excluded[column.name] for column in announcements.columns}
        put = insert.on_conflict_do_update(index_elements=["key", "part"], set_=new)
        connection.execute(put, changed)


def announced_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """What several rows about one address say together; the newest word counts.

    Rows come in the order of `at_ms`.
    """
    names = {"name": "name", "maker": "maker", "model": "model", "family": "family"}
    found: dict[str, str | None] = dict.fromkeys([*names, "driver"])
    for row in rows:
        for name, column in {**names, "driver": "guess"}.items():
            found[name] = row[column] or found[name]
    return found
