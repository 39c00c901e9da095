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
from hub import client_acts
from hub.client_acts import IdUsed
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append

# What the judge may say, beside all that is a conflict (409) with how the case is now.
_STATUS = {"no_such_case": 404}


def keep(its: Parts, viewer: Viewer, case_id: str, act: str, command: Command, key: str) -> int:
    """Write a command; its number. Raises the problem if the case is not there or has changed.

    `key`: of a request that may come twice (`Idempotency-Key`). The second time it is the first
    one's number, and nothing is written.
    """
    now_ms, given = its.clock.now_ms(), command.model_dump(exclude_none=True)
    body = {"act": act, "case": case_id, "by": viewer.actor, "at_ms": now_ms, **given}
    if viewer.phone is not None:
        body["phone"] = viewer.phone
    with for_writing(its.engine).begin() as connection:
        if not key or not client_acts.is_known(connection, key):
            _check(connection, viewer, case_id, command.expected_version)
        try:
            seq, _ = client_acts.keep_once(connection, key or None, viewer.name, body, now_ms)
        except IdUsed as used:
            text = "Idempotency-Key: this key was used for another command."
            raise Problem(422, text, code="key_used") from used
    return seq


def keep_many(
    engine: Engine,
    viewer: Viewer,
    case_ids: list[str],
    act: str,
    given: dict[str, Any],
    now_ms: int,
) -> dict[str, int | str]:
    """One command a case: its number, or why it is none (no_such_case, emergency).

    An emergency is looked at by itself, by somebody who has read it: never with others.
    """
    said = {"act": act, "by": viewer.actor, "at_ms": now_ms, **given}
    if viewer.phone is not None:
        said["phone"] = viewer.phone
    kept: dict[str, int | str] = {}
    with for_writing(engine).begin() as connection:
        severities = queries.severities_of(connection, viewer, case_ids)
        for case_id in case_ids:
            severity = severities.get(case_id)
            if severity is None:
                kept[case_id] = "no_such_case"
            elif severity == "emergency":
                kept[case_id] = "emergency"
            else:
                body = {**said, "case": case_id}
                kept[case_id] = append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
    return kept


def _check(connection: Connection, viewer: Viewer, case_id: str, expected: int | None) -> None:
    found = queries.case_version(connection, case_id)
    if found is None or not viewer.sees(found[0]):
        raise no_such_case(case_id)
    if expected is not None and expected != found[1]:
        raise changed_since(case_id, found[1], expected)


def changed_since(case_id: str, version: int, expected: int) -> Problem:
    """The 409 for who began from an older version."""
    return Problem(
        409,
        f"{case_id} has changed since: it is at version {version}, not {expected}.",
        code="changed_since",
        version=version,
        reason_zh=f"{case_id} 已有变化：现为第 {version} 版，不是第 {expected} 版",
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


async def words_on(its: Parts, seqs: list[int]) -> dict[int, tuple[bool, dict[str, Any]]]:
    """What the judge says of these commands within `command_wait_s`; of some perhaps nothing."""
    until_s = its.clock.monotonic_s() + its.settings.command_wait_s
    while True:
        words = await asyncio.to_thread(_look_at_many, its.engine, seqs)
        if len(words) == len(seqs) or its.clock.monotonic_s() >= until_s:
            return words
        await asyncio.sleep(its.settings.command_poll_ms / 1000)


def _look_at_many(engine: Engine, seqs: list[int]) -> dict[int, tuple[bool, dict[str, Any]]]:
    with engine.connect() as connection:
        return queries.command_results_of(connection, seqs)


def _look(engine: Engine, seq: int) -> tuple[bool, dict[str, Any]] | None:
    with engine.connect() as connection:
        return queries.command_result(connection, seq)


def refusal(seq: int, body: dict[str, Any], language: str) -> Problem:
    """The judge's no, in the asker's language and in both."""
    code = str(body.get("code", "refused"))
    reason = str(body.get(f"reason_{language}") or body.get("reason_en") or code)
    more = {name: body[name] for name in ("reason_zh", "reason_en") if name in body}
    return Problem(_STATUS.get(code, 409), reason, code=code, seq=seq, **more)
