"""Alerts: what rules found to be true, from when until when; of rules on trial, too."""

from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.deps import DeviceReader, Parts, PartsDep, Reading
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS, read_window
from dashboard_api.queries import rows_of
from dashboard_api.rulebook import book_of
from dashboard_api.shapes import NUMBER_MAX
from hub.database import alerts
from hub.shadows import report_shadow
from rules.load import Load

router = APIRouter(prefix="/api/v1", tags=["alerts"])

PAGE_ROWS = 50
SPAN_MS = 30 * DAY_MS
SHADOW_SPAN_MS = 7 * DAY_MS

Mode = Literal["live", "shadow", "all"]
State = Literal["open", "closed", "all"]
From = Annotated[str | None, Query(alias="from", max_length=40)]
To = Annotated[str | None, Query(max_length=40)]


class AlertOut(BaseModel):
    """An alert. `mode` shadow: its rule is on trial, and nobody was told.

    `taken_back`: late news showed that it never was so. `times`: it opened, and happened again.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    rule: str
    rule_version: str
    mode: str
    key: str
    device: str | None
    severity: str
    category: str
    opened_at_ms: int
    opened_heard_ms: int
    closed_at_ms: int | None
    closed_heard_ms: int | None
    taken_back: bool
    times: int
    why_zh: str
    why_en: str
    case_id: str | None


class AlertsOut(BaseModel):
    """The newest first; `more`: older ones were left out."""

    from_ms: int
    to_ms: int
    alerts: list[AlertOut]
    more: bool


class PastAlertOut(BaseModel):
    """An alert as the table knows it."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    device: str | None
    opened_ms: int
    closed_ms: int | None


class MovedOut(BaseModel):
    """The same trouble under both rules, at other moments."""

    model_config = ConfigDict(from_attributes=True)

    here: PastAlertOut
    there: PastAlertOut


class WokenOut(BaseModel):
    """Calls of severity emergency or urgent at night, to the people of a role and a grid."""

    model_config = ConfigDict(from_attributes=True)

    role: str
    grid: str | None
    calls: int
    nights: int


class RoleLoadOut(BaseModel):
    """Calls to one role; `by_hour`: 24 sums by the hour of the site's day."""

    model_config = ConfigDict(from_attributes=True)

    role: str
    calls: int
    by_hour: list[int]
    at_night: int


class LoadOut(BaseModel):
    """What openings are for people. `again` happened while an alert was open, at unknown hours."""

    calls: int
    again: int
    at_night: int
    days: float
    roles: list[RoleLoadOut]
    woken: list[WokenOut]

    @classmethod
    def of(cls, load: Load, again: int) -> "LoadOut":
        """As programs may see it."""
        return cls(
            calls=load.calls,
            again=again,
            at_night=load.at_night,
            days=load.days,
            roles=[RoleLoadOut.model_validate(one) for one in load.roles],
            woken=[WokenOut.model_validate(one) for one in load.woken],
        )


class ShadowOut(BaseModel):
    """A rule on trial beside the live one whose place it may take; null: it stands alone.

    Of each list at most `page_rows_max`; the counts are of all.
    """

    rule: str
    instead_of: str | None
    from_ms: int
    to_ms: int
    both: int
    moved_count: int
    only_shadow_count: int
    only_live_count: int
    moved: list[MovedOut]
    only_shadow: list[PastAlertOut]
    only_live: list[PastAlertOut]
    load: LoadOut
    load_live: LoadOut


@router.get("/rules/{name}/shadow")
def compare_shadow(
    name: str,
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    from_: From = None,
    to: To = None,
) -> ShadowOut:
    """What a rule on trial has found, and what the live one did; the last 7 days if left out."""
    from_ms, to_ms = read_window(from_, to, its.clock.now_ms(), SHADOW_SPAN_MS)
    _check_length(its, from_ms, to_ms)
    rules = book_of(its).rule_set
    rule = rules.named(name)
    if rule is None or not rule.is_shadow:
        raise Problem(404, f"No rule on trial is called {name[:200]}.", code="no_such_shadow")
    found = report_shadow(connection, rules, rule, from_ms, to_ms, its.site)
    differs, rows_max = found.difference, its.settings.page_rows_max
    return ShadowOut(
        rule=name,
        instead_of=None if found.instead is None else found.instead.name,
        from_ms=from_ms,
        to_ms=to_ms,
        both=differs.same + len(differs.moved),
        moved_count=len(differs.moved),
        only_shadow_count=len(differs.only_here),
        only_live_count=len(differs.only_there),
        moved=[MovedOut.model_validate(one) for one in differs.moved[:rows_max]],
        only_shadow=[PastAlertOut.model_validate(one) for one in differs.only_here[:rows_max]],
        only_live=[PastAlertOut.model_validate(one) for one in differs.only_there[:rows_max]],
        load=LoadOut.of(found.load, found.again),
        load_live=LoadOut.of(found.load_live, found.again_live),
    )


def _check_length(its: Parts, from_ms: int, to_ms: int) -> None:
    if to_ms - from_ms > its.settings.kpi_days_max * DAY_MS:
        raise Problem(422, f"from: at most {its.settings.kpi_days_max} days at once.")


class AlertsWish(BaseModel):
    """Which alerts. `mode` shadow: those of rules on trial. `before`: opened earlier than that."""

    rule: str = Field("", max_length=200)
    device: str = Field("", max_length=200)
    mode: Mode = "live"
    state: State = "all"
    from_: str | None = Field(None, alias="from", max_length=40)
    to: str | None = Field(None, max_length=40)
    limit: int = Field(PAGE_ROWS, ge=1, le=200)
    before: int | None = Field(None, ge=0, le=NUMBER_MAX)


@router.get("/alerts")
def list_alerts(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    wish: Annotated[AlertsWish, Query()],
) -> AlertsOut:
    """Alerts that opened in a span, the newest first; the last 30 days if left out."""
    from_ms, to_ms = read_window(wish.from_, wish.to, its.clock.now_ms(), SPAN_MS)
    _check_length(its, from_ms, to_ms)
    ends_ms = to_ms if wish.before is None else min(wish.before, to_ms)
    span = (alerts.c.opened_at_ms >= from_ms, alerts.c.opened_at_ms < ends_ms)
    query = alerts.select().where(*span, *_wished(wish))
    newest = query.order_by(alerts.c.opened_at_ms.desc(), alerts.c.id).limit(wish.limit + 1)
    rows = rows_of(connection, newest)
    shown = [AlertOut.model_validate(row) for row in rows[: wish.limit]]
    return AlertsOut(from_ms=from_ms, to_ms=to_ms, alerts=shown, more=len(rows) > wish.limit)


def _wished(wish: AlertsWish) -> list[sa.ColumnElement[bool]]:
    wished: list[sa.ColumnElement[bool]] = []
    if wish.rule:
        wished.append(alerts.c.rule == wish.rule)
    if wish.device:
        wished.append(alerts.c.device == wish.device)
    if wish.mode != "all":
        wished.append(alerts.c.mode == wish.mode)
    is_open = sa.and_(alerts.c.closed_at_ms.is_(None), sa.not_(alerts.c.taken_back))
    if wish.state != "all":
        wished.append(is_open if wish.state == "open" else sa.not_(is_open))
    return wished
