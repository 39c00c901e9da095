"""Stories against the engine, sentence by sentence of the language, by the command itself."""

import re
import subprocess
import sys
from pathlib import Path

STORIES = Path(__file__).parent / "stories"
STORIES_MIN = 100
WITHIN_S = 60.0


def test_every_sentence_of_the_language_holds() -> None:
    """Their expected ends were worked out from the text before the engine was asked."""
    result = subprocess.run(
        [sys.executable, "-m", "hub", "rules", "test", "--strict", str(STORIES)],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    last = re.fullmatch(r"(\d+) passed, 0 failed", result.stdout.splitlines()[-1])

    assert result.returncode == 0, result.stdout
    assert last is not None
    assert int(last[1]) >= STORIES_MIN
