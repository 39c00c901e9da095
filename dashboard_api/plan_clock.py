"""The running clock of a case's plan: which step comes next, when, and whom it tells."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.queries import Row, decode
from hub.database import escalations
from hub.plan_files import plans_in_force
from hub.settings import Settings
from hub.site import Site
from rules.escalation import Escalation, next_call
from rules.reading import RuleMistakes
from rules.response import Plan, Wake, waking

log = logging.getLogger(__name__)


class Next(NamedTuple):
    """The step that comes if nothing is done before."""

    due_ms: int
    roles: tuple[str, ...]


class PlanClock:
    """The plans as they were in force when the pages were started, like the hub beside them."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self._plans = _plans(settings)
        self._wake: dict[str, Wake] = {
            name: waking(plan, site.zone) for name, plan in self._plans.items()
        }

    @property
    def call_out(self) -> tuple[str, ...]:
        """Numbers of the public services to which cases may be handed over."""
        numbers = (number for plan in self._plans.values() for number in plan.call_out)
        return tuple(dict.fromkeys(numbers))

    def next_of(self, connection: Connection, case_ids: Sequence[str]) -> dict[str, Next]:
        """Of each of these cases that has one."""
        query = sa.select(escalations).where(escalations.c.case_id.in_(case_ids))
        found = {}
        for row in connection.execute(query):
            coming = self._next(row.plan, row.state_json)
            if coming is not None:
                found[row.case_id] = coming
        return found

    def _next(self, name: str, state_json: str) -> Next | None:
        plan = self._plans.get(name)
        if plan is None:  # of a plan that is in force no more
            return None
        escalation = Escalation.load(decode(state_json)[0])
        coming = next_call(plan, escalation, self._wake[name])
        return None if coming is None else Next(*coming)


def _plans(settings: Settings) -> Mapping[str, Plan]:
    try:
        return plans_in_force(settings)
    except (RuleMistakes, OSError):
        log.exception("the plans cannot be read: cards show no next step")
        return {}


def calls_of(notices: Sequence[Row]) -> dict[str, dict[tuple[str, ...], Row]]:
    """By case: the newest notice to each contact by a step, and to each channel otherwise."""
    told: dict[str, dict[tuple[str, ...], Row]] = {}
    for notice in notices:
        called = notice["recipient"] is not None
        who = (notice["recipient"], notice["channel"]) if called else (notice["channel"],)
        told.setdefault(notice["case_id"], {})[who] = notice
    return told
