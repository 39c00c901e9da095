"""The pages' words: English in the source, Chinese in `locale/zh.po`, read at the start.

No compiled catalogues are kept: a `.po` is what people edit, and it is turned into gettext's form
in memory. One Jinja environment per language, everything escaped.
"""

import re
from datetime import UTC, date, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket, BytecodeCache

from dashboard_api.labels import LABELS, POINT_LABELS, WORD_LABELS, marked, quality_of
from dashboard_api.log_words import details
from dashboard_api.rule_parts import LABELS as PART_LABELS
from device_drivers.points import POINTS
from hub.site import Site

FOLDER = Path(__file__).parent
LANGUAGES = ("zh", "en")  # the first one is everybody's until they choose
LANGUAGE_COOKIE = "hub_language"
LIKED_MAX = 20  # languages of one Accept-Language that are looked at
NATIVE_MARK = "native:"
OWN_FAMILIES = ("phone", "channel", "screen", "token")  # see hub/own_parts.py
SENDER_CHARS_MAX = 40  # of a name that anybody may give himself
_LIKED = re.compile(
    r"(?P<language>[A-Za-z]+)(?:-[^;]*)?(?:;\s*q=(?P<weight>[01](?:\.[0-9]{0,3})?))?"
)


@cache
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


class Speaker:
    """Says single texts in one language, for what is no page; see `log_words.Speaker`."""

    def __init__(self, language: str, site: Site) -> None:
        self.language = language
        self._site = site
        self._translations = translations_of(language)

    def say(self, text: str, **words: Any) -> str:
        """A text of the catalogues with its words filled in."""
        found = str(self._translations.gettext(text))
        return found % words if words else found

    def label(self, word: str | None) -> str:
        """A word of the stores; of a press too (`press_sos`)."""
        kind, _, rest = (word or "").partition("_")
        if kind == "press" and rest in WORD_LABELS:
            return str(self._translations.gettext(WORD_LABELS[rest]))
        return _label(self._translations, word)

    def moment(self, at_ms: int | None) -> str:
        """A moment by the site's clocks."""
        return _moment(self._site, "%Y-%m-%d %H:%M:%S", at_ms)


class Texts:
    """Templates in both languages, with the site's zone of time."""

    def __init__(self, site: Site) -> None:
        self._zone = site.zone
        self._speakers = {language: Speaker(language, site) for language in LANGUAGES}
        self._environments = {
            language: _environment(language, site, self._speakers[language])
            for language in LANGUAGES
        }

    def speaker(self, language: str) -> Speaker:
        """Who says single texts in this language."""
        return self._speakers[language]

    def today(self, now_ms: int) -> date:
        """The day at the site."""
        return datetime.fromtimestamp(now_ms / 1000, self._zone).date()

    def page(self, template: str, language: str, **words: Any) -> str:
        """A template filled in."""
        environment = self._environments[language]
        return environment.get_template(template).render(language=language, **words)


class _Compiled(BytecodeCache):
    """The environments differ in their words alone: a template is compiled once for all of them."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """See jinja2; what stood in the file is part of the key."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """See jinja2."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def _environment(language: str, site: Site, speaker: Speaker) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=_COMPILED,
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
    environment.globals["set_words"] = partial(_set_words, translations)
    environment.globals["ends_in"] = partial(_ends_in, translations)
    environment.globals["site_name"] = site.name_zh if language == "zh" else site.name_en
    environment.globals["zone"] = site.zone.key
    environment.globals["details"] = partial(details, speaker=speaker)
    environment.filters["clock"] = partial(_moment, site, "%H:%M:%S")
    environment.filters["minutes"] = _minutes
    environment.filters["span"] = partial(_span, translations)
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
    if case["device"] is None and case.get(f"grid_{language}"):
        return str(case[f"grid_{language}"])  # an order for one walk: its key is no place
    sender = str(case["key"] or "").removeprefix(NATIVE_MARK)[:SENDER_CHARS_MAX]
    if case.get("sender_name"):
        sender = f"{case['sender_name'][:SENDER_CHARS_MAX]} ({sender})"
    if case["family"] in OWN_FAMILIES:  # "phone:grid-3"
        name = sender.partition(":")[2]
        return f"{_label(translations, case['family'])} {name}"
    if case["family"] == "button":
        return str(translations.gettext(marked("Unknown button"))) + f" {sender}"
    if case["device"] is not None:
        return str(translations.gettext(marked("Unknown device"))) + f" {sender}"
    return sender


_UNITS = ((86_400, 3, marked("days")), (3_600, 2, marked("hours")), (60, 0, marked("minutes")))


def _span(translations: NullTranslations, span_s: int) -> str:
    """A span of time in the largest unit of which it holds some: `26 hours`, `35 days`."""
    unit_s, _least, name = next(unit for unit in _UNITS if span_s >= unit[0] * unit[1])
    return f"{span_s / unit_s:.3g} {translations.gettext(name)}"


def _minutes(span_s: int) -> str:
    """A span as a clock shows it: `1:00`, `45:00`."""
    return f"{span_s // 60}:{span_s % 60:02}"


def _set_words(translations: NullTranslations, changed: Any) -> str:
    """What an override changes: `Unchanged for 48h, Severity notice`."""
    said = []
    for key, value in changed.items():
        if isinstance(value, dict):
            said.append(_set_words(translations, value))
            continue
        label = PART_LABELS.get(key)
        name = key if label is None else translations.gettext(label)
        said.append(f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return ", ".join(said)


def _ends_in(translations: NullTranslations, left_ms: int) -> str:
    """How soon something ends, in days, or in hours on the last."""
    hours = max(1, -(-left_ms // 3_600_000))
    if hours < 24:
        return str(
            translations.ngettext("ends in %(num)s hour", "ends in %(num)s hours", hours)
        ) % {"num": hours}
    days = -(-left_ms // 86_400_000)
    return str(translations.ngettext("ends in %(num)s day", "ends in %(num)s days", days)) % {
        "num": days
    }


def _moment(site: Site, form: str, at_ms: int | None) -> str:
    if at_ms is None:
        return "–"
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(site.zone).strftime(form)
