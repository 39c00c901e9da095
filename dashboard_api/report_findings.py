"""What is remarkable in a period: a few sentences, each with the report in which it stands."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.labels import marked
from dashboard_api.report_cases import CaseReport
from dashboard_api.report_devices import DeviceReport
from dashboard_api.report_period import Asked, Period, read_period
from dashboard_api.report_use import UNSURE, UNUSED
from dashboard_api.reports import Use, cases_report, devices_report, grounds_report, visits_report
from hub.series import Unavailable

NAMED_MAX = 5  # of a finding; the others stand in its report


class Finding(NamedTuple):
    """A text of the catalogues with its words, the report that it leads to, and whether somebody
    should act. `who`: the first of those of whom it speaks, as rows with names and ids."""

    report: str
    text: str
    words: dict[str, Any]
    act: bool = False
    who: tuple[dict[str, str], ...] = ()


async def findings(its: Parts, viewer: Viewer, period: Period) -> list[Finding]:
    """Of all reports of the period. A time series that cannot be asked is one of them."""
    found: list[Finding] = []
    try:
        found += of_grounds(await grounds_report(its, period), its.settings.usual_known_percent)
        found += of_visits(await visits_report(its, period))
    except Unavailable:
        text = marked("The time series cannot be asked now: uses and visits are unknown.")
        found.append(Finding("grounds", text, {}, act=True))
    before = read_period(
        Asked(period.kind, period.before.isoformat()),
        its.clock.now_ms(),
        its.site.zone,
        its.settings.report_days_max,
    )
    now = await asyncio.to_thread(cases_report, its, viewer, period, None)
    then = await asyncio.to_thread(cases_report, its, viewer, before, None)
    found += of_cases(now, then)
    found += of_devices(await asyncio.to_thread(devices_report, its, period, None))
    return found


def of_grounds(use: Use, known_percent: float) -> Iterator[Finding]:
    """Machines that nobody uses, that are not known of, that are due; and use as a whole."""
    report, words = use.report, _total(use)
    if report.total.hours:
        yield Finding("grounds", *_told(report.total.known, _USES), words)
    percent = report.compared.percent
    if percent is not None:
        text = marked(
            "Use of the machines against a usual day: %(percent)s %% (comparable days: %(days)s)."
        )
        yield Finding("grounds", text, {"percent": f"{percent:+.0f}", "days": report.compared.days})
    for state, text in (
        (UNUSED, marked("Nobody used %(count)s of %(all)s machines.")),
        (UNSURE, marked("Of %(count)s of %(all)s machines too little is known.")),
    ):
        found = [row.id for row in report.devices if row.state == state]
        if found:
            words = {"count": len(found), "all": len(report.devices)}
            yield Finding("grounds", text, words, act=True, who=_who(use, found))
    due = [one.device for one in use.wear if one.is_due]
    if due:
        text = marked("%(count)s machines are due for their service by use.")
        yield Finding("grounds", text, {"count": len(due)}, act=True, who=_who(use, due))


def _who(use: Use, devices: list[str]) -> tuple[dict[str, str], ...]:
    group_of = {one: use.sources.names[group] for group, ids in use.groups.items() for one in ids}
    return tuple(
        {
            "id": one,
            "name_zh": f"{group_of[one]['name_zh']} {use.sources.devices[one].name_zh}",
            "name_en": f"{use.sources.devices[one].name_en}, {group_of[one]['name_en']}",
        }
        for one in devices[:NAMED_MAX]
    )


_USES = {
    "yes": marked("%(count)s uses of the machines."),
    "partly": marked("At least %(count)s uses of the machines; some hours are unknown."),
    "no": marked("How much the machines were used is unknown."),
}
_OPENINGS = {
    "yes": marked("%(count)s openings of the entrances of stations and culture centres."),
    "partly": marked(
        "At least %(count)s openings of the entrances of stations and culture centres."
    ),
    "no": marked("How often the entrances were opened is unknown."),
}


def _told(known: str, texts: dict[str, str]) -> tuple[str]:
    return (texts[known],)


def _total(use: Use) -> dict[str, Any]:
    return {"count": f"{use.report.total.uses:,}"}


def of_visits(use: Use) -> Iterator[Finding]:
    """Openings as a whole."""
    if use.report.total.hours:
        yield Finding("visits", *_told(use.report.total.known, _OPENINGS), _total(use))


def of_cases(now: CaseReport, then: CaseReport) -> Iterator[Finding]:
    """All cases, and beside them those of the period before."""
    text = marked(
        "%(count)s cases, %(emergencies)s of them emergencies; %(before)s in the month before."
    )
    words = {"count": now.total.total(), "before": then.total.total()}
    yield Finding("cases", text, words | {"emergencies": now.total["emergency"]})


def of_devices(report: DeviceReport) -> Iterator[Finding]:
    """Who is silent, and whose battery is due."""
    if report.quiet:
        text = marked("%(count)s of %(all)s devices are silent or offline now.")
        total = sum(row.total for row in report.families)
        who = tuple(
            {name: one[name] for name in ("id", "name_zh", "name_en")}
            for one in report.quiet[:NAMED_MAX]
        )
        words = {"count": len(report.quiet), "all": total}
        yield Finding("devices", text, words, act=True, who=who)
    if report.due:
        text = marked("%(count)s batteries are due to be changed.")
        yield Finding("devices", text, {"count": len(report.due)}, act=True)
