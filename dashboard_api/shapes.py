"""What goes over the wire: shapes of answers and of people's commands, made from the stores' rows.

All moments are milliseconds since 1970, UTC. What a viewer may not see is left out here, in one
place: a wall gets no names, and only staff get a resident's.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.access import Right, Viewer
from dashboard_api.figures import Reach, is_alive
from dashboard_api.queries import Row
from rules.case import TEXT_CHARACTERS_MAX

Acting = Literal["answer", "dispatch", "arrive", "note", "close", "shelve", "confirm"]
Outcome = Literal["real_need", "mistake", "test", "mended", "no_fault_found", "other"]
NUMBER_MAX = 2**53  # what JSON numbers hold exactly in every language, far inside the database's
WHO_CHARS_MAX = 100


class Words(BaseModel):
    """A text in both languages."""

    zh: str
    en: str


class ResidentName(BaseModel):
    """Who lives there, for staff."""

    id: str
    name: str
    birth_year: int | None
    phone: str | None


class CaseOut(BaseModel):
    """A case as it is now. `resident` is for staff, `why` and people's names not for walls."""

    id: str
    rule: str
    severity: str
    category: str
    state: str
    active: bool
    times: int
    title: Words
    why: Words | None = None
    device: str | None = None
    family: str | None
    place: str | None = None
    place_name: Words | None
    grid: str | None
    raised_at_ms: int
    heard_at_ms: int
    answered_at_ms: int | None
    answered_by: str | None = None
    dispatched_at_ms: int | None
    dispatched_to: str | None = None
    arrived_at_ms: int | None
    called_back_at_ms: int | None
    closed_at_ms: int | None
    closed_by: str | None = None
    outcome: str | None
    shelved_until_ms: int | None
    shelved_reason: str | None = None
    resident: ResidentName | None = None
    version: int
    changed_ms: int

    @classmethod
    def of(cls, row: Row, viewer: Viewer, places: dict[str, Row]) -> "CaseOut":
        """From a row of `queries`; `places` are needed to name a home without naming who lives."""
        if viewer.public:
            kept = {name: row[name] for name in _PUBLIC_CASE}
            return cls(**kept, title=_words(row, "title"), place_name=public_place(row, places))
        whole = {name: row[name] for name in _CASE}
        place = _words(row, "place") if row["place_zh"] else None
        return cls(
            **whole,
            title=_words(row, "title"),
            why=_words(row, "why"),
            place_name=place,
            resident=_resident(row) if viewer.may(Right.RESIDENTS) else None,
        )


_MADE = {"title", "why", "place_name", "resident"}
_PERSONAL = {
    "device",
    "place",
    "answered_by",
    "dispatched_to",
    "closed_by",
    "shelved_reason",
}
_CASE = [name for name in CaseOut.model_fields if name not in _MADE]
_PUBLIC_CASE = [name for name in _CASE if name not in _PERSONAL]


def _words(row: Row, name: str) -> Words:
    return Words(zh=row[f"{name}_zh"], en=row[f"{name}_en"])


def _resident(row: Row) -> ResidentName | None:
    if row["resident_name"] is None:
        return None
    return ResidentName(
        id=row["resident_id"],
        name=row["resident_name"],
        birth_year=row["resident_birth_year"],
        phone=row["resident_phone"],
    )


def public_place(row: Row, places: dict[str, Row]) -> Words | None:
    """Where it is, for everybody to read: a home is named by its entrance or building."""
    path = row["place"] or ""
    while path:
        found = places.get(path)
        if found is not None and found["kind"] != "home":
            return Words(zh=found["name_zh"], en=found["name_en"])
        path = path.rpartition("/")[0]
    return _words(row, "grid") if row["grid_zh"] else None


class CasesOut(BaseModel):
    """One page; `before` of the next page is the last one's id while `more` is true."""

    cases: list[CaseOut]
    more: bool


class LogLine(BaseModel):
    """One line of a case's story."""

    at_ms: int
    heard_ms: int
    what: str
    by: str | None
    text: str | None
    body: dict[str, Any]


class NoticeOut(BaseModel):
    """One message to one channel: `state` is waiting, sent or given_up."""

    channel: str
    role: str | None
    reason: str
    state: str
    tries: int
    created_ms: int
    done_ms: int | None
    last_error: str | None


class ResidentOut(BaseModel):
    """A resident's card, for staff."""

    id: str
    name: str
    birth_year: int | None
    place: str
    grid: str | None
    phone: str | None
    tags: list[str]
    contacts: list[Any]
    notes: str | None


class DeviceOut(BaseModel):
    """A device with its newest values: `points` is `{point: [value, at_ms]}`."""

    id: str
    family: str
    driver: str
    name: Words
    place: str | None
    place_name: Words | None
    grid: str | None
    ground: str | None
    tags: list[str]
    gateway: str | None
    code: str | None
    alive: bool
    heard_ms: int | None
    points: dict[str, list[Any]]

    @classmethod
    def of(cls, row: Row, now_ms: int) -> "DeviceOut":
        """From a row of `queries`."""
        made = {"name", "place_name", "alive", "gateway"}
        whole = {name: row[name] for name in cls.model_fields if name not in made}
        return cls(
            **whole,
            name=_words(row, "name"),
            place_name=_words(row, "place") if row["place_zh"] else None,
            gateway=row["heard_by"] or row["gateway"],
            alive=is_alive(row, now_ms),
        )


class DevicesOut(BaseModel):
    """One page; `after` of the next page is the last one's id while `more` is true."""

    devices: list[DeviceOut]
    more: bool


class CaseWhole(BaseModel):
    """A case with its story. `log`, `notices` and `device` are not for walls."""

    case: CaseOut
    log: list[LogLine] = []
    notices: list[NoticeOut] = []
    device: DeviceOut | None = None
    resident: ResidentOut | None = None


class ReadingOut(BaseModel):
    """A reading, or with `every` a window of them: `value` is the last one in it."""

    at_ms: int
    point: str
    value: bool | float | str
    count: int
    mean: float | None
    min: float | None
    max: float | None


class ReadingsOut(BaseModel):
    """Readings of one device, oldest first. `more`: later ones were left out, ask from there on."""

    device: str
    from_ms: int
    to_ms: int
    every_ms: int | None
    readings: list[ReadingOut]
    more: bool


class ReachOut(BaseModel):
    """One resident with a button; `name` for staff only."""

    resident_id: str
    name: str | None
    place: str | None
    grid: str | None
    reachable: bool
    reasons: list[str]
    buttons: list[str]

    @classmethod
    def of(cls, reach: Reach, resident: Row | None, viewer: Viewer) -> "ReachOut":
        """The name is left out for everybody but staff."""
        known = resident or {"name": None, "place": None, "grid": None}
        return cls(
            resident_id=reach.resident_id,
            name=known["name"] if viewer.may(Right.RESIDENTS) else None,
            place=known["place"],
            grid=known["grid"],
            reachable=reach.reachable,
            reasons=list(reach.reasons),
            buttons=list(reach.buttons),
        )


class CoverageOut(BaseModel):
    """How many residents with a button can be heard right now; the list is not for walls."""

    at_ms: int
    residents: int
    reachable: int
    list: list[ReachOut]


class KpiOut(BaseModel):
    """Figures per category and for `all`, of the cases heard in [from, to)."""

    from_ms: int
    to_ms: int
    categories: dict[str, dict[str, Any]]


class StrangerOut(BaseModel):
    """A sender that nobody registered, with its newest messages."""

    address: str
    family: str | None
    driver: str | None
    topic: str
    first_ms: int
    last_ms: int
    messages: int
    newest: list[Any]


class RefusalOut(BaseModel):
    """A message that was refused; `raw` is base64 of its first bytes."""

    seq: int
    device: str | None
    arrived_ms: int
    topic: str | None
    address: str | None
    reason: str | None
    raw: str | None


class Credentials(BaseModel):
    """What a person logs in with."""

    name: str = Field(min_length=1, max_length=WHO_CHARS_MAX)
    password: str = Field(min_length=1, max_length=1_024)


class SessionOut(BaseModel):
    """Who is logged in, and what the role may do."""

    name: str
    role: str
    rights: list[str]


class Command(BaseModel):
    """What a person does about a case. Every act takes `text`; see each for what it needs."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX, description="A remark.")
    to: str | None = Field(
        None, max_length=WHO_CHARS_MAX, description="dispatch: who is sent (needed)."
    )
    outcome: Outcome | None = Field(None, description="close: why it is over.")
    called_back: bool = Field(False, description="close: was the person called back?")
    until_ms: int | None = Field(
        None, ge=0, le=NUMBER_MAX, description="shelve: until when (needed)."
    )
    reason: str | None = Field(
        None, max_length=TEXT_CHARACTERS_MAX, description="shelve: why (needed)."
    )
    expected_version: int | None = Field(
        None,
        ge=0,
        le=NUMBER_MAX,
        description="Refuse (409) if the case has changed since this version.",
    )


class Done(BaseModel):
    """The command was applied; `case` as it is now, if it was about one."""

    seq: int
    case: CaseOut | None = None


class Waiting(BaseModel):
    """The command is kept and will be judged; ask `/api/v1/commands/{seq}` for the word."""

    waiting: int
