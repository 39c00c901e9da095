"""What goes over the wire about work orders, inspections and rounds."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.order_words import Told, order_state, shown_words
from dashboard_api.queries import Row
from dashboard_api.shapes import NUMBER_MAX, LogLine, Words
from hub.client_acts import ID_CHARACTERS_MAX
from hub.device_code import TEXT_CHARACTERS_MAX as CODE_CHARACTERS_MAX
from rules.case import TEXT_CHARACTERS_MAX
from rules.order import Words as BothWords

OrderActing = Literal["accept", "give_back", "on_site", "done", "sign", "note"]
OrderOutcome = Literal["mended", "no_fault_found", "mistake", "test", "other"]
OrderState = Literal["open", "accepted", "on_site", "done", "closed"]
PART_CHARACTERS_MAX = 100
COUNT_MAX = 999


def _both(words: BothWords | None) -> Words | None:
    return None if words is None else Words(zh=words.zh, en=words.en)


class PlaceOut(BaseModel):
    """Where it is. `way` from the outside in, `floor` where the room's number tells it."""

    path: str | None
    name: Words | None
    way: list[Words]
    floor: int | None
    ground: str | None
    grid: str | None
    grid_name: Words | None


class ProofOut(BaseModel):
    """What closes the order. `by`: device, or signature for a second person.

    `until_ms`: until then the device is waited for; `shown`: what it said, `shown_words`: the same
    for people.
    """

    by: Literal["device", "signature"]
    words: Words
    since_ms: int | None = Field(description="What the device says since then counts.")
    until_ms: int | None
    shown_at_ms: int | None
    shown: str | None
    shown_words: Words | None


class OrderOut(BaseModel):
    """A work order as it is now. `version` grows with every change of its case."""

    id: str
    state: OrderState
    title: Words
    why: Words
    trouble: str | None
    trouble_name: Words | None
    category: str
    severity: str
    priority: int | None = Field(description="1 first, 4 last.")
    priority_reason: Words | None
    depends: str | None = Field(description="Who depends on the device: alone_button, button, …")
    device: str | None
    device_name: Words | None
    family: str | None
    maker: str | None
    model: str | None
    place: PlaceOut
    probably: list[Words]
    bring: list[Words]
    proof: ProofOut
    active: bool = Field(description="Is the alert behind it true right now?")
    times: int = Field(description="How often it happened or was reported.")
    reopened: int = Field(description="How often it was done and the proof did not come.")
    raised_at_ms: int
    heard_at_ms: int
    accepted_by: str | None
    accepted_at_ms: int | None
    on_site_at_ms: int | None
    done_by: str | None
    done_at_ms: int | None
    outcome: str | None
    closed_at_ms: int | None
    closed_by: str | None = Field(description="null: by the device itself.")
    shelved_until_ms: int | None
    muted: str | None
    version: int
    changed_ms: int

    @classmethod
    def of(cls, row: Row, told: Told) -> "OrderOut":
        """From a row of `order_queries` and what the tables say of it."""
        return cls(
            **{name: row[name] for name in _AS_THEY_ARE},
            state=order_state(row),  # type: ignore[arg-type]
            title=Words(zh=row["title_zh"], en=row["title_en"]),
            why=Words(zh=row["why_zh"], en=row["why_en"]),
            trouble_name=_both(told.trouble),
            priority_reason=_both(told.priority_reason),
            device_name=_named(row, "device"),
            place=PlaceOut(
                path=row["place"],
                name=_named(row, "place"),
                way=[Words(zh=one.zh, en=one.en) for one in told.way.steps],
                floor=told.way.floor,
                ground=row["ground"],
                grid=row["its_grid"],
                grid_name=_named(row, "grid"),
            ),
            probably=[Words(zh=one.zh, en=one.en) for one in told.probably],
            bring=[Words(zh=one.zh, en=one.en) for one in told.bring],
            proof=ProofOut(
                by="device" if told.proof.is_of_device else "signature",
                words=Words(zh=told.proof_words.zh, en=told.proof_words.en),
                since_ms=row["work_since_ms"],
                until_ms=row["proof_until_ms"],
                shown_at_ms=row["shown_at_ms"],
                shown=row["shown"],
                shown_words=_both(shown_words(row["shown"])),
            ),
            accepted_by=row["answered_by"],
            accepted_at_ms=row["answered_at_ms"],
            on_site_at_ms=row["arrived_at_ms"],
        )


_AS_THEY_ARE = (
    *("id", "trouble", "category", "severity", "priority", "depends", "device", "family"),
    *("maker", "model", "active", "times", "reopened", "raised_at_ms", "heard_at_ms"),
    *("done_by", "done_at_ms", "outcome", "closed_at_ms", "closed_by", "shelved_until_ms"),
    *("muted", "version", "changed_ms"),
)


def _named(row: Row, name: str) -> Words | None:
    zh = row[f"{name}_zh"]
    return None if zh is None else Words(zh=zh, en=row[f"{name}_en"])


class OrdersOut(BaseModel):
    """One page; `before` of the next page is the last one's id while `more` is true."""

    orders: list[OrderOut]
    more: bool


class OrderWhole(BaseModel):
    """An order with its story. A line's `body` has parts, photos and what the device showed."""

    order: OrderOut
    log: list[LogLine]


class Part(BaseModel):
    """Something that was used up."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=PART_CHARACTERS_MAX)
    count: int = Field(1, ge=1, le=COUNT_MAX)


class Named(BaseModel):
    """What every act of a phone may carry: its own name for it, and when it was done there."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str | None = Field(
        None,
        min_length=8,
        max_length=ID_CHARACTERS_MAX,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="Made by the sender (a UUID): the same id twice is one act.",
    )
    made_at_ms: int | None = Field(
        None,
        ge=0,
        le=NUMBER_MAX,
        description="When it was done, by the phone's clock: shown, never judged by. "
        "One that cannot be is dropped.",
    )


class OrderCommand(Named):
    """What somebody does about an order; each act says what it needs."""

    text: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX, description="A remark.")
    code: str | None = Field(
        None, max_length=CODE_CHARACTERS_MAX, description="on_site: what was scanned."
    )
    reason: str | None = Field(
        None, max_length=TEXT_CHARACTERS_MAX, description="on_site without a code: why."
    )
    outcome: OrderOutcome | None = Field(None, description="done: what it was; mended if left out.")
    parts: list[Part] = Field(default=[], description="done: what was used up.")
    photos: list[str] = Field(default=[], description="Of POST /photos.")
    expected_version: int | None = Field(None, ge=0, le=NUMBER_MAX)


class OrderDone(BaseModel):
    """The hub has judged it. `repeated`: it was known by its id, and nothing new was done."""

    seq: int
    repeated: bool = False
    order: OrderOut


class PhotoOut(BaseModel):
    """A photo is kept; an act names it within `photos_unused_keep_h`, or it is removed."""

    id: str
    width: int
    height: int
    size: int


class ReportWish(Named):
    """A trouble that somebody sees at a device."""

    trouble: str = Field(max_length=80, description="One of GET /devices/{code}/report.")
    text: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX)
    photos: list[str] = Field(default=[], description="With a log-in only: of POST /photos.")


class TroubleOut(BaseModel):
    """Something that may be reported of a device."""

    trouble: str
    name: Words
    icon: str


class ReportableOut(BaseModel):
    """A device as everybody may see it: its family and a public place; nobody's name."""

    code: str
    family: str
    place_name: Words | None
    troubles: list[TroubleOut]
    known: bool = Field(description="Is an order about it open already?")


class ReportDone(BaseModel):
    """It is kept. `joined`: it was known and counts there; `order` is for those with a log-in."""

    seq: int
    joined: bool
    order: str | None = None
    repeated: bool = False


# -- inspections ----------------------------------------------------------------------------------


class ItemOut(BaseModel):
    """A question of a checklist."""

    item: str
    ask: Words
    trouble: str | None


class ChecklistOut(BaseModel):
    """What is looked at, how often, and where the questions come from."""

    inspection: str
    title: Words
    every: str
    each: str
    items: list[ItemOut]
    source: Words


class LastOut(BaseModel):
    """The newest time that it was done."""

    seq: int
    at_ms: int
    by: str
    failed: int


class DueOut(BaseModel):
    """An inspection of one subject. `due` is the last day of its period."""

    inspection: str
    title: Words
    subject: str
    device: str | None
    name: Words
    place: str | None
    place_name: Words | None
    grid: str | None
    ground: str | None
    state: Literal["overdue", "due", "done"]
    due: date
    overdue_since: date | None
    last: LastOut | None


class InspectionsOut(BaseModel):
    """What is due, overdue first; the checklists by name. `more`: there are more than `limit`."""

    today: date
    checklists: dict[str, ChecklistOut]
    inspections: list[DueOut]
    more: bool


class AnswerIn(BaseModel):
    """An item's answer."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    item: str = Field(max_length=80)
    answer: Literal["ok", "failed", "not_applicable"]
    note: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX)
    photos: list[str] = Field(default=[])


class InspectionIn(Named):
    """A checklist that was gone through: every item has one answer."""

    inspection: str = Field(max_length=80)
    subject: str = Field(max_length=300)
    code: str | None = Field(None, max_length=CODE_CHARACTERS_MAX, description="If scanned.")
    answers: list[AnswerIn] = Field(min_length=1, max_length=200)


class InspectionDone(BaseModel):
    """It is kept; `orders` were made of what failed."""

    seq: int
    orders: list[str]
    repeated: bool = False


class DoneInspectionOut(BaseModel):
    """An inspection that was done, with its answers."""

    seq: int
    inspection: str
    subject: str
    day: date
    at_ms: int
    made_at_ms: int | None
    by: str
    failed: int
    answers: list[dict[str, Any]]


class LifeOut(BaseModel):
    """A device and when it should be replaced: `state` is ended, ends_soon or lasts."""

    end_of_life: str
    title: Words
    device: str
    name: Words
    place: str | None
    grid: str | None
    ground: str | None
    model: str | None
    since: date
    ends: date
    state: Literal["ended", "ends_soon", "lasts"]
    source: Words


# -- rounds ---------------------------------------------------------------------------------------


class StopOut(BaseModel):
    """A stop of a walk. `kind`: order, battery or inspection; `key` names it of its kind."""

    number: int
    kind: Literal["order", "battery", "inspection"]
    key: str
    title: Words
    device: str | None
    place: str | None
    place_name: Words | None
    priority: int | None = None
    bring: list[Words] = []
    ticked_ms: int | None = None
    ticked_by: str | None = None
    scanned: bool = False
    note: str | None = None


class ProposalOut(BaseModel):
    """What a walk through a grid or ground would be now, in the order of its places."""

    grid: str | None
    ground: str | None
    at_ms: int
    stops: list[StopOut]
    more: bool


class RoundIn(Named):
    """A walk that somebody begins; `keys`: only these stops of the proposal (`kind:key`)."""

    grid: str | None = Field(None, max_length=128)
    ground: str | None = Field(None, max_length=128)
    keys: list[str] | None = None


class TickIn(Named):
    """Somebody is at a stop: its number, or the code that was scanned there."""

    stop: int | None = Field(None, ge=1, le=NUMBER_MAX)
    code: str | None = Field(None, max_length=CODE_CHARACTERS_MAX)
    text: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX)


class RoundOut(BaseModel):
    """A walk as it stands."""

    id: int
    grid: str | None
    ground: str | None
    by: str
    started_ms: int
    ended_ms: int | None
    ended_by: str | None
    stops: list[StopOut]


class RoundsOut(BaseModel):
    """Rounds, the newest first."""

    rounds: list[RoundOut]
