"""Looking after a hub: backup, restore, doctor, settings; by the command line, as people do."""

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import Engine

from hub import backup, database, doctor, journal
from hub.app import open_ground
from hub.cli import cli
from hub.clock import SystemClock
from hub.doctor import OK, PROBLEM, WARNING, Finding
from hub.journal import Entry
from hub.local_series import LocalSeries
from hub.rule_files import rules_of_files
from hub.rule_start import rules_in_force, rules_to_start_with
from hub.series import Point
from hub.settings import Settings, variable_of
from rules.loader import COMMUNITY
from tests.hub.timekeeper import Timekeeper
from tests.programs import Mosquitto, free_port

Run = Callable[..., Result]
NOW_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a hub's database of one journal entry."""
    engine = database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate(engine)
    add_entry(engine, "first")
    engine.dispose()
    return tmp_path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call `hub …` with its data in this test's folder."""

    def invoke(*arguments: object, env: Mapping[str, str] | None = None) -> Result:
        environment = {
            "HUB_DATA_DIR": str(tmp_path),
            "HUB_SETTINGS": os.devnull,
            **(env or {}),
        }
        return CliRunner().invoke(cli, [str(word) for word in arguments], env=environment)

    return invoke


def add_entry(engine: Engine, device: str) -> None:
    entry = Entry(0, "command", device, NOW_MS, body={"act": "note"})
    with database.for_writing(engine).begin() as connection:
        journal.append(connection, [entry])


def devices_in(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT device FROM journal ORDER BY seq")]


def test_a_backup_of_a_hub_at_work_is_one_whole_moment(home: Path, run: Run) -> None:
    engine = database.open_engine(f"sqlite:///{home / 'hub.db'}")
    stop = threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            add_entry(engine, "later")

    writing = threading.Thread(target=write_on)
    writing.start()
    result = run("backup", home / "copy.db")
    stop.set()
    writing.join()
    engine.dispose()

    assert result.exit_code == 0, result.output
    assert devices_in(home / "copy.db")[0] == "first"
    assert backup.check(home / "copy.db") == backup.newest_revision()
    assert not (home / "copy.db.unfinished").exists()


def test_a_backup_overwrites_nothing(home: Path, run: Run) -> None:
    (home / "copy.db").write_text("mine")
    result = run("backup", home / "copy.db")

    assert result.exit_code == 1
    assert "exists already" in result.output
    assert (home / "copy.db").read_text() == "mine"


@pytest.mark.parametrize("target", ["missing/folder/copy.db", "hub.db"])
def test_a_backup_that_cannot_be_written_is_said_in_words(
    home: Path, run: Run, target: str
) -> None:
    result = run("backup", home / target)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert devices_in(home / "hub.db") == ["first"]


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path, run: Run) -> None:
    result = run("backup", tmp_path / "copy.db")

    assert "no database yet" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_restore_keeps_what_was_there(home: Path, run: Run) -> None:
    assert run("backup", home / "copy.db").exit_code == 0
    engine = database.open_engine(f"sqlite:///{home / 'hub.db'}")
    add_entry(engine, "second")
    engine.dispose()

    result = run("restore", home / "copy.db")

    assert result.exit_code == 0, result.output
    assert devices_in(home / "hub.db") == ["first"]
    [aside] = home.glob("hub.db.before-*")
    assert str(aside) in result.output
    assert devices_in(aside) == ["first", "second"]


def test_a_restore_into_an_empty_folder_makes_the_database(home: Path, run: Run) -> None:
    result = run("restore", home / "hub.db", env={"HUB_DATA_DIR": str(home / "new")})

    assert result.exit_code == 0, result.output
    assert devices_in(home / "new" / "hub.db") == ["first"]


def test_a_running_hub_is_not_overwritten(home: Path, run: Run) -> None:
    assert run("backup", home / "copy.db").exit_code == 0
    engine = database.open_engine(f"sqlite:///{home / 'hub.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM journal")
    add_entry(engine, "second")  # the pool keeps the connection, as in a hub at rest
    result = run("restore", home / "copy.db")
    engine.dispose()

    assert result.exit_code == 1
    assert "stop them first" in result.output
    assert devices_in(home / "hub.db") == ["first", "second"]


def test_refill_sends_the_archive_back_to_the_beginning(home: Path, run: Run) -> None:
    engine = database.open_engine(f"sqlite:///{home / 'hub.db'}")
    with database.for_writing(engine).begin() as connection:
        journal.move_cursor(connection, "archive", 1)
        journal.move_cursor(connection, "judge", 1)
    engine.dispose()
    assert run("backup", home / "copy.db").exit_code == 0

    assert run("restore", "--refill", home / "copy.db").exit_code == 0

    with closing(sqlite3.connect(home / "hub.db")) as connection:
        found = dict(connection.execute("SELECT follower, seq FROM cursors"))
    assert found == {"archive": 0, "judge": 1}


def spoil(how: str, file: Path) -> None:
    if how == "text":
        file.write_text("not a database, but long enough to look like something at least")
        return
    if how == "damaged":
        pages = bytearray(file.read_bytes())
        pages[4096 * 2 :] = b"\xff" * len(pages[4096 * 2 :])
        file.write_bytes(pages)
        return
    with closing(sqlite3.connect(file)) as connection, connection:
        if how == "another program's":
            connection.execute("DROP TABLE journal")
        else:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("text", "file is not a database"),
        ("damaged", "copy.db: "),
        ("another program's", "not a hub's database (no table journal)"),
        ("of the future", "of another version of the hub"),
    ],
)
def test_a_restore_of_something_else_changes_nothing(
    home: Path, run: Run, how: str, complaint: str
) -> None:
    assert run("backup", home / "copy.db").exit_code == 0
    spoil(how, home / "copy.db")
    result = run("restore", home / "copy.db")

    assert result.exit_code == 1
    assert complaint in result.output
    assert devices_in(home / "hub.db") == ["first"]
    assert list(home.glob("hub.db.*")) == []


def test_a_restore_of_nothing_is_said_in_words(home: Path, run: Run) -> None:
    assert "there is no such file" in run("restore", home / "none.db").output


async def finding(part: str, settings: Settings, now_ms: int = NOW_MS) -> Finding:
    findings = await doctor.examine(settings, Timekeeper(now_ms))
    [found] = [found for found in findings if found.part == part]
    return found


async def test_a_healthy_house_has_no_problem(home: Path) -> None:
    findings = await doctor.examine(Settings(data_dir=home), SystemClock())

    assert [found for found in findings if found.verdict == PROBLEM] == []
    assert len(findings) == len(doctor.CHECKS)


async def test_a_first_start_is_no_problem(tmp_path: Path) -> None:
    findings = await doctor.examine(Settings(data_dir=tmp_path / "new"), SystemClock())

    assert [found for found in findings if found.verdict == PROBLEM] == []
    assert not (tmp_path / "new").exists()


async def test_a_data_folder_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    found = await finding("data folder", Settings(data_dir=tmp_path / "data"))

    assert found.verdict == PROBLEM


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def set_mode(file: Path, mode: int) -> None:
    file.chmod(mode)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """New files are readable for everybody, as on most machines."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
async def test_what_holds_residents_data_is_made_for_its_owner_only(
    tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "new"
    settings = Settings(data_dir=folder)
    async with open_ground(settings, SystemClock()):
        series = LocalSeries(settings, "demo")
        await series.write([Point(1, NOW_MS * 1_000_000, "d", "contact", "open", "door")])
        beside = [folder / f"{name}-wal" for name in ("hub.db", "series.db")]
        modes = [mode_of(file) for file in beside]
        await series.close()
    assert run("backup", folder / "copy.db", env={"HUB_DATA_DIR": str(folder)}).exit_code == 0
    assert run("restore", folder / "copy.db").exit_code == 0
    assert run("export", "residents", "--output", folder / "people.csv").exit_code == 0

    assert mode_of(folder) == 0o700
    files = [*folder.iterdir(), tmp_path / "hub.db"]
    assert {file.name for file in files} >= {"hub.db", "series.db", "copy.db", "people.csv"}
    assert {mode_of(file) for file in files} | set(modes) == {0o600}


async def test_a_database_that_was_open_to_others_is_closed_and_the_doctor_looks(
    home: Path,
) -> None:
    set_mode(home / "hub.db", 0o644)
    set_mode(home, 0o755)
    settings = Settings(data_dir=home)
    before = await finding("privacy", settings)
    async with open_ground(settings, SystemClock()):
        pass
    after = await finding("privacy", settings)
    set_mode(home, 0o700)

    assert before.verdict == after.verdict == WARNING
    assert "hub.db" in before.text
    assert mode_of(home / "hub.db") == 0o600
    assert after.text.endswith(f"chmod go= {home}")
    assert (await finding("privacy", settings)).verdict == OK


async def test_little_room_is_a_warning(home: Path) -> None:
    found = await finding("disk", Settings(data_dir=home, disk_room_bytes_min=10**18))

    assert found.verdict == WARNING
    assert "GB free" in found.text


@pytest.mark.parametrize("how", ["text", "damaged", "of the future"])
async def test_a_spoilt_database_is_a_problem(home: Path, how: str) -> None:
    spoil(how, home / "hub.db")

    assert (await finding("database", Settings(data_dir=home))).verdict == PROBLEM


async def test_a_spoilt_local_store_is_a_problem(home: Path) -> None:
    assert (await finding("time series", Settings(data_dir=home))).verdict == OK
    (home / "series.db").write_text("not a database, but long enough to look like something")

    assert (await finding("time series", Settings(data_dir=home))).verdict == PROBLEM


@pytest.mark.parametrize(
    ("now_ms", "verdict"),
    [(0, PROBLEM), (NOW_MS - 61_000, PROBLEM), (NOW_MS - 59_000, OK), (NOW_MS, OK)],
    ids=["never set", "behind the journal", "a little behind", "right"],
)
async def test_a_clock_that_cannot_be_right_is_a_problem(
    home: Path, now_ms: int, verdict: str
) -> None:
    found = await finding("clock", Settings(data_dir=home), now_ms)

    assert found.verdict == verdict


async def test_a_broker_that_lets_us_in_is_fine_and_one_that_is_away_a_problem(
    home: Path, broker: Mosquitto
) -> None:
    there = Settings(data_dir=home, broker=broker.url)
    away = replace(there, broker=f"mqtt://127.0.0.1:{free_port()}")
    wrong = replace(there, broker="http://127.0.0.1")

    assert (await finding("broker", there)).verdict == OK
    assert (await finding("broker", away)).verdict == PROBLEM
    assert "mqtt[s]://" in (await finding("broker", wrong)).text


def test_an_export_into_a_folder_that_is_not_there_is_said_in_words(home: Path, run: Run) -> None:
    result = run("export", "devices", "--output", home / "nope" / "x.csv")

    assert result.exit_code == 1
    assert result.output == f"Error: {home / 'nope' / 'x.csv'}: No such file or directory\n"


async def test_rules_of_one_s_own_that_hear_no_press_are_a_problem(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("entrances.yaml", "emergency.yaml"):
        folder = home / name.partition(".")[0]
        folder.mkdir()
        shutil.copy(COMMUNITY / name, folder)
    deaf = Settings(data_dir=home, rules_dir=str(home / "entrances"))
    hears = Settings(data_dir=home, rules_dir=str(home / "emergency"))

    found = await finding("rules", deaf)
    assert found.verdict == PROBLEM
    assert "no rule hears a press: emergency calls raise no case" in found.text
    assert (await finding("rules", hears)).verdict == OK
    assert rules_of_files(Settings()).hears_presses
    for name, settings in (("hears", hears), ("deaf", deaf)):
        engine = database.open_engine(f"sqlite:///{home / name}.db")
        database.migrate(engine)
        rules_to_start_with(engine, settings, 0)
        engine.dispose()
        assert ("no rule hears a press" in caplog.text) == (name == "deaf")


async def test_rules_in_force_are_those_the_hub_began_with_whatever_the_files_say(
    home: Path,
) -> None:
    settings = Settings(data_dir=home / "data", rules_dir=str(home / "rules"))
    shutil.copytree(COMMUNITY, home / "rules")
    count = len(rules_in_force(settings, 0).rules)
    (home / "data").mkdir()
    engine = database.open_engine(settings.database)
    database.migrate(engine)
    rules_to_start_with(engine, settings, 0)
    engine.dispose()
    assert (await finding("rules", settings)).verdict == OK
    (home / "rules" / "grounds.yaml").unlink()

    assert len(rules_in_force(settings, 0).rules) == count
    found = await finding("rules", settings)
    assert found.verdict == WARNING
    assert "differs from what is in force since" in found.text
    (home / "rules" / "grounds.yaml").write_text("rules: [", encoding="utf-8")
    found = await finding("rules", settings)
    assert found.verdict == PROBLEM
    assert "grounds.yaml:1:" in found.text


async def test_broken_rules_and_sites_are_problems_in_words(home: Path) -> None:
    (home / "broken.yaml").write_text("rules:\n  - rule: 5\n    wehn: {}\n")
    settings = Settings(
        data_dir=home, rules_dir=str(home), site_file=str(home / "there-is-none.yaml")
    )
    broken_rules, no_site = await finding("rules", settings), await finding("site", settings)

    assert broken_rules.verdict == PROBLEM
    assert "broken.yaml" in broken_rules.text
    assert no_site.verdict == PROBLEM
    assert "there-is-none.yaml" in no_site.text


async def test_an_influxdb_that_is_away_is_a_problem(home: Path) -> None:
    settings = Settings(
        data_dir=home, influxdb_url=f"http://127.0.0.1:{free_port()}", influx_api="v1"
    )
    nameless = replace(settings, influx_api="v9")

    assert (await finding("time series", settings)).verdict == PROBLEM
    assert "expected v1, v2 or v3" in (await finding("time series", nameless)).text


async def test_a_webhook_without_a_key_is_a_problem(home: Path) -> None:
    settings = Settings(data_dir=home, webhook_url="https://example.org/")

    assert (await finding("webhook", settings)).verdict == PROBLEM
    assert (await finding("webhook", replace(settings, webhook_secret="k"))).verdict == OK


def test_the_doctor_says_a_line_each_and_fails_only_for_a_problem(home: Path, run: Run) -> None:
    well = run("doctor", env={"HUB_DISK_ROOM_BYTES_MIN": str(10**18)})
    ill = run("doctor", env={"HUB_WEBHOOK_URL": "https://example.org/"})

    assert well.exit_code == 0, well.output
    assert "warning  disk:" in well.output
    assert len(well.output.splitlines()) == len(doctor.CHECKS)
    assert ill.exit_code == 1
    assert "problem  webhook:" in ill.output


@pytest.mark.parametrize(
    ("age_s", "exit_code"), [(0, 0), (3600, 1), (None, 1)], ids=["alive", "dead", "never run"]
)
def test_the_doctor_can_tell_whether_a_hub_runs(
    home: Path, run: Run, age_s: int | None, exit_code: int
) -> None:
    if age_s is not None:
        with closing(sqlite3.connect(home / "hub.db")) as connection, connection:
            connection.execute(
                "INSERT INTO health VALUES ('hub', 'green', '', '', '{}', ?)",
                (SystemClock().now_ms() - age_s * 1000,),
            )
    result = run("doctor", "--alive")

    assert result.exit_code == exit_code, result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://hub:correct-horse@db/hub", "not postgresql:"),
        ("sqlite://", "not sqlite:"),
        ("hub.db", "not an address without a scheme:"),
    ],
)
@pytest.mark.parametrize("command", [("backup", "copy.db"), ("user", "list"), ("doctor",)])
def test_another_database_is_refused_with_the_reason_and_without_its_password(
    run: Run, url: str, named: str, command: tuple[str, ...]
) -> None:
    result = run(*command, env={"HUB_DATABASE_URL": url})

    assert result.exit_code == 1
    assert f"HUB_DATABASE_URL: expected sqlite:///PATH, {named}" in result.output
    assert "docs/decisions/0003" in result.output
    assert "correct-horse" not in result.output


@pytest.mark.parametrize("command", ["doctor", "settings"])
def test_a_wrong_setting_is_said_with_the_nearest_right_name(run: Run, command: str) -> None:
    result = run(command, env={"HUB_DATADIR": "/tmp"})

    assert result.exit_code == 1
    assert "did you mean HUB_DATA_DIR?" in result.output


def test_every_setting_is_shown_and_no_secret(run: Run) -> None:
    secret = "correct-horse"
    result = run(
        "settings",
        env={
            "HUB_BROKER": f"mqtt://hub:{secret}@127.0.0.1",
            "HUB_WEBHOOK_SECRET": secret,
            "INFLUXDB_V2_TOKEN": secret,
            "COLUMNS": "250",
        },
    )

    assert result.exit_code == 0
    assert secret not in result.output
    assert result.output.count("(hidden)") == 3
    for setting in fields(Settings):
        assert variable_of(setting.name, setting.metadata) in result.output


def test_the_manuals_table_shows_defaults_only(run: Run) -> None:
    result = run("settings", "--markdown", env={"HUB_HTTP": "0.0.0.0:9"})

    assert "| `HUB_HTTP` | `127.0.0.1:8000` |" in result.output
    assert "0.0.0.0:9" not in result.output
