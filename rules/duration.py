"""Durations as people write them: `500ms`, `30s`, `10m`, `24h`, `7d`, also `25m30s`."""

import re

UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION_MS_MAX = 3_660 * UNIT_MS["d"]  # ten years: more is a slip of the pen
SHAPE = "a duration such as 500ms, 30s, 10m, 24h or 7d"

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")

_WORDS = (
    (UNIT_MS["d"], "天", "day"),
    (UNIT_MS["h"], "小时", "hour"),
    (UNIT_MS["m"], "分钟", "minute"),
    (UNIT_MS["s"], "秒", "second"),
)


def parse_duration(text: str) -> int:
    """Milliseconds. Raises ValueError with what was expected."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"expected {SHAPE}, not {text!r}")
    total = sum(float(number) * UNIT_MS[unit] for number, unit in _PART.findall(text))
    if total > DURATION_MS_MAX:
        raise ValueError(f"{text!r} is longer than ten years")
    if total != int(total):
        raise ValueError(f"{text!r} is finer than a millisecond")
    return int(total)


def format_duration(ms: int) -> str:
    """The same language back: 1530000 -> `25m30s`."""
    if ms < 0:
        return f"-{format_duration(-ms)}"
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        if unit == "d" and ms % UNIT_MS["d"]:
            continue  # 26h reads better than 1d2h
        count, ms = divmod(ms, UNIT_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def say_duration(ms: int) -> tuple[str, str]:
    """In Chinese and English words, the two largest units: (`10 分钟`, `10 minutes`)."""
    zh: list[str] = []
    en: list[str] = []
    for unit_ms, unit_zh, unit_en in _WORDS:
        count, ms = divmod(ms, unit_ms)
        if count and len(zh) < 2:
            zh.append(f"{count} {unit_zh}")
            en.append(f"{count} {unit_en}{'' if count == 1 else 's'}")
    return " ".join(zh) or "0 秒", " ".join(en) or "0 seconds"
