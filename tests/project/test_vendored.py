"""What comes from elsewhere is what its table says: every file, by its hash, with its licence."""

import re
from hashlib import sha256
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "dashboard_api" / "static" / "vendor"
ROW = re.compile(
    r"^\| `(?P<file>\S+)` \| (?P<what>[^|]+) \| (?P<version>[\d.]+) \| (?P<licence>[^|]+) "
    r"\| `(?P<hash>[0-9a-f]{64})` \|$",
    re.MULTILINE,
)
CODE = {".js", ".mjs", ".css"}


def table() -> dict[str, re.Match[str]]:
    text = (VENDOR / "VENDORED.md").read_text(encoding="utf-8")
    return {row["file"]: row for row in ROW.finditer(text)}


def test_every_file_stands_in_the_table_with_its_hash() -> None:
    rows = table()
    files = {
        file.relative_to(VENDOR).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.suffix in CODE
    }
    assert {name: row["hash"] for name, row in rows.items()} == files


def test_every_package_brings_its_licence() -> None:
    for name in table():
        assert (VENDOR / name).parent.joinpath("LICENSE").is_file(), name
