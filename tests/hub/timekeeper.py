"""A clock in the test's hand: nothing waits for real time."""

import asyncio


class Timekeeper:
    """Is a `Clock`, and a `Wait` that ends when its event is set or enough time was let pass."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._now_ms / 1000

    def let_pass(self, seconds: float) -> None:
        """Move on; whoever has waited long enough wakes."""
        self._now_ms += round(seconds * 1000)
        for due_ms, sleeper in self._sleepers:
            if due_ms <= self._now_ms:
                _wake(sleeper)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.Future()
        entry = (self._now_ms + round(seconds * 1000), sleeper)
        self._sleepers.append(entry)
        called = asyncio.create_task(event.wait())
        called.add_done_callback(lambda _called: _wake(sleeper))
        try:
            await sleeper
        finally:
            called.cancel()
            self._sleepers.remove(entry)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
