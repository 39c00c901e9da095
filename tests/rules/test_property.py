"""One property over the whole language: however it was heard, the history is the same.

Random rules with overrides; news that is late, doubled, retained; kills, reloads, edits of other
rules, ticks and a clock that steps: in the end it was so as for one judge that heard everything at
once and in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_drivers.reading import Reading
from rules import condition as c
from rules.during import During
from rules.entry import CaseClosed, Entry, Heard, ServiceDone
from rules.facts import DeviceFacts
from rules.finding import Finding, Standing, Withdrawn
from rules.judge import Judge
from rules.override import Override
from rules.rule import Rule, RuleSet, version_of
from rules.story import Mark, history_of
from tests.rules.test_history import CONDITIONS, DEVICES, GATEWAY, MINUTE, VALUES

HOUR = 60 * MINUTE
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def moment(text: str, zone: ZoneInfo) -> int:
    """A local moment in ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


# Where it plays: an evening, and both nights in which a clock changes.
SCENES = (
    (SHANGHAI, moment("2026-03-02T22:00", SHANGHAI), (22 * 60 + 30, 23 * 60 + 30)),
    (BERLIN, moment("2026-03-29T00:30", BERLIN), (2 * 60 + 30, 4 * 60)),
    (BERLIN, moment("2026-10-25T00:30", BERLIN), (2 * 60 + 15, 2 * 60 + 45)),
)
OF_DEVICE = tuple(when for when in CONDITIONS if c.same_of(when) == "device")
# The same kinds with other limits: what one probe knows the other can take over.
OTHERS: dict[type, c.Condition] = {
    c.Equals: c.Equals("contact", ("closed",)),
    c.Below: c.Below("battery", 50, 60),
    c.Above: c.Above("battery", 15, 10),
    c.Changes: c.Changes("contact", 3, 40 * MINUTE),
    c.Rises: c.Rises("uses", 20, 20 * MINUTE),
    c.Every: c.Every("uses", 50),
    c.Still: c.Still("contact", 20 * MINUTE),
    c.Silent: c.Silent(10 * MINUTE),
}


@dataclass(frozen=True)
class Word:
    """One thing that happened, and what the hub went through before it heard of it."""

    at_ms: int
    late_ms: int
    device: str
    what: str
    value: Any
    rule: int  # whose case is closed
    retained: bool
    twice: bool
    trouble: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Rules that stay, what is said of them in files and given at run time, what happened."""

    zone: ZoneInfo
    start_ms: int
    rules: tuple[Rule, ...]
    in_files: tuple[Override, ...]
    given: tuple[Override, ...]
    words: tuple[Word, ...]

    @property
    def end_ms(self) -> int:
        """Long after everything."""
        return self.start_ms + 9 * HOUR


TROUBLES = (
    "tick", "tick", "kill", "reload", "edit", "add", "remove", "clock back", "clock ahead", "save",
)  # fmt: skip


@st.composite
def a_rule(draw: st.DrawFn, name: str, hours: tuple[int, int]) -> Rule:
    """One rule of the whole language."""
    when = draw(st.sampled_from(CONDITIONS))
    rule = Rule(
        name,
        when,
        hold_for_ms=0 if c.fires(when) else draw(st.sampled_from((0, 0, 5 * MINUTE, 17 * MINUTE))),
        clear_for_ms=draw(st.sampled_from((0, 0, 3 * MINUTE))),
        during=draw(st.sampled_from((None, None, During(*hours)))),
        severity=draw(st.sampled_from(("warning", "urgent"))),
    )
    return replace(rule, version=version_of(rule))


@st.composite
def an_override(
    draw: st.DrawFn, rule: Rule, start_ms: int, number: int, *, in_file: bool
) -> Override:
    """Off or different, for one device or two, for a while."""
    since = draw(st.integers(0, 150))
    always = in_file and draw(st.booleans())
    devices = draw(st.sampled_from((("d1",), ("d2",), ("d1", "d3"))))
    off = c.same_of(rule.when) != "device" or draw(st.booleans())
    parts = {} if off else _parts(draw, rule, in_file=in_file)
    return Override(
        rule.name,
        "why",
        "who",
        device=devices,
        off=off,
        set={key: repr(value) for key, value in parts.items()},
        parts=parts,
        since_ms=None if always else start_ms + since * MINUTE,
        until_ms=start_ms + (since + draw(st.integers(1, 120))) * MINUTE,
        id=f"{'file' if in_file else 'api'}-{number}",
    )


def _parts(draw: st.DrawFn, rule: Rule, *, in_file: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {"clear_for_ms": draw(st.sampled_from((0, 2 * MINUTE)))}
    if in_file and draw(st.booleans()):
        parts["when"] = draw(st.sampled_from(OF_DEVICE))
    elif type(rule.when) in OTHERS and draw(st.booleans()):
        parts["when"] = OTHERS[type(rule.when)]
    if not c.fires(parts.get("when", rule.when)):
        parts["hold_for_ms"] = draw(st.sampled_from((0, MINUTE, 9 * MINUTE, 30 * MINUTE)))
    else:
        parts["hold_for_ms"] = 0
    return parts


@st.composite
def worlds(
    draw: st.DrawFn, late_max: int = 5_400, words_min: int = 0, words_max: int = 24
) -> World:
    """Some hours of a small community. No two things happen at one moment."""
    zone, start_ms, hours = draw(st.sampled_from(SCENES))
    rules = tuple(draw(a_rule(f"r{n}", hours)) for n in range(draw(st.integers(1, 2))))
    in_files, given_later = (
        tuple(
            draw(an_override(draw(st.sampled_from(rules)), start_ms, n, in_file=in_file))
            for n in range(draw(st.integers(0, 2)))
        )
        for in_file in (True, False)
    )
    own = [point for rule in rules for point in sorted(c.points_of(rule.when) & set(VALUES))]
    whats = (*own, *own, *own, *VALUES)
    moments = st.integers(0, 3 * 3_600)
    seconds = draw(st.lists(moments, unique=True, min_size=words_min, max_size=words_max))
    words = tuple(_word(draw, start_ms + at * 1_000, late_max, whats, len(rules)) for at in seconds)
    return World(zone, start_ms, rules, in_files, given_later, words)


def _word(draw: st.DrawFn, at_ms: int, late_max: int, whats: Sequence[str], rules: int) -> Word:
    what = draw(st.sampled_from(whats))
    return Word(
        at_ms,
        draw(st.sampled_from((0, 0, 1))) * draw(st.integers(0, late_max)) * 1_000,
        draw(st.sampled_from(DEVICES)),
        what,
        draw(VALUES[what]),
        draw(st.integers(0, rules - 1)),
        draw(st.integers(0, 5)) == 0,
        draw(st.booleans()),
        tuple(draw(st.lists(st.sampled_from(TROUBLES), max_size=2))),
    )


def entry_of(world: World, word: Word, seq: int, now_ms: int) -> Entry:
    """As the journal has it."""
    if word.what == "gateway":
        return Heard(seq, GATEWAY, now_ms, (Reading("online", word.value, word.at_ms),))
    if word.what == "service":
        return ServiceDone(seq, word.device, word.at_ms)
    if word.what == "closed":
        rule = world.rules[word.rule]
        key = {"device": word.device, "grid": "g1", "site": "demo"}[c.same_of(rule.when)]
        return CaseClosed(seq, rule.name, key, word.at_ms)
    reading = Reading(word.what, word.value, word.at_ms)
    return Heard(seq, word.device, now_ms, (reading,), word.retained)


class Hub:
    """A judge with a journal, a disk and files; it is killed, reloaded and looked at."""

    def __init__(self, world: World, overrides: tuple[Override, ...], rewind: int) -> None:
        self._world = world
        self._rewind = rewind
        self._others: dict[str, Rule] = {}
        self._given = overrides
        self._journal: list[Entry] = []
        self._disk: dict[str, Standing] = {}
        self._edits = 0
        self.seq = 0
        self.findings: list[Finding | Withdrawn] = []
        self.judge = self._open()

    def _rules(self) -> RuleSet:
        return RuleSet((*self._others.values(), *self._world.rules), self._world.in_files)

    def _open(self) -> Judge:
        judge = Judge(
            self._rules(),
            overrides=self._given,
            zone=self._world.zone,
            rewind_inputs_max=self._rewind,
        )
        for device in DEVICES:
            facts = DeviceFacts(device, "door", grid="g1", gateway=GATEWAY)
            start_ms = self._world.start_ms - 1
            judge.know(replace(facts, expected_silence_ms=40 * MINUTE, known_since_ms=start_ms))
        judge.know(DeviceFacts(GATEWAY, "gateway", known_since_ms=self._world.start_ms - 1))
        judge.restore(self._disk.values())
        return judge

    def hear(self, word: Word, now_ms: int) -> None:
        """Journal it and judge it."""
        self.seq += 1
        entry = entry_of(self._world, word, self.seq, now_ms)
        self._journal.append(entry)
        self.judge.judge(entry)
        self.write(0)

    def give(self, overrides: tuple[Override, ...], now_ms: int) -> None:
        """A person gives or ends one."""
        self._given = overrides
        self.judge.change_overrides(overrides, self.seq, now_ms)
        self.write(0)

    def suffer(self, trouble: str, now_ms: int) -> None:
        """What a hub goes through."""
        match trouble:
            case "tick":
                self.judge.tick(now_ms)
            case "clock back":
                self.judge.tick(now_ms - 2 * HOUR)
            case "clock ahead":
                self.judge.tick(now_ms + HOUR)
            case "save":
                self.write(100)
            case "kill":
                self._kill()
            case change:
                self._change(change)
                self.judge.change_rules(self._rules(), self.seq, now_ms)
        self.write(0)

    def _change(self, change: str) -> None:
        self._edits += 1
        if change == "remove":
            self._others = dict(list(self._others.items())[1:])
            return
        if change == "reload" or (change == "edit" and not self._others):
            return
        name = next(iter(self._others)) if change == "edit" else f"other-{self._edits}"
        when = CONDITIONS[self._edits % len(CONDITIONS)]
        rule = Rule(name, when, clear_for_ms=self._edits)
        self._others[name] = replace(rule, version=version_of(rule))

    def _kill(self) -> None:
        unsaved = self.judge.oldest_unsaved_seq()
        self.judge = self._open()
        for entry in self._journal[unsaved - 1 :] if unsaved is not None else []:
            self.judge.judge(entry)

    def write(self, rows_max: int) -> None:
        """Findings and standings in one transaction."""
        self.findings += self.judge.take_findings()
        self.findings += self.judge.take_withdrawn()
        self._disk.update((row.key, row) for row in self.judge.take_changed(rows_max))

    def history(self) -> dict[str, list[Mark]]:
        """What was so in the end, of the rules that stayed."""
        self.judge.tick(self._world.end_ms)
        self.write(0)
        found: dict[str, list[Finding | Withdrawn]] = {rule.name: [] for rule in self._world.rules}
        for one in self.findings:
            name = one.rule.name if isinstance(one, Finding) else one.rule
            if name in found:
                found[name].append(one)
        return {name: sorted(history_of(findings)) for name, findings in found.items()}


def in_order(world: World, rewind: int = 128) -> dict[str, list[Mark]]:
    """One judge that knows all overrides and hears everything at once."""
    hub = Hub(world, world.given, rewind)
    for word in sorted(world.words, key=lambda one: one.at_ms):
        hub.hear(word, word.at_ms + word.late_ms)
    assert hub.judge.too_late_count == 0
    return hub.history()


def as_it_came(world: World, rewind: int = 128) -> dict[str, list[Mark]]:
    """One that hears late and twice, and goes through everything."""
    hub = Hub(world, (), rewind)
    given: list[Override] = []
    waiting = sorted(world.given, key=lambda one: one.since_ms or 0)
    for word in sorted(world.words, key=lambda one: one.at_ms + one.late_ms):
        now_ms = word.at_ms + word.late_ms
        while waiting and (waiting[0].since_ms or 0) <= now_ms:
            given.append(waiting.pop(0))
            hub.give(tuple(given), given[-1].since_ms or 0)
        for trouble in word.trouble:
            hub.suffer(trouble, now_ms)
        for _ in range(2 if word.twice else 1):
            hub.hear(word, now_ms)
    hub.give((*given, *waiting), world.end_ms - 3 * HOUR)
    return hub.history()


def check(world: World) -> None:
    """The property."""
    assert as_it_came(world) == in_order(world)


@pytest.mark.parametrize("day", ["2026-03-27", "2026-10-23"])  # before a clock change
@pytest.mark.parametrize("hours", [(2 * 60 + 30, 4 * 60), (22 * 60, 6 * 60), (2 * 60, 2 * 60 + 30)])
@pytest.mark.parametrize("step", [7 * MINUTE, 30 * HOUR])
def test_a_change_of_the_clock_neither_skips_nor_repeats(
    day: str, hours: tuple[int, int], step: int
) -> None:
    """One opening and one closing a night, however often the hub looks and is killed."""
    start_ms = moment(f"{day}T12:00", BERLIN)
    rule = Rule("r0", c.Equals("contact", ("open",)), during=During(*hours))
    rule = replace(rule, version=version_of(rule))
    word = Word(start_ms, 0, "d1", "contact", "open", 0, retained=False, twice=False, trouble=())
    hub = Hub(World(BERLIN, start_ms, (rule,), (), (), ()), (), 128)
    hub.hear(word, start_ms)
    for number, at_ms in enumerate(range(start_ms, start_ms + 96 * HOUR, step)):
        hub.suffer("tick", at_ms)
        hub.suffer(("reload", "kill", "clock back", "save")[number % 4], at_ms)
    hub.judge.tick(start_ms + 96 * HOUR)
    hub.write(0)

    kinds = [mark.kind for mark in sorted(history_of(hub.findings))]
    assert kinds == ["opens", "closes"] * 4


SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=140, deadline=None, suppress_health_check=SLOW)
@given(st.one_of(worlds(), worlds(words_min=12)))
def test_the_history_is_a_function_of_what_happened(world: World) -> None:
    """The short form."""
    check(world)


def in_files_only(world: World) -> World:
    """What is given later may be too late where little is kept, and so is a clock far ahead."""
    words = [
        replace(word, trouble=tuple(one for one in word.trouble if one != "clock ahead"))
        for word in world.words
    ]
    return replace(world, given=(), words=tuple(words))


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(worlds(late_max=0, words_min=12).map(in_files_only))
def test_checkpoints_carry_the_variants_too(world: World) -> None:
    """Keeping two inputs or a thousand is the same."""
    assert as_it_came(world, 2) == in_order(world, 1_000)


@pytest.mark.campaign
@settings(max_examples=5_000, deadline=None, suppress_health_check=SLOW)
@given(worlds(words_min=10, words_max=40))
def test_the_history_is_a_function_of_what_happened_at_length(world: World) -> None:
    """The long form."""
    check(world)
