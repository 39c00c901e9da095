"""A small community for the pages' tests, and a stand-in for the judge that says it is one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hub.database import (
    case_log,
    cases,
    changes,
    command_results,
    devices,
    for_writing,
    grids,
    health,
    latest,
    places,
    residents,
)
from hub.journal import COMMAND, read

PASSWORD = "correct-horse-9"
NAMES = ("王秀英", "李建国", "赵玉兰")
HOME = "b3/u1/1204"


def encode(value: Any) -> str:
    """JSON text."""
    return msgspec.json.encode(value).decode()


def seed(engine: Engine, now_ms: int) -> None:
    """Two grids, three residents with a button each, a door, a machine, a gateway."""
    with for_writing(engine).begin() as connection:
        for table, rows in _ROWS.items():
            connection.execute(table.insert(), rows)
        for device, points in _POINTS.items():
            body = encode({name: [value, now_ms] for name, value in points.items()})
            row = {"device": device, "heard_ms": now_ms, "gateway": "gw-1", "points_json": body}
            connection.execute(latest.insert().values(row))
        say_alive(connection, now_ms)


def say_alive(connection: Connection, now_ms: int) -> None:
    """The row by which the hub says that it runs."""
    row = {"part": "hub", "state": "green", "text_zh": "运行中", "text_en": "running"}
    connection.execute(
        health.insert().prefix_with("OR REPLACE").values(**row, figures_json="{}", at_ms=now_ms)
    )


def _resident(number: int, name: str) -> dict[str, Any]:
    path = HOME if number == 0 else f"b3/u1/{number}02"
    row = {"id": f"r-{number}", "name": name, "birth_year": 1944 + number, "place": path}
    contacts = encode([{"name": f"{name}的女儿", "phone": "13800000000"}])
    return row | {"grid": "grid-1", "phone": f"0374-555010{number}", "contacts_json": contacts}


def _device(device: str, family: str, name: str, **more: Any) -> dict[str, Any]:
    row = {"id": device, "family": family, "driver": "native", "address": f"native:{device}"}
    empty = {"place": None, "grid": "grid-1", "resident_id": None, "code": None, "added_ms": 0}
    return row | empty | {"name_zh": name, "name_en": device} | more


_ROWS: dict[sa.Table, list[dict[str, Any]]] = {
    grids: [
        {"id": "grid-1", "name_zh": "第一网格", "name_en": "Grid 1", "phone": "0374-5550101"},
        {"id": "grid-2", "name_zh": "第二网格", "name_en": "Grid 2", "phone": "0374-5550102"},
    ],
    places: [
        {"path": "b3", "kind": "building", "name_zh": "3号楼", "name_en": "Building 3"},
        {
            "path": "b3/u1",
            "kind": "entrance",
            "name_zh": "3号楼1单元",
            "name_en": "Building 3 unit 1",
        },
        {"path": HOME, "kind": "home", "name_zh": "3号楼1单元1204室", "name_en": "Flat 3-1-1204"},
        {"path": "ground", "kind": "ground", "name_zh": "健身广场", "name_en": "Sports ground"},
    ],
    residents: [_resident(number, name) for number, name in enumerate(NAMES)],
    devices: [
        _device("b-0", "button", f"{NAMES[0]}的按钮", resident_id="r-0", place=HOME),
        _device("b-1", "button", f"{NAMES[1]}的按钮", resident_id="r-1"),
        _device("b-2", "button", f"{NAMES[2]}的按钮", resident_id="r-2"),
        _device("d-1", "door", "单元门", place="b3/u1", code="D1"),
        _device("c-1", "counter", "漫步机", place="ground", grid="grid-2"),
        _device("gw-1", "gateway", "网关"),
    ],
}
_POINTS: dict[str, dict[str, Any]] = {
    "b-0": {"battery": 80.0, "press": "test"},
    "b-1": {"battery": 70.0, "press": "test"},
    "d-1": {"contact": "open"},
    "c-1": {"uses": 120},
    "gw-1": {"online": True},
}


@dataclass
class StandInJudge:
    """NOT the judge: raises cases by hand and knows three rules, so that pages can be tested.

    An answered case cannot be answered again, closing needs an outcome, a note with an outcome
    says that it was dealt with, all else is allowed. It
    writes the same rows as `hub/evaluate.py`: cases, case_log, changes, command_results.
    """

    engine: Engine
    now_ms: int
    raised: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _done: int = 0

    def raise_case(self, **more: Any) -> str:
        """A press of the first resident, or whatever `more` says."""
        self.raised += 1
        case = _CASE | {"id": f"C-{self.raised:06d}", "raised_at_ms": self.now_ms}
        case |= {"heard_at_ms": self.now_ms, "changed_ms": self.now_ms} | more
        with for_writing(self.engine).begin() as connection:
            connection.execute(cases.insert().values(case))
            self._tell(connection, case["id"], "raised", None, {})
        return str(case["id"])

    def _tell(
        self, connection: Connection, case_id: str, what: str, seq: int | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        row = connection.execute(cases.select().where(cases.c.id == case_id)).mappings().one()
        public = {name: value for name, value in row.items() if name != "resident_id"}
        connection.execute(
            case_log.insert().values(
                case_id=case_id,
                seq=seq,
                at_ms=self.now_ms,
                heard_ms=self.now_ms,
                what=what,
                by=body.get("by"),
                text=body.get("text"),
                body_json="{}",
            )
        )
        told = encode({"what": what, **public})
        connection.execute(
            changes.insert().values(kind="case", key=case_id, body_json=told, at_ms=self.now_ms)
        )
        return public

    def judge_all(self) -> None:
        """Say yes or no to every command that waits."""
        with for_writing(self.engine).begin() as connection:
            for entry in read(connection, self._done, 100, [COMMAND]):
                self._done = entry.seq
                assert entry.body is not None
                if "case" not in entry.body:  # of the register, a test: nothing to judge
                    continue
                ok, body = self._judge(connection, entry.seq, entry.body)
                row = {"seq": entry.seq, "ok": ok, "body_json": encode(body)}
                connection.execute(command_results.insert().values(row))

    def _judge(
        self, connection: Connection, seq: int, body: dict[str, Any]
    ) -> tuple[bool, dict[str, Any]]:
        case_id, act = body["case"], body["act"]
        case = connection.execute(cases.select().where(cases.c.id == case_id)).one()
        if act == "answer" and case.state != "raised":
            by = case.answered_by
            return False, _no("answered_before", f"{by} 已先接警", f"{by} was first")
        if act == "close" and not body.get("outcome"):
            return False, _no("needs_outcome", "请填写结果", "say the outcome")
        change = {name: body.get(given) for name, given in _TAKEN.get(act, {}).items()}
        if act == "note" and body.get("outcome"):
            change |= {"state": "dealt_with", "outcome": body["outcome"]}
            if case.category in ("fault", "maintenance"):
                change |= {"done_by": body.get("by"), "done_at_ms": body.get("at_ms")}
        change |= {"version": case.version + 1} | (
            {"state": _STATES[act]} if act in _STATES else {}
        )
        connection.execute(cases.update().where(cases.c.id == case_id).values(change))
        return True, {"case": self._tell(connection, case_id, act, seq, body)}

    @contextmanager
    def sitting(self) -> Iterator["StandInJudge"]:
        """Judges what comes while the block runs, and says that the hub is alive."""
        thread = threading.Thread(target=self._sit, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _sit(self) -> None:
        while not self._stop.wait(0.01):
            self.judge_all()


def _no(code: str, zh: str, en: str) -> dict[str, str]:
    return {"code": code, "reason_zh": zh, "reason_en": en}


_STATES = {
    "answer": "answered",
    "dispatch": "dispatched",
    "arrive": "on_site",
    "confirm": "called_back",
    "close": "closed",
    "release": "raised",
}
_TAKEN = {
    "release": {"answered_by": "nobody", "answered_at_ms": "nobody"},
    "hand_over": {"handed_to": "to", "handed_at_ms": "at_ms"},
    "answer": {"answered_by": "by", "answered_at_ms": "at_ms"},
    "dispatch": {"dispatched_to": "to", "dispatched_at_ms": "at_ms"},
    "arrive": {"arrived_at_ms": "at_ms"},
    "close": {"closed_by": "by", "closed_at_ms": "at_ms", "outcome": "outcome"},
}
_CASE: dict[str, Any] = {
    "rule": "emergency-press",
    "key": "b-0",
    "device": "b-0",
    "family": "button",
    "severity": "emergency",
    "category": "emergency",
    "response": "emergency",
    "place": HOME,
    "grid": "grid-1",
    "resident_id": "r-0",
    "title_zh": "紧急呼叫",
    "title_en": "Emergency call",
    "why_zh": f"{NAMES[0]}按下了紧急按钮",
    "why_en": f"{NAMES[0]} pressed the emergency button",
    "state": "raised",
    "active": True,
    "times": 1,
    "version": 1,
}
