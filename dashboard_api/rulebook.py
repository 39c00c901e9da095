"""The titles of the rules in the files, for people to look at; the judge has its own loader."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import rules as rules_package
from hub.settings import Settings


def read_rulebook(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """Name, titles, severity and category of every rule; and the files that cannot be read."""
    folder = Path(settings.rules_dir or Path(str(rules_package.__file__)).parent / "community")
    found: list[dict[str, Any]] = []
    mistakes: list[str] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            found.extend(_rules_of(file))
        except (OSError, YAMLError, UnicodeDecodeError) as error:
            mistakes.append(f"{file.name}: {str(error).splitlines()[0]}")
    return found, mistakes


def _rules_of(file: Path) -> list[dict[str, Any]]:
    tree = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    rows = tree.get("rules") if isinstance(tree, dict) else None
    return [_rule(row, file.name) for row in rows or [] if isinstance(row, dict)]


def _rule(row: dict[str, Any], file: str) -> dict[str, Any]:
    title = row.get("title")
    words = title if isinstance(title, dict) else {}
    name = str(row.get("rule", ""))
    return {
        "name": name,
        "title_zh": str(words.get("zh", name)),
        "title_en": str(words.get("en", name)),
        "severity": str(row.get("severity", "")),
        "category": str(row.get("category", "")),
        "file": file,
    }
