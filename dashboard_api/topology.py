"""What carries the messages: site → broker → gateway → device, what is gone and what that explains.

The judge explains by the same facts: a device is behind the gateway that heard it last (until then
the one that the register names), and everything is behind the site's link.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.engine import Connection

from dashboard_api.figures import is_alive, is_offline
from dashboard_api.queries import Row, residents_by_id, rows_of, story_of
from hub.database import devices, gateways, latest, places
from hub.site import Site
from rules.judge import SITE

CARRIERS = frozenset({"gateway", "site"})  # families whose absence explains others'
State = Literal["online", "offline", "silent", "explained", "unknown"]

_decode = msgspec.json.Decoder().decode
_GATEWAY = sa.func.coalesce(latest.c.gateway, devices.c.gateway)


# -- what is gone, and what is behind it ----------------------------------------------------------


def gone_since(connection: Connection) -> dict[str, int]:
    """Gateways (and `@site`) that are not there, each with the moment since when."""
    carriers = sa.union(
        sa.select(gateways.c.id),
        sa.select(latest.c.gateway).where(latest.c.gateway.is_not(None)),
        sa.select(devices.c.id).where(devices.c.family == "gateway"),
    )
    wanted = sa.or_(latest.c.device == SITE, latest.c.device.in_(carriers))
    query = sa.select(latest.c.device, latest.c.points_json).where(wanted)
    online = {
        row["device"]: _decode(row["points_json"]).get("online")
        for row in rows_of(connection, query)
    }
    return {name: said[1] for name, said in online.items() if said is not None and not said[0]}


def gateway_of(device: Mapping[str, Any]) -> str | None:
    """Which gateway a device is behind."""
    found: str | None = device["heard_by"] or device["gateway"]
    return found


def explained_by(device: Mapping[str, Any], gone: Mapping[str, int]) -> str | None:
    """What explains a device's silence now: the site's link, its gateway, or nothing."""
    if device["family"] in CARRIERS:
        return None
    gateway = gateway_of(device)
    return SITE if SITE in gone else gateway if gateway in gone else None


def explained_counts(connection: Connection) -> dict[str, int]:
    """How many devices each thing that is gone explains."""
    gone = gone_since(connection)
    if not gone:
        return {}
    rows = rows_of(connection, _places_in_the_net())
    counts = Counter(explained_by(row, gone) for row in rows)
    return {name: counts[name] for name in gone}


def _places_in_the_net() -> sa.Select[Any]:
    return sa.select(
        devices.c.id, devices.c.family, devices.c.gateway, latest.c.gateway.label("heard_by")
    ).outerjoin(latest, latest.c.device == devices.c.id)


# -- cases ----------------------------------------------------------------------------------------


def with_explained(connection: Connection, cases: Sequence[Row]) -> list[Row]:
    """Cases with `explained`: how many devices are behind what is gone.

    While it is gone those of now, afterwards those of when the case was raised; None: the case is
    about nothing that carries others.
    """
    return [{**case, "explained": _explained(connection, case)} for case in cases]


def _explained(connection: Connection, case: Row) -> int | None:
    if case["family"] not in CARRIERS or case["device"] is None:
        return None
    if not case["active"]:
        return _from_story(connection, case["id"]).get("explained")
    query = sa.select(sa.func.count()).select_from(devices)
    query = query.outerjoin(latest, latest.c.device == devices.c.id)
    query = query.where(devices.c.family.not_in(CARRIERS))
    if case["device"] != SITE:
        query = query.where(case["device"] == _GATEWAY)
    return connection.execute(query).scalar()


def _from_story(connection: Connection, case_id: str) -> dict[str, Any]:
    """What the judge noted when the case was raised, or raised again."""
    lines = [line["body"] for line in story_of(connection, case_id)]
    return next((body for body in reversed(lines) if "without_cover" in body), {})


def without_cover(connection: Connection, case_id: str) -> list[Row]:
    """Residents all of whose buttons were behind what is gone, with their places."""
    ids = _from_story(connection, case_id).get("without_cover", [])
    known = residents_by_id(connection) if ids else {}
    rows = [known[one] for one in ids if one in known]
    named = places.select().where(places.c.path.in_({row["place"] for row in rows}))
    names = {row["path"]: row for row in rows_of(connection, named)} if rows else {}
    empty = {"name_zh": None, "name_en": None}
    return [
        {
            "resident": row["id"],
            "name": row["name"],
            "phone": row["phone"],
            "place": row["place"],
            "place_zh": names.get(row["place"], empty)["name_zh"],
            "place_en": names.get(row["place"], empty)["name_en"],
        }
        for row in rows
    ]


# -- the whole tree -------------------------------------------------------------------------------


class NodeOut(BaseModel):
    """A device in the tree. `state`: online, offline (its own will), silent or explained."""

    id: str
    family: str
    name: dict[str, str]
    state: State
    explained_by: str | None
    heard_ms: int | None


class GatewayOut(BaseModel):
    """A gateway with what is behind it.

    `state`: online; offline, as it says itself; silent, as nothing comes through it; unknown.
    `residents` have a button behind it.
    """

    id: str
    ecosystem: str | None
    name: dict[str, str] | None
    registered: bool
    state: State
    gone_since_ms: int | None
    says_itself: bool
    first_ms: int | None
    heard_ms: int | None
    messages: int
    devices: int
    online: int
    silent: int
    explained: int
    residents: int
    list: list[NodeOut]


class LinkOut(BaseModel):
    """The broker, as the hub reaches it: `state` online or offline, and since when."""

    state: State
    gone_since_ms: int | None


class TopologyOut(BaseModel):
    """Site → broker → gateways → devices; `direct` are devices that name no gateway."""

    at_ms: int
    site: dict[str, str]
    broker: LinkOut
    devices: int
    explained: int
    gateways: list[GatewayOut]
    direct: list[NodeOut]


def topology(connection: Connection, found: Sequence[Row], site: Site, now_ms: int) -> TopologyOut:
    """The tree out of all registered devices (`queries.find_devices`) and known gateways."""
    gone = gone_since(connection)
    known = {row["id"]: row for row in rows_of(connection, gateways.select())}
    known.pop(SITE, None)
    ends = [device for device in found if device["family"] not in CARRIERS]
    registered = {device["id"]: device for device in found if device["family"] == "gateway"}
    behind: dict[str | None, list[Row]] = {}
    for device in ends:
        behind.setdefault(gateway_of(device), []).append(device)
    names = sorted({*known, *registered, *(name for name in behind if name is not None)})
    shown = [
        _gateway(name, known.get(name), registered.get(name), behind.get(name, []), gone, now_ms)
        for name in names
    ]
    return TopologyOut(
        at_ms=now_ms,
        site={"id": site.id, "zh": site.name_zh, "en": site.name_en},
        broker=LinkOut(state="offline" if SITE in gone else "online", gone_since_ms=gone.get(SITE)),
        devices=len(ends),
        explained=sum(explained_by(device, gone) is not None for device in ends),
        gateways=sorted(
            shown, key=lambda one: (one.state in ("online", "unknown"), _counted(one.id))
        ),
        direct=_nodes(behind.get(None, []), gone, now_ms),
    )


def _counted(name: str) -> list[str | int]:
    """To sort by: gateway 2 stands before gateway 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", name)]


def _gateway(
    name: str,
    known: Row | None,
    registered: Row | None,
    behind: Iterable[Row],
    gone: Mapping[str, int],
    now_ms: int,
) -> GatewayOut:
    behind = list(behind)
    nodes = _nodes(behind, gone, now_ms)
    states = Counter(node.state for node in nodes)
    figures = known or _UNHEARD
    buttons = {one["resident_id"] for one in behind if one["family"] == "button"} - {None}
    return GatewayOut(
        id=name,
        ecosystem=figures["ecosystem"],
        name=None if registered is None else _name(registered),
        registered=registered is not None,
        state=_state_of_gateway(name, figures, gone),
        gone_since_ms=gone.get(name),
        says_itself=figures["says_itself"],
        first_ms=figures["first_ms"],
        heard_ms=figures["heard_ms"],
        messages=figures["messages"],
        devices=len(nodes),
        online=states["online"],
        silent=states["silent"] + states["offline"],
        explained=states["explained"],
        residents=len(buttons),
        list=nodes,
    )


_UNHEARD: Row = {
    "ecosystem": None,
    "says_itself": False,
    "first_ms": None,
    "heard_ms": None,
    "messages": 0,
}


def _state_of_gateway(name: str, figures: Row, gone: Mapping[str, int]) -> State:
    if name in gone:
        return "silent" if figures.get("gone_ms") is not None else "offline"
    return "unknown" if figures["heard_ms"] is None else "online"


def _nodes(found: Iterable[Row], gone: Mapping[str, int], now_ms: int) -> list[NodeOut]:
    nodes = [
        NodeOut(
            id=row["id"],
            family=row["family"],
            name=_name(row),
            state=_state_of(row, gone, now_ms),
            explained_by=explained_by(row, gone),
            heard_ms=row["heard_ms"],
        )
        for row in found
    ]
    return sorted(nodes, key=lambda node: (node.state == "online", node.family, node.id))


def _state_of(device: Row, gone: Mapping[str, int], now_ms: int) -> State:
    if explained_by(device, gone) is not None:
        return "explained"
    if is_offline(device):
        return "offline"
    return "online" if is_alive(device, now_ms) else "silent"


def _name(device: Row) -> dict[str, str]:
    return {"zh": device["name_zh"], "en": device["name_en"]}
