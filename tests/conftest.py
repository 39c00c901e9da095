"""Fixtures that every part of the tests may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.programs import Mosquitto, mosquitto

# How long an example takes is no property of the code on a machine that others use too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto of this test's own."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with mosquitto(folder) as running:
        yield running
