"""Channels: one file per way to tell. `open_channels` sets up those that the settings name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from hub.clock import Clock
from hub.deliver import Channel
from hub.notifiers.log import LogChannel
from hub.notifiers.mqtt import CasesChannel, DownChannel, Publisher
from hub.notifiers.webhook import open_webhook
from hub.settings import Settings


@asynccontextmanager
async def open_channels(
    *, publisher: Publisher, site: str, settings: Settings, clock: Clock
) -> AsyncIterator[dict[str, Channel]]:
    """Every channel that is set up, by name, while the block lasts. Raises `WrongSetting`."""
    async with AsyncExitStack() as stack:
        channels: list[Channel] = [
            CasesChannel(publisher, site),
            DownChannel(publisher, site),
            LogChannel(),
        ]
        if settings.webhook_url:
            channels.append(await stack.enter_async_context(open_webhook(settings, clock)))
        yield {channel.name: channel for channel in channels}
