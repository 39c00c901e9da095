"""Short codes for labels: made for devices that have none, hard to mix up and hard to guess."""

import secrets
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import devices
from hub.register import tell_of_change

# Without 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: what is read aloud, or typed with a glove, is read right.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
CHARACTERS = 6  # of 23 signs: 148 million; whoever guesses finds a page that names nobody
TRIES_MAX = 20


def new_code() -> str:
    """A code by chance."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CHARACTERS))


def give_codes(
    connection: Connection,
    ids: Sequence[str],
    by: str,
    now_ms: int,
    make: Callable[[], str] = new_code,
) -> dict[str, str]:
    """A new code for each of these devices that has none; what was given, by device.

    Raises `RuntimeError` where `make` finds no free one.
    """
    query = sa.select(devices.c.id).where(devices.c.id.in_(ids), devices.c.code.is_(None))
    given = {}
    for device_id in connection.execute(query.order_by(devices.c.id)).scalars().all():
        code = _free(connection, make)
        connection.execute(devices.update().where(devices.c.id == device_id).values(code=code))
        given[device_id] = code
    if given:
        tell_of_change(connection, now_ms, by)
    return given


def _free(connection: Connection, make: Callable[[], str]) -> str:
    for _ in range(TRIES_MAX):
        code = make()
        taken = sa.or_(devices.c.code == code, devices.c.id == code)
        if connection.execute(sa.select(devices.c.id).where(taken)).first() is None:
            return code
    raise RuntimeError(f"no free code in {TRIES_MAX} tries")
