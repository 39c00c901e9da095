"""Fixtures that every part of the tests may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.programs import Mosquitto, mosquitto

# How long an example takes is no property of the code on a machine that others use too. The suite
# tries the same examples each time, so that it says of a change what that change did; `make
# campaign` looks for new ones. Explaining a failure takes minutes under a tracer: left out.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)
settings.register_profile("suite", deadline=None, derandomize=True, phases=_PHASES)
settings.register_profile("search", deadline=None, phases=_PHASES)
settings.load_profile("suite")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto of this test's own."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with mosquitto(folder) as running:
        yield running
