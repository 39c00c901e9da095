"""Which changes of a case people are told, and why: a reason or nothing. Channels are the hub's."""

from enum import StrEnum

from rules.case import Case


class Reason(StrEnum):
    """Stored with the notice and shown to people."""

    OPENED = "opened"  # a case was raised
    AGAIN = "again"  # it happened once more
    CHANGED = "changed"  # somebody answered, was sent, has arrived, called back; its place is known
    ENDED = "ended"  # the alert is over; the case may stay for a person
    TAKEN_BACK = "taken_back"  # it was never so
    CLOSED = "closed"  # a person has closed it
    SHELVED = "shelved"
    CALL = "call"  # a step of the plan: whoever is told is asked to answer
    REOPENED = "reopened"  # the device did not show that the work is done
    CANCELLED = "cancelled"  # the button says that it was a mistake; a person asks all the same


_REASONS = {
    "raised": Reason.OPENED,
    "again": Reason.AGAIN,
    "ended": Reason.ENDED,
    "taken_back": Reason.TAKEN_BACK,
    "close": Reason.CLOSED,
    "shelve": Reason.SHELVED,
    "answer": Reason.CHANGED,
    "dispatch": Reason.CHANGED,
    "arrive": Reason.CHANGED,
    "confirm": Reason.CHANGED,
    "release": Reason.CHANGED,
    "take_over": Reason.CHANGED,
    "hand_over": Reason.CHANGED,
    "cancelled": Reason.CANCELLED,
    "unmuted": Reason.OPENED,
    "done": Reason.CHANGED,
    "sign": Reason.CLOSED,
    "proved": Reason.CLOSED,
    "reopened": Reason.REOPENED,
    "to_sign": Reason.CHANGED,
    "placed": Reason.CHANGED,
}


def reason(before: Case | None, after: Case, what: str) -> Reason | None:
    """Why people must hear of this change; None: they need not.

    `what` is an act of a person, or raised, again, ended, taken_back. A note is for those who
    look at the case; what changed nothing is no news, nor is a case that is muted. While a case
    is shelved only its end and what makes it worse is told.
    """
    if before is not None and before.version == after.version:
        return None
    if after.muted is not None:
        return None
    if what == "again" and before is not None and _is_shelved(before, after.changed_ms):
        return None
    return _REASONS.get(what)


def _is_shelved(case: Case, at_ms: int) -> bool:
    return case.shelved_until_ms is not None and at_ms < case.shelved_until_ms
