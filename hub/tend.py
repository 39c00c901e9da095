"""Look after the house: remove what has been kept long enough, and say how the parts are.

Bounds: `readings_keep_days`, `refusals_keep_days`, `commands_keep_days`, `notices_keep_days`,
`canary_keep_days`, `changes_keep_rows`, `act_ids_keep_days`, `edits_keep_days`, `work_keep_days`,
`plans_removed_keep_days`, those of `hub/photos.py`;
`retention_rows_max` rows go at a time, so that nobody waits for it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from sqlalchemy.engine import Connection

from hub import client_acts, edit_history, floor_plans, journal, outbox, photos, work_past
from hub.canary import CHANNEL as CANARY
from hub.cases import forget_changes
from hub.clock import Clock
from hub.health import GREEN, Report
from hub.ingest import BUTTONS, Opened
from hub.journal import COMMAND, DAY_MS, READING, REFUSAL
from hub.settings import Settings
from hub.writer import IDLE, Writer


class Tally:
    """What the ingest has done since the start, for health and metrics."""

    def __init__(self, wake_followers: Callable[[], None]) -> None:
        self._counts: Counter[str] = Counter()
        self._wake_followers = wake_followers

    def count(self, link: int, opened: Opened) -> None:
        """One batch is done."""
        name = "buttons" if link == BUTTONS else "others"
        self._counts[f"kept_{name}"] += len(opened.entries)
        self._counts[f"repeats_{name}"] += opened.repeats
        self._counts["answers"] += len(opened.answers)
        self._counts["left_out"] += opened.left_out
        self._counts["announced"] += opened.announced
        if opened.entries:
            self._wake_followers()

    def figures(self) -> dict[str, int]:
        """Everything counted so far."""
        return dict(self._counts)


async def forget_old(writer: Writer, settings: Settings, now_ms: int) -> int:
    """Remove what is older than its bound; how many rows went."""
    rows_max = settings.retention_rows_max

    def before_ms(days: int) -> int:
        return now_ms - days * DAY_MS

    jobs: tuple[Callable[[Connection], int], ...] = (
        lambda c: journal.forget(c, READING, before_ms(settings.readings_keep_days), rows_max),
        lambda c: journal.forget(c, REFUSAL, before_ms(settings.refusals_keep_days), rows_max),
        lambda c: journal.forget(c, COMMAND, before_ms(settings.commands_keep_days), rows_max),
        lambda c: outbox.forget(c, before_ms(settings.notices_keep_days), rows_max),
        lambda c: outbox.forget_channel(c, CANARY, before_ms(settings.canary_keep_days), rows_max),
        lambda c: client_acts.forget(c, before_ms(settings.act_ids_keep_days), rows_max),
        lambda c: edit_history.forget(c, before_ms(settings.edits_keep_days), rows_max),
        lambda c: work_past.forget(c, before_ms(settings.work_keep_days), rows_max),
        lambda c: floor_plans.forget(c, before_ms(settings.plans_removed_keep_days), rows_max),
    )
    gone = await writer.run(lambda c: forget_changes(c, settings.changes_keep_rows), rank=IDLE)
    folder = photos.folder_of(settings)
    gone += await writer.run(lambda c: photos.forget(c, folder, settings, now_ms), rank=IDLE)
    for job in jobs:
        gone += await _until_none_is_left(writer, job, rows_max)
    return gone


async def _until_none_is_left(
    writer: Writer, job: Callable[[Connection], int], rows_max: int
) -> int:
    gone = 0
    while (now_gone := await writer.run(job, rank=IDLE)) >= rows_max:
        gone += now_gone
    return gone + now_gone


async def tend(
    *, writer: Writer, tally: Tally, settings: Settings, clock: Clock, report: Report
) -> None:
    """Until cancelled: tell the ingest's figures, and forget what is old."""
    next_s = clock.monotonic_s()
    while True:
        report("ingest", GREEN, "正在接收", "receiving", tally.figures())
        if clock.monotonic_s() >= next_s:
            await forget_old(writer, settings, clock.now_ms())
            next_s = clock.monotonic_s() + settings.retention_every_s
        await asyncio.sleep(settings.health_write_every_s)
