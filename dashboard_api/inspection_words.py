"""Inspections and ends of life as they go over the wire."""

from dashboard_api.order_shapes import ChecklistOut, DueOut, ItemOut, LastOut, LifeOut
from dashboard_api.shapes import Words
from hub.due import Due, Life
from rules.inspection import Inspection


def checklist_of(one: Inspection) -> ChecklistOut:
    """The questions of an inspection."""
    items = [
        ItemOut(item=item.name, ask=Words(zh=item.ask_zh, en=item.ask_en), trouble=item.trouble)
        for item in one.items
    ]
    return ChecklistOut(
        inspection=one.name,
        title=Words(zh=one.title_zh, en=one.title_en),
        every=one.every,
        each=one.each,
        items=items,
        source=Words(zh=one.source_zh, en=one.source_en),
    )


def due_of(one: Due) -> DueOut:
    """How one inspection stands."""
    inspection, subject = one.inspection, one.subject
    placed = subject.place_zh is not None and subject.place_en is not None
    return DueOut(
        inspection=inspection.name,
        title=Words(zh=inspection.title_zh, en=inspection.title_en),
        subject=subject.key,
        device=subject.device,
        name=Words(zh=subject.name_zh, en=subject.name_en),
        place=subject.place,
        place_name=Words(zh=subject.place_zh, en=subject.place_en) if placed else None,  # type: ignore[arg-type]
        grid=subject.grid,
        ground=subject.ground,
        state=one.state,  # type: ignore[arg-type]
        due=one.due,
        overdue_since=one.overdue_since,
        last=None if one.last is None else LastOut.model_validate(dict(one.last)),
    )


def life_of(one: Life) -> LifeOut:
    """A device and its end."""
    row, device = one.row, one.device
    return LifeOut(
        end_of_life=row.name,
        title=Words(zh=row.title_zh, en=row.title_en),
        device=device.id,
        name=Words(zh=device.name_zh, en=device.name_en),
        place=device.place,
        grid=device.grid,
        ground=device.ground,
        model=device.model,
        since=one.since,
        ends=one.ends,
        state=one.state,  # type: ignore[arg-type]
        source=Words(zh=row.source_zh, en=row.source_en),
    )
