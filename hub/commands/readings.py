"""`hub export readings`: a stretch of the journal as a file that backtests can be run on."""

from pathlib import Path

from hub import private_files
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.commands.spans import read_span
from hub.database import UnusableDatabase, migrate, open_engine
from hub.past import NoPast, open_journal, read_commands
from hub.recorded import WrongFile, write
from hub.settings import WrongSetting
from hub.site import WrongSite, read_site


def export_readings(
    output: Path | None, from_: str | None, to: str | None, last: str | None
) -> str:
    """Write the file; one line about it. Raises `Complaint`."""
    if output is None:
        raise Complaint("readings go to a file: --output FILE.jsonl, or FILE.jsonl.gz")
    try:
        settings = settings_at_hand()
        site = read_site(settings.site_file)
        span = read_span(from_, to, last, site.zone, SystemClock().now_ms())
        if not Path(settings.database.removeprefix("sqlite:///")).exists():
            raise NoPast("no hub has run here yet: there are no readings")
        engine = open_engine(settings.database)
        try:
            migrate(engine)
            past = open_journal(engine, settings, None, span.from_ms, span.to_ms, 0)
            with engine.connect() as connection:
                commands = read_commands(connection, past.starts_ms, span.to_ms)
            private_files.make_file(output)
            count = write(output, past.world, commands, past.entries())
        finally:
            engine.dispose()
    except (WrongSetting, WrongSite, UnusableDatabase, NoPast, WrongFile) as error:
        raise Complaint(str(error)) from error
    except OSError as error:
        raise Complaint(f"{error.filename or output}: {error.strerror or error}") from error
    return f"{output}: {count} messages"
