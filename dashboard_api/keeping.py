"""Commands of phones: written once under the phone's own name, with the photos that they carry."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastapi import Request
from sqlalchemy.engine import Connection

from dashboard_api import commands, queries
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.errors import Problem
from dashboard_api.order_shapes import Named
from dashboard_api.texts import language_of
from hub import client_acts, photos
from hub.client_acts import IdUsed
from hub.database import for_writing
from hub.device_code import read_code

HOUR_MS = 3_600_000
Check = Callable[[Connection], None]


def no_check(_connection: Connection) -> None:
    """Of a command that needs none."""


class Kept(NamedTuple):
    """A command's number; `repeated`: it was known by its id."""

    seq: int
    repeated: bool


class Wish(NamedTuple):
    """What is to be written: `check` raises the problem that stands against it."""

    body: dict[str, Any]
    named: Named
    photos: Sequence[str] = ()
    check: Check = no_check


def signed(viewer: Viewer, act: str, **more: Any) -> dict[str, Any]:
    """A command's body, in the name of who is on duty."""
    phone = {} if viewer.phone is None else {"phone": viewer.phone}
    given = {name: value for name, value in more.items() if value not in (None, [], "")}
    return {"act": act, "by": viewer.actor, **phone, **given}


def keep(its: Parts, sender: str, wish: Wish) -> Kept:
    """Write it, unless it is there. `sender` is the account whose phone asks. Blocking."""
    now_ms = its.clock.now_ms()
    body = dict(wish.body)
    made_at_ms = believable(wish.named.made_at_ms, its, now_ms)
    if made_at_ms is not None:
        body["made_at_ms"] = made_at_ms
    names = list(dict.fromkeys(wish.photos))
    with for_writing(its.engine).begin() as connection:
        if wish.named.id is None or not client_acts.is_known(connection, wish.named.id):
            wish.check(connection)
            _check_photos(connection, its, names)
        try:
            seq, fresh = client_acts.keep_once(connection, wish.named.id, sender, body, now_ms)
        except IdUsed as used:
            detail = f"The id {used} stands for another act."
            raise Problem(409, detail, code="id_used") from used
        if fresh and names:
            photos.use(connection, names, seq)
    return Kept(seq, not fresh)


def _check_photos(connection: Connection, its: Parts, names: list[str]) -> None:
    limit = its.settings.photos_of_act_max
    if len(names) > limit:
        raise Problem(422, f"photos: expected at most {limit}.")
    missing = photos.unknown_of(connection, names)
    if missing:
        detail = f"There is no photo {missing[0]}; send it again."
        raise Problem(422, detail, code="no_such_photo", photos=missing)


def believable(made_at_ms: int | None, its: Parts, now_ms: int) -> int | None:
    """A phone's word on when it was, unless its clock cannot be right."""
    if made_at_ms is None:
        return None
    oldest_ms = now_ms - its.settings.made_at_hours_max * HOUR_MS
    newest_ms = now_ms + its.settings.made_at_ahead_s * 1_000
    return made_at_ms if oldest_ms <= made_at_ms <= newest_ms else None


async def judged(its: Parts, request: Request, seq: int) -> dict[str, Any] | None:
    """The judge's word; None: not yet. Raises its no."""
    word = await commands.word_on(its, seq)
    if word is None:
        return None
    ok, said = word
    if not ok:
        raise commands.refusal(seq, said, language_of(request))
    return said


async def keep_and_wait(
    its: Parts, request: Request, viewer: Viewer, wish: Wish
) -> tuple[Kept, dict[str, Any] | None]:
    """Write it and wait for the judge's word."""
    kept = await asyncio.to_thread(keep, its, viewer.name, wish)
    return kept, await judged(its, request, kept.seq)


def device_of_code(connection: Connection, text: str) -> queries.Row | None:
    """The device on which this was scanned: a code of ours, or the link to it."""
    for code in read_code(text).codes:
        found = (
            queries.device_by_code(connection, code)
            or queries.device_by_code(connection, code.upper())  # typed as it came
            or queries.device(connection, code)
        )
        if found is not None:
            return found
    return None


def scanned(connection: Connection, text: str | None) -> dict[str, str]:
    """What a scan tells the judge: the device and where it hangs. Raises the 404."""
    if text is None:
        return {}
    device = device_of_code(connection, text)
    if device is None:
        en = "No device has this code."
        zh = "没有设备使用此码"
        raise Problem(404, en, code="no_such_code", reason_zh=zh, reason_en=en)
    where = device["place"] or device["ground"] or device["id"]
    return {"scanned": device["id"], "scanned_place": where}
