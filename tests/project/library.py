"""The page of the library of rules: by place, each rule in words, why, and what proves it."""

from collections.abc import Iterator
from pathlib import Path

from dashboard_api.rule_words import tell
from rules.loader import COMMUNITY, load
from rules.rule import Rule
from rules.words import Words

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "docs/rule-library.md"
EXAMPLES = COMMUNITY.parent / "examples"

# The files, in the order of the page, by the place that each is about.
PLACES: dict[str, Words] = {
    "emergency": ("呼叫", "Calls for help"),
    "homes": ("老人住户", "Homes of elders"),
    "entrances": ("单元门", "Entrance doors"),
    "day-care": ("托老站", "Day-care station"),
    "health-station": ("卫生服务站", "Health station"),
    "shop": ("生鲜便利店", "Fresh-food shop"),
    "culture-centre": ("综合文化服务中心", "Culture centre"),
    "grounds": ("健身场地", "Sports grounds"),
    "fleet": ("设备与网络", "Devices and network"),
}
SEVERITIES: dict[str, Words] = {
    "emergency": ("紧急", "emergency"),
    "urgent": ("急", "urgent"),
    "warning": ("警告", "warning"),
    "notice": ("提示", "notice"),
}
RESPONSES: dict[str, Words] = {
    "emergency": ("网格值守电话应答并派人", "the grid's duty phone answers and sends somebody"),
    "welfare": ("网格先打电话，没人接就上门", "the grid phones, and visits if nobody answers"),
    "security": ("网格派人去看", "somebody of the grid has a look"),
    "maintenance": ("维修人员", "the maintenance crew"),
    "duty": ("值班台与邻近网格", "the duty desk and the next grid"),
}
NEVER, ALWAYS = ("—", "—"), ("全天", "always")

_BEGINS = "## In force\n"


def library_page() -> str:
    """docs/rule-library.md as it must be: what a person wrote above the rules, and the rules."""
    head, _rules = LIBRARY.read_text(encoding="utf-8").split(_BEGINS, 1)
    parts = [head, _BEGINS]
    files = {file.stem: file for file in COMMUNITY.glob("*.yaml")}
    for name, words in PLACES.items():
        parts.append(f"\n### {words[1]} · {words[0]}\n")
        parts += map(_rule, load([files.pop(name)]).rules)
    assert not files, f"no place of the page for {sorted(files)}"
    parts.append("\n## Examples\n")
    parts += map(_rule, load([EXAMPLES]).rules)
    return "".join(parts)


def _rule(rule: Rule) -> str:
    rows = [
        f"| **{zh}** | {label} | {_cell(en)} | {_cell(cn)} |" for label, zh, cn, en in _rows(rule)
    ]
    stories = [f"* {story.story}" for story in rule.tests]
    return "\n".join(
        [
            f"\n#### {rule.name}\n",
            "| | | English | 中文 |",
            "|---|---|---|---|",
            *rows,
            "",
            *stories,
            "",
        ]
    )


def _rows(rule: Rule) -> Iterator[tuple[str, str, str, str]]:
    """English label, Chinese label, Chinese text, English text."""
    told = tell(rule)
    severity, who = SEVERITIES[rule.severity], RESPONSES[rule.response]
    yield "", "名称", rule.title_zh, rule.title_en
    yield "where", "设备", *told.where
    yield "notices", "发现", *told.when
    yield "held for", "持续", *(told.hold_for if any(told.hold_for) else NEVER)
    yield "hours", "时段", *(told.during if any(told.during) else ALWAYS)
    yield "severity", "级别", *severity
    yield "who", "处理", f"{who[0]}（{rule.response}）", f"{who[1]} (`{rule.response}`)"
    yield "why", "理由", rule.reason_zh, rule.reason_en


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
