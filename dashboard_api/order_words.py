"""A work order in words: the way to it, what probably is wrong, what to bring, what proves it."""

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dashboard_api.labels import marked
from dashboard_api.log_words import Speaker
from dashboard_api.order_queries import ACCEPTED, DONE, ON_SITE, STATES
from dashboard_api.queries import Row
from device_drivers.catalog import DRIVERS
from device_drivers.reading import Value
from hub.orders import orders_in_force
from hub.settings import Settings
from rules.order import NO_TABLES, OrderTables, Words, filled
from rules.proof import GROWS, REPORTS, RULE, SAYS, SIGNED, Proof, proof_of
from rules.reading import RuleMistakes
from rules.rule import RuleSet
from rules.words import POINTS, value_words

log = logging.getLogger(__name__)

ROOM_DIGITS = (3, 4)  # 302, 1204: the last two are the room's, those before the floor's


def tables_of(settings: Settings) -> OrderTables:
    """The tables in force; empty ones where they cannot be read, which the hub itself refuses."""
    try:
        return orders_in_force(settings)
    except (RuleMistakes, OSError):
        log.exception("the tables about work orders cannot be read: orders come without advice")
        return NO_TABLES


class Way(NamedTuple):
    """How somebody gets there: building, unit, door, from the outside in; the floor if known."""

    steps: tuple[Words, ...]
    floor: int | None


class Told(NamedTuple):
    """What the tables say of an order."""

    trouble: Words | None
    probably: list[Words]
    bring: list[Words]
    priority_reason: Words | None
    proof: Proof
    proof_words: Words
    way: Way


def tell(row: Row, tables: OrderTables, rules: RuleSet, places: Mapping[str, Row]) -> Told:
    """Of a row of `order_queries`."""
    trouble = tables.troubles.get(row["trouble"] or "")
    urgent = tables.row_of(row["severity"], row["depends"], row["trouble"])
    rule = rules.named(row["rule"])
    wanted = SIGNED if trouble is None else trouble.proof
    proof = proof_of(wanted, None if rule is None else rule.when)
    known = {"cell": _cell(row), "model": row["model"], "maker": row["maker"]}
    known = {name: text or "" for name, text in {**known, "driver": row["driver"]}.items()}
    return Told(
        trouble=None if trouble is None else trouble.title,
        probably=[] if trouble is None else filled(trouble.probably, **known),
        bring=[] if trouble is None else filled(trouble.bring, **known),
        priority_reason=None if urgent is None else urgent.reason,
        proof=proof,
        proof_words=proof_words(proof),
        way=way_to(row["place"], places),
    )


def _cell(row: Row) -> str:
    """The kind of battery as a shop knows it: what its owner wrote, else what the driver says."""
    driver = DRIVERS.get(row["driver"] or "")
    named: str = row["cell"] or ("" if driver is None else driver.cell)
    return named.partition(" to ")[0]


def way_to(place: str | None, places: Mapping[str, Row]) -> Way:
    """By the names of the place and of all that it is in."""
    if not place:
        return Way((), None)
    parts = place.split("/")
    paths = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    steps = [_name_of(path, places) for path in paths if path in places or path == place]
    known = places.get(place)
    is_home = known is not None and known["kind"] == "home"
    room = parts[-1]
    numbered = is_home and room.isdigit() and len(room) in ROOM_DIGITS
    return Way(tuple(steps), int(room[:-2]) if numbered else None)


def _name_of(path: str, places: Mapping[str, Row]) -> Words:
    known = places.get(path)
    return Words(path, path) if known is None else Words(known["name_zh"], known["name_en"])


def proof_words(proof: Proof) -> Words:
    """What is waited for, in one sentence."""
    if proof.kind == REPORTS:
        return Words("设备再次上报", "the device reports again")
    if proof.kind == GROWS:
        return Words("计数增加", "the counter counts")
    if proof.kind == RULE:
        return Words("规则判定已恢复", "the rule finds it well again")
    if proof.kind != SAYS:
        return Words("由另一人到场查看并签字", "a second person looks and signs")
    zh, en = (" ".join(_said(proof, language)) for language in (0, 1))
    return Words(f"设备上报 {zh}", f"the device says {en}")


def _said(proof: Proof, language: int) -> Iterator[str]:
    """The points and their limits; `language` as in `rules.words`: 0 Chinese, 1 English."""
    point = proof.points[0]  # those of one proof are measured alike
    yield "/".join(POINTS.get(one, (one, one))[language] for one in proof.points)
    if proof.above is not None:
        yield f"> {value_words(point, float(proof.above))[language]}"
    if proof.below is not None:
        yield f"< {value_words(point, float(proof.below))[language]}"
    if proof.among:
        yield f"= {'/'.join(value_words(point, one)[language] for one in proof.among)}"
    if proof.not_among:
        yield f"≠ {'/'.join(value_words(point, one)[language] for one in proof.not_among)}"


def shown_words(shown: str | None) -> Words | None:
    """What the device showed, such as `battery 97`, as people say it; none for a sign of life."""
    if not shown:
        return None
    point, _, text = shown.partition(" ")
    names, values = POINTS.get(point, (point, point)), value_words(point, _value_of(text))
    return Words(f"{names[0]} {values[0]}".strip(), f"{names[1]} {values[1]}".strip())


def _value_of(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def order_state(row: Row) -> str:
    """open, accepted, on_site, done, closed.

    Called back, or dealt with before orders had proofs: it is not done before somebody says so.
    """
    state = STATES[row["state"]]
    if state != DONE or row["done_at_ms"] is not None:
        return state
    return ACCEPTED if row["arrived_at_ms"] is None else ON_SITE


# -- as a table -----------------------------------------------------------------------------------

COLUMNS = (
    marked("Order"),
    marked("State"),
    marked("Priority"),
    marked("Title"),
    marked("What"),
    marked("Place"),
    marked("Grid"),
    marked("Device"),
    marked("Order made"),
    marked("Accepted by"),
    marked("Accepted"),
    marked("On site"),
    marked("Done by"),
    marked("Done"),
    marked("Outcome"),
    marked("The device showed"),
    marked("Closed"),
    marked("Signed by"),
    marked("Fell open again"),
)


def cells(row: Row, speaker: Speaker) -> Iterator[object]:
    """An order as a row of the table."""
    language = speaker.language
    yield row["id"]
    yield speaker.label(f"order_{order_state(row)}")
    yield row["priority"]
    yield row[f"title_{language}"]
    yield row[f"why_{language}"]
    yield row[f"place_{language}"] or row["place"]
    yield row[f"grid_{language}"] or row["its_grid"]
    yield row[f"device_{language}"] or row["device"]
    yield _moment(row["raised_at_ms"], speaker)
    yield row["answered_by"]
    yield _moment(row["answered_at_ms"], speaker)
    yield _moment(row["arrived_at_ms"], speaker)
    yield row["done_by"]
    yield _moment(row["done_at_ms"], speaker)
    yield speaker.label(row["outcome"])
    shown = shown_words(row["shown"])
    yield getattr(shown, language) if shown else _moment(row["shown_at_ms"], speaker)
    yield _moment(row["closed_at_ms"], speaker)
    yield row["closed_by"]
    yield row["reopened"]


def _moment(at_ms: int | None, speaker: Speaker) -> str:
    return "" if at_ms is None else speaker.moment(at_ms)
