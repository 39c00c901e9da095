"""What rules that learn (`unlike_itself`) know by now of each device: from the standings."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import standings
from rules.baseline import Knowledge
from rules.past import Learned


class _State(msgspec.Struct):
    """Of a standing only this; it is not there where nothing is to be learned."""

    knows: tuple[int, int, int] | None = None


_decode = msgspec.json.Decoder(_State).decode


def read_learned(connection: Connection, rule: str) -> list[Learned]:
    """By what is kept: who knows least comes first. Standings are written within seconds."""
    first, behind = f"{rule}|", f"{rule}}}"  # "}" is the character after "|"
    query = sa.select(standings.c.key, standings.c.state)
    rows = connection.execute(query.where(standings.c.key > first, standings.c.key < behind))
    found = []
    for key, state in rows:
        knows = _decode(state).knows
        if knows is not None:
            found.append(Learned(rule, key.removeprefix(first), Knowledge(*knows)))
    return sorted(found, key=lambda one: (one.knowledge.days, one.key))
