"""What the demo shows in the terminal: progress, what to copy, and counts that move.

Where the output is no terminal (a log, a pipe), plain lines: one for each step and each new case.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


class News(NamedTuple):
    """A new case, or one that was raised once more; numbers grow."""

    number: int
    words: str


class Counts(NamedTuple):
    """How things stand."""

    messages: int
    open_cases: int
    cases: int
    newest: tuple[News, ...] = ()  # since the start, newest first
    hour: str = ""  # of the simulated day, such as 07:10; empty before it begins


class Screen(Protocol):
    """Where the demo speaks."""

    def step(self, doing: str) -> None:
        """What is being prepared now."""
        ...

    def say(self, line: str) -> None:
        """A line that stays."""
        ...

    def show(self, counts: Counts) -> None:
        """The present counts."""
        ...


@contextmanager
def open_screen(console: Console | None = None) -> Iterator[Screen]:
    """The screen that fits the output."""
    console = console or Console()
    if not console.is_terminal:
        yield PlainLines(console)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Moving(live)


class PlainLines:
    """For a log or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = 0

    def step(self, doing: str) -> None:
        """See `Screen`."""
        self.say(f"… {doing}")

    def say(self, line: str) -> None:
        """See `Screen`. Never wrapped: people copy these lines."""
        self._console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def show(self, counts: Counts) -> None:
        """Only news: a line for each further case, and for each that was raised once more."""
        for news in reversed(counts.newest):
            if news.number > self._told:
                self.say(f"{news.words}   ({_words(counts)})")
                self._told = news.number


class Moving:
    """For a terminal: lines that stay above one that moves."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def step(self, doing: str) -> None:
        """See `Screen`."""
        self._live.update(Spinner("dots", Text(f" {doing}")))

    def say(self, line: str) -> None:
        """See `Screen`. Never wrapped: people copy these lines."""
        self._live.console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def show(self, counts: Counts) -> None:
        """See `Screen`."""
        newest = f"; newest: {counts.newest[0].words}" if counts.newest else ""
        self._live.update(Spinner("dots", Text(f" {_words(counts)}{newest}")))


def _words(counts: Counts) -> str:
    hour = f"{counts.hour} of the simulated day, " if counts.hour else ""
    cases = f"{counts.open_cases} of {counts.cases} cases open"
    return f"{hour}{counts.messages} messages kept, {cases}"
