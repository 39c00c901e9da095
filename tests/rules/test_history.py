"""The history is a function of what happened: not of its order of arrival, of ticks or of kills."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.reading import Reading
from rules import condition as c
from rules.during import During
from rules.entry import CaseClosed, Entry, Heard, ServiceDone
from rules.facts import DeviceFacts
from rules.finding import Finding, Standing, Withdrawn
from rules.judge import Judge
from rules.rule import Rule, RuleSet
from rules.story import Mark, history_of

ZONE = ZoneInfo("Asia/Shanghai")
START_MS = 1_772_460_000_000  # 22:00 in Shanghai
MINUTE = 60_000
DEVICES = ("d1", "d2", "d3")
GATEWAY = "gw1"

CONDITIONS: tuple[c.Condition, ...] = (
    c.Equals("contact", ("open",)),
    c.Below("battery", 15, 20),
    c.Above("battery", 80, 60),
    c.Happens("press", ("sos", "long")),
    c.Happens("contact", ("open",)),
    c.Changes("contact", 2, 60 * MINUTE),
    c.Rises("uses", 50, 30 * MINUTE),
    c.Rises("uses", 50, 30 * MINUTE, less=True),
    c.Every("uses", 30),
    c.Still("contact", 45 * MINUTE),
    c.Silent(None),
    c.Silent(25 * MINUTE),
    c.AnyOf((c.Equals("contact", ("open",)), c.Below("battery", 15, 20))),
    c.AnyOf((c.Equals("contact", ("open",)), c.Happens("press", ("sos",)))),
    c.AllOf((c.Equals("contact", ("open",)), c.Silent(20 * MINUTE))),
    c.AllOf((c.Happens("press", ("sos",)), c.Below("battery", 50, 50))),
    c.Together(c.Where(), 2, 10 * MINUTE, "grid", c.Equals("contact", ("open",))),
    c.Together(c.Where(), 2, 10 * MINUTE, "site", c.Happens("press", ("sos",))),
    c.Together(c.Where(), 2, 30 * MINUTE, "grid", c.Silent(15 * MINUTE)),
    c.Then(
        c.Step(c.Happens("press", ("sos",))),
        c.Step(c.Equals("contact", ("open",))),
        20 * MINUTE,
        "grid",
    ),
    c.Then(
        c.Step(c.Equals("contact", ("open",))),
        c.Step(c.Happens("press", ("sos",))),
        20 * MINUTE,
        "device",
    ),
    c.Without(
        c.Step(c.Happens("press", ("sos",))),
        c.Step(c.Happens("contact", ("open",))),
        20 * MINUTE,
        "grid",
    ),
)
HOURS = (None, None, During(22 * 60 + 30, 23 * 60 + 30), During(23 * 60, 0, ("workday",)))


@dataclass(frozen=True)
class Arrival:
    """One thing that happened, when it was heard, and what the hub went through before."""

    at_ms: int
    late_ms: int
    device: str
    what: str
    value: Any
    twice: bool
    ticks: int  # how many times the hub looks at the clock before it
    killed: bool
    saved_rows: int


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """One rule of the whole language."""
    when = draw(st.sampled_from(CONDITIONS))
    hold_for = 0 if c.fires(when) else draw(st.sampled_from((0, 0, 5 * MINUTE, 17 * MINUTE)))
    return Rule(
        "rule",
        when,
        hold_for_ms=hold_for,
        clear_for_ms=draw(st.sampled_from((0, 0, 3 * MINUTE))),
        during=draw(st.sampled_from(HOURS)),
        version="1",
    )


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "contact": st.sampled_from(("open", "closed")),
    "battery": st.sampled_from((5, 14, 15, 18, 20, 21, 70, 95)),
    "press": st.sampled_from(("sos", "long", "test")),
    "uses": st.sampled_from((0, 10, 40, 90, 130, 250, 65_520)),
    "alive": st.just(True),
    "gateway": st.booleans(),
    "service": st.none(),
    "closed": st.none(),
}


@st.composite
def plays(draw: st.DrawFn, late_max: int) -> tuple[Rule, list[Arrival]]:
    """A rule, and some hours of a small community. No two things happen at one moment."""
    rule = draw(rules())
    seconds = draw(st.lists(st.integers(0, 3 * 3_600), unique=True, max_size=28))
    own = sorted(c.points_of(rule.when) & set(VALUES)) * 5
    words = (*own, *VALUES, *(("service", "service") if "uses" in own else ()))
    return rule, [_arrival(draw, START_MS + at * 1_000, late_max, words) for at in seconds]


def _arrival(draw: st.DrawFn, at_ms: int, late_max: int, words: tuple[str, ...]) -> Arrival:
    what = draw(st.sampled_from(words))
    return Arrival(
        at_ms,
        draw(st.sampled_from((0, 0, 1))) * draw(st.integers(0, late_max)) * 1_000,
        draw(st.sampled_from(DEVICES)),
        what,
        draw(VALUES[what]),
        draw(st.booleans()),
        draw(st.integers(0, 2)),
        draw(st.integers(0, 5)) == 0,
        draw(st.sampled_from((0, 1, 2, 100))),
    )


def entry_of(one: Arrival, seq: int, rule: Rule) -> Entry:
    """As the journal has it."""
    now_ms = one.at_ms + one.late_ms
    if one.what == "gateway":
        return Heard(seq, GATEWAY, now_ms, (Reading("online", one.value, one.at_ms),))
    if one.what == "service":
        return ServiceDone(seq, one.device, one.at_ms)
    if one.what == "closed":
        return CaseClosed(seq, rule.name, key_of(rule, one.device), one.at_ms)
    return Heard(seq, one.device, now_ms, (Reading(one.what, one.value, one.at_ms),))


def key_of(rule: Rule, device: str) -> str:
    """What one alert of the rule is about."""
    return {"device": device, "grid": "g1", "site": "demo"}[c.same_of(rule.when)]


class Hub:
    """A judge with a journal and a disk, that can be killed."""

    def __init__(self, rule: Rule, rewind_inputs_max: int) -> None:
        self._rule = rule
        self._rewind = rewind_inputs_max
        self._journal: list[Entry] = []
        self._disk: dict[str, Standing] = {}
        self.findings: list[Finding | Withdrawn] = []
        self.judge = self._open()

    def _open(self) -> Judge:
        judge = Judge(RuleSet((self._rule,)), zone=ZONE, rewind_inputs_max=self._rewind)
        for device in DEVICES:
            judge.know(
                DeviceFacts(
                    device,
                    "door",
                    grid="g1",
                    gateway=GATEWAY,
                    expected_silence_ms=40 * MINUTE,
                    known_since_ms=START_MS - 1,
                )
            )
        judge.restore(self._disk.values())
        return judge

    def hear(self, one: Arrival, entry: Entry) -> None:
        """Journal it, judge it, write what came of it."""
        self._journal.append(entry)
        self.judge.judge(entry)
        self.write(one.saved_rows)

    def write(self, rows_max: int) -> None:
        """Findings and standings in one transaction."""
        self.findings += self.judge.take_findings()
        self.findings += self.judge.take_withdrawn()
        self._disk.update((row.key, row) for row in self.judge.take_changed(rows_max))

    def kill(self) -> None:
        """Start again from the disk and the journal."""
        unsaved = self.judge.oldest_unsaved_seq()
        self.judge = self._open()
        for entry in self._journal[unsaved - 1 :] if unsaved is not None else []:
            self.judge.judge(entry)
        self.write(0)

    def tick(self, now_ms: int) -> None:
        """Look at the clock."""
        self.judge.tick(now_ms)
        self.write(0)


def end_ms(happened: Sequence[Arrival]) -> int:
    """Two hours after the last word."""
    return max((a.at_ms + a.late_ms for a in happened), default=START_MS) + 120 * MINUTE


def in_order(rule: Rule, happened: Sequence[Arrival], rewind_inputs_max: int = 128) -> list[Mark]:
    """The history of a hub to which everything comes at once and in order."""
    hub = Hub(rule, rewind_inputs_max)
    for seq, one in enumerate(sorted(happened, key=lambda a: a.at_ms), start=1):
        hub.judge.judge(entry_of(one, seq, rule))
    hub.tick(end_ms(happened))
    return sorted(history_of(hub.findings))


def as_it_came(rule: Rule, happened: Sequence[Arrival], rewind_inputs_max: int = 128) -> list[Mark]:
    """The history of a hub that hears late, twice, looks at the clock and is killed."""
    hub = Hub(rule, rewind_inputs_max)
    seq = 0
    now_ms = START_MS
    for one in sorted(happened, key=lambda a: a.at_ms + a.late_ms):
        heard_ms = one.at_ms + one.late_ms
        for part in range(one.ticks):
            hub.tick(now_ms + (heard_ms - now_ms) * (part + 1) // 3)
        if one.killed:
            hub.kill()
        for _ in range(2 if one.twice else 1):
            seq += 1
            hub.hear(one, entry_of(one, seq, rule))
        now_ms = heard_ms
    hub.tick(end_ms(happened))
    return sorted(history_of(hub.findings))


@settings(max_examples=400, deadline=None)
@given(plays(late_max=5_400))
def test_lateness_doubles_ticks_and_kills_change_nothing_of_the_history(
    play: tuple[Rule, list[Arrival]],
) -> None:
    """What is true is the same, however and whenever it was heard."""
    assert as_it_came(*play) == in_order(*play)


@settings(max_examples=200, deadline=None)
@given(plays(late_max=0))
def test_forgetting_old_inputs_changes_nothing_of_the_history(
    play: tuple[Rule, list[Arrival]],
) -> None:
    """Checkpoints carry all that matters: keeping two inputs or a thousand is the same."""
    assert as_it_came(*play, rewind_inputs_max=2) == in_order(*play, 1_000)


@settings(max_examples=200, deadline=None)
@given(plays(late_max=0), st.randoms(use_true_random=False))
def test_neighbours_may_swap_even_where_little_is_kept(
    play: tuple[Rule, list[Arrival]], random: Any
) -> None:
    """A late input is put right from a checkpoint as from the beginning."""
    rule, happened = play
    ordered = sorted(happened, key=lambda a: a.at_ms)
    swapped = list(ordered)
    for place in range(0, len(swapped) - 1, 2):
        if random.random() < 0.6:
            swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    hub = Hub(rule, 3)
    latest_ms = START_MS
    for seq, one in enumerate(swapped, start=1):
        latest_ms = max(latest_ms, one.at_ms)
        entry = entry_of(one, seq, rule)
        if isinstance(entry, Heard):
            entry = entry._replace(arrived_ms=latest_ms)
        hub.hear(one, entry)
    hub.tick(end_ms(happened))

    assert hub.judge.too_late_count == 0
    assert sorted(history_of(hub.findings)) == in_order(rule, happened)


@settings(max_examples=150, deadline=None)
@given(plays(late_max=0))
def test_ticks_change_when_people_hear_and_never_what(play: tuple[Rule, list[Arrival]]) -> None:
    """A hub that looks at the clock every minute finds what one that never looks does."""
    rule, happened = play
    hub = Hub(rule, 128)
    now_ms = START_MS
    for seq, one in enumerate(sorted(happened, key=lambda a: a.at_ms), start=1):
        while now_ms < one.at_ms:
            hub.tick(now_ms)
            now_ms += MINUTE
        hub.hear(one, entry_of(one, seq, rule))
    hub.tick(end_ms(happened))

    assert sorted(history_of(hub.findings)) == in_order(rule, happened)


def random_play(when: c.Condition, seed: int) -> tuple[Rule, list[Arrival]]:
    """As `plays`, but evenly spread, so that every condition comes true somewhere."""
    random = Random(seed)
    hold_for = 0 if c.fires(when) else random.choice((0, 0, 5 * MINUTE))
    during = random.choice((None, None, None, HOURS[2]))
    clear_for = random.choice((0, 3 * MINUTE))
    rule = Rule(
        "rule", when, hold_for_ms=hold_for, clear_for_ms=clear_for, during=during, version="1"
    )
    own = sorted(c.points_of(when) & set(VALUES)) * 6
    words = [*own, "alive", "gateway", "closed", *(["service"] if "uses" in own else [])]
    seconds = random.sample(range(3 * 3_600), random.randint(5, 40))
    return rule, [_random_arrival(random, START_MS + at * 1_000, words) for at in seconds]


def _random_arrival(random: Random, at_ms: int, words: Sequence[str]) -> Arrival:
    what = random.choice(words)
    values: dict[str, Sequence[Any]] = {
        "contact": ("open", "closed"),
        "battery": (5, 14, 18, 21, 70, 95),
        "press": ("sos", "long", "test"),
        "uses": (0, 10, 40, 90, 130, 250, 65_520),
        "gateway": (True, False),
    }
    return Arrival(
        at_ms,
        random.choice((0, 0, 0, 1)) * random.randint(0, 5_400) * 1_000,
        random.choice(DEVICES),
        what,
        random.choice(values.get(what, (True,))),
        random.random() < 0.2,
        random.randint(0, 2),
        random.random() < 0.15,
        random.choice((0, 1, 2, 100)),
    )


@pytest.mark.parametrize("when", CONDITIONS, ids=lambda when: type(when).__name__)
def test_every_condition_comes_true_and_keeps_its_history(when: c.Condition) -> None:
    """The same over plays in which each condition really opens and closes."""
    opened = 0
    for seed in range(60):
        rule, happened = random_play(when, seed)
        expected = in_order(rule, happened)
        assert as_it_came(rule, happened) == expected, seed
        opened += sum(1 for mark in expected if mark.kind == "opens")

    assert opened > 5
