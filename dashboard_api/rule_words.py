"""Rules in words, for people who look at the rulebook: what is noticed, where, when."""

from typing import NamedTuple

from device_drivers.reading import Value
from rules import condition as c
from rules.duration import say_duration
from rules.during import During
from rules.rule import Rule
from rules.words import FAMILIES, POINTS, SAMES, Words, value_words

_DAYS: dict[str, Words] = {
    "mon": ("周一", "Monday"),
    "tue": ("周二", "Tuesday"),
    "wed": ("周三", "Wednesday"),
    "thu": ("周四", "Thursday"),
    "fri": ("周五", "Friday"),
    "sat": ("周六", "Saturday"),
    "sun": ("周日", "Sunday"),
    "workday": ("工作日", "workdays"),
    "holiday": ("节假日", "holidays"),
}
_VALUES: dict[Value, Words] = {
    "quadruple": ("四击", "quadruple"),
    "many": ("连续按", "many in a row"),
}
_WHERE: dict[str, Words] = {
    "driver": ("驱动", "driver"),
    "device": ("设备", "device"),
    "place": ("地点", "place"),
    "grid": ("网格", "grid"),
    "ground": ("场地", "ground"),
    "tags": ("标签", "tags"),
    "resident_tags": ("居民标签", "resident's tags"),
}


class Told(NamedTuple):
    """One rule in both languages; an empty text where there is nothing to say."""

    when: Words
    where: Words
    hold_for: Words
    clear_for: Words
    during: Words


def tell(rule: Rule) -> Told:
    """The rule in words."""
    return Told(
        when=_condition(rule.when),
        where=_where(rule.where),
        hold_for=say_duration(rule.hold_for_ms) if rule.hold_for_ms else ("", ""),
        clear_for=say_duration(rule.clear_for_ms) if rule.clear_for_ms else ("", ""),
        during=("", "") if rule.during is None else _during(rule.during),
    )


def _condition(wanted: c.Condition) -> Words:
    match wanted:
        case c.AnyOf(parts):
            return _joined(parts, "，或者", ", or ")
        case c.AllOf(parts):
            return _joined(parts, "，并且", ", and ")
        case c.Together():
            return _together(wanted)
        case c.Then(first, then, within_ms, same):
            return _sequence(first, then, within_ms, same, ("随后", "is followed by"))
        case c.Without(first, without, within_ms, same):
            return _sequence(first, without, within_ms, same, ("而没有", "is not followed by"))
        case _:
            return _simple(wanted)


def _simple(wanted: c.Simple) -> Words:
    match wanted:
        case c.Silent(for_ms):
            return _silent(for_ms)
        case c.Equals(point, values):
            return _equals(point, values)
        case c.Happens(point, values):
            return _happens(point, values)
        case c.Below(point, limit, back):
            return _limit(point, limit, back, ("低于", "below"), ("高于", "above"))
        case c.Above(point, limit, back):
            return _limit(point, limit, back, ("高于", "above"), ("低于", "below"))
        case _:
            return _counted(wanted)


def _equals(point: str, values: tuple[Value, ...]) -> Words:
    (zh, en), (value_zh, value_en) = _point(point), _values(point, values)
    if values == (True,):
        return f"报告{zh}", f"{en} is reported"
    return f"{zh}为{value_zh}", f"{en} is {value_en}"


def _happens(point: str, values: tuple[Value, ...]) -> Words:
    (zh, en), (value_zh, value_en) = _point(point), _values(point, values)
    if values == (True,):
        return f"收到{zh}", f"{en} is received"
    return f"收到{zh}（{value_zh}）", f"{en} happens ({value_en})"


def _silent(for_ms: int | None) -> Words:
    if for_ms is None:
        return "超过预期时间没有任何消息", "nothing is heard for longer than expected"
    zh, en = say_duration(for_ms)
    return f"{zh}没有任何消息", f"nothing is heard for {en}"


def _counted(wanted: c.Simple) -> Words:
    match wanted:
        case c.Changes(point, count, within_ms):
            (zh, en), (in_zh, in_en) = _point(point), say_duration(within_ms)
            return (
                f"{zh}在 {in_zh}内变化至少 {count} 次",
                f"{en} changes at least {count} times within {in_en}",
            )
        case c.Rises(point, by, within_ms, less):
            (zh, en), (in_zh, in_en) = _point(point), say_duration(within_ms)
            way_zh, way_en = ("不足", "less than") if less else ("至少", "at least")
            return (
                f"{zh}在 {in_zh}内增加{way_zh} {by:g}",
                f"{en} grows by {way_en} {by:g} within {in_en}",
            )
        case c.Every(point, step):
            zh, en = _point(point)
            return f"{zh}每增加 {step:g}", f"every {step:g} {en}"
        case c.Still(point, for_ms):
            (zh, en), (for_zh, for_en) = _point(point), say_duration(for_ms)
            return (
                f"设备正常而{zh} {for_zh}没有任何变化",
                f"the device works and its {en} does not change for {for_en}",
            )
        case _:
            raise TypeError(f"no words for {type(wanted).__name__}")


def _limit(point: str, limit: float, back: float, way: Words, other: Words) -> Words:
    (zh, en), (at, back_at) = _point(point), (_amount(point, limit), _amount(point, back))
    if back == limit:
        return f"{zh}{way[0]} {at}", f"{en} is {way[1]} {at}"
    return (
        f"{zh}{way[0]} {at}，直到{other[0]} {back_at}",
        f"{en} is {way[1]} {at}, until it is {other[1]} {back_at}",
    )


def _together(wanted: c.Together) -> Words:
    (inner_zh, inner_en), (in_zh, in_en) = _condition(wanted.when), say_duration(wanted.within_ms)
    same_zh, same_en = _same(wanted.same)
    where_zh, where_en = _where(wanted.where)
    return (
        f"{same_zh}至少 {wanted.at_least} 台设备（{where_zh}）在 {in_zh}内同时：{inner_zh}",
        f"at least {wanted.at_least} devices of {same_en} ({where_en}) within {in_en}: {inner_en}",
    )


def _sequence(first: c.Step, then: c.Step, within_ms: int, same: str, verb: Words) -> Words:
    (first_zh, first_en), (then_zh, then_en) = _step(first), _step(then)
    (in_zh, in_en), (same_zh, same_en) = say_duration(within_ms), _same(same)
    return (
        f"{same_zh}：{first_zh}，{in_zh}内{verb[0]}{then_zh}",
        f"at {same_en}: {first_en} {verb[1]} {then_en} within {in_en}",
    )


def _step(step: c.Step) -> Words:
    (zh, en), where = _condition(step.when), step.where
    if where == c.Where():
        return zh, en
    where_zh, where_en = _where(where)
    return f"{zh}（{where_zh}）", f"{en} ({where_en})"


def _joined(parts: tuple[c.Simple, ...], zh: str, en: str) -> Words:
    clauses = [_simple(part) for part in parts]
    return zh.join(one for one, _ in clauses), en.join(one for _, one in clauses)


def _same(same: str) -> Words:
    return SAMES.get(same, ("同一设备", "the same device"))


def _point(point: str) -> Words:
    return POINTS.get(point, (point, point))


def _amount(point: str, value: float) -> str:
    return value_words(point, value)[0]


def _values(point: str, values: tuple[Value, ...]) -> Words:
    said = [_VALUES.get(value) or value_words(point, value) for value in values]
    return "、".join(zh for zh, _ in said), " or ".join(en for _, en in said)


def _where(where: c.Where) -> Words:
    zh, en = [], []
    if where.family:
        named = [FAMILIES.get(family, (family, family)) for family in where.family]
        zh.append("、".join(one for one, _ in named))
        en.append(", ".join(one for _, one in named))
    for key, (key_zh, key_en) in _WHERE.items():
        words: tuple[str, ...] = getattr(where, key)
        if words:
            zh.append(f"{key_zh} {'、'.join(words)}")
            en.append(f"{key_en} {', '.join(words)}")
    return "；".join(zh) or "所有设备", "; ".join(en) or "all devices"


def _during(during: During) -> Words:
    days_zh = "、".join(_DAYS[day][0] for day in during.days)
    days_en = ", ".join(_DAYS[day][1] for day in during.days)
    hours = ""
    if during.from_minute is not None and during.to_minute is not None:
        hours = f"{_clock(during.from_minute)}–{_clock(during.to_minute)}"
    return f"{days_zh} {hours}".strip(), f"{days_en} {hours}".strip()


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
