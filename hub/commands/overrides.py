"""`hub out-of-service` and `hub in-service`: a device of which nobody is told for a while."""

import getpass
from typing import Any

import click
from sqlalchemy.engine import Engine

from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.access import with_database
from hub.database import devices, for_writing
from hub.journal import COMMAND, Entry, append

HOUR_MS = 3_600_000


def _order(engine: Engine, device: str, body: dict[str, Any]) -> None:
    with for_writing(engine).begin() as connection:
        if connection.execute(devices.select().where(devices.c.id == device)).first() is None:
            raise Complaint(f"there is no device {device!r}")
        order = {"device": device, "by": getpass.getuser(), **body}
        append(connection, [Entry(0, COMMAND, None, SystemClock().now_ms(), body=order)])


@click.command("out-of-service")
@click.argument("device")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True, max=744), required=True)
@click.option("--reason", required=True, help="What is done with it; stands on the pages.")
def out_of_service(device: str, hours: float, reason: str) -> None:
    """Tell nobody of faults, maintenance and security of DEVICE for so many hours.

    Emergencies are told all the same. It ends by itself.
    """
    if not reason.strip():
        raise Complaint("--reason: say why")
    until_ms = SystemClock().now_ms() + round(hours * HOUR_MS)
    body = {"act": "out_of_service", "until_ms": until_ms, "reason": reason.strip()}
    with_database(lambda engine: _order(engine, device, body))
    click.echo(f"{device} is out of service for {hours:g} h.")


@click.command("in-service")
@click.argument("device")
def in_service(device: str) -> None:
    """Put DEVICE back into service before its time."""
    with_database(lambda engine: _order(engine, device, {"act": "in_service"}))
    click.echo(f"{device} is in service.")
