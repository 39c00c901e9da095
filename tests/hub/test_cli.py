"""The command line without its script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["hub", "hub.cli"])
def test_the_command_is_there_as_a_module_too(module: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    helped, wrong = run("--help"), run("decode", "--driver", "no_such_driver")

    assert helped.returncode == 0
    assert helped.stdout.startswith("Usage: hub [OPTIONS] COMMAND")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("Error: --driver")
