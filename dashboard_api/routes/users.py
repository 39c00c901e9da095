"""Users and tokens over HTTP and as a page, for administrators; who changed what is kept.

A password that is made up, and a token, are answered once and can never be read again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.deps import Parts, PartsDep, Reading, UserKeeper
from dashboard_api.doors import UserVisitor
from dashboard_api.errors import Problem
from dashboard_api.register_words import FIELD_LABELS, history_words
from dashboard_api.routes.pages import page_of
from hub import edit_history, users
from hub.database import sessions, tokens
from hub.database import users as users_table

api = APIRouter(prefix="/api/v1/users", tags=["users"])
token_api = APIRouter(prefix="/api/v1/tokens", tags=["users"])
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

USERS, TOKENS = "users", "tokens"  # kinds of the history
HISTORY_SHOWN = 50
UserRole = Literal["admin", "staff", "crew"]
TokenRole = Literal["admin", "staff", "crew", "wall", "program"]
Row = dict[str, Any]


class NewUser(BaseModel):
    """Who may log in from now on. Without a password one is made up and answered once."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=users.NAME_CHARS_MAX)
    role: UserRole
    password: str | None = Field(None, max_length=users.PASSWORD_CHARS_MAX)


class UserChange(BaseModel):
    """What is to be another one; what is left out stays. `pin` "": no signing on any more."""

    model_config = ConfigDict(extra="forbid")

    role: UserRole | None = None
    new_password: bool = Field(False, description="Make up another one, answered once.")
    pin: str | None = Field(None, max_length=users.PIN_DIGITS_MAX)


class NewToken(BaseModel):
    """For whom: a program, a screen."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=users.NAME_CHARS_MAX)
    role: TokenRole


class Secret(BaseModel):
    """The one time that a secret is shown; None where it was given."""

    name: str
    role: str | None = None
    secret: str | None = None


class UserOut(BaseModel):
    """A person who may log in."""

    name: str
    role: str
    added_ms: int
    has_pin: bool
    sessions: int


@contextmanager
def _refusing() -> Iterator[None]:
    """What cannot be is said as a problem, in both languages."""
    try:
        yield
    except users.Refusal as error:
        code, zh = next(
            (found for words, found in _CODES.items() if words in str(error)),
            ("refused", f"不允许：{error}"),
        )
        status = 404 if code == "no_such_user" else 409
        raise Problem(
            status, f"{error}.", code=code, reason_zh=zh, reason_en=f"{error}."
        ) from error


# Of what the store says in English: the code and the Chinese.
_CODES = {
    "already": ("taken", "这个名称已被使用"),
    "there is no": ("no_such_user", "没有这个名称"),
    "only administrator": ("last_admin", "这是唯一的管理员，不能移除或更改角色"),
    "password: expected": (
        "wrong_password",
        f"密码应为 {users.PASSWORD_CHARS_MIN} 到 {users.PASSWORD_CHARS_MAX} 个字符",
    ),
    "PIN: expected": (
        "wrong_pin",
        f"PIN 码应为 {users.PIN_DIGITS_MIN} 到 {users.PIN_DIGITS_MAX} 位数字",
    ),
    "PIN: one digit": ("wrong_pin", "PIN 码过于简单：不能全部相同或连续"),
    "name: expected": ("wrong_name", "名称应为可显示的文字，前后无空格"),
}


def _also(its: Parts, by: str, kind: str, name: str, before: Row | None, after: Row | None) -> Any:
    now_ms = its.clock.now_ms()

    def write(connection: Connection) -> None:
        edit_history.record(connection, (kind, name), before, after, by, now_ms)

    return write


def _user(connection: Connection, name: str) -> Row:
    row = queries.first_of(connection, users_table.select().where(users_table.c.name == name))
    if row is None:
        raise Problem(
            404, f"There is no user {name}.", code="no_such_user", reason_zh="没有这个用户"
        )
    return row


@api.get("")
def list_users(_viewer: UserKeeper, connection: Reading) -> list[UserOut]:
    """Everybody who may log in, by name."""
    return [UserOut(**row) for row in _rows(connection)]


def _rows(connection: Connection, words: str = "") -> list[Row]:
    open_sessions = (
        sa.select(sa.func.count()).where(sessions.c.user == users_table.c.name).scalar_subquery()
    )
    query = sa.select(
        users_table.c.name,
        users_table.c.role,
        users_table.c.added_ms,
        users_table.c.pin_hash.is_not(None).label("has_pin"),
        open_sessions.label("sessions"),
    ).order_by(users_table.c.name)
    if words:
        query = query.where(users_table.c.name.contains(words, autoescape=True))
    return queries.rows_of(connection, query)


@api.post("", status_code=201)
def add_user(wish: NewUser, viewer: UserKeeper, its: PartsDep) -> Secret:
    """Let somebody in."""
    password = wish.password or users.make_password()
    also = _also(its, viewer.actor, USERS, wish.name, None, {"role": wish.role})
    with _refusing():
        users.add_user(its.engine, its.clock, wish.name, wish.role, password, also)
    return Secret(name=wish.name, role=wish.role, secret=None if wish.password else password)


@api.patch("/{name}")
def change_user(name: str, wish: UserChange, viewer: UserKeeper, its: PartsDep) -> Secret:
    """Another role, another password, another PIN."""
    with its.engine.connect() as connection:
        row = _user(connection, name)
    secret = None

    def also(what: str, before: Any, after: Any) -> Any:
        return _also(its, viewer.actor, USERS, name, {what: before}, {what: after})

    with _refusing():
        if wish.role is not None and wish.role != row["role"]:
            changed = also("role", row["role"], wish.role)
            users.set_role(its.engine, name, wish.role, changed)
        if wish.new_password:
            secret = users.make_password()
            users.set_password(its.engine, name, secret, also("password", "*", "**"))
        if wish.pin is not None:
            before, after = ("*" if row["pin_hash"] else None), ("**" if wish.pin else None)
            users.set_pin(its.engine, name, wish.pin or None, also("pin", before, after))
    return Secret(name=name, role=wish.role or row["role"], secret=secret)


@api.delete("/{name}")
def remove_user(name: str, viewer: UserKeeper, its: PartsDep) -> Secret:
    """Let somebody in no longer; nobody removes himself or the last administrator."""
    if name == viewer.name:
        text = "You cannot remove yourself."
        raise Problem(409, text, code="yourself", reason_zh="不能移除自己", reason_en=text)
    with its.engine.connect() as connection:
        row = _user(connection, name)
    with _refusing():
        also = _also(its, viewer.actor, USERS, name, {"role": row["role"]}, None)
        users.remove_but_the_last(its.engine, name, also)
    return Secret(name=name)


@token_api.post("", status_code=201)
def add_token(wish: NewToken, viewer: UserKeeper, its: PartsDep) -> Secret:
    """A token for a program or a screen."""
    also = _also(its, viewer.actor, TOKENS, wish.name, None, {"role": wish.role})
    with _refusing():
        secret = users.add_token(its.engine, its.clock, wish.name, wish.role, also)
    return Secret(name=wish.name, role=wish.role, secret=secret)


@token_api.delete("/{name}")
def remove_token(name: str, viewer: UserKeeper, its: PartsDep) -> Secret:
    """Take a token back."""
    with _refusing():
        also = _also(its, viewer.actor, TOKENS, name, {}, None)
        users.remove_token(its.engine, name, also)
    return Secret(name=name)


# -- the page -------------------------------------------------------------------------------------


@router.get("/users")
def users_page(
    request: Request,
    its: PartsDep,
    viewer: UserVisitor,
    connection: Reading,
    q: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Who may come in, and who changed that."""
    token_query = sa.select(tokens.c.name, tokens.c.role, tokens.c.added_ms)
    edits = [
        *edit_history.history(connection, USERS, limit=HISTORY_SHOWN),
        *edit_history.history(connection, TOKENS, limit=HISTORY_SHOWN),
    ]
    edits.sort(key=lambda edit: -edit.id)
    return page_of(
        request,
        its,
        viewer,
        "users.html",
        users=_rows(connection, q),
        tokens=queries.rows_of(connection, token_query.order_by(tokens.c.name)),
        words=q,
        roles=users.USER_ROLES,
        token_roles=users.TOKEN_ROLES,
        history=history_words(edits[:HISTORY_SHOWN], undoable=False),
        field_labels=FIELD_LABELS,
    )
