"""Silent duty phones and failing channels become cases, and end by themselves; over kills."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.database import cases, duty_phones, for_writing, notices
from hub.own_parts import ChannelStates, OwnParts, Word, facts_of_part, words_on_phones
from hub.plan_files import plans_in_force
from hub.settings import Settings
from rules.loader import COMMUNITY, load
from tests.hub.courtroom import MORNING_MS, Courtroom

S = 1_000
SILENCE_S = 300


class Hub(Courtroom):
    """The judge with the community's rules, and the loop that watches phones and channels."""

    def begin(self) -> None:
        self.rules = load([COMMUNITY / "fleet.yaml"])
        super().begin()
        self.states = ChannelStates(3)
        self.parts = OwnParts(
            self.states,
            engine=self.engine,
            writer=self.writer,
            feed=self.feed,
            settings=Settings(duty_phone_silence_s=SILENCE_S),
            clock=self.clock,
        )

    def phone(self, grid: str) -> None:
        """It says that it is at hand."""
        row = {"grid": grid, "heard_ms": self.clock.now, "by": grid}
        with for_writing(self.engine).begin() as connection:
            connection.execute(duty_phones.delete().where(duty_phones.c.grid == grid))
            connection.execute(duty_phones.insert().values(row))

    async def at(self, seconds: float) -> None:
        """Look, then judge."""
        self.clock.now = MORNING_MS + int(seconds * S)
        await self.parts.look()
        await super().at(seconds)

    def cases(self) -> list[tuple[str, str, str | None, str]]:
        return self.rows(cases, "rule", "key", "grid", "state")

    def told(self) -> list[tuple[str, str, str | None]]:
        return self.rows(notices, "channel", "reason", "recipient")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    channels = ("mqtt", "webhook", "log", "calls")
    opened = Hub(tmp_path, plans=plans_in_force(Settings()), channels=channels)
    yield opened
    opened.close()


async def test_a_phone_that_answers_no_more_is_one_case_of_its_grid_until_it_is_back(
    hub: Hub,
) -> None:
    hub.phone("grid-3")
    for second in (1, SILENCE_S):
        await hub.at(second)
    assert hub.cases() == []
    for second in (SILENCE_S + 1, SILENCE_S + 10, 500):
        await hub.at(second)
    silent = ("duty-phone-silent", "phone:grid-3", "grid-3")
    assert hub.cases() == [(*silent, "raised")]
    assert [who for _, reason, who in hub.told() if reason == "call"] == [
        "grid-leader:grid-3",
        "desk:grid-3",
    ]
    hub.phone("grid-3")
    await hub.at(501)
    assert hub.cases() == [(*silent, "closed")]


async def test_a_kill_while_it_is_silent_makes_no_second_case_and_it_still_ends(hub: Hub) -> None:
    hub.phone("grid-3")
    await hub.at(SILENCE_S + 1)
    await hub.kill()
    for second in (SILENCE_S + 2, SILENCE_S * 3):
        await hub.at(second)
    assert [state for *_, state in hub.cases()] == ["raised"]
    hub.phone("grid-3")
    await hub.at(SILENCE_S * 3 + 1)
    assert [state for *_, state in hub.cases()] == ["closed"]


async def test_while_the_hub_was_away_no_phone_could_be_heard(hub: Hub) -> None:
    hub.phone("grid-3")
    await hub.at(1)
    hub.clock.now = MORNING_MS + 10_000 * S
    await hub.kill()
    await hub.at(10_000 + SILENCE_S)
    assert hub.cases() == []
    await hub.at(10_001 + SILENCE_S)
    assert [state for *_, state in hub.cases()] == ["raised"]


async def test_a_channel_that_fails_is_told_by_every_other_one_but_never_by_itself(
    hub: Hub,
) -> None:
    for _ in range(2):
        hub.states.failed("webhook", given_up=False)
    await hub.at(1)
    assert hub.cases() == []
    hub.states.failed("webhook", given_up=False)
    await hub.at(2)
    assert hub.cases() == [("channel-fails", "channel:webhook", None, "raised")]
    assert {channel for channel, *_ in hub.told()} == {"mqtt", "log", "calls"}
    hub.states.sent("webhook")
    await hub.at(3)
    assert [state for *_, state in hub.cases()] == ["closed"]
    assert "webhook" not in {channel for channel, *_ in hub.told()}


async def test_a_notice_given_up_is_enough_and_the_register_forgets_no_part(hub: Hub) -> None:
    hub.states.failed("log", given_up=True)
    await hub.at(1)
    hub.evaluation._docket.roll.register_changed([], [], 99, hub.clock.now)
    hub.states.sent("log")
    await hub.at(2)
    assert [state for *_, state in hub.cases()] == ["closed"]


def test_a_success_between_failures_begins_the_count_anew() -> None:
    states = ChannelStates(3)
    for given_up in (False, False):
        states.failed("sms", given_up=given_up)
    states.sent("sms")
    for _ in range(2):
        states.failed("sms", given_up=False)
    assert states.online == {"sms": True}


def test_a_phone_that_is_kept_no_more_is_silent_no_more() -> None:
    said = {"phone:grid-1": False, "channel:log": False}
    assert words_on_phones({}, said, 0, 300, 1_000) == [Word("phone:grid-1", True, 1_000)]
    assert words_on_phones({}, {"phone:grid-1": True}, 0, 300, 1_000) == []


def test_what_is_no_part_of_the_hub_is_none() -> None:
    for name in ("native:b", "phone", "phone:", "gw-1", "@site"):
        assert facts_of_part(name) is None
