"""Why nobody is told of a case now. Pure: what is out of service and the moment come in.

A device that is being worked on brings faults that nobody need run for. Whatever may be a person in
need is told all the same, and a muted case is raised, shown and counted like any other.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rules.case import Case

OUT_OF_SERVICE = "out_of_service"
CAN_BE_MUTED = ("fault", "maintenance", "security")  # categories


class OutOfService(NamedTuple):
    """A device of which nobody is told from then until then, by whom and why."""

    device: str
    since_ms: int
    until_ms: int
    reason: str
    by: str

    def runs(self, now_ms: int) -> bool:
        """Is it so at that moment?"""
        return self.since_ms <= now_ms < self.until_ms


def why_muted(case: Case, out: Mapping[str, OutOfService], now_ms: int) -> str | None:
    """The reason that stands in the case; None: people are told."""
    if case.is_emergency or case.category not in CAN_BE_MUTED or case.device is None:
        return None
    one = out.get(case.device)
    return OUT_OF_SERVICE if one is not None and one.runs(now_ms) else None
