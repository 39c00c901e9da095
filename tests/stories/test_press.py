"""A press reaches everybody who must hear of it."""

import asyncio
from pathlib import Path
from statistics import median
from typing import Any

from hub.clock import SystemClock
from hub.demo.community import community
from tests.integration.hub_process import ear, note, quick_client
from tests.programs import Mosquitto, program
from tests.stories.following import Follower, following
from tests.stories.whole_hub import SITE, case_of, whole_hub

PRESSES = 20
CASES = f"hub/{SITE}/cases"
ALARM_MS_MAX = 10_000  # far beyond what is promised: what is measured is told, not judged

BUTTONS = [
    row["id"]
    for row in community().devices
    if (row["family"], row["driver"]) == ("button", "native")
]


def press_topic(button: str) -> str:
    """Where a button speaks."""
    return f"community/{SITE}/button/{button}/up"


class Marks:
    """When each button's case was first heard of, by each way, in ms after its press."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.pressed_s: dict[str, float] = {}
        self.after_ms: dict[str, dict[str, float]] = {"mqtt": {}, "sse": {}, "api": {}}

    def press(self, button: str) -> None:
        """It is pressed now."""
        self.pressed_s[button] = self.clock.monotonic_s()

    def mark(self, way: str, button: str) -> None:
        """Its case is heard of now."""
        passed_s = self.clock.monotonic_s() - self.pressed_s[button]
        self.after_ms[way].setdefault(button, passed_s * 1_000)

    def hear(self, _topic: str, body: dict[str, Any]) -> None:
        """A case's message on the broker."""
        self.mark("mqtt", body["device"])

    async def follow(self, follower: Follower, button: str) -> None:
        """The live feed's event."""
        await follower.first("case", device=button, what="raised")
        self.mark("sse", button)


async def test_a_press_is_in_the_list_on_the_broker_and_on_the_live_feed(
    tmp_path: Path, broker: Mosquitto
) -> None:
    marks = Marks()
    async with whole_hub(tmp_path / "hub", broker) as hub:
        token = await hub.token("panel", "staff")
        async with (
            hub.caller(token) as caller,
            following(caller) as follower,
            ear(broker, [CASES], marks.hear) as listening,
            quick_client(broker) as client,
        ):

            async def seen_by_all(button: str) -> None:
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(marks.follow(follower, button))
                    ways.create_task(listening.until(lambda: button in marks.after_ms["mqtt"]))
                    case = await ways.create_task(case_of(caller, button))
                    marks.mark("api", button)
                assert (case["severity"], case["state"]) == ("emergency", "raised")

            first = BUTTONS[0]
            marks.press(first)
            publishing = await asyncio.create_subprocess_exec(
                program("mosquitto_pub"), "-p", str(broker.port), "-q", "1",
                "-t", press_topic(first), "-m", '{"press": "sos", "id": "1"}',
            )  # fmt: skip
            assert await publishing.wait() == 0
            await seen_by_all(first)
            for button in BUTTONS[1 : PRESSES + 1]:
                marks.press(button)
                await client.publish(press_topic(button), '{"press": "sos"}', qos=1)
                await seen_by_all(button)
    for way, after_ms in marks.after_ms.items():
        assert len(after_ms) == PRESSES + 1
        rest = sorted(after_ms.values())
        note(
            f"press → {way}: first {after_ms[first]:.0f} ms (mosquitto_pub), "
            f"then median {median(rest):.0f} ms, longest {rest[-1]:.0f} ms"
        )
        assert rest[-1] < ALARM_MS_MAX
    assert not [line for line in hub.lines if "alembic" in line], "libraries keep quiet"
