"""`hub import` and `hub export`: devices, residents, places and grids as CSV."""

from pathlib import Path

import click
from sqlalchemy.engine import Engine

from device_drivers.catalog import DRIVERS
from hub import private_files
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.database import UnusableDatabase, for_writing, migrate, open_engine
from hub.mistakes import Mistakes, Wrong
from hub.register import (
    KINDS,
    Kept,
    Sheet,
    keep,
    keep_site,
    read_known,
    read_sheet,
    tell_of_change,
    write_sheet,
)
from hub.settings import Settings, WrongSetting
from hub.site import read_site


def _open(settings: Settings) -> Engine:
    """The database, with the grids and places of the site file."""
    site = read_site(settings.site_file)
    private_files.make_folder(settings.data_dir)
    engine = open_engine(settings.database)
    migrate(engine)
    with for_writing(engine).begin() as connection:
        keep_site(connection, site, SystemClock().now_ms())
    return engine


def _read(file: Path, bytes_max: int) -> bytes:
    if file.stat().st_size > bytes_max:
        raise Complaint(f"{file}: larger than HUB_IMPORT_BYTES_MAX ({bytes_max} bytes)")
    return file.read_bytes()


def _import(file: Path, kind: str | None, settings: Settings) -> tuple[Sheet, Kept]:
    content = _read(file, settings.import_bytes_max)
    engine = _open(settings)
    try:
        with for_writing(engine).begin() as connection:
            known = read_known(connection, DRIVERS)
            sheet = read_sheet(str(file), content, known, KINDS[kind] if kind else None)
            kept = keep(connection, sheet.kind, sheet.rows, SystemClock().now_ms())
            if kept.added or kept.changed:
                tell_of_change(connection, SystemClock().now_ms(), f"import of {file.name}")
            return sheet, kept
    finally:
        engine.dispose()


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(list(KINDS)), help="What the file holds.")
def import_(file: Path, kind: str | None) -> None:
    """Devices, residents, places or grids from a CSV file; its header tells which.

    All rows are checked before one is kept. The same file twice changes nothing; what the file
    does not mention stays as it is.
    """
    try:
        sheet, kept = _import(file, kind, settings_at_hand())
    except (Mistakes, WrongSetting, UnusableDatabase) as error:
        raise Complaint(str(error)) from error
    except (Wrong, OSError) as error:
        raise Complaint(f"{file}: {error}") from error
    click.echo(
        f"{file}: {len(sheet.rows)} {sheet.kind.name} read as {sheet.encoding}: "
        f"{kept.added} added, {kept.changed} changed, {kept.same} as before"
    )


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
def export(kind: str, output: Path | None) -> None:
    """Devices, residents, places or grids as CSV, as `hub import` reads it.

    A file gets the mark by which Excel knows UTF-8; the terminal does not.
    """
    try:
        engine = _open(settings_at_hand())
        with engine.connect() as connection:
            text = write_sheet(connection, KINDS[kind])
        engine.dispose()
        if output is not None:
            private_files.make_file(output)
            output.write_bytes(text.encode("utf-8-sig"))
    except (Mistakes, WrongSetting, UnusableDatabase) as error:
        raise Complaint(str(error)) from error
    except OSError as error:
        raise Complaint(f"{error.filename or output}: {error.strerror or error}") from error
    if output is None:
        click.echo(text.encode(), nl=False)
