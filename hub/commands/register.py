"""`hub import` and `hub export`: devices, residents, places and grids as CSV."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress as Bar
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
    Progress,
    Sheet,
    find_taken,
    keep,
    keep_site,
    read_known,
    read_sheet,
    tell_of_change,
    write_sheet,
    wrong_of,
)
from hub.settings import Settings, WrongSetting
from hub.site import read_site
from hub.succession import NotSwapped, Swap, Swapped
from hub.succession import swap as swap_device

READINGS = "readings"


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


@contextmanager
def _bar() -> Iterator[tuple[Progress, Progress]]:
    """How far checking and writing have come, where somebody looks at a terminal."""
    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        checking, writing = (
            bar.add_task("Checking", total=None),
            bar.add_task("Writing", total=None),
        )
        yield (
            lambda done, total: bar.update(checking, completed=done, total=total),
            lambda done, total: bar.update(writing, completed=done, total=total),
        )


def _import(file: Path, kind: str | None, settings: Settings) -> tuple[Sheet, Kept]:
    content, name = _read(file, settings.import_bytes_max), str(file)
    engine, by, now_ms = _open(settings), f"import of {file.name}", SystemClock().now_ms()
    try:
        with _bar() as (checked, written), for_writing(engine).begin() as connection:
            known = read_known(connection, DRIVERS)
            sheet = read_sheet(name, content, known, KINDS[kind] if kind else None, checked)
            taken = find_taken(connection, sheet.kind, sheet.rows)
            if taken:
                raise wrong_of(name, sheet, taken)
            kept = keep(connection, sheet.kind, sheet.rows, now_ms, written, imported_by=by)
            if kept.added or kept.changed:
                tell_of_change(connection, now_ms, by)
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
        + ("; nothing was changed" if not kept.added and not kept.changed else "")
    )


@click.command()
@click.argument("kind", type=click.Choice([*KINDS, READINGS]))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.option("--from", "from_", help="Of readings: the beginning; left out: all there are.")
@click.option("--to", help="Of readings: the end; left out: now.")
@click.option("--last", help="Of readings: only so long before the end, such as 7d.")
def export(
    kind: str, output: Path | None, from_: str | None, to: str | None, last: str | None
) -> None:
    """Devices, residents, places or grids as CSV, as `hub import` reads it; or readings.

    A CSV file gets the mark by which Excel knows UTF-8; the terminal does not. Readings go to a
    file of JSON lines (`.gz`: packed) for `hub rules backtest --file`: with the register, without
    names, but with who lives where by id.
    """
    if kind == READINGS:
        from hub.commands.readings import export_readings  # noqa: PLC0415 - loads the judge

        click.echo(export_readings(output, from_, to, last))
        return
    if from_ or to or last:
        raise Complaint("--from, --to and --last are for readings")
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


@click.command()
@click.argument("device")
@click.option("--to", "address", required=True, help="The new device's address, or its DevEUI.")
@click.option("--driver", help="The new device's driver, where nothing tells it.")
@click.option("--reason", required=True, help="Why it is swapped.")
@click.option("--by", help="Who swaps it; left out: the user of this machine.")
def swap(device: str, address: str, driver: str | None, reason: str, by: str | None) -> None:
    """Put another device in the place of DEVICE, which keeps its id.

    Place, resident, rules, counters and history go on as one life. A running hub knows it at once;
    whatever still comes from the old address is a ghost and is reported.
    """
    try:
        done = _swap(Swap(device, address, reason, by or getpass.getuser(), driver))
    except (Mistakes, WrongSetting, UnusableDatabase, NotSwapped, OSError) as error:
        raise Complaint(str(error)) from error
    click.echo(f"{done.device}: {done.old_address} → {done.address}, driver {done.driver}")


def _swap(wish: Swap) -> Swapped:
    engine = _open(settings_at_hand())
    try:
        with for_writing(engine).begin() as connection:
            return swap_device(connection, wish, SystemClock().now_ms())
    finally:
        engine.dispose()
