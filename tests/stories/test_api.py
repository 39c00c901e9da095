"""A program that knows nothing but `/openapi.json` finds its way through the real API."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.integration.hub_process import quick_client
from tests.programs import Mosquitto
from tests.stories.test_press import BUTTONS, press_topic
from tests.stories.whole_hub import API, case_of, whole_hub

OPEN = {"/healthz", "/readyz", "/metrics"}
OF_ANYBODY = "/report"  # what may be told of a device, at the device itself
LIVE = f"{API}/live"
NOWHERE = {
    "case_id": "C-999999",
    "order_id": "C-999999",
    "round_id": "999999",
    "photo_id": "no-such",
    "plan_id": "999999",
    "device_id": "no-such",
    "code": "no-such",
    "seq": "999999",
    "name": "no-such",
}
# What is there for a while only, or of a rule on trial: tests of their own ask for them.
PASSING = ("/trials/{trial_id}", "/shadow")
PROBLEM = {"type", "title", "status", "detail"}


REQUIRED = {
    "text": "btn-1",
    "address": "native:btn-1",
    "grid": "grid-1",
    "day": "2026-03-02",
}  # what must be asked with, and a value of it


def names_in(path: str) -> set[str]:
    """What has to be filled in."""
    return set(re.findall(r"{(\w+)}", path))


def gets(book: dict[str, Any], values: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every GET of the book: its path with these values filled in, and what it says of it."""
    for path, methods in book["paths"].items():
        if "get" in methods and not path.endswith(PASSING) and names_in(path) <= values.keys():
            asked = [
                f"{one['name']}={REQUIRED[one['name']]}"
                for one in methods["get"].get("parameters", ())
                if one["in"] == "query" and one["required"]
            ]
            yield "?".join([path.format(**values), *asked]), methods["get"]


def check_problem(answer: httpx.Response, status: int) -> None:
    """The one shape of everything that goes wrong."""
    assert answer.status_code == status, (answer.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() >= PROBLEM
    assert answer.json()["status"] == status


def check_shape(book: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    """Every member that the book promises is there, all the way down."""
    if "$ref" in schema:
        schema = book["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        assert isinstance(body, list)
        for one in body:
            check_shape(book, schema["items"], one)
    for name in schema.get("required", ()):
        assert name in body
    for name, inner in schema.get("properties", {}).items():
        if name in body and body[name] is not None:
            check_shape(book, inner, body[name])


async def test_a_program_finds_every_get_by_the_book(tmp_path: Path, broker: Mosquitto) -> None:
    async with (
        whole_hub(tmp_path / "hub", broker) as hub,
        hub.caller(await hub.token("program", "admin")) as known,
        hub.caller() as nobody,
        quick_client(broker) as client,
    ):
        book = (await nobody.get("/openapi.json")).json()
        await client.publish(press_topic(BUTTONS[0]), '{"press": "sos"}', qos=1)
        case = await case_of(known, BUTTONS[0])
        order = await known.post(f"{API}/cases/{case['id']}/answer")
        there = {"case_id": case["id"], "device_id": BUTTONS[0], "seq": str(order.json()["seq"])}
        there |= {"name": "emergency-press", "kind": "devices", "key": BUTTONS[0]}
        there["code"] = (await known.get(f"{API}/devices/{BUTTONS[0]}")).json()["code"]

        assert len(list(gets(book, there))) > 12
        for path, about in gets(book, there):
            if path not in OPEN and not path.endswith(OF_ANYBODY):
                check_problem(await nobody.get(path), 401)
            if path != LIVE:
                await check_answer(known, path, about, book)
        for path, _about in gets(book, NOWHERE):
            if path not in dict(gets(book, there)):
                check_problem(await known.get(path), 404)
        async with known.stream("GET", LIVE) as feed:
            assert feed.status_code == 200
            assert feed.headers["content-type"].startswith("text/event-stream")
        check_problem(await known.get(f"{API}/no-such-thing"), 404)
        check_problem(await nobody.get(f"{API}/cases", headers={"Authorization": "Bearer x"}), 401)


async def check_answer(
    known: httpx.AsyncClient, path: str, about: dict[str, Any], book: dict[str, Any]
) -> None:
    """200 and what the book says."""
    answer = await known.get(path)
    assert answer.status_code == 200, (path, answer.text)
    kind = answer.headers["content-type"].partition(";")[0]
    promised = about["responses"]["200"]["content"]
    assert kind in promised
    if kind == "application/json":
        check_shape(book, promised[kind]["schema"], answer.json())
