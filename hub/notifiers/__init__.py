"""Channels: one file per way to tell. `open_channels` sets up those that the settings name."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy.engine import Engine

from hub import answer_link
from hub.clock import Clock
from hub.deliver import Channel
from hub.notifiers.aliyun import ALIYUN_SMS, ALIYUN_VOICE
from hub.notifiers.apprise import APPRISE
from hub.notifiers.canary import CanaryChannel
from hub.notifiers.channels_file import Found, read_entries, with_secrets
from hub.notifiers.dingtalk import DINGTALK
from hub.notifiers.feishu import FEISHU
from hub.notifiers.kind import Entry, Kind, Tools
from hub.notifiers.log import LogChannel
from hub.notifiers.mail import EMAIL
from hub.notifiers.messenger import Composer, Merging, MessageChannel
from hub.notifiers.mqtt import CallsChannel, CasesChannel, DownChannel, Publisher
from hub.notifiers.mqtt_show import MQTT_SHOW
from hub.notifiers.ntfy import NTFY
from hub.notifiers.webhook import open_webhook
from hub.notifiers.wecom import WECOM
from hub.notifiers.wording import Manner
from hub.settings import Settings, WrongSetting
from hub.site import PLAIN_ZONE

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        WECOM,
        DINGTALK,
        FEISHU,
        EMAIL,
        NTFY,
        ALIYUN_SMS,
        ALIYUN_VOICE,
        APPRISE,
        MQTT_SHOW,
    )
}
OWN = ("mqtt", "calls", "down", "log", "webhook")
TAKEN = (*OWN, CanaryChannel.name)  # nobody is called by the last one


def read_channels(settings: Settings) -> tuple[Found, ...]:
    """The channels of HUB_CHANNELS_FILE, their secrets not read yet. Raises `WrongChannels`."""
    return read_entries(settings.channels_file, KINDS, TAKEN)


def names_of(settings: Settings) -> tuple[str, ...]:
    """The channels that `open_channels` would set up, unopened. Raises `WrongChannels`."""
    own = [name for name in OWN if name != "webhook" or settings.webhook_url]
    return (*own, *(found.entry.name for found in read_channels(settings)))


def check_public_url(settings: Settings) -> None:
    """Raise `WrongSetting` unless HUB_PUBLIC_URL is empty or an address of the web."""
    if not settings.public_url:
        return
    try:
        url = httpx.URL(settings.public_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        raise WrongSetting("HUB_PUBLIC_URL: expected http[s]://host[:port][/path]")


@asynccontextmanager
async def open_channels(
    *,
    publisher: Publisher,
    site: str,
    settings: Settings,
    clock: Clock,
    engine: Engine | None = None,
    zone: ZoneInfo = PLAIN_ZONE,
) -> AsyncIterator[dict[str, Channel]]:
    """Every channel that is set up, by name, while the block lasts.

    Messages take names of places from `engine` and say times of `zone`.
    Raises `WrongSetting`, `WrongChannels`.
    """
    async with AsyncExitStack() as stack:
        channels: list[Channel] = [
            CasesChannel(publisher, site),
            CallsChannel(publisher, site),
            DownChannel(publisher, site),
            LogChannel(),
            CanaryChannel(publisher, site, clock),
        ]
        if settings.webhook_url:
            channels.append(await stack.enter_async_context(open_webhook(settings, clock)))
        found = read_channels(settings)
        if found:
            http = httpx.AsyncClient(timeout=settings.deliver_timeout_s)
            tools = Tools(
                await stack.enter_async_context(http), publisher, clock, settings.deliver_timeout_s
            )
            entries = with_secrets(settings.channels_file, found)
            channels += await _opened(stack, entries, tools, settings, engine, zone)
        yield {channel.name: channel for channel in channels}


async def _opened(
    stack: AsyncExitStack,
    entries: Iterable[Entry],
    tools: Tools,
    settings: Settings,
    engine: Engine | None,
    zone: ZoneInfo,
) -> list[Channel]:
    check_public_url(settings)
    key = answer_link.read_key(settings.data_dir) if settings.public_url else None
    channels: list[Channel] = []
    for entry in entries:
        kind = KINDS[entry.kind]
        if kind.open_channel is not None:
            channels.append(kind.open_channel(entry, tools, engine))
        elif kind.open is not None:
            carrier = await stack.enter_async_context(kind.open(entry, tools))
            manner = Manner(entry.language, entry.private, zone)
            composer = Composer(engine, manner, key, settings.public_url)
            merging = Merging(
                kind.merges, kind.one_address, settings.merge_gather_s, settings.merge_notices_max
            )
            channels.append(
                MessageChannel(entry.name, carrier, composer, entry.limits, merging, tools.clock)
            )
    return channels
