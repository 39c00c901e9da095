"""The machine's clock was set back: found out, told, and for how long moments lie in the future.

After a power cut a machine without a battery may run ahead or behind for hours until NTP sets it
right. What was due by the wrong clock would be due hours late: calls would be silent for as long.
A step shows where the wall's clock goes back against the one that never does, and after a restart
where it stands before the newest moment that the last run wrote down.
"""

from hub.clock import Clock
from hub.health import GREEN, YELLOW, Report
from rules.duration import say_duration

PART = "clock"


class SetBack:
    """Looks again and again. A step of less than `step_ms_min` is not looked at."""

    def __init__(self, clock: Clock, step_ms_min: int, report: Report | None = None) -> None:
        self.report = report  # None: where no health is kept
        self._clock = clock
        self._step_ms_min = step_ms_min
        self._last = clock.now_ms(), clock.monotonic_s()
        self._until_ms: int | None = None  # up to when moments of the wrong clock lie ahead

    def begin(self, newest_ms: int) -> None:
        """The newest moment that the last run knew: time has passed since, if only a little."""
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        self._last = max(now_ms, newest_ms), now_s

    def look(self) -> int:
        """By how many ms it was set back since the last look; 0: it was not."""
        last_ms, last_s = self._last
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        self._last = now_ms, now_s
        right_ms = last_ms + round((now_s - last_s) * 1_000)
        back_ms = right_ms - now_ms
        if back_ms >= self._step_ms_min:
            self._until_ms = max(right_ms, self._until_ms or 0)
            self._tell(back_ms, self._until_ms - now_ms)
            return back_ms
        if self._until_ms is not None and now_ms >= self._until_ms:
            self._until_ms = None
            self._report(GREEN, "时钟正常", "the clock is right")
        return 0

    def _tell(self, back_ms: int, left_ms: int) -> None:
        (by_zh, by_en), (zh, en) = say_duration(back_ms), say_duration(left_ms)
        self._report(
            YELLOW,
            f"本机时钟被回拨 {by_zh}: 呼叫和升级照常, 看时长的规则在今后 {zh} 内可能晚报",
            f"the machine's clock was set back by {by_en}: calls and escalations go on, rules "
            f"about durations may be late in the next {en}",
        )

    def _report(self, state: str, zh: str, en: str) -> None:
        if self.report is not None:
            self.report(PART, state, zh, en)
