"""`hub orders check`: the tables about work orders by the people who write them."""

from pathlib import Path

import click

from rules.order_reader import COMMUNITY_ORDERS, load_orders
from rules.reading import RuleMistakes


@click.group()
def orders() -> None:
    """Check the tables about work orders: troubles, priorities, inspections, ends of life."""


@orders.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
def check(paths: tuple[Path, ...]) -> None:
    """Show every mistake, with file and line; exit code 1 if there is one.

    PATH is a file or a folder; without one: the community's.
    """
    try:
        found = load_orders(paths or (COMMUNITY_ORDERS,))
    except RuleMistakes as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'' if count == 1 else 's'}, nothing loaded", err=True)
        raise SystemExit(1) from error
    counts = (
        f"{len(found.troubles)} troubles",
        f"{len(found.priorities)} priorities",
        f"{len(found.inspections)} inspections",
        f"{len(found.ends_of_life)} ends of life",
    )
    click.echo(f"{', '.join(counts)}, no mistake")
