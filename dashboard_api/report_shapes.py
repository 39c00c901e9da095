"""What goes over the wire about reports: shapes made of their rows."""

from datetime import date
from typing import Any

from pydantic import BaseModel

from dashboard_api.hours_of_use import Compared, Figure, Typical
from dashboard_api.report_cases import CaseReport
from dashboard_api.report_cases import Row as CaseRow
from dashboard_api.report_devices import Count, DeviceReport
from dashboard_api.report_period import Period
from dashboard_api.report_use import DayRow, HourRow, PartRow
from dashboard_api.report_wear import Wear
from dashboard_api.reports import Use, visits_of
from dashboard_api.shapes import Words
from hub.settings import Settings


class PeriodOut(BaseModel):
    """Days from `first` to `last`, both included; moments [from, to)."""

    kind: str
    first: date
    last: date
    from_ms: int
    to_ms: int

    @classmethod
    def of(cls, period: Period) -> "PeriodOut":
        """From the value."""
        return cls(**{name: getattr(period, name) for name in cls.model_fields})


class FigureOut(BaseModel):
    """A sum. `known`: `yes`; `partly` (at least so many); `no` (nothing is known, `count` is null).

    `known_hours` of `hours`: of so many hours of devices something is known.
    """

    count: int | None
    known: str
    known_hours: int
    hours: int

    @classmethod
    def of(cls, figure: Figure) -> "FigureOut":
        """From the value."""
        count = None if figure.known == "no" else figure.uses
        return cls(
            count=count, known=figure.known, known_hours=figure.known_hours, hours=figure.hours
        )


class ComparedOut(BaseModel):
    """Whole days of which everything is known, beside what is usual on such days."""

    count: int
    usual: float
    days: int
    percent: float | None

    @classmethod
    def of(cls, found: Compared) -> "ComparedOut":
        """From the value."""
        return cls(count=found.uses, usual=found.usual, days=found.days, percent=found.percent)


class TypicalOut(BaseModel):
    """The median of so many days."""

    count: float
    days: int

    @classmethod
    def of(cls, found: Typical | None) -> "TypicalOut | None":
        """From the value."""
        return None if found is None else cls(count=found.uses, days=found.days)


class KindOut(BaseModel):
    """An hour on days of one kind: the median of the period's and that of a usual one."""

    now: TypicalOut | None
    usual: TypicalOut | None


class HourOut(BaseModel):
    """An hour of the clock."""

    hour: int
    figure: FigureOut
    workday: KindOut
    rest_day: KindOut

    @classmethod
    def of(cls, row: HourRow) -> "HourOut":
        """From the row."""
        kinds = [
            KindOut(now=TypicalOut.of(row.now.get(k)), usual=TypicalOut.of(row.usual.get(k)))
            for k in (True, False)
        ]
        figure = FigureOut.of(row.figure)
        return cls(hour=row.hour, figure=figure, workday=kinds[0], rest_day=kinds[1])


class DayOut(BaseModel):
    """A day (or month); `whole`: it is over. `usual`: on its days that are over, of all grounds of
    which that is known; `compared` holds those that can be compared."""

    name: str
    workday: bool | None
    whole: bool
    figure: FigureOut
    usual: float | None
    compared: ComparedOut

    @classmethod
    def of(cls, row: DayRow) -> "DayOut":
        """From the row."""
        return cls(
            name=row.name,
            workday=row.workday,
            whole=row.whole,
            figure=FigureOut.of(row.figure),
            usual=row.usual,
            compared=ComparedOut.of(row.compared),
        )


class WearOut(BaseModel):
    """Uses since the last service of so many that are allowed."""

    uses: int
    interval: int
    serviced_ms: int | None
    due: date | None

    @classmethod
    def of(cls, found: Wear | None) -> "WearOut | None":
        """From the value."""
        if found is None:
            return None
        return cls(**{name: getattr(found, name) for name in cls.model_fields})


class PartOut(BaseModel):
    """A ground, a house, a machine or a door. `state`: used, unused, quiet (unused for a
    short time that says nothing), unsure (too little is known)."""

    id: str
    name: Words
    group: str | None
    grid: str | None
    figure: FigureOut
    compared: ComparedOut
    per_day: float | None
    state: str
    last_day: date | None
    wear: WearOut | None = None


class UseOut(BaseModel):
    """The use of machines (`count`: uses) or of entrances (`count`: openings).

    `hours` sum over the period by hour of the clock; what happened in no known hour is in the
    days, months and totals that hold it, and in no hour.
    """

    period: PeriodOut
    counted_ms: int
    total: FigureOut
    compared: ComparedOut
    hours: list[HourOut]
    days: list[DayOut]
    months: list[DayOut]
    groups: list[PartOut]
    devices: list[PartOut]
    uncompared: list[str]

    @classmethod
    def of(cls, use: Use) -> "UseOut":
        """From the report."""
        report = use.report
        return cls(
            period=PeriodOut.of(use.period),
            counted_ms=report.counted_ms,
            total=FigureOut.of(report.total),
            compared=ComparedOut.of(report.compared),
            hours=[HourOut.of(row) for row in report.hours],
            days=[DayOut.of(row) for row in report.days],
            months=[DayOut.of(row) for row in report.months],
            groups=[_group(use, row) for row in report.groups],
            devices=[_device(use, row) for row in report.devices],
            uncompared=report.uncompared,
        )


def _group(use: Use, row: PartRow) -> PartOut:
    named = use.sources.names[row.id]
    name = Words(zh=named["name_zh"], en=named["name_en"])
    return _part(row, name=name, group=None, grid=named["grid"])


def _device(use: Use, row: PartRow) -> PartOut:
    device = use.sources.devices[row.id]
    worn = next((one for one in use.wear if one.device == row.id), None)
    name = Words(zh=device.name_zh, en=device.name_en)
    group = next(group for group, ids in use.groups.items() if row.id in ids)
    return _part(row, name=name, group=group, grid=device.grid, wear=WearOut.of(worn))


def _part(row: PartRow, **more: Any) -> PartOut:
    return PartOut(
        id=row.id,
        figure=FigureOut.of(row.figure),
        compared=ComparedOut.of(row.compared),
        per_day=row.per_day,
        state=row.state,
        last_day=None if row.last_day is None else date.fromisoformat(row.last_day),
        **more,
    )


class VisitsDefinitionOut(BaseModel):
    """What is taken for a visit: openings of the entrances in these hours, so many a visit."""

    from_hour: int
    until_hour: int
    openings_per_visit: float
    flutter_s: float


class VisitsOut(BaseModel):
    """Openings, and how many visits they are taken for (an estimate; see the manual)."""

    openings: UseOut
    in_hours: FigureOut
    visits: float | None
    definition: VisitsDefinitionOut

    @classmethod
    def of(cls, use: Use, settings: Settings) -> "VisitsOut":
        """From the report."""
        figure = in_hours(use, settings)
        per_visit = settings.openings_per_visit
        return cls(
            openings=UseOut.of(use),
            in_hours=FigureOut.of(figure),
            visits=None if figure.known == "no" else visits_of(figure.uses, per_visit),
            definition=VisitsDefinitionOut(
                from_hour=settings.visit_from_hour,
                until_hour=settings.visit_until_hour,
                openings_per_visit=per_visit,
                flutter_s=settings.visit_flutter_s,
            ),
        )


def in_hours(use: Use, settings: Settings) -> Figure:
    """All openings of the hours in which the houses are open."""
    opened = range(settings.visit_from_hour, settings.visit_until_hour)
    return sum((row.figure for row in use.report.hours if row.hour in opened), Figure())


# -- cases and devices ----------------------------------------------------------------------------


class CountsOut(BaseModel):
    """A line: its name, how many there are by category (or state), and all of them."""

    name: str
    counts: dict[str, int]
    total: int

    @classmethod
    def of(cls, row: CaseRow | Count) -> "CountsOut":
        """From the row."""
        counts = row.kinds if isinstance(row, CaseRow) else row.states
        return cls(name=row.name, counts=dict(counts), total=row.total)


class CasesOut(BaseModel):
    """Cases by category, in several orders. The grid "-" is what belongs to none."""

    period: PeriodOut
    total: dict[str, int]
    hours: list[CountsOut]
    days: list[CountsOut]
    grids: list[CountsOut]
    rules: list[CountsOut]
    outcomes: list[CountsOut]

    @classmethod
    def of(cls, report: CaseReport, period: Period) -> "CasesOut":
        """From the report."""
        tables = ("hours", "days", "grids", "rules", "outcomes")
        return cls(
            period=PeriodOut.of(period),
            total=dict(report.total),
            **{name: [CountsOut.of(row) for row in getattr(report, name)] for name in tables},
        )


class HeardOut(BaseModel):
    """Devices that said something on a day, by family, and batteries that were changed."""

    day: date
    heard: dict[str, int]
    changed: int


class DevicesOut(BaseModel):
    """Devices by how they are now (online, silent, offline, explained, unknown), batteries by how
    full they are (flat, low, half, full, not_said), and the days of the period."""

    period: PeriodOut
    at_ms: int
    families: list[CountsOut]
    grids: list[CountsOut]
    days: list[HeardOut]
    batteries: list[CountsOut]
    due: list[str]
    changed: int
    quiet: list[str]

    @classmethod
    def of(cls, report: DeviceReport, period: Period) -> "DevicesOut":
        """From the report."""
        return cls(
            period=PeriodOut.of(period),
            at_ms=report.at_ms,
            families=[CountsOut.of(row) for row in report.families],
            grids=[CountsOut.of(row) for row in report.grids],
            days=[
                HeardOut(
                    day=date.fromisoformat(one.day), heard=dict(one.heard), changed=one.changed
                )
                for one in report.days
            ],
            batteries=[CountsOut.of(row) for row in report.batteries],
            due=[one.device for one in report.due],
            changed=report.changed,
            quiet=[one["id"] for one in report.quiet],
        )
