"""Who may come in: people with passwords and sessions, programs and screens with tokens.

Passwords are kept as argon2id hashes; of sessions and tokens only the SHA-256 is kept, so that a
copy of the database opens no door. No password is there from the start: the first one is made up
at the first start and shown once. Bounds: `session_hours`, `password_chars_min`, …`_max`.
"""

import secrets
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.engine import Connection, Engine

from hub.clock import Clock
from hub.database import for_writing, sessions, tokens, users

USER_ROLES = ("admin", "staff", "crew")
TOKEN_ROLES = ("admin", "staff", "crew", "wall", "program")
FIRST_USER = "admin"
NAME_CHARS_MAX = 64
PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 256  # longer ones would only cost time
TOKEN_MARK = "hub_"  # noqa: S105 - lets people and scanners recognise a leaked token

_hasher = PasswordHasher()
# Verified for unknown names, so that they take as long as known ones.
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe(18))


class Refusal(Exception):
    """A name, password or role that cannot be; the text is for a person."""


class Person(NamedTuple):
    """Who is asking: a user or a token's holder, and the role."""

    name: str
    role: str


def digest(token: str) -> str:
    """What is kept of a token or a session's secret."""
    return sha256(token.encode()).hexdigest()


def make_password() -> str:
    """A password that nobody has to think of: 18 characters, 108 bits."""
    return secrets.token_urlsafe(13)[:18]


# -- people ---------------------------------------------------------------------------------------


def add_user(engine: Engine, clock: Clock, name: str, role: str, password: str) -> None:
    """Let somebody in from now on. Raises `Refusal`."""
    _check(name, role, USER_ROLES)
    _check_password(password)
    row = {"name": name, "role": role, "password_hash": _hasher.hash(password)}
    try:
        with for_writing(engine).begin() as connection:
            connection.execute(users.insert().values(**row, added_ms=clock.now_ms()))
    except sa.exc.IntegrityError as error:
        raise Refusal(f"there is a user {name!r} already") from error


def set_password(engine: Engine, name: str, password: str) -> None:
    """Another password from now on; open sessions end at once. Raises `Refusal`."""
    _check_password(password)
    changed = users.update().where(users.c.name == name)
    with for_writing(engine).begin() as connection:
        if not connection.execute(changed.values(password_hash=_hasher.hash(password))).rowcount:
            raise Refusal(f"there is no user {name!r}")
        connection.execute(sessions.delete().where(sessions.c.user == name))


def list_users(engine: Engine) -> list[Person]:
    """All users by name."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(users.c.name, users.c.role).order_by(users.c.name))
        return [Person(*row) for row in rows]


def remove_user(engine: Engine, name: str) -> None:
    """Let somebody in no longer; open sessions end at once. Raises `Refusal`."""
    with for_writing(engine).begin() as connection:
        if not connection.execute(users.delete().where(users.c.name == name)).rowcount:
            raise Refusal(f"there is no user {name!r}")
        connection.execute(sessions.delete().where(sessions.c.user == name))


def ensure_first_user(engine: Engine, clock: Clock) -> str | None:
    """At the first start make the user `admin`; its password, to be shown once, or None."""
    password = make_password()
    row = {"name": FIRST_USER, "role": "admin", "password_hash": _hasher.hash(password)}
    with for_writing(engine).begin() as connection:
        if connection.execute(sa.select(users.c.name).limit(1)).first() is not None:
            return None
        connection.execute(users.insert().values(**row, added_ms=clock.now_ms()))
    return password


def verify(engine: Engine, name: str, password: str) -> Person | None:
    """The user of that name if the password is right. Takes as long when there is no such user."""
    with engine.connect() as connection:
        row = connection.execute(users.select().where(users.c.name == name)).first()
    right = _matches(_NOBODYS_HASH if row is None else row.password_hash, password)
    return Person(row.name, row.role) if row is not None and right else None


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:PASSWORD_CHARS_MAX])
    except (VerifyMismatchError, InvalidHashError):
        return False


# -- sessions -------------------------------------------------------------------------------------


def open_session(engine: Engine, name: str, now_ms: int, hours: int) -> str:
    """A new session's secret; sessions that have ended are cleared away on the way."""
    secret = secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "user": name, "expires_ms": now_ms + hours * 3_600_000}
    with for_writing(engine).begin() as connection:
        connection.execute(sessions.delete().where(sessions.c.expires_ms <= now_ms))
        connection.execute(sessions.insert().values(row))
    return secret


def of_session(connection: Connection, secret: str, now_ms: int) -> Person | None:
    """Whose session this is, if it has not ended."""
    query = (
        sa.select(users.c.name, users.c.role)
        .join(sessions, sessions.c.user == users.c.name)
        .where(sessions.c.token_hash == digest(secret), sessions.c.expires_ms > now_ms)
    )
    row = connection.execute(query).first()
    return None if row is None else Person(*row)


def close_session(engine: Engine, secret: str) -> None:
    """End a session; an unknown one has ended already."""
    with for_writing(engine).begin() as connection:
        connection.execute(sessions.delete().where(sessions.c.token_hash == digest(secret)))


# -- tokens ---------------------------------------------------------------------------------------


def add_token(engine: Engine, clock: Clock, name: str, role: str) -> str:
    """A new bearer token; it cannot be shown again. Raises `Refusal`."""
    _check(name, role, TOKEN_ROLES)
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "name": name, "role": role, "added_ms": clock.now_ms()}
    try:
        with for_writing(engine).begin() as connection:
            connection.execute(tokens.insert().values(row))
    except sa.exc.IntegrityError as error:
        raise Refusal(f"there is a token {name!r} already") from error
    return secret


def of_token(connection: Connection, secret: str) -> Person | None:
    """Whose token this is."""
    query = sa.select(tokens.c.name, tokens.c.role).where(tokens.c.token_hash == digest(secret))
    row = connection.execute(query).first()
    return None if row is None else Person(*row)


def list_tokens(engine: Engine) -> list[Person]:
    """All tokens by name; the secrets are known to nobody here."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tokens.c.name, tokens.c.role).order_by(tokens.c.name))
        return [Person(*row) for row in rows]


def remove_token(engine: Engine, name: str) -> None:
    """Take a token back. Raises `Refusal`."""
    with for_writing(engine).begin() as connection:
        if not connection.execute(tokens.delete().where(tokens.c.name == name)).rowcount:
            raise Refusal(f"there is no token {name!r}")


def _check_password(password: str) -> None:
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise Refusal(
            f"password: expected {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, "
            f"not {len(password)}"
        )


def _check(name: str, role: str, roles: tuple[str, ...]) -> None:
    if not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable() or name != name.strip():
        raise Refusal(f"name: expected 1 to {NAME_CHARS_MAX} printable characters, not {name!r}")
    if role not in roles:
        raise Refusal(f"role: expected {', '.join(roles)}, not {role!r}")
