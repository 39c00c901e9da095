"""`hub demo` as a person meets it: a process of its own that is prepared, shown, used and ended."""

import asyncio
import io
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from rich.console import Console

from device_drivers.catalog import DRIVERS
from hub.broker import is_free
from hub.cli import cli
from hub.commands.at_hand import as_demo
from hub.commands.demo import Day
from hub.database import devices, for_writing, migrate, open_engine, places, residents
from hub.demo.community import community, seed
from hub.demo.screen import Counts, Moving, News, PlainLines, open_screen
from hub.register import KINDS, read_known, read_sheet, write_sheet
from hub.settings import Settings
from tests.demo_in_hand import PROGRAM
from tests.hub.timekeeper import Timekeeper
from tests.programs import free_port

WITHIN_S = 60.0
FIRST_PRESS_WITHIN_S = 20.0


class Running:
    """A demo that runs, and what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process, http: int, mqtt: int) -> None:
        self.process = process
        self.http = http
        self.mqtt = mqtt
        self.lines: list[str] = []

    async def line_with(self, words: str) -> str:
        """The next line that holds these words."""
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.lines.append(raw.decode().rstrip())
            if words in self.lines[-1]:
                return self.lines[-1]
        raise AssertionError(f"no line with {words!r} among {self.lines}")

    def children(self) -> list[int]:
        """The processes that it started."""
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def running_demo(folder: Path) -> AsyncIterator[Running]:
    http, mqtt = free_port(), free_port()
    environment = {
        **os.environ,
        "HUB_DATA_DIR": str(folder),
        "HUB_HTTP": f"127.0.0.1:{http}",
        "HUB_EMBEDDED_PORT": str(mqtt),
        "HUB_SETTINGS": os.devnull,
    }
    with (folder / "stderr").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        async with asyncio.timeout(WITHIN_S):
            yield Running(process, http, mqtt)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@pytest.mark.timeout(360)  # three demos, each within `WITHIN_S` from its start to its end
async def test_the_demo_prepares_itself_is_ended_in_any_way_and_knows_what_was(
    tmp_path: Path,
) -> None:
    """A press comes within 20 seconds every time; no process and no traceback is left behind."""
    async with running_demo(tmp_path) as demo:
        broker = await demo.line_with("Broker:")
        assert f"mqtt://127.0.0.1:{demo.mqtt}" in broker
        assert "seeding 7 grids, 120 residents, 302 devices" in await demo.line_with("seeding")
        assert "user admin, password" in await demo.line_with("Pages:")
        press = shlex.split((await demo.line_with("Press:")).partition("Press:")[2])
        api = shlex.split((await demo.line_with("API:")).partition("API:")[2])
        await demo.line_with("Ctrl-C")
        async with asyncio.timeout(FIRST_PRESS_WITHIN_S):
            await demo.line_with("Emergency call")
        header, url = api[2].split(": ", 1), api[3]
        async with httpx.AsyncClient(headers=[(header[0], header[1])]) as client:
            before = (await client.get(url)).raise_for_status().text
            assert "emergency-press" in before
            publishing = await asyncio.create_subprocess_exec(*_elsewhere(press))
            assert await publishing.wait() == 0
            await demo.line_with("btn-b1-402")
            assert "btn-b1-402" in (await client.get(url)).text
        assert await _ended_by(demo, signal.SIGKILL, tmp_path) == -signal.SIGKILL
    async with running_demo(tmp_path) as demo:
        assert "302 devices, " in await demo.line_with("data of the last run is there")
        assert "as shown at the first start" in await demo.line_with("Pages:")
        await demo.line_with("Ctrl-C")
        async with asyncio.timeout(FIRST_PRESS_WITHIN_S):
            assert "pressed again" in await demo.line_with("Emergency call")
        assert await _ended_by(demo, signal.SIGINT, tmp_path) == 0
    assert not any("seeding" in line for line in demo.lines)
    async with running_demo(tmp_path) as demo:
        await demo.line_with("Day:")
        assert await _ended_by(demo, signal.SIGTERM, tmp_path) == 0


async def _ended_by(demo: Running, sign: signal.Signals, folder: Path) -> int:
    """End it; its exit code, once whatever it had started has ended too."""
    children = demo.children()
    assert len(children) == 3, "broker, pages, residents"
    ends = [asyncio.ensure_future(_end_of(os.pidfd_open(child))) for child in children]
    demo.process.send_signal(sign)
    code = await demo.process.wait()
    await asyncio.gather(*ends)
    assert is_free(demo.http)
    assert is_free(demo.mqtt)
    assert "Traceback" not in (folder / "stderr").read_text()
    return code


def test_the_simulated_hour_goes_as_fast_as_the_day() -> None:
    clock = Timekeeper()
    day = Day(clock, 60.0)
    assert day.hour == ""
    day.begin()
    clock.let_pass(41)
    assert day.hour == "07:11"


def _elsewhere(press: list[str]) -> list[str]:
    """The line to copy, for another button: the first one is pressed by the day itself."""
    return [word.replace("btn-b1-302", "btn-b1-402") for word in press]


async def _end_of(descriptor: int) -> None:
    """Return when the process behind the descriptor has ended."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    await ended.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("http", "said"),
    [("taken", "choose another, such as HUB_HTTP=127.0.0.1:"), ("8000", "expected address:port")],
)
def test_a_port_of_the_pages_that_cannot_be_had_is_told_with_the_setting(
    tmp_path: Path, http: str, said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}" if http == "taken" else http
        environment = {
            "HUB_DATA_DIR": str(tmp_path),
            "HUB_HTTP": address,
            "HUB_SETTINGS": os.devnull,
        }
        result = CliRunner(env=environment).invoke(cli, ["demo"])
    assert result.exit_code == 1
    assert f"HUB_HTTP: {'expected' if http == '8000' else address}" in result.output
    assert said in result.output


# --- the community ---------------------------------------------------------------------------


def test_the_community_is_the_one_that_was_promised() -> None:
    everything = community()
    assert len(everything.site.grids) == 7
    assert len(everything.residents) == 120
    assert 290 <= len(everything.devices) <= 310
    ids = [row["id"] for row in everything.devices]
    assert len(set(ids)) == len(ids)
    assert {"door-b3-u1", "gym-g1-01", "gw-b3", "door-shop-cold"} <= set(ids)
    assert {row["driver"] for row in everything.devices} <= DRIVERS.keys()
    assert len({row["driver"] for row in everything.devices}) >= 4
    assert any("lives-alone" in row["tags_json"] for row in everything.residents)


def test_every_home_with_a_button_has_a_door_and_a_resident(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    with for_writing(engine).begin() as connection:
        seed(connection, 0)
        homes = set(connection.execute(sa.select(residents.c.place)).scalars())
        known = set(connection.execute(sa.select(places.c.path)).scalars())
        at = connection.execute(sa.select(devices.c.place, devices.c.family)).all()
        for family in ("button", "door"):
            assert homes <= {place for place, its in at if its == family}
    engine.dispose()
    assert {place for place, _family in at} | homes <= known


def test_seeding_twice_changes_nothing_and_what_was_seeded_passes_the_import(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    with for_writing(engine).begin() as connection:
        seed(connection, 0)
        first = {name: write_sheet(connection, kind) for name, kind in KINDS.items()}
        seed(connection, 99)
        assert {name: write_sheet(connection, kind) for name, kind in KINDS.items()} == first
        known = read_known(connection, DRIVERS)
        for name, text in first.items():
            assert read_sheet(f"{name}.csv", text.encode(), known).rows
    engine.dispose()


def test_the_demo_has_a_folder_and_a_site_of_its_own_unless_others_are_wished() -> None:
    assert as_demo(Settings()).data_dir == Path("data/demo")
    assert as_demo(Settings()).site_file.endswith("site.yaml")
    mine = Settings(data_dir=Path("mine"), site_file="mine.yaml", rules_dir="rules")
    assert as_demo(mine) == mine


# --- the screen ------------------------------------------------------------------------------


def test_where_there_is_no_terminal_lines_are_plain_and_tell_news_only() -> None:
    out = io.StringIO()
    with open_screen(Console(file=out, width=40)) as screen:
        assert isinstance(screen, PlainLines)
        screen.step("starting the broker")
        screen.say("a line that is longer than the forty columns of this output, [not] markup")
        first, second, third = News(4, "C-1"), News(5, "C-2"), News(9, "C-2  pressed again")
        screen.show(Counts(5, 1, 1, (first,)))
        screen.show(Counts(9, 1, 1, (first,)))
        screen.show(Counts(12, 2, 2, (third, second, first), "07:10"))
    assert out.getvalue().splitlines() == [
        "… starting the broker",
        "a line that is longer than the forty columns of this output, [not] markup",
        "C-1   (5 messages kept, 1 of 1 cases open)",
        "C-2   (07:10 of the simulated day, 12 messages kept, 2 of 2 cases open)",
        "C-2  pressed again   (07:10 of the simulated day, 12 messages kept, 2 of 2 cases open)",
    ]


def test_in_a_terminal_the_counts_move_and_lines_to_copy_stay_whole() -> None:
    out = io.StringIO()
    with open_screen(Console(file=out, width=40, force_terminal=True)) as screen:
        assert isinstance(screen, Moving)
        screen.step("starting the broker")
        screen.say("a line that is longer than the forty columns of this output")
        screen.show(Counts(5, 1, 1))
    assert "a line that is longer than the forty columns of this output" in out.getvalue()
    assert "5 messages kept, 1 of 1 cases open" in out.getvalue()
