"""A rule's own tests, as values, and the play of them on the very judge that runs in production.

Every word of a story goes through the entries of the journal; timers ring at their exact moments;
`{hub: restart}` is a kill: what the hub would have saved by then is restored, the rest is read
again from the journal. `{hub: reload}` puts the same rules in force while the hub runs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from device_drivers.reading import Reading, Value
from rules.calendar import PLAIN, Calendar
from rules.condition import Every, fires, same_of, simple_of
from rules.duration import format_duration
from rules.entry import CaseClosed, Entry, Heard, ServiceDone
from rules.facts import DeviceFacts
from rules.finding import Finding, Standing, Withdrawn
from rules.judge import Judge
from rules.override import Override
from rules.rule import Rule, RuleSet

WORKDAY = (2026, 3, 2, 9)  # a plain Monday, nine in the morning
RINGS_MAX = 100_000  # a story that rings more often than that does not end


class Said(NamedTuple):
    """A row of `given` about a device."""

    at_ms: int  # since the story's start, as all moments here
    device: str
    points: tuple[tuple[str, Value], ...]
    late_ms: int = 0
    retained: bool = False
    again: bool = False


class Happened(NamedTuple):
    """A row about the hub or the world: `what` is hub, gateway, service or case."""

    at_ms: int
    what: str
    name: str
    word: str


class Mark(NamedTuple):
    """A row of `heard` or `told`. `key` is None where the story did not name one."""

    at_ms: int
    key: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Story:
    """One test of a rule. `start_ms` None: the default; `told` None: not looked at."""

    story: str
    devices: tuple[tuple[str, DeviceFacts], ...]  # by the names that the story uses
    given: tuple[Said | Happened, ...] = ()
    heard: tuple[Mark, ...] = ()
    told: tuple[Mark, ...] | None = None
    start_ms: int | None = None
    until_ms: int | None = None
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a story. `differences` are lines for a person; none: it passed."""

    rule: Rule
    story: Story
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Everything listed was so, and nothing else."""
        return not self.differences


def play(
    rule: Rule,
    story: Story,
    *,
    zone: ZoneInfo,
    calendar: Calendar = PLAIN,
    site: str = "demo",
    rewind_inputs_max: int = 128,
    overrides: Iterable[Override] = (),
) -> Outcome:
    """Run one story of a rule. Of the overrides those of the story's own file hold in it."""
    own = tuple(one for one in overrides if (one.rule, one.file) == (rule.name, story.file))
    stage = _Stage(RuleSet((rule,), own), story, zone, calendar, site, rewind_inputs_max)
    findings = stage.play()
    names = _names(rule, story)
    own_end = _ends_given(rule, story)
    start = stage.start_ms
    history = [m._replace(at_ms=m.at_ms - start) for m in history_of(findings)]
    told = [Mark(f.heard_ms - start, f.key, f.kind) for f in findings if isinstance(f, Finding)]
    differences = _compare("heard", story.heard, history, names, own_end)
    if story.told is not None:
        differences += _compare("told", story.told, told, names, own_end)
    return Outcome(rule, story, tuple(differences))


def start_of(story: Story, zone: ZoneInfo) -> int:
    """The story's moment zero."""
    if story.start_ms is not None:
        return story.start_ms
    return round(datetime(*WORKDAY, tzinfo=zone).timestamp() * 1_000)


class _Stage:
    """The hub of a story: a judge, the journal, and what is saved of it on disk."""

    def __init__(
        self,
        rules: RuleSet,
        story: Story,
        zone: ZoneInfo,
        calendar: Calendar,
        site: str,
        rewind_inputs_max: int,
    ) -> None:
        self.start_ms = start_of(story, zone)
        self._rules, self._rule = rules, rules.rules[0]
        self._story = story
        self._settings: dict[str, Any] = {
            "zone": zone,
            "calendar": calendar,
            "site": site,
            "rewind_inputs_max": rewind_inputs_max,
        }
        self._ids = {name: facts.id for name, facts in story.devices}
        self._journal: list[Entry] = []
        self._saved: dict[str, Standing] = {}
        self._findings: list[Finding | Withdrawn] = []
        self._judge = self._open()

    def play(self) -> list[Finding | Withdrawn]:
        """All findings, in the order in which the hub had them."""
        arrivals = sorted(self._arrivals(), key=lambda pair: pair[0])
        for at_ms, row in arrivals:
            self._run_before(at_ms)
            self._arrive(row, at_ms)
        last = arrivals[-1][0] if arrivals else self.start_ms
        self._run_out(last)
        return self._findings

    def _arrivals(self) -> Iterable[tuple[int, Said | Happened]]:
        for row in self._story.given:
            late = row.late_ms if isinstance(row, Said) else 0
            yield self.start_ms + row.at_ms + late, row
            if isinstance(row, Said) and row.again:
                yield self.start_ms + row.at_ms + late, row

    def _open(self) -> Judge:
        judge = Judge(self._rules, **self._settings)
        for facts in self._facts():
            judge.know(facts)
        if self._saved:
            judge.restore(self._saved.values())
        return judge

    def _facts(self) -> Iterable[DeviceFacts]:
        for _, facts in self._story.devices:
            yield _since(facts, self.start_ms)
        known = set(self._ids.values())
        gateways = {facts.gateway for _, facts in self._story.devices if facts.gateway}
        gateways |= {
            row.name
            for row in self._story.given
            if isinstance(row, Happened) and row.what == "gateway"
        }
        if "gateway" in self._rule.where.family:
            for gateway in sorted(gateways - known - set(self._ids)):
                yield _since(DeviceFacts(gateway, "gateway"), self.start_ms)

    def _arrive(self, row: Said | Happened, now_ms: int) -> None:
        if isinstance(row, Happened) and row.what == "hub":
            if row.word == "reload":
                self._judge.change_rules(self._rules, len(self._journal), now_ms)
                self._note()
            else:
                self._restart()
            return
        entry = self._entry(row, now_ms)
        self._journal.append(entry)
        self._judge.judge(entry)
        self._note()

    def _entry(self, row: Said | Happened, now_ms: int) -> Entry:
        seq = len(self._journal) + 1
        if isinstance(row, Said):
            at_ms = self.start_ms + row.at_ms
            readings = tuple(Reading(point, value, at_ms) for point, value in row.points)
            return Heard(seq, self._ids[row.device], now_ms, readings, row.retained)
        name = self._ids.get(row.name, row.name)
        match row.what:
            case "gateway":
                online = Reading("online", row.word == "online", now_ms)
                return Heard(seq, name, now_ms, (online,))
            case "service":
                return ServiceDone(seq, name, now_ms)
            case _:
                return CaseClosed(seq, self._rule.name, name, now_ms)

    def _note(self) -> None:
        """Findings and the standings that brought them are written together."""
        self._findings += self._judge.take_findings()
        self._findings += self._judge.take_withdrawn()
        self._saved.update((row.key, row) for row in self._judge.take_changed(0))

    def _restart(self) -> None:
        unsaved = self._judge.oldest_unsaved_seq()
        self._judge = self._open()
        for entry in [] if unsaved is None else self._journal[unsaved - 1 :]:
            self._judge.judge(entry)
        self._note()

    def _run_before(self, at_ms: int) -> None:
        """Ring what is due before that moment, each at its own."""
        for _ in range(RINGS_MAX):
            due = self._judge.due_ms
            if due is None or due >= at_ms:
                return
            self._judge.tick(due)
            self._note()
        raise RuntimeError(f"{self._story.file}:{self._story.line}: the story does not end")

    def _run_out(self, last_ms: int) -> None:
        until = self._story.until_ms
        if until is not None:
            self._run_before(max(last_ms, self.start_ms + until) + 1)
            return
        marks = [*self._story.heard, *(self._story.told or ())]
        asked = [self.start_ms + mark.at_ms for mark in marks]
        self._run_before(max([last_ms, *asked]) + 1)
        while (busy := self._judge.busy_ms()) is not None:
            self._run_before(busy + 1)


def _since(facts: DeviceFacts, start_ms: int) -> DeviceFacts:
    values: dict[str, Any] = {slot: getattr(facts, slot) for slot in DeviceFacts.__slots__}
    return DeviceFacts(**{**values, "known_since_ms": start_ms})


def history_of(findings: Iterable[Finding | Withdrawn]) -> list[Mark]:
    """What is so in the end, whatever was told on the way; absolute moments."""
    alerts: dict[tuple[str, int], tuple[list[int], int | None]] = {}
    for found in findings:
        name = (found.key, found.opened_at_ms)
        happened, closed = alerts.get(name, ([], None))
        if isinstance(found, Withdrawn):
            alerts[name] = ([at for at in happened if at != found.at_ms], closed)
            continue
        match found.kind:
            case "taken_back":
                alerts.pop(name, None)
            case "closes":
                alerts[name] = (happened, found.at_ms)
            case "opens":
                alerts[name] = (happened or [found.at_ms], None)
            case "again":
                alerts[name] = (sorted([*happened, found.at_ms]), closed)
    return [mark for (key, _), alert in alerts.items() for mark in _marks_of(key, *alert)]


def _marks_of(key: str, happened: list[int], closed: int | None) -> list[Mark]:
    marks = [Mark(at, key, "again" if n else "opens") for n, at in enumerate(happened)]
    return marks if closed is None else [*marks, Mark(closed, key, "closes")]


def _names(rule: Rule, story: Story) -> dict[str, str]:
    """From the judge's keys to the story's names."""
    if same_of(rule.when) != "device":
        return {}
    return {facts.id: name for name, facts in story.devices}


def _ends_given(rule: Rule, story: Story) -> set[tuple[int, str]]:
    """Moments at which the story itself says that an alert of an event is over.

    The closing at such a moment is a given fact, not a finding: it may be listed or left out.
    """
    if not fires(rule.when):
        return set()
    counts = any(isinstance(one, Every) for one in simple_of(rule.when))
    return {
        (row.at_ms, row.name)
        for row in story.given
        if isinstance(row, Happened) and (row.what == "case" or (row.what == "service" and counts))
    }


def _compare(
    what: str,
    listed: Iterable[Mark],
    was: Iterable[Mark],
    names: Mapping[str, str],
    own_end: set[tuple[int, str]],
) -> list[str]:
    found = Counter(mark._replace(key=names.get(str(mark.key), mark.key)) for mark in was)
    missing = []
    for mark in sorted(listed, key=lambda mark: mark.key is None):
        meant = mark if mark.key is not None else _unnamed(mark, found)
        if meant is not None and found[meant] > 0:
            found[meant] -= 1
        elif not _is_given(mark, own_end):
            missing.append(mark)
    extra = [mark for mark in found.elements() if not _is_given(mark, own_end)]
    lines = [(m.at_ms, f"{what}: expected {_shown(m)}, but it was not so") for m in missing]
    lines += [(m.at_ms, f"{what}: {_shown(m)} was so, but is not listed") for m in extra]
    return [line for _, line in sorted(lines)]


def _is_given(mark: Mark, own_end: set[tuple[int, str]]) -> bool:
    if mark.kind != "closes":
        return False
    return any(mark.at_ms == at and mark.key in (None, name) for at, name in own_end)


def _unnamed(mark: Mark, found: Counter[Mark]) -> Mark | None:
    alike = (one for one in found if (one.at_ms, one.kind) == (mark.at_ms, mark.kind))
    return next((one for one in alike if found[one] > 0), None)


def _shown(mark: Mark) -> str:
    moment = format_duration(mark.at_ms)
    return (
        f"{moment}: {mark.kind}" if mark.key is None else f"{moment}: {{{mark.key}: {mark.kind}}}"
    )
