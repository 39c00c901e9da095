"""A channel that tells people in words: limits, merging and wording are here, carrying is not.

An emergency's call goes at once and alone, whatever else waits; over the whole limit it fails, so
that the next way is tried at once. Lesser notices leave a part of the limit to it. When theirs is
used up they are held back (which is no try) until the next message may go, and that one lists all
that came meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.engine import Engine

from hub import answer_link
from hub.answer_link import Asked
from hub.clock import Clock
from hub.deliver import GiveUp, Later, TryAgain
from hub.notifiers.kind import Carrier, Recipient, TooFast
from hub.notifiers.limiter import Limiter, Limits
from hub.notifiers.wording import Manner, Message, Particulars, is_urgent, merged, message_of
from hub.outbox import Notice
from hub.particulars import particulars_of

_read_object = msgspec.json.Decoder(dict[str, Any]).decode


class Told(NamedTuple):
    """A notice on its way, and what its body says."""

    notice: Notice
    body: Mapping[str, Any]

    @property
    def recipient(self) -> Recipient:
        """Whom it is for."""
        return Recipient(self.notice.address, self.notice.role)


class Composer:
    """Makes messages of notices: names from the database, links with the data folder's key."""

    def __init__(
        self, engine: Engine | None, manner: Manner, key: bytes | None, public_url: str
    ) -> None:
        self._engine = engine
        self.manner = manner
        self._key = key
        self._public_url = public_url.rstrip("/")

    async def messages(self, told: Sequence[Told]) -> list[Message]:
        """Each as one message."""
        known = await asyncio.to_thread(self._look_up, told)
        return [
            message_of(one.body, particulars, self.manner, self._link(one.notice))
            for one, particulars in zip(told, known, strict=True)
        ]

    def _look_up(self, told: Sequence[Told]) -> list[Particulars]:
        if self._engine is None:
            return [Particulars()] * len(told)
        with self._engine.connect() as connection:
            return [particulars_of(connection, one.notice.case_id) for one in told]

    def _link(self, notice: Notice) -> str:
        """Only whoever is asked to answer has a link that answers."""
        if not (self._public_url and self._key and notice.is_call and notice.recipient):
            return ""
        asked = Asked(notice.id, notice.case_id, notice.recipient, notice.created_ms)
        return f"{self._public_url}/a/{answer_link.token_of(self._key, asked)}"


class Merging(NamedTuple):
    """How lesser notices become one message. `one_address`: whomever they are for.

    `gather_s`: so long the others that come together are waited for; `notices_max` of one message.
    """

    merges: bool
    one_address: bool
    gather_s: float
    notices_max: int


class _Batch:
    """Lesser notices that wait to become one message, each with whoever waits for its end."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Told, asyncio.Future[str | None]]] = []

    def join(self, told: Told) -> asyncio.Future[str | None]:
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.waiting.append((told, future))
        return future


class MessageChannel:
    """See the module. `carrier` knows the service."""

    def __init__(
        self,
        name: str,
        carrier: Carrier,
        composer: Composer,
        limits: Limits,
        merging: Merging,
        clock: Clock,
    ) -> None:
        self.name = name
        self._carrier = carrier
        self._composer = composer
        self._limits = limits
        self._merging = merging
        self._clock = clock
        self._limiter = Limiter(limits)
        self._batches: dict[str | None, _Batch] = {}
        self._flushing: set[asyncio.Task[None]] = set()

    async def ready(self) -> None:
        """At once: only a try tells whether the service is there."""

    async def send(self, notice: Notice) -> str | None:
        """Tell it, alone or with others. Raises `TryAgain`, `GiveUp` or `Later`."""
        told = Told(notice, _body(notice))
        if is_urgent(told.body):
            return await self._send_urgent(told)
        now_s = self._clock.monotonic_s()
        room = self._limiter.room(now_s)
        if room == 0:
            raise self._later(now_s)
        key = None if self._merging.one_address else notice.address
        if self._merging.merges and (room == 1 or key in self._batches):
            return await self._gather(key, told)
        self._limiter.take(now_s)
        return await self._carry([told])

    async def _send_urgent(self, told: Told) -> str | None:
        now_s = self._clock.monotonic_s()
        wait_s = self._limiter.wait_s(now_s, urgent=True)
        if wait_s > 0:
            raise TryAgain("over the service's whole limit", wait_s)
        self._limiter.take(now_s)
        return await self._carry([told])

    def _later(self, now_s: float) -> Later:
        return Later("held back by the service's limit", self._limiter.wait_s(now_s))

    # -- merging ---------------------------------------------------------------------------------

    async def _gather(self, key: str | None, told: Told) -> str | None:
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = _Batch()
            flush = asyncio.create_task(self._flush_soon(key, batch))
            self._flushing.add(flush)
            flush.add_done_callback(partial(self._flushed, batch))
        return await batch.join(told)

    async def _flush_soon(self, key: str | None, batch: _Batch) -> None:
        await asyncio.sleep(self._merging.gather_s)
        del self._batches[key]
        now_s = self._clock.monotonic_s()
        if self._limiter.room(now_s) == 0:  # emergencies came first
            raise self._later(now_s)
        self._limiter.take(now_s)
        note = await self._carry_batch(batch)
        for _, future in batch.waiting:
            if not future.done():
                future.set_result(note)

    def _flushed(self, batch: _Batch, flush: asyncio.Task[None]) -> None:
        """What went wrong is told to each that waits; the deliverer knows what to make of it."""
        self._flushing.discard(flush)
        error = asyncio.CancelledError() if flush.cancelled() else flush.exception()
        if error is not None:
            _fail(batch.waiting, error)

    async def _carry_batch(self, batch: _Batch) -> str | None:
        """As many as one message holds; the others wait for the next one."""
        told = [one for one, _ in batch.waiting]
        messages = await self._composer.messages(told)
        count = self._fitting(messages)
        left = batch.waiting[count:]
        del batch.waiting[count:]
        now_s = self._clock.monotonic_s()
        _fail(left, self._later(now_s))
        return await self._hand_over(messages[:count], told[:count])

    def _fitting(self, messages: Sequence[Message]) -> int:
        count, language = 1, self._composer.manner.language
        while count < min(len(messages), self._merging.notices_max):
            text = merged(messages[: count + 1], language).text
            if len(text.encode()) > self._limits.text_bytes_max:
                break
            count += 1
        return count

    # -- carrying --------------------------------------------------------------------------------

    async def _carry(self, told: Sequence[Told]) -> str | None:
        return await self._hand_over(await self._composer.messages(told), told)

    async def _hand_over(self, messages: Sequence[Message], told: Sequence[Told]) -> str | None:
        message = merged(messages, self._composer.manner.language)
        to = tuple(dict.fromkeys(one.recipient for one in told))
        try:
            return await self._carrier.carry(message, to)
        except TooFast as error:
            pause_s = error.after_s if error.after_s is not None else self._limits.pause_s
            self._limiter.pause(self._clock.monotonic_s(), pause_s)
            raise TryAgain(str(error), pause_s) from error


def _fail(waiting: Sequence[tuple[Told, asyncio.Future[str | None]]], error: BaseException) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)


def _body(notice: Notice) -> Mapping[str, Any]:
    try:
        return _read_object(notice.body_json)
    except msgspec.DecodeError as error:
        raise GiveUp(f"the body is no JSON object: {error}") from error
