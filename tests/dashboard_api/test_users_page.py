"""Administrators look after users and tokens by page; every change has a name to it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from hub import users
from hub.edit_history import history
from tests.dashboard_api.community import PASSWORD


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        body = {"name": "admin", "password": PASSWORD}
        assert (await client.post("/api/v1/session", json=body)).status_code == 200
        yield client


async def test_a_user_comes_and_goes_and_the_password_is_shown_once(
    admin: httpx.AsyncClient, engine: Engine
) -> None:
    made = (await admin.post("/api/v1/users", json={"name": "李娜", "role": "staff"})).json()
    assert users.verify(engine, "李娜", made["secret"]) == users.Person("李娜", "staff")
    again = await admin.post("/api/v1/users", json={"name": "李娜", "role": "staff"})
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    changed = {"role": "crew", "new_password": True, "pin": "4071"}
    other = (await admin.patch("/api/v1/users/李娜", json=changed)).json()
    assert users.verify(engine, "李娜", other["secret"]) == users.Person("李娜", "crew")
    assert users.verify_pin(engine, "李娜", "4071") is not None
    assert (await admin.delete("/api/v1/users/李娜")).status_code == 200
    assert users.verify(engine, "李娜", other["secret"]) is None

    with engine.connect() as connection:
        edits = history(connection, "users", "李娜")
    assert {edit.by for edit in edits} == {"admin"}
    assert len(edits) == 5
    assert other["secret"] not in str(edits), "what opens a door stands in no history"
    page = (await admin.get("/users")).text
    assert "李娜" in page
    assert made["secret"] not in page


async def test_somebody_is_always_left_who_can_let_others_in(
    admin: httpx.AsyncClient, engine: Engine
) -> None:
    oneself = await admin.delete("/api/v1/users/admin")
    assert (oneself.status_code, oneself.json()["code"]) == (409, "yourself")
    lower = await admin.patch("/api/v1/users/admin", json={"role": "staff"})
    assert (lower.status_code, lower.json()["code"]) == (409, "last_admin")
    assert "唯一的管理员" in lower.json()["reason_zh"]
    assert (await admin.patch("/api/v1/users/nobody", json={"pin": "4071"})).status_code == 404
    easy = await admin.patch("/api/v1/users/staff", json={"pin": "1111"})
    assert easy.json()["code"] == "wrong_pin"


async def test_a_token_is_shown_once_and_taken_back(
    admin: httpx.AsyncClient, engine: Engine
) -> None:
    made = (await admin.post("/api/v1/tokens", json={"name": "hall-2", "role": "wall"})).json()
    with engine.connect() as connection:
        assert users.of_token(connection, made["secret"]) == users.Person("hall-2", "wall")
    assert (await admin.delete("/api/v1/tokens/hall-2")).status_code == 200
    assert (await admin.delete("/api/v1/tokens/hall-2")).status_code == 404


async def test_only_administrators_look_after_users(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    assert (await staff.get("/users")).status_code == 303
    for client in (staff, crew):
        assert (await client.get("/api/v1/users")).status_code == 403
        wish = {"name": "x", "role": "admin"}
        assert (await client.post("/api/v1/users", json=wish)).status_code == 403
        assert (await client.post("/api/v1/tokens", json=wish)).status_code == 403
