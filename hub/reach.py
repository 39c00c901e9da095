"""When a call fails: the next way at once, and if there is none, word to the judge.

Who is called for help cannot wait for a channel's retries. With the first try that fails the next
way is put into the outbox, in the transaction that notes the failure; the failed one goes on
trying beside it. When the last way fails, the judge hears of it by an entry of the journal: a step
of a plan that reached nobody brings the next step.
"""

import json
from collections.abc import Sequence

import msgspec
from sqlalchemy.engine import Connection

from hub import journal, outbox
from hub.journal import COMMAND, Entry
from hub.outbox import SENT, NewNotice, Notice, Outcome

UNREACHED = "unreached"


def go_on(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """See the module; in the caller's transaction."""
    for outcome in outcomes:
        notice = outcome.notice
        first_failure = outcome.state != SENT and outcome.tried and notice.tries == 0
        if first_failure and notice.is_call and notice.recipient is not None:
            _next_way(connection, notice, outcome.at_ms)


def _next_way(connection: Connection, notice: Notice, now_ms: int) -> None:
    ways = json.loads(notice.ways_json or "[]")
    if not ways:
        call = msgspec.json.decode(notice.body_json)["call"]
        body = {"act": UNREACHED, "case": notice.case_id, "by": "hub"}
        body |= {name: call[name] for name in ("clock", "step", "contact")}
        journal.append(connection, [Entry(0, COMMAND, None, now_ms, (), body)])
        return
    (channel, address), *others = ways
    more = (notice.role, notice.recipient, address, json.dumps(others))
    other = NewNotice(
        notice.case_id, channel, notice.reason, notice.body_json, now_ms, now_ms, *more
    )
    outbox.put(connection, [other])
