"""Words: what points, values, hours and devices are called in Chinese and in English."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from device_drivers.reading import Value
from rules.during import During
from rules.facts import DeviceFacts

Words = tuple[str, str]  # Chinese, English

FAMILIES: dict[str, Words] = {
    "button": ("呼叫按钮", "Button"),
    "door": ("门磁", "Door"),
    "counter": ("器材", "Machine"),
    "gateway": ("网关", "Gateway"),
    "site": ("本社区的", "The site's"),
    "phone": ("值班手机", "Duty phone"),
    "channel": ("通知渠道", "Channel"),
}
NAMED_WHOLE = {"screen", "token"}  # the hub's own parts, whose names say what they are
POINTS: dict[str, Words] = {
    "press": ("按键", "press"),
    "contact": ("门", "contact"),
    "tamper": ("防拆", "tamper"),
    "uses": ("使用次数", "uses"),
    "rep": ("使用", "use"),
    "battery": ("电量", "battery"),
    "battery_v": ("电池电压", "battery voltage"),
    "battery_low": ("低电量", "low battery"),
    "temperature": ("温度", "temperature"),
    "humidity": ("湿度", "humidity"),
    "vibration": ("振动", "vibration"),
    "motion": ("人体活动", "motion"),
    "occupancy": ("有人", "occupancy"),
    "people": ("人数", "people"),
    "openings": ("开门次数", "openings"),
    "in": ("进入人数", "people in"),
    "out": ("离开人数", "people out"),
    "rssi": ("信号强度", "signal strength"),
    "snr": ("信噪比", "signal-to-noise ratio"),
    "lqi": ("链路质量", "link quality"),
    "signal_worse": ("信号变差", "worse signal"),
    "test_press": ("测试按键", "test press"),
    "online": ("在线", "online"),
    "ghost": ("换下的旧设备仍在发送", "swapped-out device still sends"),
    "undecodable": ("无法解读的报文", "undecodable message"),
    "sos": ("呼救状态", "call for help"),
    "jump": ("计数突跳", "jump of the counter"),
    "chatter": ("报文过多", "too many messages"),
}
VALUES: dict[Value, Words] = {
    "open": ("打开", "open"),
    "closed": ("关闭", "closed"),
    "ajar": ("虚掩", "ajar"),
    "sos": ("紧急呼叫", "SOS"),
    "single": ("单击", "single"),
    "double": ("双击", "double"),
    "triple": ("三击", "triple"),
    "quadruple": ("四击", "quadruple"),
    "many": ("连续按键", "many times"),
    "long": ("长按", "long"),
    "cancel": ("取消", "cancel"),
    "test": ("测试", "test"),
    "fall": ("跌倒", "fall"),
}
SAMES: dict[str, Words] = {
    "place": ("同一地点", "the same place"),
    "grid": ("同一网格", "the same grid"),
    "ground": ("同一场地", "the same ground"),
    "resident": ("同一住户", "the same resident"),
    "site": ("本社区", "the site"),
}
UNITS = {
    "battery": " %",
    "battery_v": " V",
    "humidity": " %",
    "temperature": " °C",
    "rssi": " dBm",
    "snr": " dB",
}
DAYS: dict[str, Words] = {
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

_NUMBERED = re.compile(r"(.+)_(\d+)")


def point_words(point: str) -> Words:
    """A point's name; `uses_2` is the second of its kind."""
    known = POINTS.get(point)
    if known is not None:
        return known
    found = _NUMBERED.fullmatch(point)
    if found is None:
        return point, point
    (zh, en), number = point_words(found[1]), found[2]
    return f"{zh} {number}", f"{en} {number}"


def during_words(during: During) -> Words:
    """The hours and days of a rule: `工作日 22:00–06:00`."""
    days_zh = "、".join(DAYS[day][0] for day in during.days)
    days_en = ", ".join(DAYS[day][1] for day in during.days)
    hours = ""
    if during.from_minute is not None and during.to_minute is not None:
        hours = f"{_minute(during.from_minute)}–{_minute(during.to_minute)}"
    return f"{days_zh} {hours}".strip(), f"{days_en} {hours}".strip()


def _minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def who(key: str, facts: DeviceFacts | None) -> Words:
    """What a finding is about: place (or name) and family, or the key."""
    if facts is None:
        return key, key
    zh, en = FAMILIES.get(facts.family, ("设备", "Device"))
    name_zh = facts.place_zh or facts.name_zh or facts.place or facts.id
    name_en = facts.place_en or facts.name_en or facts.place or facts.id
    if facts.family in NAMED_WHOLE:
        return name_zh, name_en
    if facts.family == "site":
        return f"{zh}{name_zh}", f"{en} {name_en}"
    if name_zh.endswith(zh):  # "东门网关" says it already
        return name_zh, f"{en} {name_en}"
    return f"{name_zh}{' ' if name_zh[-1:].isascii() else ''}的{zh}", f"{en} {name_en}"


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
