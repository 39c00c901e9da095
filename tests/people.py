"""People who may come in, at the price of one hash in a process: hashing is meant to be slow.

What adding somebody checks and does is tested in tests/dashboard_api/test_users.py.
"""

from functools import cache

from argon2 import PasswordHasher
from sqlalchemy.engine import Engine

from hub.database import for_writing, users


@cache
def _hash_of(secret: str) -> str:
    return PasswordHasher().hash(secret)


def let_in(engine: Engine, name: str, role: str, password: str, *, pin: str | None = None) -> None:
    """A user, with the digits for a shared phone if they have any."""
    row = {
        "name": name,
        "role": role,
        "password_hash": _hash_of(password),
        "pin_hash": None if pin is None else _hash_of(pin),
        "added_ms": 0,
    }
    with for_writing(engine).begin() as connection:
        connection.execute(users.insert().values(**row))
