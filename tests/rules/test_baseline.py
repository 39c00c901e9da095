"""Unlike itself: what is usual is learned honestly, and what is unusual comes true exactly."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import log2
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.reading import Reading
from rules.baseline import Figures, Knowledge, is_rare
from rules.calendar import PLAIN
from rules.condition import AnyOf, Equals, Unlike
from rules.entry import Heard
from rules.facts import DeviceFacts
from rules.finding import Finding, Standing, Withdrawn
from rules.judge import Judge
from rules.local_days import LocalDays
from rules.rule import Rule, RuleSet
from rules.story import Mark, history_of

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
HOUR, DAY = 3_600_000, 86_400_000
GATEWAY = "gw1"
SILENCE = 7 * HOUR
SHORT = Unlike("contact", "either", over_days=5, at_least_days=3, rarer_than=0.26)


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """A local moment."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


# One thing that happened to the door: when, what (contact, alive, copy, gateway), how late.
Input = tuple[int, str, object, int]


class Hub:
    """A judge with one rule over one device, that can be killed."""

    def __init__(self, wanted: object, zone: ZoneInfo, silence: int, rewind: int = 128) -> None:
        self._rule = Rule("unlike", wanted, version="1")  # type: ignore[arg-type]
        self._zone, self._silence, self._rewind = zone, silence, rewind
        self._disk: dict[str, Standing] = {}
        self._journal: list[Heard] = []
        self.findings: list[Finding | Withdrawn] = []
        self.judge = self._open()

    def _open(self) -> Judge:
        judge = Judge(
            RuleSet((self._rule,)),
            zone=self._zone,
            calendar=PLAIN,
            rewind_inputs_max=self._rewind,
        )
        facts = DeviceFacts("d1", "door", gateway=GATEWAY, expected_silence_ms=self._silence)
        judge.know(facts)
        judge.restore(self._disk.values())
        return judge

    def hear(self, one: Input) -> None:
        """One message."""
        at_ms, what, value, late_ms = one
        seq = len(self._journal) + 1
        device, readings = "d1", (Reading(what, value, at_ms),)  # type: ignore[arg-type]
        if what == "gateway":
            device, readings = GATEWAY, (Reading("online", value, at_ms),)  # type: ignore[arg-type]
        if what == "copy":
            readings = (Reading("contact", value, at_ms),)  # type: ignore[arg-type]
        entry = Heard(seq, device, at_ms + late_ms, readings, what == "copy")
        self._journal.append(entry)
        self.judge.judge(entry)
        self.write()

    def write(self, rows_max: int = 100) -> None:
        """Findings and standings."""
        self.findings += self.judge.take_findings()
        self.findings += self.judge.take_withdrawn()
        self._disk.update((row.key, row) for row in self.judge.take_changed(rows_max))

    def tick(self, now_ms: int) -> None:
        """Look at the clock."""
        self.judge.tick(now_ms)
        self.write(0)

    def kill(self) -> None:
        """Start again from disk and journal."""
        unsaved = self.judge.oldest_unsaved_seq()
        self.judge = self._open()
        for entry in self._journal[unsaved - 1 :] if unsaved is not None else []:
            self.judge.judge(entry)
        self.write(0)

    def history(self) -> list[Mark]:
        """What was so."""
        return sorted(history_of(self.findings))


def run(
    wanted: object,
    happened: Sequence[Input],
    *,
    zone: ZoneInfo = SHANGHAI,
    silence: int = SILENCE,
    until_ms: int | None = None,
) -> Hub:
    """A hub to which everything comes in order; time runs on for a day, or until then."""
    hub = Hub(wanted, zone, silence)
    for one in sorted(happened, key=lambda one: one[:1]):
        hub.hear((*one[:3], 0))
    hub.tick(max(one[0] for one in happened) + DAY if until_ms is None else until_ms)
    return hub


# ---------------------------------------------------------------------- a reference in plain words


class Reference:
    """The same, worked out from scratch for every moment. Slow, and of no other use."""

    def __init__(self, wanted: Unlike, happened: Sequence[Input], zone: ZoneInfo) -> None:
        self.wanted, self.zone = wanted, zone
        self.happened = sorted(happened, key=lambda one: one[0])
        self._ends: dict[int, int] = {}
        self._names: dict[int, tuple[date, int]] = {}

    def history(self, until_ms: int) -> list[Mark]:
        """Openings and closings."""
        marks: list[Mark] = []
        true, ends = False, None
        for at, moved in self._moments(until_ms):
            if ends is not None and at >= ends:
                true, ends = False, None
            before = true
            if moved:
                if ends is None:
                    true = False
                    if self._more(at):
                        true, ends = True, self._hour_end(at)
            elif not true and self._less(at):
                true = True
            if true and not self._open(marks):
                marks.append(Mark(at, "d1", "opens"))
            elif not true and (before or self._open(marks)):
                marks.append(Mark(at, "d1", "closes"))
        return sorted(marks)

    @staticmethod
    def _open(marks: list[Mark]) -> bool:
        return bool(marks) and marks[-1].kind == "opens"

    def _moments(self, until_ms: int) -> Iterator[tuple[int, bool]]:
        """Ends of hours, and moments at which something happened."""
        moves = {at for at, _minute in self._moves(until_ms)}
        first = self.happened[0][0]
        ends = set()
        at = first
        while at <= until_ms:
            at = self._hour_end(at)
            ends.add(at)
        for at in sorted(moves | {end for end in ends if end <= until_ms}):
            yield at, at in moves

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1_000, self.zone)

    def _hour_end(self, at: int) -> int:
        if at not in self._ends:
            self._ends[at] = self._find_end(at)
        return self._ends[at]

    def _name(self, at: int) -> tuple[date, int]:
        if at not in self._names:
            self._names[at] = (self._local(at).date(), self._local(at).hour)
        return self._names[at]

    def _find_end(self, at: int) -> int:
        local = self._local(at).replace(minute=0, second=0, microsecond=0, fold=0)
        wall = datetime.combine(local.date(), local.time()) + timedelta(hours=1)
        return round(wall.replace(tzinfo=self.zone).timestamp() * 1_000)

    def _moves(self, until: int) -> list[tuple[int, int]]:
        moves, known = [], None
        for at, what, value, _ in self.happened:
            if what == "contact" and at <= until:
                if known is not None and known != value:
                    moves.append((at, self._local(at).minute))
                known = value
        return moves

    def _unwatched(self, until: int) -> list[tuple[int, int]]:
        """Spans of which nobody knows, as it looks at that moment."""
        spans: list[tuple[int, int]] = []
        begun, last, gone = False, 0, None
        for at, what, value, _ in self.happened:
            if at > until:
                break
            if what == "gateway":
                if value is False:
                    gone = at if gone is None else gone
                elif gone is not None:
                    spans.append((gone, at))
                    lives_on = begun and last + SILENCE > gone
                    last, gone = (max(last, at) if lives_on else last), None
                continue
            if not begun:
                if what == "contact":
                    begun, last = True, at
                    spans.append((-(2**60), at))
                continue
            if at > last + SILENCE:
                spans.append((last if gone is None else last + SILENCE, at))
            last = at
        if gone is not None:
            spans.append((gone, 2**60))
        spans.append((last + SILENCE, 2**60) if begun else (-(2**60), 2**60))
        return spans

    def _cells(self, until: int) -> dict[tuple[date, int], tuple[int, ...] | None]:
        """Of each hour that is over: minutes at which something happened; None: not known."""
        spans, moves = self._unwatched(until), self._moves(until)
        cells: dict[tuple[date, int], tuple[int, ...] | None] = {}
        begin = self.happened[0][0]
        local = self._local(begin).replace(minute=0, second=0, microsecond=0)
        at = round(local.timestamp() * 1_000)
        while (end := self._hour_end(at)) <= until:
            name = self._name(at)
            if any(a <= end and b > at for a, b in spans):
                cells[name] = None
            else:
                cells[name] = tuple(minute for moved, minute in moves if at <= moved < end)
            at = end
        return cells

    def _days(
        self, today: date, cells: dict[tuple[date, int], tuple[int, ...] | None]
    ) -> list[date]:
        days = [today - timedelta(days=n) for n in range(self.wanted.over_days, 0, -1)]
        return [day for day in days if any(name[0] == day for name in cells)]

    def _less(self, at: int) -> bool:
        if self.wanted.way == "more":
            return False
        cells = self._cells(at)
        here = self._local(at - 1)
        today, hour = here.date(), here.hour
        begin = hour + 1
        while begin > 0 and cells.get((today, begin - 1)) == ():
            begin -= 1
        if begin > hour:
            return False
        days = self._days(today, cells)
        known = [sum(cells.get((d, h)) is not None for d in days) for h in range(24)]
        quiet = [sum(cells.get((d, h)) == () for d in days) for h in range(24)]

        def surprise(h: int, more: int) -> int:
            return round(1_000 * log2((known[h] + more) / (quiet[h] + more)))

        mine = sum(surprise(h, 1) for h in range(begin, hour + 1))

        def longest(day: date) -> int:
            best = 0
            for a in range(24):
                total = 0
                for b in range(a, 24):
                    if cells.get((day, b)) != ():
                        break
                    total += surprise(b, 0)
                    best = max(best, total)
            return best

        compared = [
            d for d in days if all(cells.get((d, h)) is not None for h in range(begin, hour + 1))
        ]
        odd = sum(longest(d) >= mine for d in compared)
        return mine > 0 and self._enough(odd, len(compared))

    def _enough(self, odd: int, days: int) -> bool:
        share = Fraction(odd + 1, days + 1)
        return days >= self.wanted.at_least_days and share <= Fraction(self.wanted.rarer_than)

    def _more(self, at: int) -> bool:
        if self.wanted.way == "less":
            return False
        end = self._hour_end(at)
        begin = end - HOUR
        if any(a < at and b > begin for a, b in self._unwatched(at)):
            return False
        cells = self._cells(at)
        today, hour = self._local(at).date(), self._local(at).hour
        days = self._days(today, cells)

        def near(h: int) -> int:
            return sum(any(cells.get((d, n)) for n in (h - 1, h, h + 1)) for d in days)

        def rarest(d: date) -> int:
            return min((near(h) for h in range(24) if cells.get((d, h))), default=10**6)

        compared = [d for d in days if cells.get((d, hour)) is not None]
        return self._enough(sum(rarest(d) <= near(hour) + 1 for d in compared), len(compared))


def some_days(seed: int, days: int = 10) -> list[Input]:
    """A door of a person of habits who sometimes has none; its sensor dies, its gateway goes."""
    random = Random(seed)
    start = ms("2026-03-02T05:17:03")
    happened: list[Input] = [(start, "contact", "closed", 0)]
    habits = sorted(random.sample(range(6, 23), 4))
    taken = {start}

    def add(at: int, what: str, value: object) -> None:
        at += random.randint(1, 50) * 1_000 + 1
        if at > start and at not in taken:
            taken.add(at)
            happened.append(
                (at, what, value, random.choice((0, 0, 0, 1)) * random.randint(0, 4 * HOUR))
            )

    for day in range(days):
        midnight = ms("2026-03-02T00:00") + day * DAY
        away = random.random() < 0.15
        for hour in habits:
            if not away and random.random() < 0.9:
                at = midnight + hour * HOUR + random.randint(-40, 40) * 60_000
                add(at, "contact", "open")
                add(at + 120_000, "contact", "closed")
        if random.random() < 0.3:
            add(midnight + random.randint(0, 23) * HOUR + 7 * 60_000, "contact", "open")
        for beat in range(0, 24, 4):
            if random.random() < 0.85:
                add(midnight + beat * HOUR + 31 * 60_000, "alive", True)
        if random.random() < 0.25:
            at = midnight + random.randint(0, 20) * HOUR
            add(at, "gateway", False)
            add(at + random.randint(1, 9) * HOUR, "gateway", True)
    return happened


def end_ms(happened: Sequence[Input]) -> int:
    """A day after the last word."""
    return max(at + late for at, _, _, late in happened) + DAY


@pytest.mark.parametrize(("way", "lives"), [("less", 10), ("more", 30), ("either", 10)])
def test_it_says_what_a_reference_in_plain_words_says(way: str, lives: int) -> None:
    """Over many lives, with dead sensors and gateways that are gone."""
    opened = 0
    wanted = Unlike("contact", way, 5, 3, 0.26)
    for seed in range(lives):
        happened = some_days(seed)
        expected = Reference(wanted, happened, SHANGHAI).history(end_ms(happened))
        hub = run(wanted, happened, until_ms=end_ms(happened))
        assert hub.history() == expected, seed
        opened += sum(mark.kind == "opens" for mark in expected)

    assert opened > 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from((3, 128)))
def test_lateness_doubles_ticks_and_kills_change_nothing(seed: int, rewind: int) -> None:
    """What is true is a function of what happened. Little is kept only where nothing is late."""
    happened = some_days(seed)
    random = Random(seed + 1)
    if rewind == 3:
        happened = [(at, what, value, 0) for at, what, value, _ in happened]
    hub = Hub(SHORT, SHANGHAI, SILENCE, rewind)
    now = happened[0][0]
    for one in sorted(happened, key=lambda one: one[0] + one[3]):
        heard = one[0] + one[3]
        for part in range(random.randint(0, 2)):
            hub.tick(now + (heard - now) * (part + 1) // 3)
        if random.random() < 0.1:
            hub.kill()
        hub.hear(one)
        if random.random() < 0.2:
            hub.hear(one)
        now = heard
    hub.tick(end_ms(happened))

    assert hub.judge.too_late_count == 0
    assert hub.history() == run(SHORT, happened, until_ms=end_ms(happened)).history()


# ---------------------------------------------------------------------- what people ask of it


def mornings(
    days: int, *, first: str = "2026-03-02", zone: ZoneInfo = SHANGHAI, skip: Sequence[int] = ()
) -> list[Input]:
    """A door that opens at 07:10 and 18:00 of every day, and speaks every two hours."""
    happened: list[Input] = []
    for n in range(days):
        day = (datetime.fromisoformat(first) + timedelta(days=n)).date()
        beats = [ms(f"{day}T{hour:02}:30:00", zone) for hour in range(0, 24, 2)]
        happened += [(beat, "alive", True, 0) for beat in beats]
        if n not in skip:
            for at, value in (("07:10", "open"), ("07:11", "closed"), ("18:00:30", "open"),
                              ("18:02", "closed")):  # fmt: skip
                happened.append((ms(f"{day}T{at}", zone), "contact", value, 0))
    return [(ms(f"{first}T00:00", zone), "contact", "closed", 0), *happened]


LESS = Unlike("contact", "less", 28, 14, 0.1)


def shown(marks: Sequence[Mark], zone: ZoneInfo = SHANGHAI) -> list[str]:
    """In local time."""
    return [f"{datetime.fromtimestamp(m.at_ms / 1_000, zone):%m-%d %H:%M} {m.kind}" for m in marks]


def test_a_morning_without_her_door_opens_at_the_end_of_its_usual_hour() -> None:
    """On the twenty-first day she does not come; it is over when something happens."""
    happened = mornings(21, skip=(20,))
    happened += [(ms("2026-03-22T11:20"), "contact", "open", 0)]
    hub = run(LESS, happened)
    opened = next(one for one in hub.findings if isinstance(one, Finding))

    assert shown(hub.history()) == [
        "03-22 08:00 opens",
        "03-22 11:20 closes",
        "03-22 19:00 opens",
    ]
    assert Figures.parse(opened.value) == Figures("less", 7 * 60, 8 * 60, 19, 19, 7 * 60 + 10)
    assert "on 19 of 19 comparable days of the last 28 there was some" in opened.why_en
    assert "(usually first at 07:10)" in opened.why_en


def test_with_too_little_history_it_says_nothing_but_how_much_it_has() -> None:
    """Nine of fourteen days, and then enough."""
    hub = Hub(LESS, SHANGHAI, SILENCE)
    known = []
    for one in sorted(mornings(18, skip=(9,)), key=lambda one: one[:1]):
        hub.hear(one)
        if (one[0] - ms("2026-03-02T18:30")) % DAY == 0:
            found = hub.judge.knows("unlike", "d1")
            assert found is not None
            known.append((found.days, found.learning))

    assert known[9] == (9, True)  # on the tenth day, before the day without a word of the door
    assert known[-1] == (17, False)
    assert hub.judge.knows("unlike", "d1") == Knowledge(17, 14, 28)
    assert hub.history() == []
    assert hub.judge.knows("unlike", "nobody") is None


def test_a_dead_sensor_says_nothing_and_what_it_missed_is_no_history() -> None:
    """It dies at night; its hours are unknown, not quiet, also those before that was noticed."""
    alive = [
        one for one in mornings(30) if not ms("2026-03-21T23:00") < one[0] < ms("2026-03-25T01:00")
    ]
    hub = run(LESS, alive, until_ms=ms("2026-04-01T06:00"))
    assert hub.history() == []
    found = hub.judge.knows("unlike", "d1")
    assert found is not None
    days = dict(hub.judge._watches["unlike|d1"].run.probe.base.history)  # type: ignore[attr-defined]
    assert days[date(2026, 3, 22).toordinal()] == "?" * 24
    assert days[date(2026, 3, 21).toordinal()][22:] == "??"


def test_a_gateway_that_is_gone_explains_a_quiet_morning() -> None:
    """Half an hour of it is enough: nobody knows what happened then."""
    happened = mornings(21, skip=(20,))
    happened += [(ms("2026-03-22T07:20"), "gateway", False, 0)]
    happened += [(ms("2026-03-22T07:50"), "gateway", True, 0)]

    assert shown(run(LESS, happened).history()) == ["03-22 19:00 opens"]  # of the evening


def test_one_who_stays_in_bed_every_other_day_is_not_unlike_herself() -> None:
    """Fewer false calls: what is irregular is no surprise."""
    happened = mornings(30, skip=range(1, 30, 2))

    assert run(LESS, happened, until_ms=ms("2026-04-01T00:30")).history() == []


def test_at_three_in_the_morning_is_unlike_her_and_at_half_past_seven_is_not() -> None:
    """More than usual: true at the moment, until the end of that hour."""
    happened = mornings(21)
    happened += [(ms("2026-03-22T03:12"), "contact", "open", 0)]
    happened += [(ms("2026-03-22T03:13"), "contact", "closed", 0)]
    happened += [(ms("2026-03-22T08:12"), "contact", "open", 0)]
    hub = run(Unlike("contact", "more", 28, 14, 0.1), happened)
    opened = next(one for one in hub.findings if isinstance(one, Finding))

    assert shown(hub.history()) == ["03-22 03:12 opens", "03-22 04:00 closes"]
    assert Figures.parse(opened.value) == Figures("more", 120, 300, 0, 20, None)


@pytest.mark.parametrize(("apart", "opens"), [(False, []), (True, ["03-30 08:00 opens"])])
def test_workdays_are_compared_with_workdays_only_where_the_rule_says_so(
    apart: bool, opens: list[str]
) -> None:
    """A door that is quiet at every weekend, and on one Monday."""
    rest = [n for n in range(29) if (n % 7) >= 5]
    happened = mornings(29, skip=(*rest, 28))
    wanted = Unlike("contact", "less", 28, 6, 0.1, apart)
    marks = shown(run(wanted, happened, until_ms=ms("2026-03-30T10:00")).history())

    assert marks == opens


def test_clocks_that_change_make_no_false_morning() -> None:
    """Berlin in spring: the hour that does not exist is unknown, the day has no other gap."""
    happened = mornings(25, first="2026-03-12", zone=BERLIN, skip=(24,))
    hub = run(LESS, happened, zone=BERLIN, until_ms=ms("2026-04-05T12:00", BERLIN))
    days = dict(hub.judge._watches["unlike|d1"].run.probe.base.history)  # type: ignore[attr-defined]

    assert shown(hub.history(), BERLIN) == ["04-05 08:00 opens"]
    assert days[date(2026, 3, 29).toordinal()] == "..?....A" + "." * 10 + "0....."


def test_an_hour_that_comes_twice_is_one_hour() -> None:
    """Berlin in autumn."""
    days = LocalDays(BERLIN)
    hour = days.hour_at(ms("2026-10-25T02:30", BERLIN))

    assert (hour.hour, hour.end_ms - hour.begin_ms) == (2, 2 * HOUR)
    assert days.hour_at(hour.end_ms).hour == 3
    assert days.hour_at(ms("2026-03-29T01:59", BERLIN)).end_ms == ms("2026-03-29T03:00", BERLIN)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe",
                                  "Africa/Cairo", "America/Santiago"])  # fmt: skip
def test_every_moment_is_in_exactly_one_hour(zone: str) -> None:
    """Through a whole year of each zone, and of that day and hour which its clock shows."""
    days, at = LocalDays(ZoneInfo(zone)), ms("2026-01-01T00:00")
    end = at + 366 * DAY
    while at < end:
        hour = days.hour_at(at)
        assert hour.begin_ms <= at < hour.end_ms
        local = datetime.fromtimestamp(at / 1_000, ZoneInfo(zone))
        assert (hour.day, hour.hour) == (local.toordinal(), local.hour)
        at = hour.end_ms


@pytest.mark.parametrize(
    ("point", "values"),
    [("press", ("sos", "sos")), ("motion", (True, True)), ("uses", (10, 12)), ("rep", (1, 1))],
)
def test_what_counts_as_something_that_happened(point: str, values: tuple[object, ...]) -> None:
    """An event each time, a sign each time that it is said, a total when it grows."""
    wanted = Unlike("uses" if point == "rep" else point, "less", 5, 3, 0.26)
    happened: list[Input] = [(ms("2026-03-02T00:00:01"), point, values[0], 0)]
    for n in range(4):
        day = ms("2026-03-02T00:00") + n * DAY
        happened += [(day + h * HOUR, "alive", True, 0) for h in range(0, 24, 3)]
        grown = n * 2 + values[1] if point == "uses" else values[1]  # type: ignore[operator]
        happened.append((day + 7 * HOUR + 60_000, point, grown, 0))
    happened += [(ms(f"2026-03-06T0{hour}:30"), "alive", True, 0) for hour in (0, 3)]
    hub = run(wanted, happened, until_ms=ms("2026-03-06T09:00"))

    assert shown(hub.history()) == ["03-06 08:00 opens"]


def test_a_copy_of_another_state_is_no_history_and_ends_what_was_quiet() -> None:
    """Something happened, nobody knows when."""
    happened = mornings(21, skip=(20,))
    happened += [(ms("2026-03-22T11:20"), "copy", "open", 0)]
    hub = run(LESS, happened, until_ms=ms("2026-03-22T18:30"))
    days = dict(hub.judge._watches["unlike|d1"].run.probe.base.history)  # type: ignore[attr-defined]

    assert shown(hub.history()) == [
        "03-22 08:00 opens",
        "03-22 11:20 closes",
        "03-22 19:00 opens",
    ]
    assert days[date(2026, 3, 22).toordinal()][11] == "?"


def test_what_is_kept_of_a_device_is_small_and_bounded() -> None:
    """A day is a string of 24 characters; no more than `over` days and today are kept."""
    hub = run(LESS, mornings(60))
    probe = hub.judge._watches["unlike|d1"].run.probe
    assert len(probe.base.history) == 29  # type: ignore[attr-defined]
    assert len(json.dumps(probe.dump())) < 1_500


def test_as_part_of_any_it_is_judged_and_knows_the_same() -> None:
    """`any` over conditions of the same device."""
    wanted = AnyOf((Equals("contact", ("ajar",)), LESS))
    hub = run(wanted, mornings(21, skip=(20,)), until_ms=ms("2026-03-22T17:00"))

    assert shown(hub.history()) == ["03-22 08:00 opens"]
    assert hub.judge.knows("unlike", "d1") == Knowledge(20, 14, 28)


@pytest.mark.parametrize(
    ("as_odd", "days", "share", "rare"),
    [(0, 9, 0.1, True), (0, 8, 0.1, False), (1, 28, 0.1, True), (2, 28, 0.1, False),
     (0, 19, 0.05, True), (0, 18, 0.05, False)],
)  # fmt: skip
def test_rare_is_a_share_of_all_days_with_today_among_them(
    as_odd: int, days: int, share: float, rare: bool
) -> None:
    """So few days can never show what is rarer than they are."""
    assert is_rare(as_odd, days, share) is rare


@pytest.mark.parametrize("way", ["less", "more"])
@pytest.mark.parametrize(
    ("lives", "days"), [(2, 70), pytest.param(20, 400, marks=pytest.mark.campaign)]
)
def test_days_that_are_all_alike_fire_no_more_often_than_promised(
    way: str, lives: int, days: int
) -> None:
    """People with and without habits: of the days after the learning at most one in ten."""
    unusual = judged = 0
    for seed in range(lives):
        happened = random_life(Random(seed), days)
        hub = run(Unlike("contact", way, 28, 14, 0.1), happened)
        unusual += len({m.at_ms // DAY for m in hub.history() if m.kind == "opens"})
        judged += days - 14
    spread = 3 * (0.1 * 0.9 / judged) ** 0.5  # three standard deviations

    assert unusual <= (0.1 + spread) * judged


def random_life(random: Random, days: int) -> list[Input]:
    """The same chances every day, hour by hour, and a heartbeat every four hours."""
    chances = [random.choice((0, 0, 0.1, 0.5, 0.9)) for _ in range(24)]
    start = ms("2026-01-01T00:00")
    happened: list[Input] = [(start, "contact", "closed", 0)]
    for midnight in range(start, start + days * DAY, DAY):
        for hour in range(24):
            begin = midnight + hour * HOUR
            if hour % 4 == 0:
                happened.append((begin + 1, "alive", True, 0))
            if random.random() < chances[hour]:
                at = begin + random.randint(1, 58) * 60_000
                happened += [(at, "contact", "open", 0), (at + 30_000, "contact", "closed", 0)]
    return happened
