"""Explanations: why an alert is there, in one plain sentence of Chinese and one of English.

Made from the condition and from the figures that it was judged by: who and where, what, since
when (the site's clock), how long, by which rule and in which of its hours. What was heard late
says so, and what was taken back says what was not so.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from device_drivers.reading import Value
from rules import condition as c
from rules.baseline import MORE, Figures, clock_of
from rules.duration import say_duration
from rules.facts import DeviceFacts
from rules.rule import Rule
from rules.words import SAMES, Words, clock, during_words, point_words, value_words, who

if TYPE_CHECKING:
    from rules.run import Change

LATE_MS = 60_000  # what is heard later than that after it was so is told as late
NO_WORDS: Words = ("", "")

# -- vocabulary: how things are said of a device, by point (and value) ---------------------------

# "自 22:31 起{…}", "has been {…} since 22:31".
STATES: dict[tuple[str, Value], Words] = {
    ("contact", "open"): ("门开着", "open"),
    ("contact", "closed"): ("门关着", "closed"),
    ("tamper", True): ("报告被拆动", "tampered with"),
    ("battery_low", True): ("报告电量低", "low on battery"),
    ("online", True): ("在线", "online"),
    ("online", False): ("离线", "offline"),
    ("motion", True): ("有人活动", "seeing motion"),
    ("occupancy", True): ("有人", "occupied"),
    ("vibration", True): ("在振动", "vibrating"),
    ("sos", True): ("在呼救", "calling for help"),
    ("signal_worse", True): ("信号比以往差", "heard worse than it used to be"),
    ("chatter", True): ("报文过多", "sending too many messages"),
    ("ghost", True): ("换下的旧设备仍在发送", "still sending although it was swapped out"),
}
# "22:31 {…}", "{…} at 22:31", "no {…} within 10 minutes". `{}` is the value.
EVENTS: dict[tuple[str, Value | None], tuple[str, str, str]] = {
    ("press", None): ("有人按下按钮（{}）", "was pressed ({})", "press ({})"),
    ("test_press", None): ("有人按键测试（{}）", "was pressed for a test ({})", "test press ({})"),
    ("contact", "open"): ("门被打开", "was opened", "opening"),
    ("contact", "closed"): ("门被关上", "was closed", "closing"),
    ("tamper", True): ("被拆动", "was tampered with", "tampering"),
    ("motion", True): ("有人活动", "saw motion", "motion"),
    ("rep", None): ("被使用（{} 次）", "was used ({} times)", "use"),
    ("undecodable", None): ("发来无法解读的报文", "sent what cannot be read", "unreadable message"),
    ("jump", None): ("计数突跳 {}", "jumped in its count by {}", "jump of the counter"),
}
# "1 分钟内{…}至少 10 次", "{…} at least 10 times within 1 minute".
COUNTED: dict[str, Words] = {
    "contact": ("门开关", "was opened or closed"),
    "press": ("按键", "was pressed"),
    "motion": ("有人活动的变化", "changed between motion and rest"),
    "rep": ("使用", "was used"),
}
# "没有{…}" and "有{…}"; "no {…}".
HAPPENINGS: dict[str, Words] = {
    "contact": ("人开关门", "movement"),
    "motion": ("人活动", "motion"),
    "occupancy": ("人在场", "occupancy"),
    "press": ("人按键", "press"),
    "uses": ("人使用", "use"),
    "rep": ("人使用", "use"),
    "openings": ("人开门", "opening"),
    "in": ("人进入", "coming in"),
    "out": ("人离开", "going out"),
    "vibration": ("振动", "vibration"),
}
# States whose few English words would not say of what, where no device is named before them.
BRIEF_STATES: dict[tuple[str, Value], str] = {
    ("contact", "open"): "door open",
    ("contact", "closed"): "door closed",
}


# -- the sentence --------------------------------------------------------------------------------


class Told(NamedTuple):
    """What a sentence is made of: the change, whose it is, and when it is told."""

    rule: Rule
    key: str
    change: "Change"
    facts: DeviceFacts | None
    zone: ZoneInfo
    heard_ms: int

    def clock(self, at_ms: int) -> str:
        """Of the site, with the date if it is not of the day on which this is told."""
        return clock(at_ms, self.zone, self.heard_ms)

    @property
    def fresh(self) -> bool:
        """Is the change's value the figure by which it opened?"""
        value = self.change.value
        is_figure = isinstance(value, int | float) and not isinstance(value, bool)
        return is_figure and self.change.kind in ("opens", "again")


class Clause(NamedTuple):
    """`now` of an alert that is open, `past` of one that is over and whose hours follow."""

    now: Words
    past: Words
    lasted: bool = True  # False: it happened, or its span is in `past` already


def why(
    rule: Rule,
    key: str,
    change: "Change",
    facts: DeviceFacts | None,
    zone: ZoneInfo,
    *,
    heard_ms: int | None = None,
    over_ms: int | None = None,
    note: Words = NO_WORDS,
) -> Words:
    """The sentences. `heard_ms`: when the hub knew; `over_ms`: when an alert that is told only now
    was over already. `note` is what others have to say of it: an override, what explains it.
    """
    heard_ms = change.at_ms if heard_ms is None else heard_ms
    told = Told(rule, key, change, facts, zone, heard_ms)
    zh, en = _sentence(told, over_ms)
    tail_zh, tail_en = _tail(told, over_ms)
    note_zh, note_en = (f"；{note[0]}" if note[0] else ""), (f"; {note[1]}" if note[1] else "")
    return f"{zh}{tail_zh}{note_zh}。", f"{en}{tail_en}{note_en}."


def text(told: Words, rule: Rule, key: str, change: "Change", facts: DeviceFacts | None,
         zone: ZoneInfo) -> Words:  # fmt: skip
    """What people read: what the rule says, or else the explanation `told`."""
    if not rule.say_zh and not rule.say_en:
        return told
    zh, en = (_say(rule, key, change, facts, zone, language) for language in (0, 1))
    return zh or told[0], en or told[1]


def _say(
    rule: Rule,
    key: str,
    change: "Change",
    facts: DeviceFacts | None,
    zone: ZoneInfo,
    language: int,
) -> str:
    name: Words = (key, key)
    place: Words = (key, key)
    if facts is not None:
        name = (facts.name_zh or facts.id, facts.name_en or facts.id)
        path = facts.place or ""
        place = (facts.place_zh or path or name[0], facts.place_en or path or name[1])
    point = next((one.point for one in c.simple_of(rule.when) if not isinstance(one, c.Silent)), "")
    fields = {
        "place": place[language],
        "name": name[language],
        "for": say_duration(_lasted_ms(rule, change))[language],
        "device": change.device or key,
        "value": value_words(point, change.value)[language],
        "at": clock(change.opened_at_ms, zone),
        "key": key,
        **{fact: (getattr(facts, fact, None) or "") for fact in ("resident", "grid", "ground")},
    }
    return (rule.say_zh, rule.say_en)[language].format(**fields)


def _lasted_ms(rule: Rule, change: "Change") -> int:
    held = change.opened_at_ms - change.since_ms
    own = getattr(rule.when, "for_ms", None)
    return held + (own or 0)


def _sentence(told: Told, over_ms: int | None) -> Words:
    change = told.change
    if change.kind == "taken_back":
        return _taken_back(told)
    zh, en = _subject(told)
    clause = _CLAUSES[type(told.rule.when)](told.rule.when, told)
    if change.kind == "closes" or over_ms is not None:
        (now_zh, now_en), span = clause.past, NO_WORDS
        if clause.lasted:
            span = _span(told, change.at_ms if over_ms is None else over_ms)
        return f"{zh}：{span[0]}{now_zh}", f"{en}{_gap(now_en)}{now_en}{span[1]}"
    now_zh, now_en = clause.now
    return f"{zh}：{now_zh}", f"{en}{_gap(now_en)}{now_en}"


def _gap(clause: str) -> str:
    return "" if clause.startswith(":") else " "


def _taken_back(told: Told) -> Words:
    (zh, en), (what_zh, what_en) = _subject(told), brief(told.rule.when)
    at = told.clock(told.change.opened_at_ms)
    return (
        f"根据后到的消息，{at} 报告的情况并不属实（{zh}：{what_zh}）",
        f"What was reported for {at} was not so, as late news shows ({en}: {what_en})",
    )


def _subject(told: Told) -> Words:
    """The device, or the group that its rule is about; a resident is not named."""
    same = c.same_of(told.rule.when)
    if same in ("place", "grid", "ground"):
        (zh, en), key = SAMES[same], told.key
        return (
            f"{zh.removeprefix('同一')} {key}",
            f"{en.removeprefix('the same ').capitalize()} {key}",
        )
    if same == "site":
        return "本社区", "The site"
    return who(told.key, told.facts)


def _tail(told: Told, over_ms: int | None) -> Words:
    """An end that the clause does not tell, lateness, the rule and its hours."""
    change, rule = told.change, told.rule
    zh = en = ""
    at_ms = change.at_ms if over_ms is None else over_ms
    clause_lasts = c.lasts(rule.when)
    if change.kind == "closes" and not clause_lasts:
        zh, en = f"；{told.clock(change.at_ms)} 结束", f"; over since {told.clock(change.at_ms)}"
    if told.heard_ms - at_ms >= LATE_MS and change.kind != "taken_back":
        heard = told.clock(told.heard_ms)
        zh, en = f"{zh}，{heard} 才得知", f"{en}, heard at {heard}"
    hours_zh, hours_en = NO_WORDS if rule.during is None else during_words(rule.during)
    limits_zh = f"，限{_space(hours_zh)}{hours_zh}" if hours_zh else ""
    limits_en = f", {hours_en} only" if hours_en else ""
    return f"{zh}；规则 {rule.name}{limits_zh}", f"{en}; rule {rule.name}{limits_en}"


def _space(text: str) -> str:
    return " " if text[:1].isascii() else ""


# -- spans of time -------------------------------------------------------------------------------


def _span(told: Told, end_ms: int) -> Words:
    since_ms = told.change.since_ms
    begin, end = told.clock(since_ms), told.clock(end_ms)
    zh, en = say_duration(end_ms - since_ms)
    return f"{begin} 至 {end}（共 {zh}）", f" from {begin} to {end}, {en}"


def _since(told: Told) -> tuple[str, str, str]:
    """`自 22:31 起`, `，已 10 分钟`, ` since 22:31, 10 minutes`."""
    since = told.clock(told.change.since_ms)
    held = told.change.opened_at_ms - told.change.since_ms
    if held <= 0:
        return f"自 {since} 起", "", f" since {since}"
    zh, en = say_duration(held)
    return f"自 {since} 起", f"，已 {zh}", f" since {since}, {en}"


def _as_of(told: Told, what: Words) -> Clause:
    """What is so as of a moment: windows, silence, stillness."""
    at = told.clock(told.change.since_ms)
    zh, en = what
    over = told.clock(told.change.at_ms)
    return Clause(
        (f"{zh}（截至 {at}）", f"{en}, up to {at}"),
        (f"{zh}（截至 {at}），{over} 恢复", f"{en}, up to {at}; over since {over}"),
        lasted=False,
    )


# -- one clause per condition --------------------------------------------------------------------


def _equals(wanted: c.Equals, told: Told) -> Clause:
    value = told.change.value if told.change.value in wanted.values else wanted.values[0]
    begin_zh, held_zh, since_en = _since(told)
    known = STATES.get((wanted.point, value))
    if known is not None:
        zh, en = known
        return Clause((f"{begin_zh}{zh}{held_zh}", f"has been {en}{since_en}"), (zh, f"was {en}"))
    zh, en = _point_value(wanted.point, value)
    return Clause((f"{begin_zh}{zh}{held_zh}", f"has reported {en}{since_en}"),
                  (zh, f"reported {en}"))  # fmt: skip


def _point_value(point: str, value: Value | None) -> Words:
    (zh, en), (value_zh, value_en) = point_words(point), value_words(point, value)
    return f"{zh}为{_space(value_zh)}{value_zh}", f"{en} {value_en}"


def _limit(wanted: c.Below | c.Above, told: Told) -> Clause:
    zh, en = point_words(wanted.point)
    limit_zh, limit_en = _limit_words(wanted)
    begin_zh, held_zh, since_en = _since(told)
    value = f" {value_words(wanted.point, told.change.value)[0]}" if told.fresh else ""
    comma_zh, comma_en = ("，", ",") if told.fresh else ("", "")
    return Clause(
        (
            f"{begin_zh}{zh}{value}{comma_zh}{limit_zh}{held_zh}",
            f"has reported {en}{value}{comma_en} {limit_en}{comma_en}{since_en}",
        ),
        (f"{zh}{limit_zh}", f"reported {en} {limit_en}"),
    )


def _limit_words(wanted: c.Below | c.Above) -> Words:
    limit = value_words(wanted.point, wanted.limit)[0]
    zh, en = ("低于", "below") if isinstance(wanted, c.Below) else ("高于", "above")
    return f"{zh} {limit}", f"{en} {limit}"


def _happens(wanted: c.Happens, told: Told) -> Clause:
    change = told.change
    values = wanted.values if change.value not in wanted.values else (change.value,)
    zh, verb, _noun = _event(wanted.point, values)
    at_ms = change.at_ms if change.kind == "again" else change.opened_at_ms
    at = told.clock(at_ms)
    if change.kind == "again":
        said = (f"{at} {_once_more(zh)}", f"{verb} once more at {at}")
    else:
        said = (f"{at} {zh}", f"{verb} at {at}")
    return Clause(said, said, lasted=False)


def _once_more(zh: str) -> str:
    for verb in ("被", "变为"):
        subject, found, rest = zh.partition(verb)
        if found and len(subject) > 0:
            return f"{subject}再次{found}{rest}"
    return f"再次{zh}"


def _event(point: str, values: tuple[Value | None, ...]) -> tuple[str, str, str]:
    """As a clause in Chinese, a verb and a noun in English."""
    if len(values) == 1 and (point, values[0]) in EVENTS:
        return EVENTS[point, values[0]]
    said = [value_words(point, value) for value in values]
    value_zh, value_en = "或".join(zh for zh, _ in said), " or ".join(en for _, en in said)
    (name_zh, name_en) = point_words(point)
    other = (f"{name_zh}变为{{}}", f"changed its {name_en} to {{}}", f"change of {name_en} to {{}}")
    zh, verb, noun = EVENTS.get((point, None), other)
    return zh.format(value_zh), verb.format(value_en), noun.format(value_en)


def _changes(wanted: c.Changes, told: Told) -> Clause:
    zh, en = point_words(wanted.point)
    what_zh, what_en = COUNTED.get(wanted.point, (f"{zh}变化", f"changed its {en}"))
    within_zh, within_en = say_duration(wanted.within_ms)
    return _as_of(
        told,
        (
            f"{within_zh}内{what_zh}至少 {wanted.count} 次",
            f"{what_en} at least {wanted.count} times within {within_en}",
        ),
    )


def _rises(wanted: c.Rises, told: Told) -> Clause:
    (zh, en), (within_zh, within_en) = point_words(wanted.point), say_duration(wanted.within_ms)
    limit = f"{wanted.by:g}"
    if not told.fresh:
        way_zh, way_en = ("不足", "less than") if wanted.less else ("至少", "at least")
        return _as_of(
            told,
            (
                f"{within_zh}内{zh}增加{way_zh} {limit}",
                f"counted {way_en} {limit} more {en} within {within_en}",
            ),
        )
    value = value_words("", told.change.value)[0]
    zh_said = f"{within_zh}内{zh}增加 {value}，上限 {limit}"
    en_said = f"counted {value} more {en} within {within_en} (limit {limit})"
    if wanted.less:
        zh_said = f"{within_zh}内{zh}只增加 {value}，应不少于 {limit}"
        en_said = f"counted only {value} more {en} within {within_en} (expected {limit} or more)"
    return _as_of(told, (zh_said, en_said))


def _every(wanted: c.Every, told: Told) -> Clause:
    zh, en = point_words(wanted.point)
    at = told.clock(told.change.opened_at_ms)
    value = value_words("", told.change.value)[0] if told.fresh else f"{wanted.step:g}"
    said = (
        f"上次保养以来{zh}已达 {value}（{at}），每 {wanted.step:g} 应保养一次",
        f"has reached {value} {en} since its last service, at {at}; due every {wanted.step:g}",
    )
    return Clause(said, said, lasted=False)


def _still(wanted: c.Still, told: Told) -> Clause:
    (zh, en), (for_zh, for_en) = happening(wanted.point), say_duration(wanted.for_ms)
    return _as_of(
        told,
        (
            f"设备正常，但已 {for_zh}没有{zh}",
            f"has shown no {en} for {for_en} although its sensor is alive",
        ),
    )


def happening(point: str) -> Words:
    """What happens at a point: `没有{…}`, `no {…}`."""
    bare = point.partition("_")[0]
    return HAPPENINGS.get(
        bare, (f"{point_words(point)[0]}变化", f"change of {point_words(point)[1]}")
    )


def _silent(wanted: c.Silent, told: Told) -> Clause:
    for_ms = wanted.for_ms
    zh = en = ""
    if for_ms is None:
        zh, en = "，超过预期", ", longer than expected"
        for_ms = None if told.facts is None else told.facts.expected_silence_ms
    if for_ms is None:
        said = ("没有任何消息的时间超过预期", "has sent nothing for longer than expected")
        return _as_of(told, said)
    for_zh, for_en = say_duration(for_ms)
    return _as_of(told, (f"已 {for_zh}没有任何消息{zh}", f"has sent nothing for {for_en}{en}"))


def _unlike(wanted: c.Unlike, told: Told) -> Clause:
    (zh, en), figures = happening(wanted.point), Figures.parse(told.change.value)
    if figures is None:
        said = brief(wanted)
        since = _since(told)
        return Clause((f"{since[0]}{said[0]}{since[1]}", f": {said[1]}{since[2]}"),
                      (said[0], f": {said[1]}"))  # fmt: skip
    hours = f"{clock_of(figures.begin)}–{clock_of(figures.end)}"
    days_zh, days_en = _days_words(figures, wanted)
    if figures.way == MORE:
        at = told.clock(told.change.since_ms)
        zh_days = f"有 {figures.days} 天" if figures.days else "没有一天"
        said = (
            f"{at} 有{zh}，而{days_zh}{zh_days}在 {hours} 有{zh}",
            f"showed {en} at {at}; between {_between(figures)} there was some on {figures.days} "
            f"of {days_en}",
        )
        return Clause(said, said, lasted=False)
    usual_zh = usual_en = ""
    if figures.usual is not None:
        usual = clock_of(figures.usual)
        usual_zh, usual_en = f"（通常最早在 {usual}）", f" (usually first at {usual})"
    said = (
        f"{hours} 没有{zh}，而{days_zh}有 {figures.days} 天在这段时间有{zh}{usual_zh}",
        f"showed no {en} between {_between(figures)}; on {figures.days} of {days_en} there was "
        f"some{usual_en}",
    )
    over = told.clock(told.change.at_ms)
    past = (f"{said[0]}，{over} 恢复", f"{said[1]}; over since {over}")
    return Clause(said, past, lasted=False)


def _between(figures: Figures) -> str:
    return f"{clock_of(figures.begin)} and {clock_of(figures.end)}"


def _days_words(figures: Figures, wanted: c.Unlike) -> Words:
    if figures.of == wanted.over_days:
        return f"最近 {figures.of} 天中", f"the last {figures.of} days"
    return (
        f"最近 {wanted.over_days} 天里可比的 {figures.of} 天中",
        f"{figures.of} comparable days of the last {wanted.over_days}",
    )


def _parts(wanted: c.AnyOf | c.AllOf, told: Told) -> Clause:
    zh, en = brief(wanted)
    if not c.lasts(wanted):
        change = told.change
        at = told.clock(change.at_ms if change.kind == "again" else change.opened_at_ms)
        return Clause((f"{at} {zh}", f": {en}, at {at}"), (f"{at} {zh}", f": {en}, at {at}"),
                      lasted=False)  # fmt: skip
    begin_zh, held_zh, since_en = _since(told)
    return Clause((f"{begin_zh}{zh}{held_zh}", f": {en},{since_en}"), (zh, f": {en},"))


def _together(wanted: c.Together, told: Told) -> Clause:
    (zh, en), (within_zh, within_en) = brief(wanted.when), say_duration(wanted.within_ms)
    value = told.change.value
    known = told.fresh and isinstance(value, int) and value >= wanted.at_least
    count = value if known else wanted.at_least
    least_zh, least_en = ("", "") if known else ("至少 ", "at least ")
    last_zh = last_en = ""
    if told.facts is not None:
        name_zh, name_en = who(told.key, told.facts)
        last_zh = f"，最近一台是{_space(name_zh)}{name_zh}"
        last_en = f", the last being {name_en}"
    return _as_of(
        told,
        (
            f"{within_zh}内{least_zh or '有 '}{count} 台设备出现“{zh}”{last_zh}",
            f": {least_en}{count} devices within {within_en} ({en}){last_en}",
        ),
    )


def _then(wanted: c.Then, told: Told) -> Clause:
    at = told.clock(told.change.since_ms)
    zh, en = brief(wanted)
    past = (f"{zh}（{at}）", f": {en}, at {at}")
    if not c.lasts(wanted):
        return Clause(past, past, lasted=False)
    over = told.clock(told.change.at_ms)
    return Clause(past, (f"{past[0]}，{over} 恢复", f"{past[1]}; over since {over}"), lasted=False)


def _without(wanted: c.Without, told: Told) -> Clause:
    first_ms = told.change.since_ms - wanted.within_ms
    at = told.clock(first_ms)
    (first_zh, first_en), (zh, en) = brief(wanted.first.when), brief(wanted.without.when)
    within_zh, within_en = say_duration(wanted.within_ms)
    return _as_of(
        told,
        (
            f"{at} {first_zh}，之后 {within_zh}内没有出现“{zh}”",
            f": no {en} within {within_en} after {first_en} at {at}",
        ),
    )


_CLAUSES: dict[type, Callable[[Any, Told], Clause]] = {
    c.Equals: _equals,
    c.Below: _limit,
    c.Above: _limit,
    c.Happens: _happens,
    c.Changes: _changes,
    c.Rises: _rises,
    c.Every: _every,
    c.Still: _still,
    c.Silent: _silent,
    c.Unlike: _unlike,
    c.AnyOf: _parts,
    c.AllOf: _parts,
    c.Together: _together,
    c.Then: _then,
    c.Without: _without,
}


# -- a condition by itself -----------------------------------------------------------------------


def brief(wanted: c.Condition) -> Words:
    """A condition in a few words, without moments: `门开着`, `open`."""
    return _BRIEF[type(wanted)](wanted)


def _brief_equals(wanted: c.Equals) -> Words:
    known = [STATES.get((wanted.point, value)) for value in wanted.values]
    said = [
        one or _point_value(wanted.point, value)
        for one, value in zip(known, wanted.values, strict=True)
    ]
    en = [
        BRIEF_STATES.get((wanted.point, value), words[1])
        for value, words in zip(wanted.values, said, strict=True)
    ]
    return "或".join(zh for zh, _ in said), " or ".join(en)


def _brief_limit(wanted: c.Below | c.Above) -> Words:
    (zh, en), (limit_zh, limit_en) = point_words(wanted.point), _limit_words(wanted)
    return f"{zh}{limit_zh}", f"{en} {limit_en}"


def _brief_happens(wanted: c.Happens) -> Words:
    zh, _verb, noun = _event(wanted.point, wanted.values)
    return zh, noun


def _brief_changes(wanted: c.Changes) -> Words:
    (zh, en), (within_zh, within_en) = point_words(wanted.point), say_duration(wanted.within_ms)
    what_zh = COUNTED.get(wanted.point, (f"{zh}变化", ""))[0]
    return (
        f"{within_zh}内{what_zh}至少 {wanted.count} 次",
        f"at least {wanted.count} changes of {en} within {within_en}",
    )


def _brief_rises(wanted: c.Rises) -> Words:
    (zh, en), (within_zh, within_en) = point_words(wanted.point), say_duration(wanted.within_ms)
    way_zh, way_en = ("不足", "less than") if wanted.less else ("至少", "at least")
    return (
        f"{within_zh}内{zh}增加{way_zh} {wanted.by:g}",
        f"{en} up by {way_en} {wanted.by:g} within {within_en}",
    )


def _brief_every(wanted: c.Every) -> Words:
    zh, en = point_words(wanted.point)
    return f"{zh}又满 {wanted.step:g}", f"another {wanted.step:g} {en}"


def _brief_still(wanted: c.Still) -> Words:
    (zh, en), (for_zh, for_en) = happening(wanted.point), say_duration(wanted.for_ms)
    return f"{for_zh}没有{zh}", f"no {en} for {for_en}"


def _brief_silent(wanted: c.Silent) -> Words:
    if wanted.for_ms is None:
        return "没有消息的时间超过预期", "silence for longer than expected"
    zh, en = say_duration(wanted.for_ms)
    return f"{zh}没有任何消息", f"silence for {en}"


def _brief_unlike(wanted: c.Unlike) -> Words:
    zh, en = happening(wanted.point)
    match wanted.way:
        case "less":
            return f"{zh.removeprefix('人')}比平时少", f"less {en} than usual"
        case "more":
            return f"在平时没有的时段有{zh}", f"{en} at an unusual hour"
        case _:
            return f"{zh.removeprefix('人')}与平时不同", f"{en} unlike what is usual"


def _brief_any(wanted: c.AnyOf | c.AllOf) -> Words:
    said = [brief(part) for part in wanted.parts]
    zh, en = ("，或者", " or ") if isinstance(wanted, c.AnyOf) else ("，并且", " and ")
    rest = [f"{_space(one)}{one}" for one, _ in said[1:]]
    return zh.join([said[0][0], *rest]), en.join(one for _, one in said)


def _brief_together(wanted: c.Together) -> Words:
    (zh, en), (within_zh, within_en) = brief(wanted.when), say_duration(wanted.within_ms)
    return (
        f"{within_zh}内至少 {wanted.at_least} 台设备出现“{zh}”",
        f"at least {wanted.at_least} devices within {within_en} ({en})",
    )


def _brief_then(wanted: c.Then) -> Words:
    (first_zh, first_en), (zh, en) = brief(wanted.first.when), brief(wanted.then.when)
    within_zh, within_en = say_duration(wanted.within_ms)
    return f"{first_zh}之后 {within_zh}内{zh}", f"{en} within {within_en} after {first_en}"


def _brief_without(wanted: c.Without) -> Words:
    (first_zh, first_en), (zh, en) = brief(wanted.first.when), brief(wanted.without.when)
    within_zh, within_en = say_duration(wanted.within_ms)
    return (
        f"{first_zh}，之后 {within_zh}内没有出现“{zh}”",
        f"no {en} within {within_en} after {first_en}",
    )


_BRIEF: dict[type, Callable[[Any], Words]] = {
    c.Equals: _brief_equals,
    c.Below: _brief_limit,
    c.Above: _brief_limit,
    c.Happens: _brief_happens,
    c.Changes: _brief_changes,
    c.Rises: _brief_rises,
    c.Every: _brief_every,
    c.Still: _brief_still,
    c.Silent: _brief_silent,
    c.Unlike: _brief_unlike,
    c.AnyOf: _brief_any,
    c.AllOf: _brief_any,
    c.Together: _brief_together,
    c.Then: _brief_then,
    c.Without: _brief_without,
}
