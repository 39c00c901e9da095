"""Notices as the judge makes them, and a channels file with the hub's channels of it, for tests."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from hub.deliver import Channel
from hub.mqtt import Address
from hub.notifiers import open_channels
from hub.notifiers.mqtt import open_publisher
from hub.outbox import Notice
from hub.settings import Settings
from tests.hub.timekeeper import Timekeeper
from tests.programs import free_port

NOON_MS = 1_700_000_000_000  # 2023-11-15 06:13:20 in Shanghai
SETTINGS = Settings(
    reconnect_min_s=0.01, reconnect_max_s=0.05, deliver_timeout_s=5.0, merge_gather_s=0.0
)


def a_body(severity: str = "emergency", what: str = "call", **more: Any) -> dict[str, Any]:
    """What `hub.cases.outward` and a call make."""
    body = {
        "what": what,
        "id": "C-000001",
        "key": "b-0",
        "severity": severity,
        "category": "emergency",
        "place": "b3/u1/1204",
        "grid": "grid-1",
        "title_zh": "紧急呼叫",
        "title_en": "Emergency call",
        "why_zh": "王秀英按下了紧急按钮",
        "why_en": "Wang Xiuying pressed the button",
        "state": "raised",
        "raised_at_ms": NOON_MS,
    }
    call = {"role": "duty-phone", "contact": "duty-phone:grid-1", "nth": 1}
    return body | ({"call": call} if what == "call" else {}) | more


def a_notice(
    channel: str,
    body: Mapping[str, Any] | None = None,
    *,
    number: int = 7,
    address: str | None = None,
    role: str = "duty-phone",
) -> Notice:
    """A notice of the outbox."""
    body = a_body() if body is None else body
    reason = "call" if body["what"] == "call" else "changed"
    more = (role, reason, json.dumps(body), NOON_MS, NOON_MS, 0, f"{role}:grid-1", address)
    return Notice(number, str(body["id"]), channel, *more)


def write(folder: Path, channels: Mapping[str, Mapping[str, Any]], **secrets: str) -> str:
    """A channels file and the files of its secrets; its path."""
    for name, secret in secrets.items():
        (folder / name).write_text(f"{secret}\n", encoding="utf-8")
    file = folder / "channels.yaml"
    file.write_text(json.dumps({"channels": channels}, ensure_ascii=False), encoding="utf-8")
    return str(file)


@asynccontextmanager
async def opened(
    file: str,
    *,
    settings: Settings = SETTINGS,
    clock: Timekeeper | None = None,
    engine: Engine | None = None,
    port: int | None = None,
) -> AsyncIterator[dict[str, Channel]]:
    """The channels of a file; of a broker only where there is one."""
    settings = replace(settings, channels_file=file)
    address = Address("127.0.0.1", port or free_port())
    async with (
        open_publisher(address, "demo", settings) as publisher,
        open_channels(
            publisher=publisher,
            site="demo",
            settings=settings,
            clock=clock or Timekeeper(NOON_MS),
            engine=engine,
        ) as channels,
    ):
        yield channels
