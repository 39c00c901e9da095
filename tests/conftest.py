"""Fixtures that every part of the tests may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import Mosquitto, mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto of this test's own."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with mosquitto(folder) as running:
        yield running
