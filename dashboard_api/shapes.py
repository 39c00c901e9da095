"""What goes over the wire: shapes of answers and of people's commands, made from the stores' rows.

All moments are milliseconds since 1970, UTC. What a viewer may not see is left out here, in one
place: a wall gets no names, and only staff get a resident's.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.access import Right, Viewer
from dashboard_api.figures import is_alive
from dashboard_api.queries import Row
from dashboard_api.topology import explained_by
from hub.devices import expected_silence
from rules.case import TEXT_CHARACTERS_MAX
from rules.coverage import Cover

Acting = Literal[
    "answer",
    "dispatch",
    "arrive",
    "note",
    "close",
    "shelve",
    "confirm",
    "release",
    "hand_over",
]
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
    shelved_by: str | None = None
    handed_to: str | None = Field(None, description="The public service that has it: 120, 119.")
    handed_at_ms: int | None
    cancelled_at_ms: int | None = Field(None, description="Its button said that it was a mistake.")
    muted: str | None = Field(None, description="Why nobody is told: out_of_service.")
    resident: ResidentName | None = None
    explained: int | None = Field(None, description="Devices that it explains: see /topology.")
    version: int
    changed_ms: int

    @classmethod
    def of(cls, row: Row, viewer: Viewer, places: dict[str, Row]) -> "CaseOut":
        """From a row of `queries`; `places` are needed to name a home without naming who lives."""
        if viewer.public:
            kept = {name: row[name] for name in _PUBLIC_CASE}
            kept["explained"] = row.get("explained")
            return cls(**kept, title=_words(row, "title"), place_name=public_place(row, places))
        whole = {name: row[name] for name in _CASE}
        whole["explained"] = row.get("explained")
        place = _words(row, "place") if row["place_zh"] else None
        return cls(
            **whole,
            title=_words(row, "title"),
            why=_words(row, "why"),
            place_name=place,
            resident=_resident(row) if viewer.may(Right.RESIDENTS) else None,
        )


_MADE = {"title", "why", "place_name", "resident", "explained"}
_PERSONAL = {
    "device",
    "place",
    "answered_by",
    "dispatched_to",
    "closed_by",
    "shelved_reason",
    "shelved_by",
    "handed_to",
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
    """One message to one channel: `state` is waiting, sent or given_up.

    `note` is `unconfirmed` where it was handed on and nobody knows whether it came.
    """

    channel: str
    role: str | None
    recipient: str | None
    reason: str
    state: str
    tries: int
    created_ms: int
    done_ms: int | None
    last_error: str | None
    note: str | None = None


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


class SilenceOut(BaseModel):
    """How long a device may be silent when it is well; `source`: owner, learned, driver, plain."""

    s: int
    source: str

    @classmethod
    def of(cls, row: Row) -> "SilenceOut":
        """From a row of a device."""
        said = expected_silence(row["expected_silence_s"], row["driver"], row["learned_s"])
        return cls(s=said.silence_s, source=said.source)


class Uncovered(BaseModel):
    """A resident without cover; `name` for staff only."""

    resident: str
    name: str | None
    place: str
    place_name: Words | None

    @classmethod
    def of(cls, row: Row, viewer: Viewer) -> "Uncovered":
        """The name is left out for everybody but staff."""
        return cls(
            resident=row["resident"],
            name=row["name"] if viewer.may(Right.RESIDENTS) else None,
            place=row["place"],
            place_name=_words(row, "place") if row["place_zh"] else None,
        )


class DeviceOut(BaseModel):
    """A device with its newest values: `points` is `{point: [value, at_ms]}`.

    `time_from` says whose time its newest message has: device, gateway, corrected or arrival.
    `clock_offset_s` is by how much its clock is ahead (behind: below zero) while it is corrected.
    `explained_by` is the gateway, or `@site`, whose absence explains its silence now.
    """

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
    maker: str | None
    model: str | None
    alive: bool
    expected_silence: SilenceOut
    explained_by: str | None
    heard_ms: int | None
    time_from: str | None
    clock_offset_s: float | None
    points: dict[str, list[Any]]

    @classmethod
    def of(cls, row: Row, now_ms: int, gone: Mapping[str, int]) -> "DeviceOut":
        """From a row of `queries`; `gone` is what is not there (`topology.gone_since`)."""
        made = {"name", "place_name", "alive", "gateway", "expected_silence", "explained_by"}
        whole = {name: row[name] for name in cls.model_fields if name not in made}
        return cls(
            **whole,
            name=_words(row, "name"),
            place_name=_words(row, "place") if row["place_zh"] else None,
            gateway=row["heard_by"] or row["gateway"],
            alive=is_alive(row, now_ms),
            expected_silence=SilenceOut.of(row),
            explained_by=explained_by(row, gone),
        )


class DevicesOut(BaseModel):
    """One page; `after` of the next page is the last one's id while `more` is true."""

    devices: list[DeviceOut]
    more: bool


class NextStep(BaseModel):
    """The step of its plan that comes if nothing is done before, and whom it tells."""

    due_ms: int
    roles: list[str]


class CaseWhole(BaseModel):
    """A case with its story. All but `case` is not for walls.

    `without_cover`: residents all of whose buttons are behind what the case is about.
    """

    case: CaseOut
    without_cover: list[Uncovered] = []
    log: list[LogLine] = []
    notices: list[NoticeOut] = []
    next_step: NextStep | None = None
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
    """One resident; `name` for staff only. `reasons` say why a press is not proven to arrive."""

    resident_id: str
    name: str | None
    place: str | None
    grid: str | None
    reachable: bool
    reasons: list[str]
    buttons: list[str]

    @classmethod
    def of(cls, reach: Cover, resident: Row | None, viewer: Viewer) -> "ReachOut":
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
    """How many residents are proven to be heard right now; the list is not for walls."""

    at_ms: int
    residents: int
    reachable: int
    list: list[ReachOut]


class KpiOut(BaseModel):
    """Figures of the cases heard in [from, to), per category and for `all`; by grid, by hour.

    `by_grid` and `by_hour` (0 to 23, of the site's zone) have the same figures in smaller groups;
    the grid "-" is what belongs to none. `sent`: somebody was sent or came.
    `…_undecided_…`: they wait, and the limit is not over: no share counts them.
    `load`: calls per person in windows. `stale`: alerts that were true for too long, by day.
    `chatter` and `noisiest` name devices and are not for walls. `test_presses` counts whole days.
    """

    from_ms: int
    to_ms: int
    categories: dict[str, dict[str, Any]]
    by_grid: dict[str, dict[str, dict[str, Any]]]
    by_hour: dict[str, dict[str, dict[str, Any]]]
    load: dict[str, Any]
    stale: dict[str, Any]
    false_presses: dict[str, Any]
    test_presses: dict[str, Any]
    chatter: list[dict[str, Any]]
    noisiest: dict[str, list[dict[str, Any]]]
    targets: dict[str, Any]


class StrangerOut(BaseModel):
    """A sender that nobody registered, with its newest messages.

    `family` and `driver` are guesses; `name`, `maker`, `model` are what its ecosystem announced.
    `ignored`: somebody said that it is not ours, and it has not pressed since.
    """

    address: str
    name: str | None
    maker: str | None
    model: str | None
    family: str | None
    driver: str | None
    topic: str
    first_ms: int
    last_ms: int
    messages: int
    newest: list[Any]
    signal: dict[str, float]
    pressed_ms: int | None
    ignored: bool
    ignored_by: str | None


class PlaceOut(BaseModel):
    """A place with who lives there."""

    path: str
    kind: str
    name: Words
    grid: str | None
    residents: list[dict[str, str]]

    @classmethod
    def of(cls, row: Row) -> "PlaceOut":
        """From a row of `senders`."""
        kept = {name: row[name] for name in ("path", "kind", "grid", "residents")}
        return cls(**kept, name=_words(row, "name"))


class FoundOut(BaseModel):
    """What a code stands for: a registered device, or strangers; else addresses that fit."""

    device: str | None
    page: str | None
    strangers: list[StrangerOut]
    addresses: list[str]


class ProposalOut(BaseModel):
    """What a device could be called; `resident` is the one who lives at the place."""

    id: str
    name: Words
    resident: str | None


class TestOut(BaseModel):
    """A test of a button: while it runs the next press is none that calls for help."""

    by: str
    since_ms: int
    until_ms: int
    heard_ms: int | None
    running: bool


class CommissioningOut(BaseModel):
    """A line about a device's service: `why` is adopted, imported, swapped or tested."""

    why: str
    at_ms: int
    by: str
    address: str
    place: str | None
    resident: str | None
    gateway: str | None
    rssi: float | None
    snr: float | None
    lqi: float | None
    test_press_ms: int | None
    test_press: str | None
    test_delay_ms: int | None
    note: str | None

    @classmethod
    def of(cls, row: Row) -> "CommissioningOut":
        """From a row of `senders`."""
        names = (name for name in cls.model_fields if name != "resident")
        return cls(**{name: row[name] for name in names}, resident=row["resident_id"])


class CommissioningsOut(BaseModel):
    """The lines of one device, the newest first, and its newest test."""

    device: str
    test: TestOut | None
    records: list[CommissioningOut]


class GhostOut(BaseModel):
    """An address that `device` had before a swap; `heard_ms`: it has spoken since."""

    address: str
    device: str
    family: str
    driver: str
    swapped_ms: int
    swapped_by: str
    reason: str
    heard_ms: int | None
    messages: int


class RefusalOut(BaseModel):
    """A message that was refused; `raw` is base64 of its first bytes.

    `read_again`: `hub redecode` has understood it since. `remark`: the message was kept, and this
    is what was wrong with a part of it.
    """

    seq: int
    device: str | None
    arrived_ms: int
    topic: str | None
    address: str | None
    reason: str | None
    raw: str | None
    read_again: bool
    remark: bool


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
        None,
        max_length=WHO_CHARS_MAX,
        description="dispatch: who is sent; hand_over: to whom, such as 120.",
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


class Bulk(Command):
    """One act on many cases; `expected_version` has no place here."""

    ids: list[str] = Field(min_length=1, description="At most `bulk_cases_max`.")
    act: Literal["answer", "note", "close", "shelve", "dispatch", "arrive", "release"]
    expected_version: None = None


class BulkOne(BaseModel):
    """What became of one of them. `code` and `reason` say why not; `waiting`: not judged yet."""

    id: str
    ok: bool
    code: str | None = None
    reason: Words | None = None
    waiting: int | None = None


class BulkDone(BaseModel):
    """Each case was judged alone, in the order in which they were named."""

    done: int
    refused: int
    cases: list[BulkOne]


class Done(BaseModel):
    """The command was applied; `case` as it is now, if it was about one."""

    seq: int
    case: CaseOut | None = None


class Waiting(BaseModel):
    """The command is kept and will be judged; ask `/api/v1/commands/{seq}` for the word."""

    waiting: int
