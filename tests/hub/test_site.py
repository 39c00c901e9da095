"""The site file: what a person writes, and what is said of a mistake."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.site import Grid, Place, Site, WrongSite, read_site

GOOD = """\
id: riverside
zone: Asia/Urumqi
name: {zh: 河畔社区, en: Riverside}
grids:
  - {id: grid-1, name: {zh: 第一网格, en: Grid 1}, leader: 王建国, phone: "0374-5550101"}
  - {id: grid-2, name: {zh: 第二网格, en: Grid 2}}
places:
  - path: b1/u1
    kind: entrance
    name: {zh: 1号楼1单元, en: Building 1 unit 1}
    grid: grid-1
    x: 0.25
    y: 1
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_site_file_gives_the_site_with_its_grids_and_places(tmp_path: Path) -> None:
    assert read_site(written(tmp_path, GOOD)) == Site(
        "riverside",
        ZoneInfo("Asia/Urumqi"),
        "河畔社区",
        "Riverside",
        (
            Grid("grid-1", "第一网格", "Grid 1", "王建国", "0374-5550101"),
            Grid("grid-2", "第二网格", "Grid 2"),
        ),
        (Place("b1/u1", "entrance", "1号楼1单元", "Building 1 unit 1", "grid-1", 0.25, 1.0),),
    )


def test_without_a_file_the_site_is_the_plain_one() -> None:
    assert read_site("") == Site()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("zone: Asia/Urumqi", "zone: Asia/Shangai", ":2: zone: .*did you mean Asia/Shanghai?"),
        ("kind: entrance", "kind: entrnce", ":9: kind: .*did you mean entrance?"),
        ("grid: grid-1", "grid: gird-1", ":11: grid: unknown grid .*did you mean grid-1?"),
        ("    x: 0.25", "    x: 25", ":12: x: expected a number from 0 to 1"),
        ("    x: 0.25", "    x: left", ":12: x: expected a number from 0 to 1"),
        ("places:", "plces:", ":7: unknown key 'plces'; did you mean places?"),
        ("id: riverside", "id: river side", ":1: id: expected 1 to 128 characters"),
        ("id: riverside\n", "", ":1: the key id is missing"),
        ("id: grid-2", "id: grid-1", ":6: id: 'grid-1' stands already in line 5"),
        ('phone: "0374-5550101"', "phone: 3745550101", ":5: phone: expected text"),
        ("name: {zh: 河畔社区, en: Riverside}", "name: 河畔社区", ":3: name: expected {zh: …"),
        ("  - path: b1/u1\n    kind", "  - path: b1//u1\n    kind", ":8: path: expected a path"),
        ("  - path: b1/u1\n    kind", "  - b1/u1\n  - kind", ":8: expected keys such as path"),
        ("zone: Asia/Urumqi", "id: again", ":2: "),
        ("zone: Asia/Urumqi", "zone: [", ":4: "),
        ("zone: Asia/Urumqi", "zone: a\x00b", "site.yaml: "),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_expected(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(WrongSite, match=said.replace("{", r"\{")) as caught:
        read_site(written(tmp_path, GOOD.replace(old, new, 1)))
    assert str(tmp_path / "site.yaml") in str(caught.value)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("entrance", "entrnce").replace("Asia/Urumqi", "Mars/Base")
    with pytest.raises(WrongSite) as caught:
        read_site(written(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n", "[" * 5_000])
def test_what_is_no_site_file_at_all_is_refused_in_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongSite):
        read_site(written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_utf_8_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongSite, match=r"absent\.yaml: No such file"):
        read_site(tmp_path / "absent.yaml")
    file = tmp_path / "site.yaml"
    file.write_bytes("id: 社区".encode("gb18030"))
    with pytest.raises(WrongSite, match=r"not UTF-8 \(byte 4\)"):
        read_site(file)
