"""The rota: its CSV both ways, swaps and absences, and what is unmanned before it begins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from hub import rota
from hub.database import migrate, open_engine, shifts
from hub.doctor import OK, WARNING, check_rota
from hub.mistakes import Mistakes
from hub.rota import ABSENT, NOT_PLANNED, NOT_SIGNED_ON, Planned
from hub.settings import Settings
from hub.site import PLAIN_ZONE
from rules.roster import Contact
from tests.hub.courtroom import MORNING_MS, HandClock

HOUR_MS = 3_600_000
CSV = """role,grid,person,from,to
duty-phone,grid-3,张三,2026-03-02 08:00,2026-03-02 20:00
desk,,李四,2026-03-02 20:00,2026-03-03 08:00
"""
ROWS = [
    Planned(0, "duty-phone", "grid-3", "张三", MORNING_MS - HOUR_MS, MORNING_MS + 11 * HOUR_MS),
    Planned(0, "desk", None, "李四", MORNING_MS + 11 * HOUR_MS, MORNING_MS + 23 * HOUR_MS),
]
SETTINGS = Settings(rota_warn_s=12 * 3_600, rota_grace_s=900)
GRIDS = ("grid-1", "grid-3")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def plan(connection: Connection, *rows: Planned) -> list[int]:
    rota.keep(connection, rows, "wang", MORNING_MS)
    return [row.id for row in rota.planned_between(connection, 0, MORNING_MS * 2)]


def signed_on(connection: Connection, role: str, grid: str | None) -> None:
    row = {"role": role, "grid": grid, "person": "x", "by": "x", "since_ms": 0}
    connection.execute(shifts.insert().values(**row, until_ms=MORNING_MS * 2))


def unmanned(
    connection: Connection, after_h: float = 0, contacts: tuple[Contact, ...] = ()
) -> list[tuple[str, str | None, str]]:
    now_ms = MORNING_MS + int(after_h * HOUR_MS)
    found = rota.find_unmanned(connection, contacts, SETTINGS, now_ms)
    return [(gap.role, gap.person, gap.why) for gap in found]


def test_what_is_written_is_read_again(connection: Connection) -> None:
    read = rota.read_rota("rota.csv", CSV.encode("gb18030"), PLAIN_ZONE, GRIDS)
    assert read == ROWS
    assert rota.write_rota(read, PLAIN_ZONE).replace("\r\n", "\n") == CSV
    assert rota.keep(connection, read, "wang", MORNING_MS) == (2, 0)
    longer = read[0]._replace(until_ms=read[0].until_ms + HOUR_MS)
    assert rota.keep(connection, [longer, read[1]], "wang", MORNING_MS) == (0, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("duty-phon,grid-3,张三,2026-03-02 08:00,2026-03-02 20:00", "did you mean duty-phone?"),
        ("desk,grid-4,张三,2026-03-02 08:00,2026-03-02 20:00", "did you mean grid-"),
        ("desk,,,2026-03-02 08:00,2026-03-02 20:00", "person: expected a name"),
        ("desk,,张三,8 o'clock,2026-03-02 20:00", "from: expected a moment such as"),
        ("desk,,张三,2026-03-02 20:00,2026-03-02 08:00", "to: expected a moment after"),
        ("answerer,,张三,2026-03-02 08:00,2026-03-02 20:00", "role: expected"),
        ("desk,,张三,2026-03-02 08:00", "expected 5 cells, not 4"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_kept(line: str, said: str) -> None:
    with pytest.raises(Mistakes, match=r"rota\.csv:4: ") as caught:
        rota.read_rota("rota.csv", f"{CSV}{line}\n".encode(), PLAIN_ZONE, GRIDS)
    assert said in str(caught.value)


def test_a_wrong_header_says_which_column_was_meant() -> None:
    with pytest.raises(Mistakes, match="'persn'; did you mean person"):
        rota.read_rota("rota.csv", b"role,grid,persn,from,to\n", PLAIN_ZONE, GRIDS)


def test_an_absence_is_a_warning_before_the_shift_and_ends_with_a_swap(
    connection: Connection,
) -> None:
    number = plan(connection, ROWS[1])[0]
    assert unmanned(connection) == []
    assert rota.absent(connection, number, "生病", "wang", MORNING_MS)
    assert unmanned(connection, -2) == [], "more than twelve hours before nobody need run"
    assert unmanned(connection) == [("desk", "李四", ABSENT)]
    assert rota.swap(connection, number, "王五", "wang", MORNING_MS)
    assert unmanned(connection) == []
    [row] = rota.planned_between(connection, 0, MORNING_MS * 2)
    assert (row.person, row.instead_of, row.absent_reason) == ("王五", "李四", None)


def test_another_one_who_is_planned_for_the_same_time_stands_in(connection: Connection) -> None:
    first = plan(connection, ROWS[1])[0]
    rota.absent(connection, first, "生病", "wang", MORNING_MS)
    plan(connection, ROWS[1]._replace(person="王五"))
    assert unmanned(connection) == []


def test_a_shift_that_nobody_signed_on_to_is_a_warning_after_a_while(
    connection: Connection,
) -> None:
    plan(connection, ROWS[1])
    assert unmanned(connection, 11.2) == []
    assert unmanned(connection, 11.25) == [("desk", "李四", NOT_SIGNED_ON)]
    signed_on(connection, "duty-phone", "grid-3")
    assert unmanned(connection, 11.25) == [("desk", "李四", NOT_SIGNED_ON)]
    signed_on(connection, "desk", None)
    assert unmanned(connection, 11.25) == []
    assert unmanned(connection, 23) == []


def test_a_role_that_must_sign_on_and_used_to_be_planned_is_missed(connection: Connection) -> None:
    phone = Contact("duty-phone:grid-3", "duty-phone", "grid-3", sign_on=True)
    assert unmanned(connection, 0, (phone,)) == [], "a site without a rota is asked for none"
    plan(connection, ROWS[0])
    assert unmanned(connection, 0.2, (phone,)) == [("duty-phone", "张三", NOT_SIGNED_ON)]
    assert unmanned(connection, 11, (phone,)) == [("duty-phone", None, NOT_PLANNED)]
    assert unmanned(connection, 11, (phone.__class__("d", "duty-phone", "grid-3"),)) == []


async def test_the_doctor_says_which_shift_is_unmanned(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    clock = HandClock()
    assert (await check_rota(settings, clock)).verdict == OK
    engine = open_engine(settings.database)
    migrate(engine)
    with engine.begin() as connection:
        plan(connection, ROWS[0])
    engine.dispose()
    found = await check_rota(settings, clock)
    assert found.verdict == WARNING
    assert found.text == "duty-phone grid-3 2026-03-02 08:00: 张三 has not signed on"
