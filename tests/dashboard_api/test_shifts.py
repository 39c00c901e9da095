"""A shared phone before the real judge: who signs on by PIN, whose acts, what goes back."""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from hub import users
from hub.cli import cli
from hub.database import case_log, sessions
from hub.database import users as users_table
from hub.settings import Settings
from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.real_judge import RealJudge, until_found
from tests.people import let_in

SHIFTS, CASES = "/api/v1/shifts", "/api/v1/cases"
HOUR_MS = 3_600_000
ZHANG = {"role": "duty-phone", "grid": "grid-1", "person": "张三", "pin": "4071"}
LI = ZHANG | {"person": "李四", "pin": "90210"}


@pytest.fixture
def court(engine: Engine, clock: HandClock, settings: Settings) -> Iterator[RealJudge]:
    for name, pin in (("张三", "4071"), ("李四", "90210")):
        let_in(engine, name, "staff", PASSWORD, pin=pin)
    with RealJudge(engine, clock, settings.data_dir).sitting() as sitting:
        yield sitting


@pytest.fixture
async def phone(staff: httpx.AsyncClient, court: RealJudge) -> httpx.AsyncClient:
    """A phone that is logged in as itself; here its user is called staff."""
    return staff


def wish(who: dict[str, Any], hours: float = 8, **more: Any) -> dict[str, Any]:
    return who | {"until_ms": NOW_MS + int(hours * HOUR_MS)} | more


async def sign_on(client: httpx.AsyncClient, who: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await client.post(SHIFTS, json=wish(who, **more))
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def press(court: RealJudge, client: httpx.AsyncClient, device: str = "b-0") -> str:
    before = {case["id"] for case in (await client.get(CASES)).json()["cases"]}
    court.say(device, press="sos")

    async def look() -> list[str]:
        cases = (await client.get(CASES)).json()["cases"]
        return [case["id"] for case in cases if case["id"] not in before]

    return (await until_found(look))[0]


async def case_of(client: httpx.AsyncClient, case_id: str) -> dict[str, Any]:
    case: dict[str, Any] = (await client.get(f"{CASES}/{case_id}")).json()["case"]
    return case


async def test_what_is_done_on_the_phone_is_done_by_whoever_signed_on(
    phone: httpx.AsyncClient, court: RealJudge, engine: Engine
) -> None:
    case_id = await press(court, phone)
    shift = (await sign_on(phone, ZHANG))["shift"]
    answered = await phone.post(f"{CASES}/{case_id}/answer")

    assert answered.json()["case"]["answered_by"] == "张三"
    now = (await phone.get(SHIFTS)).json()
    assert now["mine"] == shift
    assert [(one["person"], one["by"], one["cases"]) for one in now["shifts"]] == [
        ("张三", "staff", [case_id])
    ]
    log = (await phone.get(f"{CASES}/{case_id}")).json()["log"]
    assert [(one["by"], one["body"]["phone"]) for one in log if one["what"] == "answer"] == [
        ("张三", "staff")
    ]
    page = await phone.get("/shift")
    assert "张三 · staff" in page.text


async def test_signing_off_gives_back_and_the_phone_is_itself_again(
    phone: httpx.AsyncClient, court: RealJudge
) -> None:
    shift = (await sign_on(phone, ZHANG))["shift"]
    case_id = await press(court, phone)
    await phone.post(f"{CASES}/{case_id}/answer")
    ended = await phone.post(f"{SHIFTS}/{shift}/end")

    assert ended.json()["given_back"] == [case_id]
    assert (await case_of(phone, case_id))["state"] == "raised"
    again = await phone.post(f"{CASES}/{case_id}/answer")
    assert again.json()["case"]["answered_by"] == "staff"
    assert (await phone.post(f"{SHIFTS}/{shift}/end")).status_code == 404


async def test_a_shift_that_is_over_makes_the_phone_itself_at_that_moment(
    phone: httpx.AsyncClient, court: RealJudge, clock: HandClock
) -> None:
    await sign_on(phone, ZHANG, hours=1)
    clock.at_ms += HOUR_MS

    assert (await phone.get(SHIFTS)).json()["mine"] is None
    case_id = await press(court, phone)
    answered = await phone.post(f"{CASES}/{case_id}/answer")
    assert answered.json()["case"]["answered_by"] == "staff"


async def test_who_takes_over_confirms_what_is_open_and_keeps_it_in_hand(
    phone: httpx.AsyncClient, court: RealJudge
) -> None:
    first = (await sign_on(phone, ZHANG))["shift"]
    mine, left = await press(court, phone), await press(court, phone, "b-1")
    for case_id in (mine, left):
        await phone.post(f"{CASES}/{case_id}/answer")
    blind = await phone.post(SHIFTS, json=wish(LI, confirmed=[mine], takes_over=first))
    assert (blind.status_code, blind.json()["code"]) == (409, "open_cases")
    assert blind.json()["cases"] == [left]

    done = await sign_on(phone, LI, confirmed=[mine, left], takes_over=first)
    assert done["given_back"] == []
    for case_id in (mine, left):
        case = await case_of(phone, case_id)
        assert (case["state"], case["answered_by"]) == ("answered", "李四")
    now = (await phone.get(SHIFTS)).json()
    assert [one["person"] for one in now["shifts"]] == ["李四"]


async def test_what_was_not_confirmed_goes_back_when_a_shift_is_taken_over(
    phone: httpx.AsyncClient, court: RealJudge, engine: Engine
) -> None:
    first = (await sign_on(phone, ZHANG))["shift"]
    case_id = await press(court, phone)
    await phone.post(f"{CASES}/{case_id}/answer")
    done = await sign_on(phone, LI, takes_over=first)

    assert done["given_back"] == [case_id]
    assert (await case_of(phone, case_id))["state"] == "raised"


async def test_whoever_begins_was_shown_the_open_cases_and_their_story_says_so(
    phone: httpx.AsyncClient, court: RealJudge, engine: Engine
) -> None:
    case_id = await press(court, phone)
    await sign_on(phone, ZHANG, confirmed=[case_id])
    with engine.connect() as connection:
        rows = connection.execute(case_log.select()).all()

    assert [(row.what, row.by) for row in rows][-1] == ("seen", "张三")
    assert (await case_of(phone, case_id))["state"] == "raised"


@pytest.mark.parametrize(
    "change", [{"pin": "4072"}, {"pin": ""}, {"person": "admin"}, {"person": "nobody"}]
)
async def test_without_the_right_pin_nobody_signs_on_and_it_cannot_be_guessed(
    phone: httpx.AsyncClient, change: dict[str, str]
) -> None:
    tries = [(await phone.post(SHIFTS, json=wish(ZHANG | change))).status_code for _ in range(4)]

    assert tries == [403, 403, 403, 429]
    assert (await phone.get(SHIFTS)).json()["shifts"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"role": "answerer"}, 422),
        ({"role": "admin"}, 422),
        ({"grid": "grid-9"}, 404),
        ({"until_ms": NOW_MS}, 422),
        ({"until_ms": NOW_MS + 25 * HOUR_MS}, 422),
        ({"takes_over": 0}, 422),
    ],
)
async def test_a_shift_that_cannot_be_is_refused(
    phone: httpx.AsyncClient, change: dict[str, Any], status: int
) -> None:
    answer = await phone.post(SHIFTS, json=wish(ZHANG) | change)
    assert answer.status_code == status


async def test_a_crew_signs_on_to_maintenance_only_and_ends_no_other_shift(
    crew: httpx.AsyncClient, phone: httpx.AsyncClient
) -> None:
    assert (await crew.post(SHIFTS, json=wish(ZHANG))).status_code == 422
    assert (await crew.post(SHIFTS, json=wish(ZHANG | {"role": "maintenance"}))).status_code == 200
    shift = (await sign_on(phone, LI))["shift"]
    assert (await crew.post(f"{SHIFTS}/{shift}/end")).status_code == 403


async def test_every_role_says_whether_somebody_is_there_and_what_is_open(
    phone: httpx.AsyncClient, court: RealJudge
) -> None:
    await press(court, phone)
    await sign_on(phone, ZHANG | {"grid": "grid-2"})
    roles = (await phone.get(SHIFTS)).json()["roles"]

    assert [(one["grid"], one["on_duty"], one["open"], one["unanswered"]) for one in roles] == [
        ("grid-1", False, 1, 1),
        ("grid-2", True, 0, 0),
    ]


@pytest.mark.parametrize("pin", ["123", "123456789", "12a4", "0000", "1234", "8765", "٤٠٧١"])
def test_a_pin_is_four_to_eight_digits_that_are_not_tried_first(engine: Engine, pin: str) -> None:
    with pytest.raises(users.Refusal, match="PIN"):
        users.set_pin(engine, "staff", pin)


def test_a_pin_is_kept_as_a_hash_and_can_be_taken_away(engine: Engine) -> None:
    users.set_pin(engine, "staff", "4071")
    with engine.connect() as connection:
        kept = str(connection.execute(users_table.select()).all())
        assert "4071" not in kept.replace("$", " ").split()
        assert users.with_pin(connection) == ["staff"]
    assert users.verify_pin(engine, "staff", "4071") == users.Person("staff", "staff")
    users.set_pin(engine, "staff", None)
    assert users.verify_pin(engine, "staff", "4071") is None


async def test_a_session_is_bound_to_its_own_shift_only(
    phone: httpx.AsyncClient, engine: Engine
) -> None:
    secret = users.open_session(engine, "staff", NOW_MS, 12)
    await sign_on(phone, ZHANG)
    with engine.connect() as connection:
        assert len(connection.execute(sessions.select()).all()) == 2
        assert users.of_session(connection, secret, NOW_MS) == users.Person("staff", "staff")


def test_the_command_asks_for_a_pin_and_takes_it_away(engine: Engine, settings: Settings) -> None:
    runner = CliRunner(env={**os.environ, "HUB_DATA_DIR": str(settings.data_dir)})
    weak = runner.invoke(cli, ["user", "pin", "staff"], input="1234\n1234\n")
    done = runner.invoke(cli, ["user", "pin", "staff"], input="4071\n4071\n")
    assert (weak.exit_code, done.exit_code) == (1, 0)
    assert "4071" not in done.output
    assert users.verify_pin(engine, "staff", "4071") is not None
    assert runner.invoke(cli, ["user", "pin", "staff", "--remove"]).exit_code == 0
    assert users.verify_pin(engine, "staff", "4071") is None
