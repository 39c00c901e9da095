"""The stops of a walk: open orders, batteries and inspections of a grid or ground, by place."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from dashboard_api import order_queries, queries
from dashboard_api.deps import Parts
from dashboard_api.order_shapes import StopOut
from dashboard_api.order_words import tell
from dashboard_api.shapes import Words
from hub.batteries import find_batteries
from hub.due import DONE, find_due
from hub.natural import natural
from rules.order import Words as BothWords

BATTERY = "battery-low"  # the trouble of `rules/orders` that is an order for a battery already


def stops_of(
    its: Parts, connection: Connection, grid: str | None, ground: str | None
) -> list[StopOut]:
    """All that there is to do there now, in the order of a walk."""
    found = [
        *_orders(its, connection, grid, ground),
        *_batteries(its, connection, grid, ground),
        *_inspections(its, connection, grid, ground),
    ]
    found.sort(key=lambda stop: (natural(stop.place), stop.priority or 9, stop.kind, stop.key))
    return [stop.model_copy(update={"number": nth}) for nth, stop in enumerate(found, 1)]


def _orders(
    its: Parts, connection: Connection, grid: str | None, ground: str | None
) -> Iterator[StopOut]:
    rules = its.rulebook.in_force(connection, its.clock.now_ms()).rule_set
    places, now_ms = queries.places_by_path(connection), its.clock.now_ms()
    for row in order_queries.unclosed_orders(connection):
        shelved = (row["shelved_until_ms"] or 0) > now_ms
        if (
            shelved
            or row["done_at_ms"]
            or not _is_there(row["its_grid"], row["ground"], grid, ground)
        ):
            continue
        told = tell(row, its.orders, rules, places)
        yield StopOut(
            number=0,
            kind="order",
            key=row["id"],
            title=Words(zh=row["title_zh"], en=row["title_en"]),
            device=row["device"],
            place=row["place"],
            place_name=_named(row["place_zh"], row["place_en"]),
            priority=row["priority"],
            bring=[Words(zh=one.zh, en=one.en) for one in told.bring],
        )


def _batteries(
    its: Parts, connection: Connection, grid: str | None, ground: str | None
) -> Iterator[StopOut]:
    """Those that will soon be empty and have no order yet."""
    now_ms = its.clock.now_ms()
    soon = date.fromordinal(its.texts.today(now_ms).toordinal() + its.settings.battery_soon_days)
    ordered = {
        row["device"]
        for row in order_queries.unclosed_orders(connection)
        if row["trouble"] == BATTERY
    }
    ground_of = {row["id"]: row["ground"] for row in queries.find_devices(connection)}
    for one in find_batteries(connection, its.settings, now_ms):
        there = _is_there(one.grid, ground_of.get(one.device), grid, ground)
        if not there or one.device in ordered or not one.is_due(soon):
            continue
        percent = "" if one.percent is None else f" {one.percent:.0f} %"
        cell = BothWords(f"电池 {one.cell}", f"battery {one.cell}") if one.cell else None
        yield StopOut(
            number=0,
            kind="battery",
            key=one.device,
            title=Words(
                zh=f"换电池：{one.name_zh}{percent}", en=f"Battery: {one.name_en}{percent}"
            ),
            device=one.device,
            place=one.place,
            place_name=_named(one.place_zh, one.place_en),
            bring=[] if cell is None else [Words(zh=cell.zh, en=cell.en)],
        )


def _inspections(
    its: Parts, connection: Connection, grid: str | None, ground: str | None
) -> Iterator[StopOut]:
    for due in find_due(connection, its.orders, its.site.zone, its.clock.now_ms()):
        subject, one = due.subject, due.inspection
        if due.state == DONE or not _is_there(subject.grid, subject.ground, grid, ground):
            continue
        yield StopOut(
            number=0,
            kind="inspection",
            key=f"{one.name}|{subject.key}",
            title=Words(
                zh=f"{one.title_zh}：{subject.name_zh}", en=f"{one.title_en}: {subject.name_en}"
            ),
            device=subject.device,
            place=subject.place,
            place_name=_named(subject.place_zh, subject.place_en),
        )


def _is_there(
    its_grid: str | None, its_ground: str | None, grid: str | None, ground: str | None
) -> bool:
    return (not grid or its_grid == grid) and (not ground or its_ground == ground)


def _named(zh: str | None, en: str | None) -> Words | None:
    return None if zh is None or en is None else Words(zh=zh, en=en)


def kept(stops: list[StopOut]) -> list[dict[str, Any]]:
    """As a round keeps them."""
    return [stop.model_dump(mode="json") for stop in stops]
