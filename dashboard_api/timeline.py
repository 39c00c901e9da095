"""One line of time for a case: what its device said, what people did, who was told, who looked.

Pure: rows come in, moments come out, the oldest first.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from dashboard_api.queries import Row
from hub.series import Row as Said

READING, STORY, NOTICE, LOOK = "reading", "story", "notice", "look"
# Of one millisecond: what was said comes before what it brought about.
_ORDER = (READING, STORY, NOTICE, LOOK)


class Moment(NamedTuple):
    """Something that happened. `row` is the store's; a message's has `readings` in it."""

    at_ms: int
    kind: str
    row: Row


def timeline(
    story: Iterable[Row], notices: Iterable[Row], said: Iterable[Row], looks: Iterable[Row]
) -> list[Moment]:
    """All of it in its order."""
    moments = [
        *(Moment(row["at_ms"], READING, row) for row in said),
        *(Moment(row["at_ms"], STORY, row) for row in story),
        *(Moment(row["created_ms"], NOTICE, row) for row in notices),
        *(Moment(row["at_ms"], LOOK, row) for row in looks),
    ]
    return sorted(moments, key=lambda one: (one.at_ms, _ORDER.index(one.kind)))


def messages_of(rows: Sequence[Said]) -> list[dict[str, Any]]:
    """Readings of one moment are one message."""
    return [
        {"at_ms": at_ms, "readings": [(row.point, row.value) for row in group]}
        for at_ms, group in groupby(rows, key=lambda row: row.at_ms)
    ]
