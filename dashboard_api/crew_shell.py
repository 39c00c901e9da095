"""The crew's app without any data: its page in each language, its files, and the worker over them.

The page holds nobody's name and no order, so that a phone may keep it; what it shows comes by the
API and lies in the phone's own store. The version is a digest of all files: another build is
another worker, which browsers notice by themselves.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from dashboard_api.labels import POINT_LABELS, WORD_LABELS, marked
from dashboard_api.texts import LANGUAGES, Speaker, Texts
from device_drivers.points import POINTS
from hub.settings import Settings
from hub.site import Site

FOLDER = "js/crew"
WORKER = f"{FOLDER}/worker.js"
# Everything that the page asks for beside its own modules.
FILES = ("hub.css", "crew.css", "icon.svg", "crew-192.png", "js/live.js", "vendor/jsqr/jsQR.js")
STATES = ("open", "accepted", "on_site", "done", "closed")
OUTCOMES = ("mended", "no_fault_found", "mistake", "test", "other")
VERSION_CHARACTERS = 16
COLOR = "#1d3b53"


class CrewShell:
    """The app's page, worker and manifest, made once.

    `pages`, `manifests`: by language; `files`: paths under `/static/`; `version`: of all of it.
    """

    def __init__(self, settings: Settings, texts: Texts, site: Site, static: Path) -> None:
        own = sorted(file.relative_to(static).as_posix() for file in (static / FOLDER).glob("*.js"))
        self.files = [*FILES, *(file for file in own if file != WORKER)]
        self._worker = (static / WORKER).read_text(encoding="utf-8")
        self._retry_ms_max = settings.crew_retry_s_max * 1_000
        self.pages = {
            language: texts.page("crew.html", language, **_words(settings, texts.speaker(language)))
            for language in LANGUAGES
        }
        self.manifests = {
            language: _manifest(texts.speaker(language), site) for language in LANGUAGES
        }
        digest = sha256(self._worker.encode())
        for page in self.pages.values():
            digest.update(page.encode())
        for file in self.files:
            digest.update((static / file).read_bytes())
        self.version = digest.hexdigest()[:VERSION_CHARACTERS]

    def worker(self) -> str:
        """The service worker's text: what it keeps, then what it does."""
        known = {
            "VERSION": self.version,
            "FILES": [f"/static/{file}" for file in self.files],
            "LANGUAGES": LANGUAGES,
            "RETRY_MS_MAX": self._retry_ms_max,
        }
        lines = [f"const {name} = {_json(value)};" for name, value in known.items()]
        return "\n".join([*lines, self._worker])


def _manifest(speaker: Speaker, site: Site) -> dict[str, Any]:
    """The web app manifest (W3C): what a phone shows of the app among its others."""
    crew, chinese = speaker.say(marked("Crew")), speaker.language == "zh"
    icon = {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    drawn = [
        {"src": f"/static/crew-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"}
        for side in (192, 512)
    ]
    return {
        "id": "/crew",
        "name": f"{crew} · {site.name_zh if chinese else site.name_en}",
        "short_name": crew,
        "description": speaker.say(marked("Work orders on the phone, also without a network.")),
        "lang": "zh-CN" if chinese else "en",
        "start_url": "/crew",
        "scope": "/crew",
        "display": "standalone",
        "background_color": "#f3f5f7",
        "theme_color": COLOR,
        "icons": [icon, *drawn, {**drawn[1], "purpose": "maskable"}],
    }


def _words(settings: Settings, speaker: Speaker) -> dict[str, Any]:
    return {
        "viewer": None,
        "phone": None,
        "path": "/crew",
        "now_ms": 0,
        "settings": settings,
        "color": COLOR,
        "states": {name: speaker.label(f"order_{name}") for name in STATES},
        "outcomes": {name: speaker.label(name) for name in OUTCOMES},
        "points": {
            name: {"name": speaker.say(text), "unit": POINTS[name].unit if name in POINTS else ""}
            for name, text in POINT_LABELS.items()
        },
        "values": {name: speaker.say(text) for name, text in WORD_LABELS.items()},
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
