"""The trail is verified over HTTP: whoever may read it learns whether it was touched, and that somebody looked."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import delete, select, update

from authz_service.trail.chain import EVERYTHING
from authz_service.verifying import newest_attempt
from models.tables.trail import GROUPS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tests.api.conftest import Api

PATH = "/v1/trail/verifications"
SECONDS_MAX = 60


def write(api: Api) -> None:
    for _ in range(3):
        api.allows("dana", "view", "document", "doc_mia_school")
    for on in (True, False, True):
        etag = api.call("GET", "/v1/grants/g_sam_mia").headers["etag"]
        body = {"toggles": {"invoices": on}}
        options: dict[str, Any] = {"headers": {"Content-Type": "application/merge-patch+json"}}
        assert api.call("PATCH", "/v1/grants/g_sam_mia", body, actor="staff/jo", etag=etag, **options).is_success
    assert api.service.loader.catch_up()


def verified(api: Api, actor: str | None = "staff/rex") -> dict[str, Any]:
    """The verification that was asked for now, waited for."""
    api.clock.advance(seconds=1)
    reply = api.call("POST", PATH, actor=actor)
    assert reply.status_code == 200, reply.text
    until = time.monotonic() + SECONDS_MAX
    while reply.json()["attempt"] is not None and time.monotonic() < until:
        time.sleep(0.1)
        reply = api.call("GET", PATH, actor=actor)
    assert reply.json()["attempt"] is None
    found: dict[str, Any] = reply.json()["verifications"][0]
    return found


def touch(api: Api, work: Callable[[Connection], None]) -> None:
    with api.service.store.database.writing(EVERYTHING) as session:
        work(session.connection())


def edit(connection: Connection) -> None:
    where = RECORDS.c.resource_id == "g_sam_mia"
    body = connection.scalars(select(RECORDS.c.body).where(where).limit(1)).one()
    connection.execute(update(RECORDS).where(where, RECORDS.c.body == body).values(body=body.replace("jo", "ken")))


def cut(connection: Connection) -> None:
    number = connection.scalar(select(RECORDS.c.number).where(RECORDS.c.resource_id == "g_sam_mia").limit(1))
    for table in (RECORDS, GROUPS):
        connection.execute(delete(table).where(table.c.chain == "changes.northgate", table.c.number == number))


def reorder(connection: Connection) -> None:
    first, second = connection.scalars(
        select(RECORDS.c.number).where(RECORDS.c.resource_id == "g_sam_mia").order_by(RECORDS.c.number).limit(2)
    )
    for old, new in ((first, -1), (second, first), (-1, second)):
        where = (RECORDS.c.chain == "changes.northgate") & (RECORDS.c.number == old)
        connection.execute(update(RECORDS).where(where).values(number=new))


def test_an_untouched_trail_is_whole_and_the_look_is_an_event_of_the_trail(api_on_both: Api) -> None:
    api = api_on_both
    write(api)
    found = verified(api)
    assert (found["whole"], found["findings"], found["by"]) == (True, [], "staff/rex")
    changes = next(each for each in found["examined"] if each["chain"] == "changes.northgate")
    assert (changes["whole"], changes["kind"]) == (True, "changes")
    assert changes["records"] >= 3
    assert changes["first"] <= changes["last"]
    (event,) = api.call("GET", "/v1/trail?action=trail.verified", actor="staff/rex").json()["entries"]
    assert event["id"] == found["id"]
    assert event["details"]["whole"] is True
    again = verified(api)
    assert again["whole"]
    assert again["id"] != found["id"]


@pytest.mark.parametrize(
    ("work", "flaw"), [(edit, "group_changed"), (cut, "group_missing"), (reorder, "group_changed")]
)
def test_a_record_that_was_touched_is_named_with_its_chain_and_time(
    api: Api, work: Callable[[Connection], None], flaw: str
) -> None:
    write(api)
    touch(api, work)
    found = verified(api)
    assert not found["whole"]
    first = found["findings"][0]
    assert (first["flaw"], first["place"]) == (flaw, "changes.northgate")
    assert first["at"].startswith("2026-06-")
    assert not next(each for each in found["examined"] if each["chain"] == "changes.northgate")["whole"]


def test_a_touched_file_of_checkpoints_is_named(api: Api) -> None:
    write(api)
    path = api.settings.checkpoints
    path.write_bytes(path.read_bytes()[:-20] + b"\n")
    assert "checkpoint_line" in [each["flaw"] for each in verified(api)["findings"]]


@pytest.mark.parametrize("actor", ["staff/ken", "staff/bea", "staff/nobody"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_not_read_the_trail_may_not_verify_it(shared_api: Api, actor: str, method: str) -> None:
    assert shared_api.call(method, PATH, actor=actor).status_code == 403


def test_a_token_for_one_practice_alone_is_told_nothing_without_somebody_who_acts(shared_api: Api) -> None:
    token = shared_api.token("trail", "act", practices=("northgate",))
    assert shared_api.call("GET", PATH, token=token).status_code == 403
    assert shared_api.call("GET", PATH, token=token, actor="staff/rex").status_code == 200


def test_another_practices_chain_is_neither_named_nor_counted_but_its_damage_is_told(api: Api) -> None:
    write(api)
    whole = verified(api, "staff/hal")
    assert whole["whole"]
    assert not any("northgate" in each["chain"] for each in whole["examined"])
    touch(api, edit)
    found = verified(api, "staff/hal")
    assert not found["whole"]
    assert found["findings"] == [
        {"flaw": "elsewhere", "place": "", "text": "a chain of another practice is damaged", "at": None}
    ]
    assert [each["by"] for each in api.call("GET", PATH, actor="staff/rex").json()["verifications"]] == []


def test_while_one_runs_no_second_begins_and_its_progress_is_told(api: Api) -> None:
    folder = api.settings.trail_dir
    said = {"id": "x", "at": api.service.microseconds(), "by": "staff/priya", "practice_id": "northgate"}
    said |= {"groups": 3, "of": 10, "problem": None, "entered": False}
    (folder / "verification.json").write_bytes(orjson.dumps(said))
    lock = os.open(folder / "verification.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        attempt = api.call("POST", PATH, actor="staff/rex").json()["attempt"]
        assert (attempt["state"], attempt["groups"], attempt["of"]) == ("running", 3, 10)
        assert attempt["by"] == "staff/priya"
        assert api.call("GET", PATH, actor="staff/hal").json()["attempt"]["by"] is None
    finally:
        os.close(lock)
    assert api.call("GET", PATH, actor="staff/rex").json()["attempt"]["state"] == "broken_off"
    assert api.call("GET", PATH, actor="staff/hal").json()["attempt"] is None
    attempt = newest_attempt(folder)
    assert attempt is not None
    assert not attempt.is_running
    assert verified(api)["whole"]
