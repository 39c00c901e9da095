"""Which machines and doors a report counts, and when what carries them could not be heard."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.report_series import Source
from hub.database import alerts, latest
from hub.device_facts import facts_of
from hub.devices import Device, read_devices
from hub.settings import Settings
from rules.condition import Equals
from rules.judge import SITE
from rules.rule import Rule, RuleSet

NO_GROUND = "-"
HOUSES = ("station", "culture")  # kinds of places whose entrances are counted

Spans = tuple[tuple[int, int], ...]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """Devices to be counted, by group (a ground, a house), with names for people."""

    devices: dict[str, Device]
    groups: dict[str, list[str]]
    names: dict[str, Row]  # of groups: name_zh, name_en, grid
    sources: list[Source]

    def only(self, group: str | None, grid: str | None) -> dict[str, list[str]]:
        """The groups that are asked for; of a grid those with a device in it, and these alone."""
        found = {}
        for name, ids in self.groups.items():
            mine = [one for one in ids if grid is None or (self.devices[one].grid or "-") == grid]
            if mine and group in (None, name):
                found[name] = mine
        return found


def machines(connection: Connection, rules: RuleSet) -> Sources:
    """Every counter, by its ground; else by its place."""
    known = [one for one in read_devices(connection) if one.family == "counter"]
    by_id = {one.id: one for one in known}
    groups = {one.id: one.ground or one.place or NO_GROUND for one in known}
    return _sources(connection, by_id, groups, rules)


def entrances(connection: Connection, rules: RuleSet, settings: Settings) -> Sources:
    """Doors of day-care stations and culture centres that hang at the place itself."""
    places = queries.places_by_path(connection)
    tags = {tag.strip() for tag in settings.visit_tags.split(",")} - {""}
    known = [
        one
        for one in read_devices(connection)
        if one.family == "door" and tags & one.tags and _is_house(places, one.place)
    ]
    by_id = {one.id: one for one in known}
    return _sources(connection, by_id, {one.id: one.place or NO_GROUND for one in known}, rules)


def _is_house(places: Mapping[str, Row], path: str | None) -> bool:
    return path is not None and path in places and places[path]["kind"] in HOUSES


def _sources(
    connection: Connection, devices: dict[str, Device], group_of: dict[str, str], rules: RuleSet
) -> Sources:
    places, gone = queries.places_by_path(connection), spans_gone(connection, rules)
    by_message = _gateways(connection)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(devices):
        groups[group_of[name]].append(name)
    found = []
    for device in devices.values():
        carriers = (by_message.get(device.id) or device.gateway, SITE)
        spans = [span for carrier in carriers if carrier for span in gone.get(carrier, ())]
        expected_ms = facts_of(device).expected_silence_ms
        found.append(Source(device.id, expected_ms, device.added_ms, tuple(sorted(spans))))
    names = {name: _named(name, places.get(name)) for name in groups}
    return Sources(devices, dict(sorted(groups.items())), names, found)


def _named(name: str, place: Row | None) -> Row:
    if place is None:
        return {"id": name, "name_zh": name, "name_en": name, "grid": None}
    return {"id": name} | {key: place[key] for key in ("name_zh", "name_en", "grid")}


def _gateways(connection: Connection) -> dict[str, str]:
    """By which gateway each device was heard last."""
    query = sa.select(latest.c.device, latest.c.gateway).where(latest.c.gateway.is_not(None))
    return {row.device: row.gateway for row in connection.execute(query)}


# -- what could not be heard ----------------------------------------------------------------------

OPEN_END_MS = 1 << 62


def spans_gone(connection: Connection, rules: RuleSet) -> dict[str, Spans]:
    """When gateways and the site's link were gone, as the judge has found; by the carrier's id.

    It is found by the rules about `online`; an alert opens so much after the fact as its rule
    holds. A site whose own rules have none of these knows nothing but the silence of its devices.
    """
    held = {rule.name: rule.hold_for_ms for rule in rules.rules if _is_of_absence(rule)}
    query = sa.select(
        alerts.c.key, alerts.c.rule, alerts.c.opened_at_ms, alerts.c.closed_at_ms
    ).where(alerts.c.rule.in_(held), sa.not_(alerts.c.taken_back))
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for key, rule, opened_ms, closed_ms in connection.execute(query):
        end_ms = OPEN_END_MS if closed_ms is None else closed_ms
        found[key].append((opened_ms - held[rule], end_ms))
    return {carrier: tuple(sorted(spans)) for carrier, spans in found.items()}


def _is_of_absence(rule: Rule) -> bool:
    when = rule.when
    return isinstance(when, Equals) and when.point == "online" and when.values == (False,)
