"""The pages' words: English in the source, Chinese in `locale/zh.po`, read at the start.

No compiled catalogues are kept: a `.po` is what people edit, and it is turned into gettext's form
in memory. One Jinja environment per language, everything escaped.
"""

import re
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

from dashboard_api.labels import LABELS, POINT_LABELS, WORD_LABELS, marked, quality_of
from device_drivers.points import POINTS
from hub.site import Site

FOLDER = Path(__file__).parent
LANGUAGES = ("zh", "en")  # the first one is everybody's until they choose
LANGUAGE_COOKIE = "hub_language"
LIKED_MAX = 20  # languages of one Accept-Language that are looked at
NATIVE_MARK = "native:"
SENDER_CHARS_MAX = 40  # of a name that anybody may give himself
_LIKED = re.compile(
    r"(?P<language>[A-Za-z]+)(?:-[^;]*)?(?:;\s*q=(?P<weight>[01](?:\.[0-9]{0,3})?))?"
)


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
    """The language that this person chose, or the browser likes best, or Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else _liked(request.headers.get("accept-language", ""))


def _liked(header: str) -> str:
    """Of `zh-CN,zh;q=0.9,en;q=0.8` the first of ours with the greatest weight."""
    weights: dict[str, float] = {}
    for part in header.split(",")[:LIKED_MAX]:
        found = _LIKED.fullmatch(part.strip())
        if found is not None and found["language"].lower() in LANGUAGES:
            language, weight = found["language"].lower(), float(found["weight"] or 1)
            weights[language] = max(weight, weights.get(language, 0.0))
    best = max(weights, key=weights.__getitem__, default=LANGUAGES[0])
    return best if weights.get(best) else LANGUAGES[0]


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
    environment.globals["point"] = partial(_point, translations)
    environment.globals["value"] = partial(_value, translations)
    environment.globals["headline"] = partial(_headline, translations, language)
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


def _point(translations: NullTranslations, name: str) -> str:
    """A point as people say it; `uses_3` is the third input's."""
    base, _, number = name.partition("_")
    if name not in POINT_LABELS and number.isdigit() and base in POINT_LABELS:
        return f"{translations.gettext(POINT_LABELS[base])} {number}"
    text = POINT_LABELS.get(name)
    return name if text is None else translations.gettext(text)


def _value(translations: NullTranslations, name: str, value: Any) -> str:
    """A value with its unit, and what it means: `98 %`, `−83 dBm · good`, `yes`."""
    if isinstance(value, bool):
        return str(translations.gettext(marked("Yes") if value else marked("No")))
    if not isinstance(value, int | float):
        text = WORD_LABELS.get(str(value))
        return str(value) if text is None else str(translations.gettext(text))
    known = POINTS.get(name)
    number = f"{value:.10g}".replace("-", "\N{MINUS SIGN}")
    said = f"{number} {known.unit}" if known is not None and known.unit else number
    quality = quality_of(name, value)
    return said if quality is None else f"{said} · {translations.gettext(quality)}"


def _headline(translations: NullTranslations, language: str, case: Any) -> str:
    """Where a case is: its place, or its device's name, or who is on the air unregistered."""
    named: str = _own(language, case, "place") or case["place"] or _own(language, case, "device")
    if named:
        return named
    sender = str(case["key"] or "").removeprefix(NATIVE_MARK)[:SENDER_CHARS_MAX]
    if case["family"] == "button":
        return str(translations.gettext(marked("Unknown button"))) + f" {sender}"
    if case["device"] is not None:
        return str(translations.gettext(marked("Unknown device"))) + f" {sender}"
    return sender


def _moment(site: Site, form: str, at_ms: int | None) -> str:
    if at_ms is None:
        return "–"
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(site.zone).strftime(form)
