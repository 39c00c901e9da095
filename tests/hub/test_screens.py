"""A dark wall screen and a token in the wrong hands become cases, and end by themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import screens as store
from hub import users
from hub.database import cases, for_writing, screens
from hub.own_parts import ChannelStates, OwnParts, Word, facts_of_part, words_on_screens
from hub.plan_files import plans_in_force
from hub.screens import Beat, Limits, Screen
from hub.settings import Settings
from rules.loader import COMMUNITY, load
from tests.hub.courtroom import MORNING_MS, Courtroom

S = 1_000
SILENCE_S = 60
QUIET_S = 3_600
LIMITS = Limits(SILENCE_S * S, QUIET_S * S)
SHOWS = Beat("now", live=True, data_ms=MORNING_MS, frozen_ms=0, edition="e", size="1920x1080@1")


class Hub(Courtroom):
    """The judge with the community's rules, and the loop that watches the screens."""

    def begin(self) -> None:
        self.rules = load([COMMUNITY / "fleet.yaml"])
        super().begin()
        self.parts = OwnParts(
            ChannelStates(3),
            engine=self.engine,
            writer=self.writer,
            feed=self.feed,
            settings=Settings(screen_silence_s=SILENCE_S, screen_refusal_quiet_s=QUIET_S),
            clock=self.clock,
        )

    def hang_up(self) -> None:
        """A screen with a token in a browser of its own."""
        users.add_token(self.engine, self.clock, "hall", "wall")
        with for_writing(self.engine).begin() as connection:
            store.bind(connection, "hall", self.clock.now)

    def beat(self, beat: Beat = SHOWS) -> None:
        with for_writing(self.engine).begin() as connection:
            store.hear(connection, "hall", beat, self.clock.now)

    async def at(self, seconds: float) -> None:
        """Look, then judge."""
        self.clock.now = MORNING_MS + int(seconds * S)
        await self.parts.look()
        await super().at(seconds)

    def cases(self) -> list[Any]:
        return self.rows(cases, "rule", "key", "state", "raised_at_ms")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = Hub(tmp_path, plans=plans_in_force(Settings()), channels=("mqtt", "webhook", "log"))
    yield opened
    opened.close()


async def test_a_screen_that_goes_dark_is_one_case_since_it_last_showed_what_is_so(
    hub: Hub,
) -> None:
    hub.hang_up()
    await hub.at(600)
    assert hub.cases() == []  # it never showed anything: nothing is expected of it
    hub.beat()
    for second in (601, 600 + SILENCE_S):
        await hub.at(second)
    assert hub.cases() == []
    for second in (601 + SILENCE_S, 700):
        await hub.at(second)
    dark = ("wall-screen-dark", "screen:hall")
    assert hub.cases() == [(*dark, "raised", MORNING_MS + 600 * S + 1)]
    hub.beat()
    await hub.at(701)
    assert [state for _, _, state, _ in hub.cases()] == ["closed"]


@pytest.mark.parametrize("said", [{"live": False}, {"frozen_ms": 7_000}])
async def test_a_screen_that_speaks_but_shows_nothing_true_is_dark(
    hub: Hub, said: dict[str, Any]
) -> None:
    hub.hang_up()
    hub.beat()
    for second in (30, SILENCE_S + 1):
        hub.beat(SHOWS._replace(**said))
        await hub.at(second)
    assert [rule for rule, *_ in hub.cases()] == ["wall-screen-dark"]


async def test_over_a_kill_it_is_one_case_and_a_taken_token_ends_it(hub: Hub) -> None:
    hub.hang_up()
    hub.beat()
    await hub.at(SILENCE_S + 1)
    await hub.kill()
    await hub.at(3 * SILENCE_S)
    assert [state for _, _, state, _ in hub.cases()] == ["raised"]
    users.remove_token(hub.engine, "hall")
    await hub.at(3 * SILENCE_S + 1)
    assert [state for _, _, state, _ in hub.cases()] == ["closed"]


async def test_a_token_in_another_browser_is_a_case_until_it_is_quiet(hub: Hub) -> None:
    hub.hang_up()
    hub.beat()
    with for_writing(hub.engine).begin() as connection:
        store.refuse(connection, "hall", "192.0.2.7 curl", hub.clock.now)
    await hub.at(5)
    [case] = hub.cases()
    assert case[:3] == ("wall-token-elsewhere", "token:hall", "raised")
    with for_writing(hub.engine).begin() as connection:
        connection.execute(screens.update().values(shown_ms=MORNING_MS + QUIET_S * S))
    await hub.at(QUIET_S + 1)
    assert [state for _, _, state, _ in hub.cases()] == ["closed"]


def test_while_the_pages_were_away_no_screen_could_be_heard() -> None:
    old = [Screen("hall", 0, None)]
    now_ms = 1_000 * S
    assert words_on_screens(old, {}, LIMITS, now_ms - SILENCE_S * S, now_ms) == []
    dark = words_on_screens(old, {}, LIMITS, now_ms - SILENCE_S * S - 1, now_ms)
    assert dark == [Word("screen:hall", False, 1)]


def test_what_was_said_is_not_said_again() -> None:
    said = {"screen:hall": False, "phone:grid-1": False, "token:hall": True}
    assert words_on_screens([Screen("hall", 0, None)], said, LIMITS, 0, 1_000 * S) == []
    back = words_on_screens([], said, LIMITS, 0, 1_000 * S)
    assert back == [Word("screen:hall", True, 1_000 * S)]


def test_a_screen_and_its_token_have_names_that_people_know() -> None:
    for part, name in (("screen:hall", "大屏 hall"), ("token:hall", "大屏令牌 hall")):
        facts = facts_of_part(part)
        assert facts is not None
        assert facts.name_zh == name
    assert facts_of_part("screen:") is None
