"""Ids and names that are proposed."""

from hub.proposal import Proposal, propose

FLAT = {"path": "b3/u1/1204", "name_zh": "3号楼1204室", "name_en": "Flat 1204"}


def test_a_device_is_called_by_its_kind_and_its_place() -> None:
    found = propose("button", FLAT, "lorawan:24e124136b501a01", ())
    assert found == Proposal("btn-b3-u1-1204", "3号楼1204室呼叫按钮", "Flat 1204, button")


def test_a_second_one_gets_a_number() -> None:
    taken = {"btn-b3-u1-1204", "btn-b3-u1-1204-2"}
    found = propose("button", FLAT, "native:x", taken)
    assert found == Proposal("btn-b3-u1-1204-3", "3号楼1204室呼叫按钮3", "Flat 1204, button 3")


def test_without_a_place_it_is_called_by_its_address() -> None:
    assert propose("door", None, "zigbee2mqtt:door u1/back", ()).id == "door-u1-back"
    assert propose(None, None, "native:///", ()).id == "dev-new"


def test_without_a_place_it_keeps_the_name_that_its_ecosystem_knows_it_by() -> None:
    found = propose("button", None, "ha:mybtn_1", (), "三楼走廊按钮")
    assert found == Proposal("btn-mybtn_1", "三楼走廊按钮", "三楼走廊按钮")
    assert (
        propose("button", FLAT, "ha:mybtn_1", (), "三楼走廊按钮").name_zh == "3号楼1204室呼叫按钮"
    )
