"""The tree keeps its promises: the map, the house rules that a program can check."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("device_drivers", "rules", "hub", "dashboard_api")
MAP_ROW = re.compile(r"^\| `([\w./*-]+)`", re.MULTILINE)
FUNCTION_LINES = 25

# Not to stand in any tracked file. Put together here, so that this file is none of those.
UNWANTED = {
    "an address of a package index": re.compile(
        "py"
        + r"pi\.org|files\.python"
        + r"hosted|registry\."
        + r"npm|--index-"
        + r"url|artifact"
        + "ory"
    ),
    "a path of somebody's machine": re.compile(
        r"(?<![\w.])/(?:ho" + r"me|Us" + r"ers|wo" + r"rk)/\w"
    ),
}
NOT_TEXT = {".png", ".webp", ".jpg", ".ico", ".woff2", ".gz", ".db"}


def tracked() -> list[Path]:
    """Files that are in git or would be with the next `git add`."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [path for name in names if (path := ROOT / name).is_file()]


def modules(*packages: str) -> list[Path]:
    return sorted(module for package in packages for module in (ROOT / package).rglob("*.py"))


def code_map() -> set[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return set(MAP_ROW.findall(text[text.index("## Code map") :]))


def test_every_name_in_the_code_map_is_there() -> None:
    names = code_map()
    assert len(names) > 50

    assert [name for name in sorted(names) if not any(ROOT.glob(name))] == []


def test_every_module_is_in_the_code_map() -> None:
    mapped = {path for name in code_map() for path in ROOT.glob(name)}
    unmapped = [
        str(module.relative_to(ROOT))
        for module in modules(*PACKAGES)
        if module.name != "__init__.py" and module not in mapped
    ]

    assert unmapped == []


@pytest.mark.parametrize("what", UNWANTED)
def test_no_tracked_file_names(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.suffix not in NOT_TEXT and "vendor" not in path.parts
        for match in UNWANTED[what].finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def requirements() -> dict[str, list[str]]:
    """Each locked package with its hashes."""
    locked: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==", line):
            name = normal(found.group(1))
            locked[name] = []
        locked.setdefault(name, []).extend(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
    return locked


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


UNLOCKED = ("aliyun", "apprise")  # extras for few; see pyproject.toml


def test_the_lock_has_hashes_for_all_and_covers_what_the_project_needs() -> None:
    locked = requirements()
    assert [name for name, hashes in locked.items() if name and not hashes] == []

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for name, extra in project["optional-dependencies"].items():
        wanted += extra if name not in UNLOCKED else []
    names = {normal(re.split(r"[\[<>=;! ]", line)[0]) for line in wanted}
    assert names - set(locked) == set()


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(module.relative_to(ROOT))
        for module in modules(*PACKAGES, "tests", "benchmarks")
        if (tree := ast.parse(module.read_text(encoding="utf-8"))).body
        and not ast.get_docstring(tree)
    ]

    assert silent == []


def functions(package: str) -> Iterator[int]:
    """Lines of every function, its own docstring left out."""
    for module in modules(package):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = node.body[0] if ast.get_docstring(node) else None
                doc_lines = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
                yield (node.end_lineno or 0) - node.lineno + 1 - doc_lines


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_short(package: str) -> None:
    """Half of them a few lines, nine in ten under 25."""
    lines = sorted(functions(package))

    assert statistics.median(lines) <= 10
    assert lines[int(len(lines) * 0.9)] < FUNCTION_LINES


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout
