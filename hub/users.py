"""Who may come in: people with passwords and sessions, programs and screens with tokens.

Passwords are kept as argon2id hashes; of sessions and tokens only the SHA-256 is kept, so that a
copy of the database opens no door. No password is there from the start: the first one is made up
at the first start and shown once. Bounds: `session_hours`, `password_chars_min`, …`_max`.

A shared phone is logged in as itself (`grid-3`). Whoever takes it for a shift signs on by name and
PIN; while that shift runs, what is done on the phone is done by that person.
"""

import secrets
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.engine import Connection, Engine

from hub.clock import Clock
from hub.database import for_writing, screens, sessions, shifts, tokens, users
from rules.roster import DUTY_PHONE

USER_ROLES = ("admin", "staff", "crew")
TOKEN_ROLES = ("admin", "staff", "crew", "wall", "program")
FIRST_USER = "admin"
NAME_CHARS_MAX = 64
PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 256  # longer ones would only cost time
PIN_DIGITS_MIN, PIN_DIGITS_MAX = 4, 8
TOKEN_MARK = "hub_"  # noqa: S105 - lets people and scanners recognise a leaked token

Also = Callable[[Connection], object]  # what else is written in the same transaction

_hasher = PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """Verified for unknown names, so that they take as long as known ones."""
    return _hasher.hash(secrets.token_urlsafe(18))


class Refusal(Exception):
    """A name, password or role that cannot be; the text is for a person."""


class Person(NamedTuple):
    """Who is asking: a user or a token's holder, and the role.

    `on_duty`: who is signed on at the session's phone.
    """

    name: str
    role: str
    on_duty: str | None = None


def digest(token: str) -> str:
    """What is kept of a token or a session's secret."""
    return sha256(token.encode()).hexdigest()


def make_password() -> str:
    """A password that nobody has to think of: 18 characters, 108 bits."""
    return secrets.token_urlsafe(13)[:18]


# -- people ---------------------------------------------------------------------------------------


def nothing_more(_connection: Connection) -> None:
    """What else is written with a change of users: nothing."""


def add_user(
    engine: Engine,
    clock: Clock,
    name: str,
    role: str,
    password: str,
    also: Also = nothing_more,
) -> None:
    """Let somebody in from now on. Raises `Refusal`. `also`: written in the same transaction."""
    _check(name, role, USER_ROLES)
    _check_password(password)
    row = {"name": name, "role": role, "password_hash": _hasher.hash(password)}
    try:
        with for_writing(engine).begin() as connection:
            connection.execute(users.insert().values(**row, added_ms=clock.now_ms()))
            also(connection)
    except sa.exc.IntegrityError as error:
        raise Refusal(f"there is a user {name!r} already") from error


def set_password(engine: Engine, name: str, password: str, also: Also = nothing_more) -> None:
    """Another password from now on; open sessions end at once. Raises `Refusal`."""
    _check_password(password)
    changed = users.update().where(users.c.name == name)
    with for_writing(engine).begin() as connection:
        if not connection.execute(changed.values(password_hash=_hasher.hash(password))).rowcount:
            raise Refusal(f"there is no user {name!r}")
        connection.execute(sessions.delete().where(sessions.c.user == name))
        also(connection)


def set_role(engine: Engine, name: str, role: str, also: Also = nothing_more) -> None:
    """Another role from now on; open sessions end at once. Raises `Refusal`."""
    _check(name, role, USER_ROLES)
    with for_writing(engine).begin() as connection:
        if role != "admin":
            _keep_an_admin(connection, name)
        changed = users.update().where(users.c.name == name).values(role=role)
        if not connection.execute(changed).rowcount:
            raise Refusal(f"there is no user {name!r}")
        connection.execute(sessions.delete().where(sessions.c.user == name))
        also(connection)


def _keep_an_admin(connection: Connection, name: str) -> None:
    """Somebody must be left who can let others in."""
    others = sa.select(sa.func.count()).where(users.c.role == "admin", users.c.name != name)
    if not connection.execute(others).scalar():
        raise Refusal(f"{name!r} is the only administrator")


def list_users(engine: Engine) -> list[Person]:
    """All users by name."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(users.c.name, users.c.role).order_by(users.c.name))
        return [Person(*row) for row in rows]


def remove_user(engine: Engine, name: str, also: Also = nothing_more) -> None:
    """Let somebody in no longer; open sessions end at once. Raises `Refusal`."""
    with for_writing(engine).begin() as connection:
        if not connection.execute(users.delete().where(users.c.name == name)).rowcount:
            raise Refusal(f"there is no user {name!r}")
        connection.execute(sessions.delete().where(sessions.c.user == name))
        also(connection)


def remove_but_the_last(engine: Engine, name: str, also: Also = nothing_more) -> None:
    """The same by page: there nobody takes away the last administrator. Raises `Refusal`."""

    def checked(connection: Connection) -> None:
        _keep_an_admin(connection, name)
        also(connection)

    remove_user(engine, name, checked)


def ensure_first_user(engine: Engine, clock: Clock) -> str | None:
    """At the first start make the user `admin`; its password, to be shown once, or None."""
    with for_writing(engine).begin() as connection:
        if connection.execute(sa.select(users.c.name).limit(1)).first() is not None:
            return None
        password = make_password()
        row = {"name": FIRST_USER, "role": "admin", "password_hash": _hasher.hash(password)}
        connection.execute(users.insert().values(**row, added_ms=clock.now_ms()))
    return password


def verify(engine: Engine, name: str, password: str) -> Person | None:
    """The user of that name if the password is right. Takes as long when there is no such user."""
    with engine.connect() as connection:
        row = connection.execute(users.select().where(users.c.name == name)).first()
    right = _matches(_nobodys_hash() if row is None else row.password_hash, password)
    return Person(row.name, row.role) if row is not None and right else None


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:PASSWORD_CHARS_MAX])
    except (VerifyMismatchError, InvalidHashError):
        return False


# -- signing on at a shared phone -----------------------------------------------------------------


def set_pin(engine: Engine, name: str, pin: str | None, also: Also = nothing_more) -> None:
    """The digits by which somebody signs on from now on; None: not any more. Raises `Refusal`."""
    if pin is not None:
        _check_pin(pin)
    changed = users.update().where(users.c.name == name)
    pin_hash = None if pin is None else _hasher.hash(pin)
    with for_writing(engine).begin() as connection:
        if not connection.execute(changed.values(pin_hash=pin_hash)).rowcount:
            raise Refusal(f"there is no user {name!r}")
        also(connection)


def verify_pin(engine: Engine, name: str, pin: str) -> Person | None:
    """The user if the PIN is right. Takes as long for one who is unknown or has none."""
    with engine.connect() as connection:
        row = connection.execute(users.select().where(users.c.name == name)).first()
    known = None if row is None else row.pin_hash
    right = _matches(known or _nobodys_hash(), pin)
    return Person(row.name, row.role) if row is not None and known and right else None


def with_pin(connection: Connection) -> list[str]:
    """Who can sign on, by name."""
    query = sa.select(users.c.name).where(users.c.pin_hash.is_not(None)).order_by(users.c.name)
    return list(connection.execute(query).scalars())


def bind_session(connection: Connection, secret: str, shift: int | None) -> None:
    """What this session does is done by whoever has that shift, while it runs."""
    mine = sessions.update().where(sessions.c.token_hash == digest(secret))
    connection.execute(mine.values(shift=shift))


def shift_of(connection: Connection, secret: str, now_ms: int) -> int | None:
    """The number of the shift that runs at this session."""
    query = (
        sa.select(shifts.c.id)
        .join(sessions, sessions.c.shift == shifts.c.id)
        .where(sessions.c.token_hash == digest(secret), _runs(now_ms))
    )
    return connection.execute(query).scalar()


def duty_phone_of(connection: Connection, secret: str, now_ms: int) -> str | None:
    """The grid whose duty phone this session is, by the shift that runs at it."""
    query = (
        sa.select(shifts.c.grid)
        .join(sessions, sessions.c.shift == shifts.c.id)
        .where(sessions.c.token_hash == digest(secret), shifts.c.role == DUTY_PHONE, _runs(now_ms))
    )
    return connection.execute(query).scalar()


def _runs(now_ms: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        shifts.c.ended_ms.is_(None), shifts.c.since_ms <= now_ms, shifts.c.until_ms > now_ms
    )


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
        sa.select(users.c.name, users.c.role, shifts.c.person)
        .join(sessions, sessions.c.user == users.c.name)
        .outerjoin(shifts, sa.and_(shifts.c.id == sessions.c.shift, _runs(now_ms)))
        .where(sessions.c.token_hash == digest(secret), sessions.c.expires_ms > now_ms)
    )
    row = connection.execute(query).first()
    return None if row is None else Person(*row)


def close_session(engine: Engine, secret: str) -> None:
    """End a session; an unknown one has ended already."""
    with for_writing(engine).begin() as connection:
        connection.execute(sessions.delete().where(sessions.c.token_hash == digest(secret)))


# -- tokens ---------------------------------------------------------------------------------------


def add_token(engine: Engine, clock: Clock, name: str, role: str, also: Also = nothing_more) -> str:
    """A new bearer token; it cannot be shown again. Raises `Refusal`."""
    _check(name, role, TOKEN_ROLES)
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "name": name, "role": role, "added_ms": clock.now_ms()}
    try:
        with for_writing(engine).begin() as connection:
            connection.execute(tokens.insert().values(row))
            also(connection)
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


def remove_token(engine: Engine, name: str, also: Also = nothing_more) -> None:
    """Take a token back. Raises `Refusal`."""
    with for_writing(engine).begin() as connection:
        if not connection.execute(tokens.delete().where(tokens.c.name == name)).rowcount:
            raise Refusal(f"there is no token {name!r}")
        connection.execute(screens.delete().where(screens.c.name == name))
        also(connection)


def _check_password(password: str) -> None:
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise Refusal(
            f"password: expected {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, "
            f"not {len(password)}"
        )


def _check_pin(pin: str) -> None:
    if not (pin.isascii() and pin.isdigit() and PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX):
        raise Refusal(f"PIN: expected {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")
    if len(set(pin)) == 1 or pin in "0123456789" or pin in "9876543210":
        raise Refusal("PIN: one digit over and over, or a row of digits, is what is tried first")


def _check(name: str, role: str, roles: tuple[str, ...]) -> None:
    if not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable() or name != name.strip():
        raise Refusal(f"name: expected 1 to {NAME_CHARS_MAX} printable characters, not {name!r}")
    if role not in roles:
        raise Refusal(f"role: expected {', '.join(roles)}, not {role!r}")
