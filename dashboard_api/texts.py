"""The pages' words: English in the source, Chinese in `locale/zh.po`, read at the start.

No compiled catalogues are kept: a `.po` is what people edit, and it is turned into gettext's form
in memory. One Jinja environment per language, everything escaped.
"""

from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from dashboard_api.labels import LABELS
from hub.site import Site

FOLDER = Path(__file__).parent
LANGUAGES = ("zh", "en")  # the first one is everybody's until they choose
LANGUAGE_COOKIE = "hub_language"


def translations_of(language: str) -> NullTranslations:
    """The catalogue of a language; English is the source and needs none."""
    file = FOLDER / "locale" / f"{language}.po"
    if not file.exists():
        return NullTranslations()
    with file.open("rb") as opened:
        catalog = read_po(opened, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


def language_of(request: Request) -> str:
    """The language that this browser chose, or Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


class Texts:
    """Templates in both languages, with the site's zone of time."""

    def __init__(self, site: Site) -> None:
        self._environments = {language: _environment(language, site) for language in LANGUAGES}

    def page(self, template: str, language: str, **words: Any) -> str:
        """A template filled in."""
        environment = self._environments[language]
        return environment.get_template(template).render(language=language, **words)


def _environment(language: str, site: Site) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    translations = translations_of(language)
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["label"] = partial(_label, translations)
    environment.globals["own"] = partial(_own, language)
    environment.globals["site_name"] = site.name_zh if language == "zh" else site.name_en
    environment.globals["zone"] = site.zone.key
    environment.filters["clock"] = partial(_moment, site, "%H:%M:%S")
    environment.filters["moment"] = partial(_moment, site, "%Y-%m-%d %H:%M:%S")
    return environment


def _label(translations: NullTranslations, word: str | None) -> str:
    """A word of the stores (`on_site`, `emergency`, …) as people say it."""
    text = LABELS.get(word or "")
    return (word or "") if text is None else translations.gettext(text)


def _own(language: str, row: Any, name: str) -> str:
    """The text of a row in this language: `own(case, "title")`; empty if there is none."""
    return row[f"{name}_{language}"] or ""


def _moment(site: Site, form: str, at_ms: int | None) -> str:
    if at_ms is None:
        return "–"
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(site.zone).strftime(form)
