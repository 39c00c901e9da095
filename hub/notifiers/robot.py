"""What the robots of chat groups have in common: a POST whose HTTP 200 may hold an error's code."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import httpx
import msgspec

from hub.clock import Clock
from hub.deliver import GiveUp, TryAgain
from hub.notifiers.kind import Entry, Recipient, TooFast
from hub.notifiers.wording import cut
from hub.retry_after import retry_after_s
from hub.settings import WrongSetting

ANSWER_BYTES_MAX = 65_536
WORDS_BYTES_MAX = 200  # that are kept of a service's own words
_MOBILE = re.compile(r"1[0-9]{10}")
_TOO_FAST, _TRY_AGAIN, _SERVER_ERROR = 429, (408, 425), 500
_read_object = msgspec.json.Decoder(dict[str, Any]).decode


class Refusal(NamedTuple):
    """What a code means. `again`: later may help; `too_fast`: leave it alone for a while."""

    meaning: str
    again: bool = False
    too_fast: bool = False


def address_of(entry: Entry) -> str:
    """The robot's address, which is its secret. Raises `WrongSetting`; never says the address."""
    address = entry.secrets["url"]
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise WrongSetting(f"channel {entry.name}: url: expected http[s]://host/path")
    return address


async def post(
    client: httpx.AsyncClient,
    url: str,
    body: Mapping[str, Any],
    clock: Clock,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object of a 2xx answer. Raises `TryAgain`, `TooFast` or `GiveUp`."""
    target = httpx.URL(url).copy_merge_params(params or {})
    sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    try:
        request = client.stream("POST", target, content=msgspec.json.encode(body), headers=sent)
        async with request as answer:
            check_status(answer, clock)
            return _read_object(await _start_of(answer))
    except httpx.TransportError as error:
        raise TryAgain(f"{type(error).__name__}: no answer from {target.host}") from error
    except msgspec.DecodeError as error:  # a proxy's or a captive portal's page
        raise TryAgain(f"{target.host} answered with something that is no JSON object") from error


def check_status(answer: httpx.Response, clock: Clock) -> None:
    """Raise for a status that is no 2xx."""
    if answer.is_success:
        return
    reason = f"HTTP {answer.status_code} {answer.reason_phrase}".strip()
    after_s = retry_after_s(answer.headers.get("Retry-After"), clock.now_ms())
    if answer.status_code == _TOO_FAST:
        raise TooFast(reason, after_s)
    if answer.status_code >= _SERVER_ERROR or answer.status_code in _TRY_AGAIN:
        raise TryAgain(reason, after_s)
    raise GiveUp(reason)


async def _start_of(answer: httpx.Response) -> bytes:
    """No more than a bound of it: it may be of any length."""
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            break
    return body[:ANSWER_BYTES_MAX]


def check_code(code: Any, words: Any, refusals: Mapping[int, Refusal], name: str) -> None:
    """Raise for a code other than 0. One that no table names is tried again."""
    if isinstance(code, int) and not isinstance(code, bool) and code == 0:
        return
    refusal = refusals.get(code) if isinstance(code, int) else None
    said = cut(" ".join(str(words or "").split()), WORDS_BYTES_MAX)
    meaning = refusal.meaning if refusal is not None else "not in our table"
    reason = f"{name} {code}: {meaning}" + (f" ({said})" if said else "")
    if refusal is not None and refusal.too_fast:
        raise TooFast(reason)
    if refusal is None or refusal.again:
        raise TryAgain(reason)
    raise GiveUp(reason)


def mobiles(entry: Entry, to: Iterable[Recipient]) -> list[str]:
    """The mobile phones that the group's robot calls by name.

    A relative's number leaves the house on private channels only.
    """
    return [
        one.address
        for one in to
        if one.address is not None
        and _MOBILE.fullmatch(one.address)
        and (entry.private or one.role != "family")
    ]
