"""What the register's columns are called, and in Chinese what must stand in them.

The English of what is expected comes from the reader of each cell (`hub/register.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard_api.labels import marked
from dashboard_api.texts import Texts
from hub.edit_history import Edit
from hub.register import KINDS

FIELD_LABELS: Mapping[str, str] = {
    "id": marked("Name in the register"),
    "address": marked("Its address"),
    "family": marked("Kind"),
    "driver": marked("Driver"),
    "name": marked("Name"),
    "name_zh": marked("Name in Chinese"),
    "name_en": marked("Name in English"),
    "birth_year": marked("Born in"),
    "place": marked("Where"),
    "grid": marked("Grid"),
    "ground": marked("Ground"),
    "tags": marked("Tags"),
    "resident": marked("Whom it serves"),
    "gateway": marked("Gateway"),
    "expected_silence_s": marked("May be silent for, in seconds"),
    "code": marked("Code on its label"),
    "maker": marked("Maker"),
    "model": marked("Model"),
    "pulses_per_use": marked("Pulses for one use"),
    "cell": marked("Kind of battery"),
    "phone": marked("Phone"),
    "contacts": marked("Contacts"),
    "notes": marked("Notes"),
    "mobility": marked("Mobility"),
    "key_holder": marked("Who has a key"),
    "role": marked("Role"),
    "password": marked("Password"),
    "pin": marked("PIN"),
    "token": marked("Token"),
}
_NAME_ZH = "应为 1 到 128 个字符，不含空格和 / + # | , ;"
_TEXT_ZH = "应为可显示的文字"
EXPECTED_ZH: Mapping[str, str] = {
    "address": "应为设备地址，例如 lorawan:24e124136b501a01",
    "id": _NAME_ZH,
    "family": "应为呼叫按钮、门磁、器材计数或网关",
    "driver": "没有这个驱动",
    "birth_year": "应为出生年份，例如 1943",
    "place": "没有这个地点",
    "grid": "没有这个网格",
    "ground": _NAME_ZH,
    "tags": "应为以空格分隔的标签",
    "resident": "没有这位居民",
    "gateway": _NAME_ZH,
    "expected_silence_s": "应为秒数",
    "code": _NAME_ZH,
    "pulses_per_use": "应为正整数",
    "cell": _NAME_ZH,
    "phone": "应为电话号码",
    "contacts": "应为 姓名|关系|电话，多人以分号分隔",
}


def expected_zh(column: str, *, empty: bool) -> str:
    """What must stand in a column, in Chinese."""
    return "请填写" if empty else EXPECTED_ZH.get(column, _TEXT_ZH)


def wrong_words(texts: Texts, column: str, error: object, *, empty: bool) -> tuple[str, str]:
    """What is wrong with a field, in both languages, with the field's name."""
    label = FIELD_LABELS[column]
    chinese = texts.speaker("zh").say(label)
    return f"{chinese}：{expected_zh(column, empty=empty)}", f"{label}: {error}"


def shown_fields(kind: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    """Stored values as the texts that stand in a file, by column."""
    cells = KINDS[kind].cells if kind in KINDS else ()
    by_stored = {cell.stored: cell for cell in cells}
    shown = {}
    for name, value in (values or {}).items():
        cell = by_stored.get(name)
        shown[name if cell is None else cell.column] = (
            "" if value is None else str(value) if cell is None else cell.write(value)
        )
    return shown


def history_words(edits: Sequence[Edit], undoable: bool = True) -> list[dict[str, Any]]:
    """Lines of a history for a page. `may_undo`: not taken back yet, and no taking back itself."""
    undone = {edit.undoes for edit in edits}
    return [
        {
            **edit._asdict(),
            "before": shown_fields(edit.kind, edit.before),
            "after": shown_fields(edit.kind, edit.after),
            "added": edit.before is None,
            "removed": edit.after is None,
            "undone": edit.id in undone,
            "may_undo": undoable and edit.id not in undone and edit.undoes is None,
        }
        for edit in edits
    ]
