"""Files with one mistake each, and what `hub rules check` says of it, word for word.

`wrong/NAME.yaml` (or a folder NAME) has the mistake, `wrong/NAME.txt` the lines that people read.
After a change of the words: `python -m tests.rules.test_wrong_files` writes them anew; read the
difference.
"""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.commands.rules import rules
from rules.document import FILE_BYTES_MAX

WRONG = Path(__file__).parent / "wrong"
CASES = sorted(path for path in WRONG.iterdir() if path.is_dir() or path.suffix == ".yaml")
PLACE = re.compile(r"[\w./-]+\.yaml:\d+:\d+: .+")
KINDS_MIN = 40


def said(path: Path) -> list[str]:
    """What a person reads, without the way to the folder."""
    result = CliRunner().invoke(rules, ["check", str(path)])
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), "a traceback is no message"
    return result.output.replace(f"{WRONG}/", "").splitlines()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place(path: Path) -> None:
    """File, line, column, what is wrong, and the nearest right word where there is one."""
    lines = said(path)

    assert "\n".join(lines) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert all(PLACE.fullmatch(line) for line in lines[:-1])
    assert re.fullmatch(r"\d+ mistakes?, nothing loaded", lines[-1])


def test_there_are_many_kinds_of_mistakes() -> None:
    """Each with a file of its own, and hardly any says what another says."""
    sentences = {re.sub(r"^[^ ]+ ", "", line) for path in CASES for line in said(path)[:-1]}

    assert len(CASES) >= KINDS_MIN
    assert len(sentences) >= KINDS_MIN
    assert {path.stem for path in WRONG.glob("*.txt")} == {path.stem for path in CASES}


def test_a_file_that_is_huge_is_refused_by_its_size(tmp_path: Path) -> None:
    """By the bound's own figure; it is not kept here."""
    (tmp_path / "huge.yaml").write_bytes(b"# " + b"x" * FILE_BYTES_MAX)
    result = CliRunner().invoke(rules, ["check", str(tmp_path)])

    assert f"huge.yaml:1:1: larger than {FILE_BYTES_MAX} bytes" in result.output


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """With the place of the first; no such file is kept here."""
    (tmp_path / "latin.yaml").write_bytes(b"rules:\n  - rule: h\xe9ld\n")
    result = CliRunner().invoke(rules, ["check", str(tmp_path)])

    assert "latin.yaml:2:12: this is not UTF-8 text" in result.output


if __name__ == "__main__":
    for case in CASES:
        case.with_suffix(".txt").write_text("\n".join(said(case)) + "\n", encoding="utf-8")
