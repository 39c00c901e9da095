"""What a message says: a notice and what is known beside it become title, lines and a short text.

Pure. What, where to the door, since when, whom to call; Chinese first. Nobody's name and no
resident's phone stand in a message, unless the channel is private (`Manner.private`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ZH, EN, BOTH = "zh", "en", "both"
LANGUAGES = (ZH, EN, BOTH)
CUT = "…"
SENDER_CHARACTERS_MAX = 40  # of a name that anybody may give himself

_SEVERITIES = {
    "emergency": ("紧急", "Emergency"),
    "urgent": ("紧迫", "Urgent"),
    "warning": ("预警", "Warning"),
    "notice": ("提示", "Notice"),
}
# What has become of a case, by the word `what` of the notice's body.
_NEWS = {
    "again": ("再次发生", "happened again"),
    "ended": ("已恢复", "no longer so"),
    "taken_back": ("已撤回：从未发生", "taken back: it was never so"),
    "answer": ("已接警", "answered"),
    "dispatch": ("已派人", "somebody is on the way"),
    "arrive": ("已到场", "somebody has arrived"),
    "confirm": ("已回访", "called back"),
    "close": ("已关闭", "closed"),
    "shelve": ("已搁置", "put aside"),
    "release": ("已退回，无人处理", "given back, nobody has it"),
    "take_over": ("已交接", "taken over at the change of shift"),
    "done": ("已完工，等设备证实", "done, waiting for the device to show it"),
    "sign": ("已由另一人签字关闭", "signed by a second person and closed"),
    "proved": ("设备已证实，工单关闭", "the device showed it: closed"),
    "reopened": ("完工后设备未证实，重新派单", "the device did not show it: open again"),
    "placed": ("已知道地点", "its place is known now"),
    "to_sign": ("等另一人签字", "waits for a second person's signature"),
    "unmuted": ("设备恢复使用，问题仍在", "in service again, and still so"),
    "hand_over": ("已转交", "handed over"),
    "cancelled": ("按钮已取消，仍请去询问", "cancelled at the button; ask all the same"),
}


class Particulars(NamedTuple):
    """What is known of a case's place and people. `phone`: of whoever looks after the place."""

    place_zh: str = ""
    place_en: str = ""
    grid_zh: str = ""
    grid_en: str = ""
    phone: str = ""
    resident: str = ""
    resident_phone: str = ""


class Manner(NamedTuple):
    """How a channel speaks. `private`: residents' names and phones may stand in its messages."""

    language: str = ZH
    private: bool = False
    zone: ZoneInfo = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `brief` is its title and case in one line; `fields` are for templates of SMS.

    `link` answers the case; `urgent`: somebody is asked to answer an emergency.
    """

    title: str
    lines: tuple[str, ...]
    brief: str
    urgent: bool = False
    link: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Title and lines."""
        return "\n".join((self.title, *self.lines))


FIELDS = ("what", "where", "since", "who", "case", "severity", "link", "token")


def is_urgent(body: Mapping[str, Any]) -> bool:
    """Is somebody asked to answer an emergency? Nothing may hold that back."""
    return body.get("what") == "call" and body.get("severity") == "emergency"


def message_of(
    body: Mapping[str, Any], known: Particulars, manner: Manner, link: str = ""
) -> Message:
    """The message of one notice; `body` is the notice's, `link` answers the case."""
    languages = (ZH, EN) if manner.language == BOTH else (manner.language,)
    titles = [_title(body, known, language) for language in languages]
    lines: list[str] = []
    for number, language in enumerate(languages):
        lines += ([titles[number]] if number else []) + _lines(body, known, manner, language)
    if link:
        lines += [f"{_asking(language)}" for language in languages] + [link]
    return Message(
        titles[0],
        tuple(lines),
        f"{titles[0]} {_since(body, manner.zone)} {body.get('id', '')}",
        is_urgent(body),
        link,
        _fields(body, known, manner, languages[0], link),
    )


def merged(messages: Sequence[Message], language: str) -> Message:
    """Several messages as one that lists them, each with its link."""
    if len(messages) == 1:
        return messages[0]
    count = len(messages)
    title = {
        ZH: f"{count} 条通知",
        EN: f"{count} notices",
        BOTH: f"{count} 条通知 / {count} notices",
    }[language]
    lines = [f"• {one.brief}" + (f" {one.link}" if one.link else "") for one in messages]
    return Message(title, tuple(lines), title)


def cut(text: str, bytes_max: int) -> str:
    """At most so many bytes of UTF-8, with an ellipsis where something was cut off."""
    raw = text.encode()
    if len(raw) <= bytes_max:
        return text
    return raw[: max(0, bytes_max - len(CUT.encode()))].decode(errors="ignore") + CUT


def _pick(pair: tuple[str, str], language: str) -> str:
    return pair[0] if language == ZH else pair[1]


def _title(body: Mapping[str, Any], known: Particulars, language: str) -> str:
    severity = _pick(_SEVERITIES.get(str(body.get("severity")), ("", "")), language)
    what, where = _what(body, language), _where(body, known, language)
    if language == ZH:
        return f"【{severity}】{what} · {where}" if severity else f"{what} · {where}"
    return f"[{severity}] {what} · {where}" if severity else f"{what} · {where}"


def _what(body: Mapping[str, Any], language: str) -> str:
    title = _plain(body.get(f"title_{language}") or body.get("title_en"))
    news = _NEWS.get(str(body.get("what")))
    if news is None:
        return title
    said = _pick(news, language)
    to = f" {_plain(body.get('handed_to'))}" if body.get("what") == "hand_over" else ""
    return f"{title}：{said}{to}" if language == ZH else f"{title}: {said}{to}"


def _where(body: Mapping[str, Any], known: Particulars, language: str) -> str:
    """To the door; without a place the grid, else the sender's own name."""
    place = known.place_zh if language == ZH else known.place_en
    grid = known.grid_zh if language == ZH else known.grid_en
    key = _plain(body.get("key")).removeprefix("native:")[:SENDER_CHARACTERS_MAX]
    return _plain(place or body.get("place") or grid) or key


def _plain(value: Any) -> str:
    """One line of what a person or a device wrote: no line of a message is made by others."""
    text = " ".join(str(value or "").split())
    return "".join(sign for sign in text if sign.isprintable())


def _since(body: Mapping[str, Any], zone: ZoneInfo) -> str:
    at_ms = body.get("raised_at_ms")
    if not isinstance(at_ms, int):
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%m-%d %H:%M:%S")


def _lines(body: Mapping[str, Any], known: Particulars, manner: Manner, language: str) -> list[str]:
    zh = language == ZH
    where, grid = _where(body, known, language), known.grid_zh if zh else known.grid_en
    if grid and grid != where:
        where = f"{where}（{grid}）" if zh else f"{where} ({grid})"
    rows = [
        ("地点" if zh else "Where", where),
        ("时间" if zh else "Since", _since(body, manner.zone)),
        ("情况" if zh else "Why", _plain(body.get(f"why_{language}")) if manner.private else ""),
        ("住户" if zh else "Resident", _resident(known) if manner.private else ""),
        ("联系" if zh else "Call", known.phone),
        ("事件" if zh else "Case", str(body.get("id") or "")),
        ("第几次呼叫" if zh else "Call number", _nth(body)),
    ]
    mark = "：" if zh else ": "
    return [f"{name}{mark}{value}" for name, value in rows if value]


def _resident(known: Particulars) -> str:
    return _plain(f"{known.resident} {known.resident_phone}")


def _nth(body: Mapping[str, Any]) -> str:
    call = body.get("call")
    nth = call.get("nth") if isinstance(call, Mapping) else None
    return str(nth) if isinstance(nth, int) and nth > 1 else ""


def _asking(language: str) -> str:
    return "接警请点开链接，再按一次按钮：" if language == ZH else "To answer, open and press:"


def _fields(
    body: Mapping[str, Any], known: Particulars, manner: Manner, language: str, link: str
) -> dict[str, str]:
    return {
        "what": _what(body, language),
        "where": _where(body, known, language),
        "since": _since(body, manner.zone),
        "who": known.phone,
        "case": str(body.get("id") or ""),
        "severity": _pick(_SEVERITIES.get(str(body.get("severity")), ("", "")), language),
        "link": link,
        "token": link.rpartition("/")[2],
    }
