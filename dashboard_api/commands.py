"""People's commands: written into the journal, then the judge's word is waited for.

The judge is another process. A command is on the disk before anybody waits, so a request that
gives up, or a hub that is restarted, loses nothing: the word can be asked for later.
"""

import asyncio
from typing import Any

from sqlalchemy.engine import Connection, Engine

from dashboard_api import queries
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.errors import Problem
from dashboard_api.shapes import Command
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append

# What the judge may say, beside all that is a conflict (409) with how the case is now.
_STATUS = {"no_such_case": 404}


def keep(
    engine: Engine, viewer: Viewer, case_id: str, act: str, command: Command, now_ms: int
) -> int:
    """Write a command; its number. Raises the problem if the case is not there or has changed."""
    given = command.model_dump(exclude_none=True)
    body = {"act": act, "case": case_id, "by": viewer.name, "at_ms": now_ms, **given}
    with for_writing(engine).begin() as connection:
        _check(connection, viewer, case_id, command.expected_version)
        return append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])


def _check(connection: Connection, viewer: Viewer, case_id: str, expected: int | None) -> None:
    found = queries.case_version(connection, case_id)
    if found is None or not viewer.sees(found[0]):
        raise no_such_case(case_id)
    if expected is not None and expected != found[1]:
        raise Problem(
            409,
            f"{case_id} has changed since: it is at version {found[1]}, not {expected}.",
            code="changed_since",
            version=found[1],
        )


def no_such_case(case_id: str) -> Problem:
    """The 404 for a case that is not there, or not for this viewer."""
    return Problem(404, f"There is no case {case_id}.", code="no_such_case")


async def word_on(its: Parts, seq: int) -> tuple[bool, dict[str, Any]] | None:
    """What the judge says of a command; None when it has said nothing within `command_wait_s`."""
    until_s = its.clock.monotonic_s() + its.settings.command_wait_s
    while True:
        word = await asyncio.to_thread(_look, its.engine, seq)
        if word is not None or its.clock.monotonic_s() >= until_s:
            return word
        await asyncio.sleep(its.settings.command_poll_ms / 1000)


def _look(engine: Engine, seq: int) -> tuple[bool, dict[str, Any]] | None:
    with engine.connect() as connection:
        return queries.command_result(connection, seq)


def refusal(seq: int, body: dict[str, Any], language: str) -> Problem:
    """The judge's no, in the asker's language and in both."""
    code = str(body.get("code", "refused"))
    reason = str(body.get(f"reason_{language}") or body.get("reason_en") or code)
    more = {name: body[name] for name in ("reason_zh", "reason_en") if name in body}
    return Problem(_STATUS.get(code, 409), reason, code=code, seq=seq, **more)
