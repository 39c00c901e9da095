"""`hub redecode`: refusals once more through the drivers."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from device_drivers.catalog import DRIVERS
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.database import UnusableDatabase, migrate, open_engine
from hub.mistakes import nearest
from hub.redecode import Outcome
from hub.redecode import redecode as read_again
from hub.settings import WrongSetting
from hub.site import WrongSite, read_site
from rules.duration import parse_duration

LINES_MAX = 40


@click.command()
@click.option("--since", help="A date, a moment (2026-03-02T08:00) or how long ago (7d).")
@click.option("--driver", help="Only what this driver reads, or refuses, now.")
@click.option("--dry-run", is_flag=True, help="Tell what would become of them; write nothing.")
def redecode(since: str | None, driver: str | None, *, dry_run: bool) -> None:
    """Read kept refusals again, after a driver was mended or a device got the right one.

    What is understood now becomes readings of its own old time, each once, also while the hub
    runs; an old press is told to people as late news. What is still not understood stays as it is.
    """
    if driver is not None and driver not in DRIVERS:
        raise Complaint(f"--driver: there is no {driver!r}{nearest(driver, DRIVERS)}")
    try:
        settings = settings_at_hand()
        now_ms = SystemClock().now_ms()
        since_ms = (
            0 if since is None else _moment(since, read_site(settings.site_file).zone, now_ms)
        )
        engine = open_engine(settings.database)
        migrate(engine)
        try:
            outcome = read_again(
                engine, settings, now_ms, since_ms=since_ms, driver=driver, dry_run=dry_run
            )
        finally:
            engine.dispose()
    except (WrongSetting, WrongSite, UnusableDatabase) as error:
        raise Complaint(str(error)) from error
    _tell(outcome, dry_run=dry_run)


def _moment(text: str, zone: ZoneInfo, now_ms: int) -> int:
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        expected = "a date, a moment such as 2026-03-02T08:00, or a time ago such as 7d"
        raise Complaint(f"--since: expected {expected}, not {text!r}") from None
    return round((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1_000)


def _tell(outcome: Outcome, *, dry_run: bool) -> None:
    lines = list(outcome.lines())
    for line in lines[:LINES_MAX]:
        click.echo(line)
    if len(lines) > LINES_MAX:
        click.echo(f"       and {len(lines) - LINES_MAX} more reasons")
    done = outcome.read_again.total()
    left = outcome.still_refused.total() + outcome.skipped.total()
    would = "would be " if dry_run else ""
    pressed = f", {outcome.presses} of them with a press" if outcome.presses else ""
    click.echo(f"{done} {would}read again{pressed}; {left} stay refused")
