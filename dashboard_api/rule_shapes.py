"""What goes over the wire about rules: shapes of answers and of people's wishes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.rule_trials import RuleTrial
from dashboard_api.rule_words import sentence
from dashboard_api.rulebook import Page
from dashboard_api.shapes import Words
from hub.overrides import Row
from rules.document import Mistake
from rules.override import Override
from rules.past import Learned
from rules.story import Outcome

TEXT_CHARACTERS_MAX = 100_000  # of a rule's own lines, its tests included
REASON_CHARACTERS_MAX = 1_000
NAME_CHARACTERS_MAX = 200
NAMES_MAX = 100
LEARNING_SHOWN = 50
SOON_MS = 3 * 86_400_000  # an override that ends so soon is marked

Names = str | list[str]
OverrideState = Literal["active", "ended", "without_effect"]


class MistakeOut(BaseModel):
    """One thing that is wrong; line and column count from 1."""

    file: str
    line: int
    column: int
    what: str
    nearest: str | None
    block_line: int | None = Field(None, description="The line within the rule's own text.")

    @classmethod
    def of(cls, mistake: Mistake, first_line: int | None = None, file: str = "") -> "MistakeOut":
        """`first_line`: where the rule's own lines begin in `file`."""
        inside = first_line is not None and mistake.file == file and mistake.line >= first_line
        return cls(
            file=mistake.file,
            line=mistake.line,
            column=mistake.column,
            what=mistake.what,
            nearest=mistake.nearest,
            block_line=mistake.line - first_line + 1 if inside and first_line else None,
        )


class Diff(BaseModel):
    """What another set of rules brought, by name; `reworded`: only titles, words, tests, mode."""

    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    reworded: list[str] = []


class SetOut(BaseModel):
    """A set of rules that was put into force."""

    id: int
    by: str
    asked_ms: int
    applied_ms: int | None
    diff: Diff


class Reloaded(BaseModel):
    """What came of it. `changed` false: the files say what is in force."""

    seq: int | None = None
    set: int | None = None
    changed: bool
    diff: Diff = Diff()


class TestOut(BaseModel):
    """One of a rule's own tests."""

    rule: str
    story: str
    passed: bool
    line: int
    differences: list[str]

    @classmethod
    def of(cls, outcome: Outcome, first_line: int = 1) -> "TestOut":
        return cls(
            rule=outcome.rule.name,
            story=outcome.story.story,
            passed=outcome.passed,
            line=outcome.story.line - first_line + 1,
            differences=list(outcome.differences),
        )


class RuleOut(BaseModel):
    """A rule in force."""

    rule: str
    title: Words
    words: Words
    reason: Words | None = Field(description="Why it is so, as its author says.")
    severity: str
    category: str
    mode: str
    version: str
    file: str
    line: int
    tests: int
    open: int = Field(description="Alerts that are open now.")

    @classmethod
    def of(cls, page: Page, opened: Mapping[str, int]) -> "RuleOut":
        rule, (zh, en) = page.rule, sentence(page.rule)
        return cls(
            rule=rule.name,
            title=Words(zh=rule.title_zh, en=rule.title_en),
            words=Words(zh=zh, en=en),
            reason=Words(zh=rule.reason_zh, en=rule.reason_en) if rule.reason_en else None,
            severity=rule.severity,
            category=rule.category,
            mode=rule.mode,
            version=rule.version,
            file=rule.file,
            line=rule.line,
            tests=len(rule.tests),
            open=opened.get(rule.name, 0),
        )


class RulesOut(BaseModel):
    """The rules in force; `mistakes`: of files that therefore are not."""

    set: SetOut | None
    files_differ: bool
    editable: bool
    mistakes: list[MistakeOut]
    rules: list[RuleOut]


class FiringOut(BaseModel):
    """An alert of the rule, with the version that found it."""

    key: str
    device: str | None
    opened_at_ms: int
    closed_at_ms: int | None
    heard_at_ms: int
    taken_back: bool
    rule_version: str
    case: str | None
    why: Words


class EditOut(BaseModel):
    """A change of the rule's own lines."""

    id: int
    file: str
    by: str
    at_ms: int
    undoes: int | None
    diff: str


class OverrideOut(BaseModel):
    """For some devices a rule is off, or a little different, until a moment."""

    id: str
    source: str = Field(description="`api`, or file and line.")
    rule: str
    device: list[str]
    resident: list[str]
    place: list[str]
    tags: list[str]
    off: bool
    set: dict[str, Any]
    reason: str
    by: str
    since_ms: int | None
    until_ms: int
    state: OverrideState
    ended_by: str | None = None
    ends_soon: bool

    @classmethod
    def of_file(cls, one: Override, zone: ZoneInfo, now_ms: int) -> "OverrideOut":
        """One that stands in a file."""
        until_ms = one.end_ms(zone)
        return cls(
            id=one.id or one.source,
            source=one.source,
            rule=one.rule,
            device=list(one.device),
            resident=list(one.resident),
            place=list(one.place),
            tags=list(one.tags),
            off=one.off,
            set=dict(one.set),
            reason=one.reason,
            by=one.by,
            since_ms=one.since_ms,
            until_ms=until_ms,
            state="active" if until_ms > now_ms else "ended",
            ends_soon=now_ms < until_ms <= now_ms + SOON_MS,
        )

    @classmethod
    def of_row(cls, row: Row, now_ms: int, left_out: Sequence[int] = ()) -> "OverrideOut":
        """One that was given by page or program."""
        ended = row.until_ms <= now_ms
        state: OverrideState = "ended" if ended else "active"
        if row.id in left_out and not ended:
            state = "without_effect"
        return cls(
            id=str(row.id),
            source="api",
            rule=row.rule,
            off=bool(row.body.get("off")),
            set=row.body.get("set") or {},
            reason=row.reason,
            by=row.by,
            since_ms=row.since_ms,
            until_ms=row.until_ms,
            state=state,
            ended_by=row.ended_by,
            ends_soon=not ended and row.until_ms <= now_ms + SOON_MS,
            **{key: listed(row.body.get(key)) for key in ("device", "resident", "place", "tags")},
        )


def listed(names: Names | None) -> list[str]:
    """One name or several as a list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


class OverridesOut(BaseModel):
    """Those in force, the next to end first; or all."""

    overrides: list[OverrideOut]


class LearningOut(BaseModel):
    """A device of which the rule knows too little: `days` of the `needed` days."""

    key: str
    days: int
    needed: int


class LearnedOut(BaseModel):
    """How far a rule that learns has come: `still` are those that know least, at most some."""

    devices: int
    learning: int
    over_days: int
    still: list[LearningOut]

    @classmethod
    def of(cls, learned: Sequence[Learned]) -> "LearnedOut | None":
        """None: the rule need not learn, or has heard of nobody yet."""
        if not learned:
            return None
        still = [one for one in learned if one.knowledge.learning]
        return cls(
            devices=len(learned),
            learning=len(still),
            over_days=learned[0].knowledge.over_days,
            still=[
                LearningOut(key=one.key, days=one.knowledge.days, needed=one.knowledge.needed)
                for one in still[:LEARNING_SHOWN]
            ],
        )


class RuleWhole(BaseModel):
    """A rule with all that is known of it."""

    rule: RuleOut
    watched: int = Field(description="Registered devices that it looks at.")
    explained: int = Field(description="Of these, those that something gone explains now.")
    text: str | None = Field(description="Its own lines in its file.")
    first_line: int | None
    editable: bool
    not_editable: str | None = Field(None, description="Why it cannot be edited here.")
    learned: LearnedOut | None = Field(None, description="Of a rule that learns.")
    firings: list[FiringOut]
    edits: list[EditOut]
    overrides: list[OverrideOut]


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextWish(_Wish):
    """Other lines for a rule."""

    text: str = Field(max_length=TEXT_CHARACTERS_MAX)


class EditWish(TextWish):
    """The same to be saved. `base`: the lines from which the person began."""

    base: str = Field(max_length=TEXT_CHARACTERS_MAX)
    although_tests_fail: bool = Field(False, description="Save it with failing tests.")


class UndoWish(_Wish):
    """Which edit is taken back."""

    edit: int


class Checked(BaseModel):
    """What the checks say of a text: nothing is saved."""

    mistakes: list[MistakeOut]
    tests: list[TestOut]
    diff: Diff
    words: dict[str, Words] = Field(description="The rules of this text as sentences.")


class TrialWish(_Wish):
    """What is tried. `text` left out: the rule as it is in force."""

    text: str | None = Field(None, max_length=TEXT_CHARACTERS_MAX)
    days: int = Field(7, ge=1, description="Days back; at most `HUB_RULE_TRIAL_DAYS_MAX`.")


class TrialOut(BaseModel):
    """A trial of rules on the past. `done` of `about` entries of the journal are judged."""

    id: str
    rule: str
    days: int
    state: Literal["running", "done", "failed", "stopped"]
    done: int
    about: int
    why: str = Field(description="Why it failed.")
    result: dict[str, Any] | None

    @classmethod
    def of(cls, trial: RuleTrial) -> "TrialOut":
        """As it is now."""
        return cls.model_validate({name: getattr(trial, name) for name in cls.model_fields})


class OverrideWish(_Wish):
    """An override to be given. One or more of `device`, `resident`, `place`, `tags`."""

    rule: str = Field("", max_length=NAME_CHARACTERS_MAX)
    device: Names | None = None
    resident: Names | None = None
    place: Names | None = None
    tags: Names | None = None
    set: dict[str, Any] | None = Field(
        None, description="Changed parts of the rule, such as `{when: {still_for: 48h}}`."
    )
    off: bool | None = Field(None, description="The rule is off for these.")
    reason: str = Field("", max_length=REASON_CHARACTERS_MAX, description="Why (needed).")
    until: str = Field(
        "",
        max_length=NAME_CHARACTERS_MAX,
        description="Needed: `2026-12-31`, to the end of that day at the site, or with a time.",
    )


class OverrideDone(BaseModel):
    """The hub has taken it."""

    seq: int
    id: str
    until_ms: int


def moment(at_ms: int) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="seconds")
