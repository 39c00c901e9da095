"""Recorded frames of real devices go through broker and hub, and none gets lost on the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.device_drivers.shared_frames import FOLDER, OWN
from tests.integration.hub_process import note, quick_client
from tests.programs import Mosquitto
from tests.stories.following import following
from tests.stories.test_press import BUTTONS, press_topic
from tests.stories.whole_hub import WholeHub, case_of, read, whole_hub

FRAMES_RATE = "2000"
ROWS_MAX = 1_000

# What came by the common connection and was kept: one packet of MQTT is one message.
ARRIVED = "SELECT count(DISTINCT packet_id) FROM journal WHERE link = 1"
FIGURES = "SELECT figures_json FROM health WHERE part = 'ingest'"


def files_of(folder: Path) -> list[Path]:
    """All files of frames."""
    return sorted(folder.glob("*.jsonl"))


async def play(hub: WholeHub, url: str, file: Path) -> dict[str, Any]:
    """Have the simulator play a file; what it says at the end."""
    said = await hub.order(
        "simulate", "--frames", str(file), "--broker", url, "--rate", FRAMES_RATE
    )
    summary: dict[str, Any] = json.loads(said.splitlines()[-1])
    return summary


def repeats(hub: WholeHub) -> int:
    """Messages that were recognised as copies of others, by the hub's newest word."""
    figures = [json.loads(row) for (row,) in hub.rows(FIGURES)]
    return sum(row.get("repeats_others", 0) + row.get("announced", 0) for row in figures)


@pytest.mark.parametrize(
    "folder",
    [
        OWN,
        pytest.param(
            FOLDER,
            marks=pytest.mark.skipif(
                not FOLDER.exists(), reason="the collection of frames is not beside the checkout"
            ),
        ),
    ],
    ids=["our own", "the collection"],
)
async def test_every_frame_that_arrives_is_a_reading_a_stranger_or_a_refusal_with_a_reason(
    tmp_path: Path, broker: Mosquitto, folder: Path
) -> None:
    async with whole_hub(tmp_path / "hub", broker, HUB_HEALTH_WRITE_EVERY_S="0.2") as hub:
        async with (
            hub.caller(await hub.token("desk", "staff")) as caller,
            following(caller) as follower,
            quick_client(broker) as client,
        ):
            arrived = 0
            for file in files_of(folder):
                summary = await play(hub, broker.url, file)
                heard = summary["messages"] - summary["not_subscribed"]
                note(
                    f"{file.name}: {summary['messages']} frames, {heard} on topics of the hub, "
                    f"{summary['unusable']} lines that are no message"
                )
                arrived += heard
            assert arrived > 0

            def counted() -> bool:
                [(kept,)] = hub.rows(ARRIVED)
                return bool(kept + repeats(hub) == arrived)

            await follower.until(counted)  # looked at with every ping: the figures are written so
            await client.publish(press_topic(BUTTONS[0]), '{"press": "sos"}', qos=1)
            assert (await case_of(caller, BUTTONS[0]))["severity"] == "emergency"
            strangers = await read(caller, "/strangers", limit=ROWS_MAX)
            refusals = await read(caller, "/refusals", limit=ROWS_MAX)
            assert (await caller.get("/readyz")).status_code == 200
            readings = hub.rows(
                "SELECT device, body FROM journal WHERE kind = 'reading' AND link = 1"
            )
        note(
            f"{arrived} arrived: {len(readings)} readings of {len(strangers)} strangers and "
            f"devices, {len(refusals)} refusals, {repeats(hub)} copies"
        )
        assert hub.starts == 1
        assert not [line for line in hub.lines if "Traceback" in line]
    check_kept(readings, strangers, refusals)


def check_kept(
    readings: list[tuple[Any, ...]],
    strangers: list[dict[str, Any]],
    refusals: list[dict[str, Any]],
) -> None:
    """What is kept can be looked at: a sender for every reading, a reason for every refusal."""
    senders = {row["address"] for row in strangers}
    # A gateway goes by the name that the messages it carries have for it, without its ecosystem's.
    gateways = [row["address"] for row in strangers if row["family"] == "gateway"]
    senders |= {address.partition(":")[2] for address in gateways}
    assert readings
    assert {device for device, _body in readings} <= senders
    assert sum(row["messages"] for row in strangers) >= len(readings)
    assert all(row["newest"] for row in strangers)
    assert len(refusals) < ROWS_MAX
    for refusal in refusals:
        assert refusal["reason"]
        assert refusal["topic"]
        assert refusal["raw"] is not None
