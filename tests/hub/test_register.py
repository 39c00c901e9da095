"""The register as CSV: in, out, the same again, and everything that can be wrong with a file."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from hub.cli import cli
from hub.database import (
    commissionings,
    devices,
    for_writing,
    ghosts,
    grids,
    migrate,
    open_engine,
    places,
)
from hub.mistakes import Mistakes, Wrong
from hub.register import (
    DEVICES,
    KINDS,
    PLACES,
    RESIDENTS,
    Kept,
    Kind,
    Known,
    keep,
    keep_site,
    read_known,
    read_sheet,
    write_sheet,
)
from hub.site import Grid, Place, Site

DRIVERS = ("native", "zigbee2mqtt")
SITE = Site(
    grids=(Grid("grid-1", "第一网格", "Grid 1", "王建国", "0374-5550101"),),
    places=(
        Place("b3/u1", "entrance", "3号楼1单元", "Building 3 unit 1", "grid-1", 0.25, 0.5),
        Place("b3/u1/1204", "home", "3号楼1单元1204室", "Home 1204", "grid-1"),
    ),
)
RESIDENTS_CSV = """\
id,name,birth_year,place,grid,phone,tags,contacts,notes
r-1,王秀兰,1941,b3/u1/1204,grid-1,0374-5550177,hard-of-hearing lives-alone,\
王强|son|13800000001; 李娜|neighbour|13800000002,"takes pills at 8, ""and"" at 20"
"""
DEVICES_CSV = """\
id,family,driver,address,name_zh,name_en,place,grid,ground,tags,resident,gateway,expected_silence_s,code
btn-b3-1204,button,native,native:btn-b3-1204,王秀兰的按钮,,b3/u1/1204,,,bedside,r-1,gw-b3,93600,A7K2
door-b3-u1,door,zigbee2mqtt,zigbee2mqtt:door u1,单元门,Entrance door,b3/u1,grid-1,,entrance,,,,
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    with for_writing(engine).begin() as connection:
        keep_site(connection, SITE, now_ms=0)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with for_writing(engine).begin() as connection:
        yield connection


def bring_in(connection: Connection, text: str | bytes, now_ms: int = 1_000) -> Kept:
    content = text.encode() if isinstance(text, str) else text
    sheet = read_sheet("test.csv", content, read_known(connection, DRIVERS))
    return keep(connection, sheet.kind, sheet.rows, now_ms)


def said(connection: Connection, text: str | bytes, kind: Kind | None = None) -> str:
    content = text.encode() if isinstance(text, str) else text
    known = read_known(connection, DRIVERS)
    try:
        sheet = read_sheet("test.csv", content, known, kind)
        keep(connection, sheet.kind, sheet.rows, 0)
    except (Mistakes, Wrong) as error:
        return str(error)
    return "nothing is wrong"


def test_a_thousand_rows_take_seconds_and_say_how_far_they_are(connection: Connection) -> None:
    header = "id,family,driver,address,name_zh,place\n"
    rows = [f"d-{n},door,native,native:d-{n},门{n},b3/u1\n" for n in range(1_000)]
    content = (header + "".join(rows)).encode()
    checked: list[tuple[int, int]] = []
    written: list[tuple[int, int]] = []
    began_s = process_time()
    known = read_known(connection, DRIVERS)
    sheet = read_sheet("d.csv", content, known, progress=lambda *far: checked.append(far))
    kept = keep(connection, sheet.kind, sheet.rows, 0, progress=lambda *far: written.append(far))
    assert process_time() - began_s < 5.0
    assert kept == Kept(added=1_000, changed=0, same=0)
    for far, total in ((checked, 1_001), (written, 1_000)):
        assert far == sorted(far)
        assert far[-1] == (total, total)
        assert len(far) > 1, "it moves while it works"


def test_the_same_file_twice_changes_nothing(connection: Connection) -> None:
    assert bring_in(connection, RESIDENTS_CSV) == Kept(added=1, changed=0, same=0)
    assert bring_in(connection, DEVICES_CSV) == Kept(added=2, changed=0, same=0)
    before = connection.execute(sa.select(devices)).all()
    assert bring_in(connection, RESIDENTS_CSV, now_ms=2_000) == Kept(0, 0, 1)
    assert bring_in(connection, DEVICES_CSV, now_ms=2_000) == Kept(0, 0, 2)
    assert connection.execute(sa.select(devices)).all() == before


def test_what_was_exported_comes_in_again_as_it_was(connection: Connection, tmp_path: Path) -> None:
    bring_in(connection, RESIDENTS_CSV)
    bring_in(connection, DEVICES_CSV)
    exported = {name: write_sheet(connection, kind) for name, kind in KINDS.items()}
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    with for_writing(other).begin() as empty:
        for name in ("grids", "places", "residents", "devices"):
            bring_in(empty, exported[name])
        assert {name: write_sheet(empty, kind) for name, kind in KINDS.items()} == exported
    other.dispose()
    assert "王强|son|13800000001; 李娜|neighbour|13800000002" in exported["residents"]


def test_only_the_columns_and_rows_of_a_file_are_changed(connection: Connection) -> None:
    bring_in(connection, RESIDENTS_CSV)
    bring_in(connection, DEVICES_CSV)
    text = "id,family,driver,address,name_zh\ndoor-b3-u1,door,native,native:door-b3-u1,新单元门\n"
    assert bring_in(connection, text) == Kept(added=0, changed=1, same=0)
    row = connection.execute(sa.select(devices).where(devices.c.id == "door-b3-u1")).one()
    assert (row.address, row.name_zh, row.name_en) == (
        "native:door-b3-u1",
        "新单元门",
        "Entrance door",
    )
    assert (row.place, row.added_ms) == ("b3/u1", 1_000)


def test_two_devices_may_swap_their_addresses_in_one_file(connection: Connection) -> None:
    head = "id,family,driver,address,name_zh\n"
    bring_in(connection, head + "a,door,native,native:1,甲\nb,door,native,native:2,乙\n")
    swapped = (
        head + "a,door,native,native:2,甲\nb,door,native,native:3,乙\nc,door,native,native:1,丙\n"
    )
    assert bring_in(connection, swapped) == Kept(added=1, changed=2, same=0)


def test_an_address_of_another_device_is_refused(connection: Connection) -> None:
    head = "id,family,driver,address,name_zh\n"
    bring_in(connection, head + "a,door,native,native:1,甲\n")
    text = head + "b,door,native,native:1,乙\n"
    assert said(connection, text) == "b: address 'native:1' belongs to a"


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")],
)
def test_what_excel_writes_in_china_is_read_and_the_encoding_is_told(
    connection: Connection, encoding: str, named: str
) -> None:
    bring_in(connection, RESIDENTS_CSV)
    known = read_known(connection, DRIVERS)
    sheet = read_sheet("d.csv", DEVICES_CSV.replace("\n", "\r\n").encode(encoding), known)
    assert sheet.encoding == named
    assert [row["name_zh"] for row in sheet.rows] == ["王秀兰的按钮", "单元门"]


@pytest.mark.parametrize(("delimiter"), [";", "\t"])
def test_other_delimiters_of_excel_are_understood(connection: Connection, delimiter: str) -> None:
    text = "path,kind,name_zh,grid\nb4,building,4号楼,grid-1\n".replace(",", delimiter)
    assert bring_in(connection, text).added == 1


HEAD = "id,family,driver,address,name_zh,place,tags\n"
GOOD = "d-1,door,native,native:d-1,门,b3/u1,entrance\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD + GOOD.replace("door,", "dor,"),
            "test.csv:2: family (column 2): expected button, counter, door, gateway, not 'dor'; ",
        ),
        (
            HEAD + GOOD.replace(",native,", ",nativ,"),
            "test.csv:2: driver (column 3): unknown driver 'nativ'; did you mean native?",
        ),
        (
            HEAD + GOOD.replace("b3/u1", "b3/u2"),
            "test.csv:2: place (column 6): unknown place 'b3/u2'; did you mean b3/u1?",
        ),
        (HEAD + GOOD.replace("门", ""), "test.csv:2: name_zh (column 5): is empty"),
        (
            HEAD + GOOD + "d-1,door,native,native:d-2,门,b3/u1,\n",
            "test.csv:3: id (column 1): 'd-1' stands already in line 2",
        ),
        (
            HEAD + GOOD + "d-2,door,native,native:d-1,门,b3/u1,\n",
            "test.csv:3: address (column 4): 'native:d-1' stands already in line 2",
        ),
        (HEAD + "d-1,door,native\n", "test.csv:2: 3 cells where the header has 7"),
        (
            HEAD + GOOD.replace("d-1,", "d/1,", 1),
            "test.csv:2: id (column 1): expected 1 to 128 characters without spaces",
        ),
        (
            HEAD.replace("address", "adress") + GOOD,
            "test.csv:1: unknown column 'adress' (column 4) for devices; did you mean address?",
        ),
        (
            HEAD.replace(",driver", "") + GOOD.replace(",native,", ",", 1),
            "test.csv:1: the column driver is missing; devices need it",
        ),
        (
            HEAD.replace("tags", "place") + GOOD,
            "test.csv:1: the column place stands twice (column 7)",
        ),
        (HEAD + '\n"d-1,door\n', "test.csv:3: unexpected end of data; look for a quote"),
        (
            HEAD + '"d-1"x,door,native,native:d-1,门,b3/u1,\n',
            "test.csv:2: ',' expected after '\"'; look for a quote",
        ),
        (HEAD + GOOD.replace("门", "a\0b"), "test.csv:2: a NUL character"),
        ("", "test.csv: the file is empty"),
        ("a,b\n1,2\n", "test.csv:1: cannot tell what this is by its header"),
        (
            HEAD.encode() + b"d-1,door,native,native:d-1,\xff\xfe\n",
            "test.csv:2: neither UTF-8 nor GB18030",
        ),
        (HEAD.encode("utf-16"), "test.csv: this is UTF-16"),
        (
            "path,kind,name_zh,x\nb9,building,九,7\n",
            "test.csv:2: x (column 4): expected a number from 0 to 1, not '7'",
        ),
        (
            "id,name,place,birth_year\nr-1,王,b3/u1,41\n",
            "test.csv:2: birth_year (column 4): expected a whole number from 1890 to 2100",
        ),
        (
            "id,name,place,contacts\nr-1,王,b3/u1,王强 13800\n",
            "test.csv:2: contacts (column 4): expected name|relation|phone",
        ),
        (
            "id,name,place,phone\nr-1,王,b3/u1,none\n",
            "test.csv:2: phone (column 4): expected a phone number",
        ),
        (
            HEAD + GOOD.replace("native:d-1", "2.4E+15"),
            "test.csv:2: address (column 4): '2.4E+15' is what a spreadsheet makes of",
        ),
        (
            HEAD + GOOD.replace("native:d-1", "lorawan:18b20000020e0b"),
            "test.csv:2: address (column 4): expected the 16 hex digits of a DevEUI, not "
            "'18b20000020e0b' with 14; a spreadsheet eats leading zeros",
        ),
        (
            HEAD + GOOD.replace("native:d-1", "d-1"),
            "test.csv:2: address (column 4): expected an address as the strangers' page has it",
        ),
        (
            "id,name,place,phone\nr-1,王,b3/u1,1.38E+10\n",
            "test.csv:2: phone (column 4): '1.38E+10' is what a spreadsheet makes",
        ),
        (
            HEAD
            + 'd-1,door,native,native:d-1,"门\n外",b3/u1,\n\n\nd-2,dor,native,native:d-2,门,,\n',
            "test.csv:2: name_zh (column 5): expected up to 1000 printable characters, not "
            "'门\\n外'\ntest.csv:6: family (column 2): expected",
        ),
    ],
)
def test_a_mistake_is_told_with_line_column_and_the_nearest_right_word(
    connection: Connection, text: str | bytes, expected: str
) -> None:
    assert said(connection, text).startswith(expected)


def test_the_number_whose_zeros_a_spreadsheet_ate_is_found(connection: Connection) -> None:
    bring_in(connection, "id,name,place\n007,王,b3/u1\n")
    text = "id,family,driver,address,name_zh,resident\nd-1,door,native,native:d-1,门,7\n"
    assert said(connection, text) == (
        "test.csv:2: resident (column 6): unknown resident '7'; did you mean 007? "
        "A spreadsheet eats leading zeros"
    )


@pytest.mark.parametrize(
    "written", ["24e124136b501a01", "24-E1-24-13-6B-50-1A-01", "24E124136B501A01"]
)
def test_a_bare_eui_is_the_address_of_a_lorawan_device(
    connection: Connection, written: str
) -> None:
    bring_in(connection, HEAD + GOOD.replace("native:d-1", written))
    assert connection.execute(sa.select(devices.c.address)).scalars().all() == [
        "lorawan:24e124136b501a01"
    ]


def test_an_imported_device_has_a_line_of_commissioning_and_only_once(
    connection: Connection,
) -> None:
    for now_ms in (1_000, 2_000):
        sheet = read_sheet("d.csv", (HEAD + GOOD).encode(), read_known(connection, DRIVERS))
        keep(connection, DEVICES, sheet.rows, now_ms, imported_by="import of d.csv")
    lines = connection.execute(sa.select(commissionings)).mappings().all()
    assert [(row["device"], row["why"], row["by"], row["at_ms"]) for row in lines] == [
        ("d-1", "imported", "import of d.csv", 1_000)
    ]
    assert (lines[0]["place"], lines[0]["address"]) == ("b3/u1", "native:d-1")


def test_who_is_imported_is_no_ghost_any_more(connection: Connection) -> None:
    row = {"address": "native:d-1", "device": "x", "driver": "native", "family": "door"}
    more = {"swapped_ms": 1, "swapped_by": "wang", "reason": "broken"}
    connection.execute(ghosts.insert().values(row | more))
    bring_in(connection, HEAD + GOOD)
    assert connection.execute(sa.select(ghosts)).all() == []


def test_every_mistake_is_told_and_no_row_is_kept(connection: Connection) -> None:
    text = HEAD + GOOD + GOOD.replace("door,", "dor,").replace("b3/u1", "b9")
    assert len(said(connection, text).splitlines()) == 4
    assert connection.execute(sa.select(sa.func.count()).select_from(devices)).scalar() == 0


def test_a_kind_may_be_forced(connection: Connection) -> None:
    assert "the column address is missing" in said(connection, "id,x\n1,2\n", DEVICES)


def test_without_known_places_and_grids_none_is_compared() -> None:
    sheet = read_sheet("d.csv", (HEAD + GOOD).encode(), Known())
    assert [row["place"] for row in sheet.rows] == ["b3/u1"]


def refusal(content: bytes, kind: Kind | None) -> str | None:
    try:
        read_sheet("any.csv", content, Known(), kind)
    except Mistakes as error:
        return str(error)
    return None


@given(st.binary(max_size=400), st.sampled_from([None, DEVICES, RESIDENTS, PLACES]))
def test_any_bytes_are_read_or_refused_in_words(content: bytes, kind: Kind | None) -> None:
    assert (refusal(content, kind) or "any.csv").startswith("any.csv")


@given(st.text(max_size=200), st.sampled_from([DEVICES, RESIDENTS, PLACES]))
def test_any_rows_under_a_right_header_are_read_or_refused_in_words(text: str, kind: Kind) -> None:
    content = f"{','.join(kind.by_column)}\n{text}".encode("utf-8", "replace")
    assert (refusal(content, kind) or "any.csv").startswith("any.csv")


def test_the_commands_bring_in_and_out_what_a_site_needs(tmp_path: Path) -> None:
    run = CliRunner(env={"HUB_DATA_DIR": str(tmp_path / "data"), "HUB_SETTINGS": os.devnull})
    file = tmp_path / "places.csv"
    file.write_text("path,kind,name_zh,name_en\nb1,building,1号楼,Building 1\n")
    first = run.invoke(cli, ["import", str(file)])
    assert first.exit_code == 0
    assert "1 places read as UTF-8: 1 added, 0 changed, 0 as before" in first.output
    assert "0 added, 0 changed, 1 as before" in run.invoke(cli, ["import", str(file)]).output
    out = tmp_path / "out.csv"
    assert run.invoke(cli, ["export", "places", "--output", str(out)]).exit_code == 0
    assert out.read_bytes().startswith("\ufeffpath,kind".encode())
    assert "0 added" in run.invoke(cli, ["import", str(out)]).output
    assert "1号楼" in run.invoke(cli, ["export", "places"]).output


def test_a_broken_file_ends_the_command_with_words_and_exit_code_1(tmp_path: Path) -> None:
    run = CliRunner(env={"HUB_DATA_DIR": str(tmp_path / "data"), "HUB_SETTINGS": os.devnull})
    file = tmp_path / "devices.csv"
    file.write_text(HEAD + GOOD.replace("door,", "dor,"))
    result = run.invoke(cli, ["import", str(file)])
    assert result.exit_code == 1
    assert f"{file}:2: family (column 2): expected" in result.output
    assert "Traceback" not in result.output


def test_an_address_of_another_device_is_told_with_line_and_column(tmp_path: Path) -> None:
    run = CliRunner(env={"HUB_DATA_DIR": str(tmp_path / "data"), "HUB_SETTINGS": os.devnull})
    file = tmp_path / "devices.csv"
    head, row = "id,family,driver,address,name_zh\n", "{0},door,native,native:1,门\n"
    file.write_text(head + row.format("a"))
    assert run.invoke(cli, ["import", str(file)]).exit_code == 0
    assert "1 as before; nothing was changed" in run.invoke(cli, ["import", str(file)]).output
    file.write_text(head + "\n" + row.format("b"))
    result = run.invoke(cli, ["import", str(file)])
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert f"{file}:3: address (column 4): 'native:1' belongs to a" in result.output


def test_a_site_s_grids_and_places_are_kept_once(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        keep_site(connection, SITE, now_ms=5)
        assert connection.execute(sa.select(grids.c.leader)).scalars().all() == ["王建国"]
        assert len(connection.execute(sa.select(places)).all()) == 2
