"""Why an alert is there: the exact sentences, for every kind of condition and of change.

`explanations.txt` is the table; a change of words is read there before it is kept:
`python -m tests.rules.test_explanation` writes it anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from device_drivers.reading import Reading, Value
from rules import condition as c
from rules.during import During
from rules.entry import Heard
from rules.explanation import brief, text, why
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.judge import Judge
from rules.rule import Rule, RuleSet
from rules.run import Change
from tests.rules.test_history import CONDITIONS

ZONE = ZoneInfo("Asia/Shanghai")
TABLE = Path(__file__).with_name("explanations.txt")
M = 60_000
H = 60 * M
T = 1_772_461_860_000  # 22:31 in Shanghai
F = DeviceFacts("d1", "door", place="b3/u1", place_zh="3 号楼 1 单元", expected_silence_ms=26 * H)
B = DeviceFacts(
    "b1", "button", place="b3/u1/1204", place_zh="3 号楼 1204 室", place_en="building 3, 1204"
)
K = DeviceFacts("k1", "counter", place="g1", place_zh="健身场 1 号机")
G = DeviceFacts("gw1", "gateway", name_zh="东门网关", name_en="east gate")
OPEN = c.Equals("contact", ("open",))
PRESS = c.Happens("press", ("sos", "long"))
OPENING = c.Happens("contact", ("open",))
CASES: tuple[tuple[str, c.Condition, DeviceFacts, int, Value | None], ...] = (
    ("equals", OPEN, F, 10 * M, "open"),
    ("equals-other", c.Equals("temperature", (4.5,)), F, 0, 4.5),
    ("online", c.Equals("online", (False,)), G, 2 * M, False),
    ("tamper", c.Equals("tamper", (True,)), F, 0, True),
    ("below", c.Below("battery", 15, 20), F, 0, 12),
    ("above", c.Above("temperature", -12, -15), F, 3 * M, -9.5),
    ("happens", PRESS, B, 0, "sos"),
    ("happens-state", OPENING, F, 0, "open"),
    ("undecodable", c.Happens("undecodable", (True,)), B, 0, True),
    ("changes", c.Changes("contact", 10, M), F, 0, 10),
    ("rises", c.Rises("uses", 50, 10 * M), K, 0, 62),
    ("rises-less", c.Rises("uses", 1, 24 * H, True), K, 0, 0),
    ("every", c.Every("uses", 10000), K, 0, 10000),
    ("still", c.Still("contact", 24 * H), F, 0, None),
    ("silent", c.Silent(26 * H), F, 0, None),
    ("expected", c.Silent(None), F, 0, None),
    ("unlike", c.Unlike("motion", "less", 28, 14, 0.1), F, 0, "less 06:00-09:00 26/28 07:10"),
    ("unlike-hold", c.Unlike("contact", "less", 28, 14, 0.1), F, H, "less 06:00-09:00 24/24 07:10"),
    ("more", c.Unlike("contact", "more", 28, 14, 0.1), F, 0, "more 02:00-05:00 0/28 -"),
    ("any", c.AnyOf((c.Below("battery", 25, 30), c.Equals("battery_low", (True,)))), F, 0, 20),
    ("all", c.AllOf((OPEN, c.Silent(20 * M))), F, 5 * M, "open"),
    ("all-event", c.AllOf((c.Happens("press", ("sos",)), c.Below("battery", 50, 50))), B, 0, "sos"),
    ("together", c.Together(c.Where(), 2, M, "grid", OPEN), F, 0, 3),
    ("together-site", c.Together(c.Where(), 2, 30 * M, "site", c.Silent(15 * M)), F, 0, 2),
    ("then", c.Then(c.Step(PRESS), c.Step(OPEN), 5 * M, "resident"), F, 0, "open"),
    (
        "then-event",
        c.Then(c.Step(OPEN), c.Step(c.Happens("press", ("sos",))), 5 * M, "device"),
        B,
        0,
        "sos",
    ),
    ("without", c.Without(c.Step(PRESS), c.Step(OPENING), 10 * M, "resident"), B, 0, None),
)


Row = tuple[str, str, str]  # name and kind, Chinese, English


def learns(when: c.Condition) -> bool:
    """Does it keep its figures to the end?"""
    return isinstance(when, c.Unlike)


def rows() -> Iterator[Row]:
    """Of every case: the OPENING, the second time of an event, the end, and that it was not so."""
    for name, when, facts, held, value in CASES:
        during = During(22 * 60, 6 * 60) if name == "equals" else None
        rule = Rule("some-rule", when, during=during)
        key = "g1" if name == "together" else facts.id
        for kind, at_ms, said in (
            ("opens", T + held, value),
            ("again", T + held + 9 * M, value),
            ("closes", T + held + 34 * M, value if c.fires(when) or learns(when) else None),
            ("taken_back", T + held, None),
        ):
            if kind == "again" and not c.fires(when):
                continue
            change = Change(kind, at_ms, T + held, T, facts.id, said)
            yield f"{name} {kind}", *why(rule, key, change, facts, ZONE, heard_ms=at_ms)


def as_text() -> str:
    """The table as it is kept."""
    return "\n".join(f"{name}\n  {zh}\n  {en}" for name, zh, en in rows()) + "\n"


def test_every_sentence_is_the_one_of_the_table() -> None:
    """Word by word."""
    assert as_text() == TABLE.read_text(encoding="utf-8")


def test_every_kind_of_condition_is_in_the_table() -> None:
    """A new condition needs sentences that somebody has read."""
    kinds = {*get_args(c.Simple), *get_args(c.OfGroup), c.AnyOf, c.AllOf}

    assert {type(when) for _, when, *_ in CASES} == kinds


@pytest.mark.parametrize("kind", ["opens", "again", "closes", "taken_back"])
@pytest.mark.parametrize("when", CONDITIONS, ids=lambda when: type(when).__name__)
def test_no_chinese_in_the_english_and_a_moment_in_both(when: c.Condition, kind: str) -> None:
    """Whatever the value is, or if there is none."""
    for value in (None, 12, "open", True):
        change = Change(kind, T + 10 * M, T + 10 * M, T, None, value)
        for facts in (None, F):
            zh, en = why(Rule("some-rule", when), "d1", change, facts, ZONE)
            assert re.search(r"22:[24][0-9]|22:31", zh)
            assert re.search(r"22:[24][0-9]|22:31", en)
            assert zh.endswith("；规则 some-rule。")
            assert en.endswith("; rule some-rule.")
            assert not re.search(r"[\u4e00-\u9fff]", en.replace("3 号楼 1 单元", ""))
            assert not re.search(r"[{}]|None", zh + en)


def judge_of(rule: Rule) -> Judge:
    """One rule over one door."""
    judge = Judge(RuleSet((rule,)), zone=ZONE)
    judge.know(F)
    return judge


def hear(judge: Judge, seq: int, at_ms: int, heard_ms: int, contact: str) -> list[Finding]:
    """What comes of a message."""
    judge.judge(Heard(seq, "d1", heard_ms, (Reading("contact", contact, at_ms),)))
    return judge.take_findings()


def test_what_opened_and_closed_before_it_was_heard_says_so() -> None:
    """A door's two late words: people read from when to when it was open, and when it was heard."""
    judge = judge_of(Rule("night", OPEN))
    hear(judge, 1, T + 10 * H, T + 10 * H, "closed")
    hear(judge, 2, T + 4 * H, T + 11 * H, "closed")
    (opened, _closed) = hear(judge, 3, T + 3 * H, T + 11 * H, "open")

    assert opened.why_en == (
        "Door b3/u1 was open from 01:31 to 02:31, 1 hour, heard at 09:31; rule night."
    )
    assert opened.why_zh == (
        "3 号楼 1 单元的门磁：01:31 至 02:31（共 1 小时）门开着，09:31 才得知；规则 night。"
    )


def test_a_late_opening_that_is_still_so_says_when_it_was_heard() -> None:
    """And yesterday's moment has its date."""
    judge = judge_of(Rule("night", OPEN))
    (opened,) = hear(judge, 1, T, T + 3 * H, "open")

    assert opened.why_en == (
        "Door b3/u1 has been open since 2026-03-02 22:31, heard at 01:31; rule night."
    )


def test_what_is_taken_back_says_what_was_not_so() -> None:
    """A late word shows that the door was shut before ten minutes were over."""
    judge = judge_of(Rule("night", OPEN, hold_for_ms=10 * M))
    hear(judge, 1, T, T, "open")
    judge.tick(T + 10 * M)
    judge.take_findings()
    (back,) = hear(judge, 2, T + 5 * M, T + 20 * M, "closed")

    assert back.kind == "taken_back"
    assert back.why_en == (
        "What was reported for 22:41 was not so, as late news shows (Door b3/u1: door open); "
        "rule night."
    )
    assert back.why_zh == (
        "根据后到的消息，22:41 报告的情况并不属实（3 号楼 1 单元的门磁：门开着）；规则 night。"
    )


def test_others_may_add_a_word() -> None:
    """An override in force, or what explains it."""
    change = Change("opens", T, T, T, "d1", "open")
    note = ("例外：装修至 3 月 5 日", "override: works until 5 March")
    zh, en = why(Rule("night", OPEN), "d1", change, F, ZONE, note=note)

    assert zh.endswith("；规则 night；例外：装修至 3 月 5 日。")
    assert en.endswith("; rule night; override: works until 5 March.")


def test_what_a_rule_says_is_what_people_read_and_the_explanation_stays() -> None:
    """All fields of `say`."""
    fields = "{place}|{for}|{device}|{name}|{value}|{at}|{key}|{resident}|{grid}|{ground}"
    rule = Rule("night", OPEN, hold_for_ms=10 * M, say_zh=fields, say_en=fields)
    judge = judge_of(rule)
    hear(judge, 1, T, T, "open")
    judge.tick(T + 10 * M)
    (opened,) = judge.take_findings()

    assert opened.text_zh == "3 号楼 1 单元|10 分钟|d1|d1|打开|22:41|d1|||"
    assert opened.text_en == "b3/u1|10 minutes|d1|d1|open|22:41|d1|||"
    assert opened.why_en.startswith("Door b3/u1 has been open since 22:31, 10 minutes")
    told = ("甲", "a")
    change = Change("opens", T, T, T, "d1", "open")
    assert text(told, Rule("silent", OPEN), "d1", change, F, ZONE) == told


@pytest.mark.parametrize("when", CONDITIONS, ids=lambda when: type(when).__name__)
def test_a_condition_has_a_few_words_of_its_own(when: c.Condition) -> None:
    """In both languages."""
    zh, en = brief(when)

    assert zh != en
    assert en


if __name__ == "__main__":
    TABLE.write_text(as_text(), encoding="utf-8")
