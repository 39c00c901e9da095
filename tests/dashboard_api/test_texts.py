"""Both languages are complete, and every page can be read in both."""

from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from babel.support import NullTranslations

import dashboard_api
from dashboard_api.texts import _headline
from tests.dashboard_api.community import StandInJudge

FOLDER = Path(str(dashboard_api.__file__)).parent
PAGES = [
    "/",
    "/wall",
    "/crew",
    "/shift",
    "/quiet",
    "/rota",
    "/residents",
    "/devices",
    "/rules",
    "/reports",
    "/reports/grounds",
    "/reports/visits",
    "/reports/cases?period=week",
    "/reports/devices?period=day",
    "/log",
    "/log/grid-1/2026-03-02",
    "/strangers",
    "/coverage",
    "/batteries",
    "/orders",
    "/orders?state=all",
    "/rounds",
    "/rounds?grid=grid-1",
    "/inspections?state=all",
    "/crew/round",
    "/labels",
    "/labels?grid=grid-1",
    "/batteries?all=true",
    "/topology",
    "/screens",
    "/d/D1",
    "/map",
    "/overrides",
    "/residents/r-0",
    "/devices/b-0/edit",
]


def source_texts() -> set[str | tuple[str, ...]]:
    """Every text of templates and code that is looked up in a catalogue."""
    found = extract_from_dir(
        FOLDER,
        method_map=[("templates/**.html", "jinja2"), ("*.py", "python")],
        options_map={"templates/**.html": {"encoding": "utf-8"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "marked": None},
    )
    return {message for _file, _line, message, _comments, _context in found}


def test_every_text_has_its_chinese_and_no_chinese_text_is_left_over() -> None:
    with (FOLDER / "locale" / "zh.po").open("rb") as file:
        catalog = read_po(file, locale="zh")
    translated = {message.id: message.string for message in catalog if message.id}

    assert source_texts() == set(translated)
    assert len(translated) > 150
    for english, chinese in translated.items():
        assert all(chinese) if isinstance(chinese, tuple) else chinese, english


def test_no_template_speaks_one_language_by_itself() -> None:
    for template in (FOLDER / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not any("一" <= sign <= "鿿" for sign in text), template.name


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_made_in_both_languages(
    staff: httpx.AsyncClient, judge: StandInJudge, path: str
) -> None:
    case_id = judge.raise_case()
    for page in (path, f"/cases/{case_id}"):
        chinese = await staff.get(page)
        await staff.get("/language/en")
        english = await staff.get(page)
        await staff.get("/language/zh")

        assert (chinese.status_code, english.status_code) == (200, 200)
        assert '<html lang="zh-CN">' in chinese.text
        assert '<html lang="en">' in english.text


async def test_a_language_leads_back_to_our_own_pages_only(anybody: httpx.AsyncClient) -> None:
    for back in ("//evil.test", "https://evil.test", "/\\evil.test"):
        answer = await anybody.get("/language/en", params={"back": back})
        assert answer.headers["location"] == "/"


def test_an_order_for_a_walk_is_in_its_grid_and_says_no_key() -> None:
    """On the wall too, where people would read `fitness-monthly:grid-1:2026-03-01`."""
    nowhere = dict.fromkeys(("place", "place_zh", "place_en", "device", "device_zh", "device_en"))
    case = {**nowhere, "key": "fitness-monthly:grid-1:2026-03-01", "family": None}
    english = NullTranslations()
    assert _headline(english, "en", {**case, "grid_zh": "一网格", "grid_en": "Grid 1"}) == "Grid 1"
    assert _headline(english, "en", {**case, "grid_zh": None, "grid_en": None}) == case["key"]
