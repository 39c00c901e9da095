"""Rules in words, for people who look at the rulebook: what is noticed, where, when."""

from typing import NamedTuple

from device_drivers.reading import Value
from rules import condition as c
from rules.duration import say_duration
from rules.point import is_event
from rules.rule import Rule
from rules.words import FAMILIES, SAMES, Words, during_words, point_words, value_words

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
        during=("", "") if rule.during is None else during_words(rule.during),
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
        case c.Silent() | c.Unlike():
            return _silent(wanted.for_ms) if isinstance(wanted, c.Silent) else _unlike(wanted)
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
    if (point, values) == ("online", (False,)):
        return "离线", "it is offline"
    return f"{zh}为{value_zh}", f"{en} is {value_en}"


def _happens(point: str, values: tuple[Value, ...]) -> Words:
    (zh, en), (value_zh, value_en) = _point(point), _values(point, values)
    if values == (True,):
        return f"收到{zh}", f"{en} is received"
    if not is_event(point):
        return f"{zh}变为{value_zh}", f"{en} becomes {value_en}"
    return f"收到{zh}（{value_zh}）", f"{en} happens ({value_en})"


def _silent(for_ms: int | None) -> Words:
    if for_ms is None:
        return "超过预期时间没有任何消息", "nothing is heard for longer than expected"
    zh, en = say_duration(for_ms)
    return f"{zh}没有任何消息", f"nothing is heard for {en}"


_WAYS: dict[str, Words] = {
    "less": ("比平时少", "less than usual"),
    "more": ("在平时没有的时段出现", "at an hour at which it is not usual"),
    "either": ("与平时不同", "unlike what is usual"),
}
_KINDS: Words = ("（工作日与休息日分开比较）", ", workdays and rest days apart")


def _unlike(wanted: c.Unlike) -> Words:
    (zh, en), (way_zh, way_en) = _point(wanted.point), _WAYS[wanted.way]
    kinds_zh, kinds_en = _KINDS if wanted.apart else ("", "")
    days, share = wanted.over_days, f"{wanted.rarer_than:.3g}"
    share = f"{wanted.rarer_than:.0%}" if wanted.rarer_than >= 0.01 else share
    return (
        f"{zh}{way_zh}：最近 {days} 天中不超过 {share} 的日子如此，"
        f"至少要有 {wanted.at_least_days} 天的记录{kinds_zh}",
        f"{en} {way_en}: so on no more than {share} of the last {days} days, "
        f"of which at least {wanted.at_least_days} are known{kinds_en}",
    )


def _counted(wanted: c.Simple) -> Words:
    match wanted:
        case c.Changes(point, count, within_ms):
            (zh, en), (in_zh, in_en) = _point(point), say_duration(within_ms)
            if is_event(point):
                return (
                    f"{in_zh}内{zh}至少 {count} 次",
                    f"{en} happens at least {count} times within {in_en}",
                )
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
            if is_event(point):
                return (
                    f"设备正常而 {for_zh}没有{zh}",
                    f"the device works and there is no {en} for {for_en}",
                )
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
    return point_words(point)


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


def sentence(rule: Rule) -> Words:
    """The whole rule as one sentence: which devices, what, for how long, when, and what follows."""
    told = tell(rule)
    when_zh, when_en = told.when
    zh, en = f"{told.where[0]}：{when_zh}", f"{told.where[1]}: when {when_en}"
    if rule.hold_for_ms:
        zh, en = f"{zh}，持续 {told.hold_for[0]}", f"{en} for {told.hold_for[1]}"
    if rule.during is not None:
        zh, en = f"{zh}（仅在{told.during[0]}）", f"{en} (only {told.during[1]})"
    who_zh, who_en = _FOLLOWS.get(rule.severity, ("产生事件", "a case is raised"))
    if rule.mode == "shadow":
        who_zh, who_en = "只记录、不通知任何人（试运行）", "it is only written down, nobody is told"
    zh, en = f"{zh}，则{who_zh}", f"{en}, {who_en}"
    if rule.clear_for_ms:
        zh = f"{zh}；恢复满 {told.clear_for[0]}才算结束"
        en = f"{en}; it is over when it has been gone for {told.clear_for[1]}"
    return f"{zh}。", f"{en[0].upper()}{en[1:]}."


_FOLLOWS: dict[str, Words] = {
    "emergency": (
        "产生紧急事件并立即通知值班人员",
        "an emergency is raised and duty is told at once",
    ),
    "urgent": (
        "产生紧迫事件并立即通知值班人员",
        "an urgent case is raised and duty is told at once",
    ),
    "warning": ("产生预警事件并通知值班人员", "a warning is raised and duty is told"),
    "notice": ("产生提示事件并通知值班人员", "a notice is raised and duty is told"),
}
