"""The live feed over connections that break, and over the deaths of those behind it."""

import random
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec

from tests.integration.hub_process import note, quick_client
from tests.programs import Mosquitto
from tests.stories.following import Event, following
from tests.stories.test_press import BUTTONS, press_topic
from tests.stories.whole_hub import WholeHub, whole_hub

CUTS, HUB_KILLS, PAGES_KILLS = 12, 1, 1
LINES_MAX = 40  # about ten events
PRESSES_A_STEP = 6
# Devices' changes come often, feeds end by themselves, and who was away must be read from the disk.
HURRIED = {
    "HUB_STANDINGS_FLUSH_MS": "50",
    "HUB_LIVE_CONNECTION_S": "3",
    "HUB_LIVE_ROWS_MAX": "20",
}
FEW_BUTTONS = BUTTONS[:12]  # so that cases are raised and added to


async def press_some(client: aiomqtt.Client, dice: random.Random) -> None:
    """A few presses on a few buttons."""
    for button in dice.choices(FEW_BUTTONS, k=PRESSES_A_STEP):
        await client.publish(press_topic(button), '{"press": "sos"}', qos=1)


def changes(hub: WholeHub, after: int, until: int) -> list[Event]:
    """Rows of the table `changes` as one of the staff may see them."""
    return [
        Event(number, kind, seen(kind, key, msgspec.json.decode(body)))
        for number, kind, key, body in hub.rows(
            "SELECT id, kind, key, body_json FROM changes "
            f"WHERE id > {after} AND id <= {until} ORDER BY id"
        )
    ]


def seen(kind: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the feed adds to a row's body: its key."""
    names = {"device": "id", "notice": "id", "health": "part"}
    return {names[kind]: key, **body} if kind in names else body


async def test_every_change_comes_once_and_in_order_whatever_is_cut_or_killed(
    tmp_path: Path, broker: Mosquitto
) -> None:
    dice = random.Random(20260302)
    steps = ["cut"] * CUTS + ["kill the hub"] * HUB_KILLS + ["kill the pages"] * PAGES_KILLS
    dice.shuffle(steps)
    async with whole_hub(tmp_path / "hub", broker, **HURRIED) as hub:
        token = await hub.token("console", "staff")
        async with (
            hub.caller(token, tries=3) as caller,
            following(caller) as follower,
            quick_client(broker) as client,
        ):
            begin = follower.last_id
            assert begin is not None
            for step in steps:
                heard = len(follower.events) + dice.randint(1, 12)
                await press_some(client, dice)
                await follower.until(lambda heard=heard: len(follower.events) >= heard)  # type: ignore[misc]
                if step == "cut":
                    follower.cut_after(dice.randint(0, LINES_MAX))
                elif step == "kill the pages":
                    hub.kill_pages()
                else:
                    await hub.kill()
                    await press_some(client, dice)
                    await hub.start()
            await press_some(client, dice)
            [(newest,)] = hub.rows("SELECT max(id) FROM changes")
            await follower.until(lambda: (follower.last_id or 0) >= newest)
            came = [event for event in follower.events if event.id <= newest]
            table = changes(hub, begin, newest)
    note(f"live feed: {len(came)} changes over {follower.connections} connections")
    assert follower.connections > CUTS // 2, "it was cut off again and again"
    assert [event.id for event in came] == [event.id for event in table]
    assert came == table
    kinds = {event.kind for event in came}
    assert kinds >= {"case", "device", "notice"}
