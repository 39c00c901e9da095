"""What messages say, in both languages, and what never stands in them."""

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.notifiers.wording import (
    FIELDS,
    LANGUAGES,
    Manner,
    Particulars,
    cut,
    is_urgent,
    merged,
    message_of,
)
from rules.notice import _REASONS
from tests.hub.messages import a_body

KNOWN = Particulars(
    "3号楼1单元1204室",
    "Flat 3-1-1204",
    "第一网格",
    "Grid 1",
    "0374-5550101",
    "王秀英",
    "0374-5550999",
)
LINK = "https://hub.example/a/7-abc"


def test_a_call_says_what_where_to_the_door_since_when_and_whom_to_call() -> None:
    message = message_of(a_body(), KNOWN, Manner(), LINK)
    assert message.text.splitlines() == [
        "【紧急】紧急呼叫 · 3号楼1单元1204室",
        "地点：3号楼1单元1204室（第一网格）",
        "时间：11-15 06:13:20",
        "联系：0374-5550101",
        "事件：C-000001",
        "接警请点开链接，再按一次按钮：",
        LINK,
    ]


def test_english_and_both() -> None:
    english = message_of(a_body(), KNOWN, Manner("en"))
    assert english.text.splitlines() == [
        "[Emergency] Emergency call · Flat 3-1-1204",
        "Where: Flat 3-1-1204 (Grid 1)",
        "Since: 11-15 06:13:20",
        "Call: 0374-5550101",
        "Case: C-000001",
    ]
    both = message_of(a_body(), KNOWN, Manner("both"))
    assert both.title == "【紧急】紧急呼叫 · 3号楼1单元1204室"
    assert both.text.endswith(english.text)


def test_the_time_is_the_sites() -> None:
    manner = Manner("en", zone=ZoneInfo("Europe/London"))
    assert "11-14 22:13:20" in message_of(a_body(), KNOWN, manner).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["call", "raised", *_REASONS])
def test_no_resident_stands_in_what_leaves_the_house(language: str, what: str) -> None:
    body = a_body(what=what, handed_to="120")
    outside = message_of(body, KNOWN, Manner(language), LINK)
    said = json.dumps([outside.text, outside.brief, dict(outside.fields)], ensure_ascii=False)
    for word in ("王秀英", "0374-5550999", "Wang Xiuying"):
        assert word not in said
    private = message_of(body, KNOWN, Manner(language, private=True)).text
    assert "王秀英" in private
    assert "0374-5550999" in private


@pytest.mark.parametrize("what", sorted(set(_REASONS) - {"raised"}))
def test_all_news_of_a_case_has_words_of_its_own(what: str) -> None:
    plain = message_of(a_body(what="raised"), KNOWN, Manner())
    for language in ("zh", "en"):
        news = message_of(a_body(what=what, handed_to="120"), KNOWN, Manner(language))
        assert news.title not in (plain.title, "")
    if what == "hand_over":
        assert "已转交 120" in message_of(a_body(what=what, handed_to="120"), KNOWN, Manner()).title


def test_a_repeated_call_says_so_and_an_unnamed_place_is_its_path() -> None:
    body = a_body(call={"nth": 3})
    assert "第几次呼叫：3" in message_of(body, Particulars(), Manner()).lines
    assert message_of(body, Particulars(), Manner()).title.endswith("· b3/u1/1204")
    nowhere = message_of(a_body(place=None), Particulars(), Manner())
    assert nowhere.title.endswith("· b-0")


def test_nobody_writes_lines_of_ours() -> None:
    body = a_body(place=None, key=f"x\n联系：110\x1b[31m{'y' * 99}", title_zh="门\r\nBcc: a@b")
    message = message_of(body, Particulars(), Manner())
    assert message.title.startswith("【紧急】门 Bcc: a@b · x 联系：110[31myyy")
    assert len(message.title.splitlines()) == 1
    assert len(message.lines) == 3


def test_fields_are_those_that_a_template_may_name() -> None:
    message = message_of(a_body(), KNOWN, Manner(), LINK)
    assert set(message.fields) == set(FIELDS)
    assert message.fields["token"] == "7-abc"
    assert all(message.fields.values())


def test_only_an_emergencys_call_is_urgent() -> None:
    assert is_urgent(a_body())
    assert not is_urgent(a_body("urgent"))
    assert not is_urgent(a_body(what="again"))


def test_a_merged_message_lists_every_case_with_its_link() -> None:
    messages = [
        message_of(a_body("warning", id=f"C-{number}"), KNOWN, Manner(), f"{LINK}{number}")
        for number in range(3)
    ]
    one = merged(messages, "both")
    assert one.title == "3 条通知 / 3 notices"
    assert len(one.lines) == 3
    for number, line in enumerate(one.lines):
        assert f"C-{number}" in line
        assert f"{LINK}{number}" in line
    assert merged(messages[:1], "zh") is messages[0]


@given(st.text(max_size=60), st.integers(3, 80))
def test_a_cut_text_is_never_too_long_and_stays_text(text: str, bytes_max: int) -> None:
    short = cut(text, bytes_max)
    assert len(short.encode()) <= bytes_max
    assert short == text or text.startswith(short[:-1])
