"""Tables of reports for spreadsheets: the same rows as the page, an unknown figure left empty."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from dashboard_api.hours_of_use import Compared, Figure
from dashboard_api.labels import marked
from dashboard_api.report_cases import OPEN, CaseReport
from dashboard_api.report_devices import LEVELS, STATES, DeviceReport
from dashboard_api.report_use import DayRow, PartRow, cells
from dashboard_api.reports import Use, visits_of
from dashboard_api.texts import Speaker
from rules.order import OWN_RULES

BYTE_ORDER_MARK = "\ufeff"  # by it spreadsheets know UTF-8
_SUMS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a text for a sum

Cells = Sequence[Any]
Table = tuple[list[str], Iterable[Cells]]

USE_TABLES = ("hours", "days", "months", "groups", "devices", "cells")
CASE_TABLES = ("hours", "days", "grids", "rules", "outcomes")
DEVICE_TABLES = ("families", "grids", "days", "batteries", "quiet")

_FIGURE = [marked("Count"), marked("known"), marked("Known hours"), marked("Hours in all")]
_COMPARED = [
    marked("Of comparable days"),
    marked("Usual"),
    marked("Comparable days"),
    marked("Difference in %"),
]
_KINDS = [
    marked("Workday: this period"),
    marked("Workday: usual"),
    marked("Workday: days of the usual"),
    marked("Rest day: this period"),
    marked("Rest day: usual"),
    marked("Rest day: days of the usual"),
]


def as_csv(table: Table, speaker: Speaker) -> str:
    """The text of a file."""
    heads, rows = table
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([speaker.say(head) for head in heads])
    writer.writerows([_cell(one) for one in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_SUMS) and value != "-" else value
    return str(value)


# -- use ------------------------------------------------------------------------------------------


def use_table(name: str, use: Use, speaker: Speaker, per_visit: float | None = None) -> Table:
    """One of USE_TABLES. `per_visit`: so many openings are one visit, where doors are counted."""
    if name == "hours":
        return _hours(use)
    if name in ("days", "months"):
        return _days(name, use, speaker, per_visit)
    if name == "cells":
        return _cells(use, speaker)
    return _parts(name, use, speaker, per_visit)


def _figure(figure: Figure) -> Cells:
    count = None if figure.known == "no" else figure.uses
    return count, figure.known, figure.known_hours, figure.hours


def _compared(found: Compared) -> Cells:
    if not found.days:
        return None, None, 0, None
    return found.uses, found.usual, found.days, found.percent


def _hours(use: Use) -> Table:
    rows = []
    for row in use.report.hours:
        kinds: list[Any] = []
        for kind in (True, False):
            now, usual = row.now.get(kind), row.usual.get(kind)
            kinds.append(None if now is None else now.uses)
            kinds += [None, None] if usual is None else [usual.uses, usual.days]
        rows.append([f"{row.hour:02}:00", *_figure(row.figure), *kinds])
    return [marked("Hour"), *_FIGURE, *_KINDS], rows


def _visits(figure: Figure, per_visit: float | None) -> list[float | None]:
    if per_visit is None:
        return []
    return [None if figure.known == "no" else visits_of(figure.uses, per_visit)]


def _days(name: str, use: Use, speaker: Speaker, per_visit: float | None) -> Table:
    found: list[DayRow] = use.report.days if name == "days" else use.report.months
    head = marked("Day") if name == "days" else marked("Month")
    visits = [] if per_visit is None else [marked("Visits, estimated")]
    rows = [
        [
            row.name,
            _kind(row, speaker),
            *_figure(row.figure),
            *_visits(row.figure, per_visit),
            *_compared(row.compared),
        ]
        for row in found
    ]
    return [head, marked("Kind of day"), *_FIGURE, *visits, *_COMPARED], rows


def _kind(row: DayRow, speaker: Speaker) -> str:
    if row.workday is None:
        return ""
    return speaker.say(marked("Workday") if row.workday else marked("Rest day"))


def _parts(name: str, use: Use, speaker: Speaker, per_visit: float | None) -> Table:
    found = use.report.groups if name == "groups" else use.report.devices
    worn = {one.device: one for one in use.wear}
    visits = [] if per_visit is None else [marked("Visits, estimated")]
    more = [marked("Per day"), marked("State"), marked("Last used")]
    wear = [marked("Uses since the service"), marked("Service every"), marked("Service due")]
    wear = wear if name == "devices" and per_visit is None else []
    rows = []
    for row in found:
        one = worn.get(row.id)
        its = [None] * 3 if one is None else [one.uses, one.interval, _text(one.due)]
        state = speaker.label(f"use_{row.state}")
        cells_ = [row.id, name_of(use, row, speaker), *_figure(row.figure)]
        cells_ += [*_visits(row.figure, per_visit), *_compared(row.compared)]
        rows.append([*cells_, row.per_day, state, row.last_day, *(its if wear else ())])
    return [marked("Id"), marked("Name"), *_FIGURE, *visits, *_COMPARED, *more, *wear], rows


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def name_of(use: Use, row: PartRow, speaker: Speaker) -> str:
    """The name of a group or a device."""
    if row.id in use.sources.names and row.id in use.groups:
        return str(use.sources.names[row.id][f"name_{speaker.language}"])
    return str(getattr(use.sources.devices[row.id], f"name_{speaker.language}"))


def _cells(use: Use, speaker: Speaker) -> Table:
    """Every hour of every device: what was counted in an unknown hour is at least so many."""
    group_of = {one: group for group, ids in use.groups.items() for one in ids}
    heads = [marked("Day"), marked("Hour"), marked("Group"), marked("Id"), marked("Name")]
    names = {one: getattr(use.sources.devices[one], f"name_{speaker.language}") for one in group_of}
    rows = (
        (one.day, f"{one.hour:02}:00", group_of[one.device], one.device, names[one.device], *told)
        for one in cells(use.history, group_of)
        for told in (_figure(Figure(one.uses, int(one.known), 1))[:2],)
    )
    return [*heads, *_FIGURE[:2]], rows


# -- cases and devices ----------------------------------------------------------------------------


def case_table(name: str, report: CaseReport, speaker: Speaker) -> Table:
    """One of CASE_TABLES."""
    heads = {
        "hours": marked("Hour"),
        "days": marked("Day"),
        "grids": marked("Grid"),
        "rules": marked("Rule"),
        "outcomes": marked("Outcome"),
    }
    rows = (
        [_case_name(name, row.name, speaker), *(row.kinds[k] for k in report.categories), row.total]
        for row in getattr(report, name)
    )
    kinds = [speaker.label(kind) for kind in report.categories]
    return [heads[name], *kinds, marked("All")], rows


def _case_name(table: str, name: str, speaker: Speaker) -> str:
    if table == "hours":
        return f"{int(name):02}:00"
    if table == "rules":
        return speaker.label(name) if name in OWN_RULES else name
    if table != "outcomes":
        return name
    return speaker.label("still_open" if name == OPEN else name)


def device_table(name: str, report: DeviceReport, speaker: Speaker) -> Table:
    """One of DEVICE_TABLES."""
    if name == "days":
        families = [row.name for row in report.families]
        heads = [marked("Day"), *map(speaker.label, families), marked("Batteries changed")]
        rows = [
            [one.day, *(one.heard[family] for family in families), one.changed]
            for one in report.days
        ]
        return heads, rows
    if name == "quiet":
        heads = [
            marked("Id"),
            marked("Name"),
            marked("Kind"),
            marked("State"),
            marked("Last heard"),
        ]
        its = f"name_{speaker.language}"
        return heads, [
            [
                one["id"],
                one[its],
                speaker.label(one["family"]),
                speaker.label(f"net_{one['state']}"),
                speaker.moment(one["heard_ms"]),
            ]
            for one in report.quiet
        ]
    words, prefix = (LEVELS, "level_") if name == "batteries" else (STATES, "net_")
    heads = [marked("Grid") if name == "grids" else marked("Kind")]
    heads += [speaker.label(f"{prefix}{word}") for word in words] + [marked("All")]
    return heads, [
        [
            row.name if name == "grids" else speaker.label(row.name),
            *(row.states[word] for word in words),
            row.total,
        ]
        for row in getattr(report, name)
    ]
