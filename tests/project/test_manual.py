"""What is written about the project is so."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from device_drivers.catalog import DRIVERS, topics_of_all
from hub.cases import outward
from hub.filters import covers
from rules.case import Case
from tests.browser.all_pages import page_routes
from tests.project import manual, screenshots
from tests.project.library import LIBRARY, library_page

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], key=lambda page: page.relative_to(ROOT)
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
CODE = re.compile(r"```.*?```", re.DOTALL)
PROSE_LINE = re.compile(r"^(?![|#>\d*\s-]).*", re.MULTILINE)
SENTENCE_END = re.compile(r"[a-z`)][.!?] [A-Z]")
RENEW = "run: .venv/bin/python -m tests.project.manual"


def test_the_map_of_the_code_is_what_the_modules_say() -> None:
    assert manual.ARCHITECTURE.read_text(encoding="utf-8") == manual.architecture_page(), RENEW


def test_the_settings_page_is_the_table_of_the_settings() -> None:
    assert manual.SETTINGS.read_text(encoding="utf-8") == manual.settings_page(), RENEW


def test_the_devices_page_is_the_catalogue() -> None:
    assert manual.DEVICES.read_text(encoding="utf-8") == manual.devices_page(), RENEW


def test_the_commands_page_is_what_the_commands_say() -> None:
    assert manual.COMMANDS.read_text(encoding="utf-8") == manual.commands_page(), RENEW


def test_the_page_of_the_library_is_what_the_rules_say() -> None:
    assert LIBRARY.read_text(encoding="utf-8") == library_page(), RENEW


NAMED = re.compile(
    r"`((?:device_drivers|rules|hub|dashboard_api|tests|docs|deploy)/[\w./-]*(?:\.\w+|/))`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = NAMED.findall(page.read_text(encoding="utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    for target in targets:
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_page_on_topics_names_every_world_that_the_hub_listens_to() -> None:
    page = (ROOT / "docs/mqtt.md").read_text(encoding="utf-8")
    told = re.findall(r"`([^`\s]+)`", page)
    linked = set(LINK.findall(page))

    assert [one for one in topics_of_all() if not any(covers(may, one) for may in told)] == []
    for driver in DRIVERS.values():
        if driver.receive is not None and driver.heard.how != "native":
            assert f"../device_drivers/{driver.name}/README.md" in linked
    table = page.partition("### Who can show that somebody has heard")[2].partition("##")[0]
    able = {one.name for one in DRIVERS.values() if one.heard.how not in ("none", "native")}
    assert set(re.findall(r"device_drivers/(\w+)/", table)) == able


def test_both_readmes_tell_the_same() -> None:
    english, chinese = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")
    )

    def shape(text: str) -> list[str]:
        return HEADING.findall(CODE.sub("", text))

    assert shape(english) == shape(chinese)
    assert CODE.findall(english)[0].count("make") == CODE.findall(chinese)[0].count("make")
    assert english.count("\n|") == chinese.count("\n|")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name in {"docs", "decisions"}],
    ids=lambda page: page.name,
)
def test_prose_in_docs_has_one_sentence_a_line(page: Path) -> None:
    if page in {manual.COMMANDS, manual.SETTINGS, LIBRARY}:
        pytest.skip("generated")
    prose = PROSE_LINE.findall(CODE.sub("", page.read_text(encoding="utf-8")))

    joined = [line for line in prose if SENTENCE_END.search(line) and not _is_question(line)]
    assert joined == []


def _is_question(line: str) -> bool:
    """A decision opens with its question in one line, and its reasons after a bold word."""
    return line.startswith("**")


def test_every_page_has_its_pictures_in_both_languages() -> None:
    """`make screenshots` takes them; which pages there are, the app says."""
    shown = screenshots.PAGES.read_text(encoding="utf-8")
    folder = screenshots.PICTURES
    missing = [
        str(file.relative_to(ROOT))
        for route in page_routes()
        for file in (
            folder / language / f"{screenshots.name_of(route)}.webp"
            for language in screenshots.LANGUAGES
        )
        if not file.is_file() or f"({file.relative_to(folder.parent)})" not in shown
    ]
    assert missing == []


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(page.name for page in (ROOT / "docs/decisions").glob("*.md"))

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_the_mqtt_page_names_the_fields_of_a_case_and_no_others() -> None:
    page = (ROOT / "docs/mqtt.md").read_text(encoding="utf-8")
    table = page.partition("is flat:")[2].partition("Moments are")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    told = outward(Case(**{one.name: None for one in fields(Case)}))  # type: ignore[arg-type]

    assert named == {"notice", "what", "text_zh", "text_en", *told}
