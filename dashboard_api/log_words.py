"""A line of the daily log in words: what more is known of it, for pages and for spreadsheets."""

from collections.abc import Callable
from typing import Any, Protocol

from dashboard_api.labels import marked
from hub.daily_log import Line
from rules.roster import FAMILY


class Speaker(Protocol):
    """Somebody who speaks one language."""

    language: str

    def say(self, text: str, **words: Any) -> str:
        """A text of the catalogues with its words filled in."""
        ...

    def label(self, word: str | None) -> str:
        """A word of the stores."""
        ...

    def moment(self, at_ms: int | None) -> str:
        """A moment by the site's clocks."""
        ...


# The head of the table that people take along.
COLUMNS = (
    marked("Time"),
    marked("What"),
    marked("Case"),
    marked("Title"),
    marked("Place"),
    marked("Device"),
    marked("Who"),
    marked("Seconds since the hub heard"),
    marked("Seconds since the step before"),
    marked("Details"),
)

# What is said of a line, by its fields: a text of the catalogues, filled in with them.
_TO = marked("to %(to)s")
_STEP = marked("step %(step)s, call %(nth)s: %(contacts)s")
_NOBODY_CALLED = marked("step %(step)s, call %(nth)s: nobody could be told")
_NOT_REACHED = marked("step %(step)s reached nobody")
_GIVEN_UP = marked("%(channel)s, %(whom)s, tried %(tries)s times")
_ADDRESS = marked("address %(address)s")
_PRESS = marked("press: %(press)s, %(delay)s s on the way")
_TIMES = marked("%(count)s times")
_BATTERY = marked("%(before)s %% before, %(now)s %% now")
_SHIFT = marked("%(role)s, until %(until)s")
_SAID_BY = marked("entered by %(by)s")
_STEP_BEFORE = marked("%(seconds)s s after the step before")


def details(line: Line, speaker: Speaker) -> str:
    """Everything about a line that has no column of its own, in one sentence."""
    parts = _WORDS.get(line.what, _of_act)(line, line.details, speaker)
    if line.step_s is not None and line.step_s != line.after_s:
        parts.append(speaker.say(_STEP_BEFORE, seconds=seconds(line.step_s)))
    if line.text:
        parts.append(line.text)
    return " · ".join(part for part in parts if part)


def seconds(span_s: float) -> str:
    """Seconds as people read them: to the tenth where there are few."""
    return f"{span_s:.1f}" if span_s < 10 else f"{span_s:.0f}"


Words = Callable[[Line, dict[str, Any], Speaker], list[str]]


def _of_act(line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    to = speaker.say(_TO, to=its["to"]) if its.get("to") else ""
    return [speaker.label(line.outcome), to, str(its.get("reason") or "")]


def _raised(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    return [speaker.label(its["severity"]), *_why(_line, its, speaker)]


def _why(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    return [str(its.get(f"why_{speaker.language}") or "")]


def _called(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    step = int(its.get("step", 0)) + 1
    contacts = ", ".join(dict.fromkeys(_contact(one, speaker) for one in its.get("contacts", ())))
    text = _STEP if contacts else _NOBODY_CALLED
    return [speaker.say(text, step=step, nth=its.get("nth", 1), contacts=contacts)]


def _contact(contact: str, speaker: Speaker) -> str:
    """By the role; of whom there are several also which. Who of a family stands on her card."""
    role, _, which = contact.partition(":")
    name = speaker.label(f"role_{role}")
    return f"{name} {which}" if which and role != FAMILY else name


def _unreached(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    return [speaker.say(_NOT_REACHED, step=int(its.get("step", 0)) + 1)]


def _given_up(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    channel, role = speaker.label(its["channel"]), its["role"]
    whom = its["recipient"] or (speaker.label(f"role_{role}") if role else "–")
    return [speaker.say(_GIVEN_UP, channel=channel, whom=whom, tries=its["tries"])]


def _service(line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    parts = [] if line.what == "tested" else [speaker.say(_ADDRESS, address=its["address"])]
    if line.what == "tested" and its["press"] is not None:
        press, delay_s = speaker.label(f"press_{its['press']}"), (its["delay_ms"] or 0) / 1_000
        parts.append(speaker.say(_PRESS, press=press, delay=seconds(delay_s)))
    return parts


def _presses(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    return [speaker.say(_TIMES, count=its["count"])]


def _battery(_line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    return [speaker.say(_BATTERY, before=f"{its['before']:.0f}", now=f"{its['now']:.0f}")]


def _shift(line: Line, its: dict[str, Any], speaker: Speaker) -> list[str]:
    role, until = speaker.label(f"role_{its['role']}"), speaker.moment(its["until_ms"])
    said_by = [] if its["said_by"] == line.by else [speaker.say(_SAID_BY, by=its["said_by"])]
    return [speaker.say(_SHIFT, role=role, until=until), *said_by]


def _remark(_line: Line, _its: dict[str, Any], _speaker: Speaker) -> list[str]:
    return []


_WORDS: dict[str, Words] = {
    "raised": _raised,
    "again": _why,
    "ended": lambda line, its, speaker: [speaker.label(line.outcome), *_why(line, its, speaker)],
    "taken_back": _why,
    "called": _called,
    "unreached": _unreached,
    "given_up": _given_up,
    "trouble": _why,
    "well": _why,
    "adopted": _service,
    "imported": _service,
    "swapped": _service,
    "tested": _service,
    "test_presses": _presses,
    "battery_changed": _battery,
    "signed_on": _shift,
    "signed_off": _shift,
    "remark": _remark,
}
