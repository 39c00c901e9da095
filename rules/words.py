"""Findings in words: one plain sentence in Chinese and English, in the site's time."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from device_drivers.reading import Value
from rules import condition as c
from rules.duration import say_duration
from rules.facts import DeviceFacts
from rules.rule import Rule

if TYPE_CHECKING:
    from rules.watch import Change

Words = tuple[str, str]  # Chinese, English

FAMILIES: dict[str, Words] = {
    "button": ("呼叫按钮", "Button"),
    "door": ("门磁", "Door"),
    "counter": ("器材", "Machine"),
    "gateway": ("网关", "Gateway"),
}
POINTS: dict[str, Words] = {
    "press": ("按键", "press"),
    "contact": ("门", "contact"),
    "tamper": ("防拆", "tamper"),
    "uses": ("使用次数", "uses"),
    "rep": ("使用", "use"),
    "battery": ("电量", "battery"),
    "battery_low": ("低电量", "low battery"),
    "temperature": ("温度", "temperature"),
    "online": ("在线", "online"),
    "undecodable": ("无法解读的报文", "undecodable message"),
}
VALUES: dict[Value, Words] = {
    "open": ("打开", "open"),
    "closed": ("关闭", "closed"),
    "sos": ("紧急呼叫", "SOS"),
    "single": ("单击", "single"),
    "double": ("双击", "double"),
    "triple": ("三击", "triple"),
    "quadruple": ("四击", "quadruple"),
    "many": ("连续按键", "many times"),
    "long": ("长按", "long"),
    "cancel": ("取消", "cancel"),
    "test": ("测试", "test"),
}
SAMES: dict[str, Words] = {
    "place": ("同一地点", "the same place"),
    "grid": ("同一网格", "the same grid"),
    "ground": ("同一场地", "the same ground"),
    "resident": ("同一住户", "the same resident"),
    "site": ("本社区", "the site"),
}
UNITS = {"battery": " %", "temperature": " °C"}


def who(key: str, facts: DeviceFacts | None) -> Words:
    """What the finding is about: family and place, or name, or the key."""
    if facts is None:
        return key, key
    zh, en = FAMILIES.get(facts.family, ("设备", "Device"))
    return (
        f"{zh} {facts.place_zh or facts.name_zh or facts.place or facts.id}",
        f"{en} {facts.place_en or facts.name_en or facts.place or facts.id}",
    )


def clock(at_ms: int, zone: ZoneInfo, near_ms: int | None = None) -> str:
    """`22:31`, with the date where it is not the day of `near_ms`."""
    at = datetime.fromtimestamp(at_ms / 1_000, zone)
    near = at if near_ms is None else datetime.fromtimestamp(near_ms / 1_000, zone)
    return f"{at:%H:%M}" if at.date() == near.date() else f"{at:%Y-%m-%d %H:%M}"


def value_words(point: str, value: Value | None) -> Words:
    """A value as people say it."""
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, str):
        return VALUES.get(value, (value, value))
    if value is None:
        return "未知", "unknown"
    text = f"{value:g}{UNITS.get(point, '')}" if isinstance(value, float) else f"{value}"
    text = text if isinstance(value, float) else f"{text}{UNITS.get(point, '')}"
    return text, text


def why(rule: Rule, key: str, change: "Change", facts: DeviceFacts | None, zone: ZoneInfo) -> Words:
    """One sentence each: what was so, since when, by which rule."""
    zh, en = who(key, facts)
    said_zh, said_en = _CLAUSES[type(rule.when)](rule.when, change, zone)
    tail_zh, tail_en = _tail(rule, change, zone)
    return f"{zh}{said_zh}{tail_zh}。", f"{en}: {said_en}{tail_en}."


def _tail(rule: Rule, change: "Change", zone: ZoneInfo) -> Words:
    hours_zh, hours_en = ("，限定时段内", ", in its hours") if rule.during else ("", "")
    zh, en = f"（规则 {rule.name}{hours_zh}）", f" (rule {rule.name}{hours_en})"
    at = clock(change.at_ms, zone, change.opened_at_ms)
    match change.kind:
        case "closes":
            return f"；已于 {at} 结束{zh}", f"; over since {at}{en}"
        case "again":
            return f"；{at} 再次发生{zh}", f"; once more at {at}{en}"
        case "taken_back":
            return f"；后到的消息表明并非如此{zh}", f"; late news shows that it was never so{en}"
        case _:
            return zh, en


def _since(change: "Change", zone: ZoneInfo) -> Words:
    at = clock(change.since_ms, zone, change.opened_at_ms)
    held = change.opened_at_ms - change.since_ms
    if held <= 0:
        return f"，自 {at} 起", f" since {at}"
    zh, en = say_duration(held)
    return f"，自 {at} 起已 {zh}", f" since {at}, {en}"


def _point(point: str) -> Words:
    return POINTS.get(point, (point, point))


def _equals(wanted: c.Equals, change: "Change", zone: ZoneInfo) -> Words:
    told = change.kind == "opens" and change.value in wanted.values
    value = change.value if told else wanted.values[0]
    (zh, en), (value_zh, value_en) = _point(wanted.point), value_words(wanted.point, value)
    since_zh, since_en = _since(change, zone)
    return f"：{zh}为{value_zh}{since_zh}", f"{en} is {value_en}{since_en}"


def _limit(wanted: c.Below | c.Above, change: "Change", zone: ZoneInfo) -> Words:
    zh, en = _point(wanted.point)
    told = change.kind == "opens" and change.value is not None
    value = f" {value_words(wanted.point, change.value)[0]}" if told else ""
    limit = value_words(wanted.point, wanted.limit)[0]
    way_zh, way_en = ("低于", "below") if isinstance(wanted, c.Below) else ("高于", "above")
    since_zh, since_en = _since(change, zone)
    return (
        f"：{zh}{value}{'，' if told else ''}{way_zh} {limit}{since_zh}",
        f"{en}{value}{',' if told else ''} {way_en} {limit}{since_en}",
    )


def _happens(wanted: c.Happens, change: "Change", zone: ZoneInfo) -> Words:
    values = wanted.values if change.value is None else (change.value,)
    said = [value_words(wanted.point, value) for value in values]
    zh, en = _point(wanted.point)
    value_zh, value_en = "、".join(one for one, _ in said), " or ".join(one for _, one in said)
    at = clock(change.opened_at_ms, zone)
    return f"：{at} {zh}（{value_zh}）", f"{en} ({value_en}) at {at}"


def _changes(wanted: c.Changes, change: "Change", zone: ZoneInfo) -> Words:
    (zh, en), (within_zh, within_en) = _point(wanted.point), say_duration(wanted.within_ms)
    at = clock(change.since_ms, zone)
    return (
        f"：{zh}在 {within_zh}内变化至少 {wanted.count} 次（{at}）",
        f"{en} changed at least {wanted.count} times within {within_en}, at {at}",
    )


def _rises(wanted: c.Rises, change: "Change", zone: ZoneInfo) -> Words:
    (zh, en), (within_zh, within_en) = _point(wanted.point), say_duration(wanted.within_ms)
    way_zh, way_en = ("不足", "less than") if wanted.less else ("至少", "at least")
    at = clock(change.since_ms, zone)
    return (
        f"：{zh}在 {within_zh}内增加{way_zh} {wanted.by:g}（{at}）",
        f"{en} grew by {way_en} {wanted.by:g} within {within_en}, at {at}",
    )


def _every(wanted: c.Every, change: "Change", zone: ZoneInfo) -> Words:
    (zh, en), value = _point(wanted.point), value_words("", change.value)[0]
    at = clock(change.opened_at_ms, zone)
    return (
        f"：{at} 上次保养以来{zh}达 {value}（每 {wanted.step:g} 次保养）",
        f"{value} {en} since the last service at {at} (service every {wanted.step:g})",
    )


def _still(wanted: c.Still, change: "Change", zone: ZoneInfo) -> Words:
    (zh, en), (for_zh, for_en) = _point(wanted.point), say_duration(wanted.for_ms)
    at = clock(change.since_ms, zone)
    return (
        f"：{for_zh}内{zh}无任何变化，而设备正常（至 {at}）",
        f"nothing happened at its {en} for {for_en} while it was alive, up to {at}",
    )


def _silent(wanted: c.Silent, change: "Change", zone: ZoneInfo) -> Words:
    at = clock(change.since_ms, zone)
    if wanted.for_ms is None:
        return f"：超过预期时间没有消息（至 {at}）", f"silent for longer than expected, up to {at}"
    zh, en = say_duration(wanted.for_ms)
    return f"：{zh}没有任何消息（至 {at}）", f"silent for {en}, up to {at}"


def _any(wanted: c.AnyOf | c.AllOf, change: "Change", zone: ZoneInfo) -> Words:
    clauses = [
        _CLAUSES[type(part)](part, change._replace(value=None), zone) for part in wanted.parts
    ]
    zh_join, en_join = ("或", " or ") if isinstance(wanted, c.AnyOf) else ("且", " and ")
    joined = zh_join.join(zh.removeprefix("：") for zh, _ in clauses)
    return f"：{joined}", en_join.join(en for _, en in clauses)


def _together(wanted: c.Together, change: "Change", zone: ZoneInfo) -> Words:
    same_zh, same_en = SAMES.get(wanted.same, ("同一设备", "the same device"))
    within_zh, within_en = say_duration(wanted.within_ms)
    at = clock(change.since_ms, zone)
    return (
        f"：{same_zh}至少 {wanted.at_least} 台设备在 {within_zh}内同时出现（{at}）",
        f"at least {wanted.at_least} devices of {same_en} within {within_en}, at {at}",
    )


def _then(wanted: c.Then, change: "Change", zone: ZoneInfo) -> Words:
    within_zh, within_en = say_duration(wanted.within_ms)
    at = clock(change.since_ms, zone)
    return (
        f"：两件事在 {within_zh}内先后发生（{at}）",
        f"one followed the other within {within_en}, at {at}",
    )


def _without(wanted: c.Without, change: "Change", zone: ZoneInfo) -> Words:
    within_zh, within_en = say_duration(wanted.within_ms)
    at = clock(change.since_ms, zone)
    return (
        f"：应在 {within_zh}内随后发生的事没有发生（至 {at}）",
        f"what should have followed within {within_en} did not, up to {at}",
    )


_CLAUSES: dict[type, Callable[[Any, Any, ZoneInfo], Words]] = {
    c.Equals: _equals,
    c.Below: _limit,
    c.Above: _limit,
    c.Happens: _happens,
    c.Changes: _changes,
    c.Rises: _rises,
    c.Every: _every,
    c.Still: _still,
    c.Silent: _silent,
    c.AnyOf: _any,
    c.AllOf: _any,
    c.Together: _together,
    c.Then: _then,
    c.Without: _without,
}
