"""Whatever is edited, cut or reordered in the trail is found."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, insert, select, update

from authz_service.trail.chain import link_hash
from authz_service.trail.changes import Change, Origin, record_change
from authz_service.trail.segments import MAGIC
from models.tables.trail import GROUPS, HEADS, RECORDS
from tests.trail.conftest import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from tests.trail.conftest import Trail


def write(trail: Trail, count: int = 20, *, load: bool = True) -> None:
    """Each record a group of its own, then a few changes."""

    async def run() -> None:
        writer = trail.writer()
        await writer.start()
        loader = trail.loader(writer)
        for number in range(count):
            await writer.append(event(number))
        with trail.database.writing(["northgate"]) as session:
            for number in range(3):
                change(session, f"g_{number}")
        await writer.stop()
        if load:
            loader.load(sign=True)

    asyncio.run(run())


def change(session: Session, grant_id: str) -> None:
    record_change(
        session,
        Change(
            at=datetime(2026, 6, 15, 19, tzinfo=UTC),
            origin=Origin("gateway", "r", "staff/jo"),
            action="grant.update",
            resource_type="grant",
            resource_id=grant_id,
            practice_id="northgate",
            after={"toggles": {"invoices": True}},
        ),
    )


def test_an_untouched_trail_verifies_and_everything_in_it_was_examined(trail: Trail) -> None:
    write(trail)
    report = trail.verify()
    assert report.problems == []
    assert (report.chains, report.records, report.checkpoints) == (2, 24, 1)
    assert not list(trail.folder.glob("*.segment"))


def test_a_trail_verifies_while_its_segment_waits_to_be_loaded(trail: Trail) -> None:
    write(trail)
    write(trail, load=False)
    report = trail.verify()
    assert report.problems == []
    assert report.waiting == 21


def edit_body(connection: Connection) -> None:
    body = connection.scalar(select(RECORDS.c.body).where(RECORDS.c.number == 5, RECORDS.c.type == "event"))
    connection.execute(
        update(RECORDS).where(RECORDS.c.number == 5, RECORDS.c.type == "event").values(body=body.replace("r4", "r9"))
    )


def edit_column(connection: Connection) -> None:
    connection.execute(update(RECORDS).where(RECORDS.c.number == 5).values(client_id="noah"))


def edit_change(connection: Connection) -> None:
    connection.execute(update(RECORDS).where(RECORDS.c.resource_id == "g_1").values(body="{}"))


def cut_middle(connection: Connection) -> None:
    for table in (RECORDS, GROUPS):
        connection.execute(delete(table).where(table.c.chain.like("decisions.%"), table.c.number == 7))


def cut_records(connection: Connection) -> None:
    connection.execute(delete(RECORDS).where(RECORDS.c.chain.like("decisions.%"), RECORDS.c.number == 7))


def cut_tail(connection: Connection) -> None:
    for table in (RECORDS, GROUPS):
        connection.execute(delete(table).where(table.c.chain.like("decisions.%"), table.c.number > 15))


def cut_chain(connection: Connection) -> None:
    for table in (RECORDS, GROUPS):
        connection.execute(delete(table).where(table.c.chain.like("decisions.%")))


def cut_changes(connection: Connection) -> None:
    for table in (RECORDS, GROUPS):
        connection.execute(delete(table).where(table.c.chain == "changes.northgate", table.c.number == 3))


def cut_changes_and_head(connection: Connection) -> None:
    cut_changes(connection)
    last = select(GROUPS.c.hash).where(GROUPS.c.chain == "changes.northgate", GROUPS.c.number == 2).scalar_subquery()
    connection.execute(update(HEADS).values(number=2, hash=last))


def swap(connection: Connection) -> None:
    for old, new in ((4, 1000), (5, 4), (1000, 5)):
        where = RECORDS.c.chain.like("decisions.%") & (RECORDS.c.number == old)
        connection.execute(update(RECORDS).where(where).values(number=new))


def swap_whole_groups(connection: Connection) -> None:
    swap(connection)
    for old, new in ((4, 1000), (5, 4), (1000, 5)):
        where = GROUPS.c.chain.like("decisions.%") & (GROUPS.c.number == old)
        connection.execute(update(GROUPS).where(where).values(number=new))


def add_orphan(connection: Connection) -> None:
    row = dict(
        connection.execute(select(RECORDS).where(RECORDS.c.number == 5, RECORDS.c.type == "event")).one()._mapping
    )
    connection.execute(insert(RECORDS).values(row | {"number": 500}))


def add_group(connection: Connection) -> None:
    chain, number, previous = connection.execute(
        select(GROUPS.c.chain, func.max(GROUPS.c.number), GROUPS.c.hash).where(GROUPS.c.chain.like("decisions.%"))
    ).one()
    row = dict(
        connection.execute(select(RECORDS).where(RECORDS.c.number == 5, RECORDS.c.type == "event")).one()._mapping
    )
    connection.execute(insert(GROUPS).values(chain=chain, number=number + 1, count=1, hash=link_hash(previous, 1, b"")))
    connection.execute(insert(RECORDS).values(row | {"number": number + 1}))


def rewrite_everything(connection: Connection) -> None:
    """An edit with every later hash made anew: only the signed checkpoint shows it."""
    edit_body(connection)
    links = connection.execute(select(GROUPS).where(GROUPS.c.chain.like("decisions.%")).order_by(GROUPS.c.number)).all()
    previous = "0" * 64
    for link in links:
        bodies = connection.scalars(
            select(RECORDS.c.body)
            .where(RECORDS.c.chain == link.chain, RECORDS.c.number == link.number)
            .order_by(RECORDS.c.position)
        ).all()
        for row, body in enumerate(bodies):
            request_id = f"r{9 if link.number == 5 else link.number - 1}"
            where = (RECORDS.c.chain == link.chain) & (RECORDS.c.number == link.number) & (RECORDS.c.position == row)
            if '"event"' in body:
                connection.execute(update(RECORDS).where(where).values(request_id=request_id))
        previous = link_hash(previous, link.number, "\n".join(bodies).encode())
        where = (GROUPS.c.chain == link.chain) & (GROUPS.c.number == link.number)
        connection.execute(update(GROUPS).where(where).values(hash=previous))


TAMPERINGS = [
    edit_body,
    edit_column,
    edit_change,
    cut_middle,
    cut_records,
    cut_tail,
    cut_chain,
    cut_changes,
    cut_changes_and_head,
    swap,
    swap_whole_groups,
    add_orphan,
    add_group,
    rewrite_everything,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda each: each.__name__)
def test_tampering_with_the_table_is_found(trail: Trail, tamper: Callable[[Connection], None]) -> None:
    write(trail)
    with trail.database.writing(["*"]) as session:
        tamper(session.connection())
    assert trail.verify().problems


def test_only_the_checkpoint_shows_a_trail_rewritten_whole(trail: Trail) -> None:
    """Control: without its anchor the same rewriting passes, so it is the anchor that finds it."""
    write(trail)
    with trail.database.writing(["*"]) as session:
        rewrite_everything(session.connection())
    found = trail.verify().problems
    assert any("checkpoint 1" in problem for problem in found)
    trail.checkpoints.write_bytes(b"")
    assert trail.verify().problems == []


@pytest.mark.parametrize("seed", range(40))
def test_any_changed_bit_of_a_waiting_segment_is_found(trail: Trail, seed: int) -> None:
    write(trail, load=False)
    (path,) = trail.folder.glob("*.segment")
    content = bytearray(path.read_bytes())
    used = len(bytes(content).rstrip(b"\0"))
    place = random.Random(seed).randrange(len(MAGIC), used)
    content[place] ^= 1 << (seed % 8)
    path.write_bytes(bytes(content))
    trail.checkpoints.touch()
    assert trail.verify().problems


@pytest.mark.parametrize("kind", ["edit", "cut", "swap"])
def test_tampering_with_the_checkpoints_is_found(trail: Trail, kind: str) -> None:
    for _ in range(3):
        write(trail)
    lines = trail.checkpoints.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    if kind == "edit":
        lines[1] = lines[0]
    elif kind == "cut":
        del lines[1]
    else:
        lines[0], lines[1] = lines[1], lines[0]
    trail.checkpoints.write_bytes(b"".join(lines))
    assert trail.verify().problems


def test_a_write_cut_by_a_crash_is_kept_and_named_and_the_trail_stays_whole(trail: Trail) -> None:
    write(trail, load=False)
    (path,) = trail.folder.glob("*.segment")
    content = bytearray(path.read_bytes())
    used = len(bytes(content).rstrip(b"\0"))
    content[used - 10 : used] = bytes(10)
    path.write_bytes(bytes(content))
    write(trail)
    report = trail.verify()
    assert report.problems == []
    assert len(report.notes) == 1
    assert path.stem in report.notes[0]
    assert report.records == (1 + 19 + 3) + (1 + 20 + 3)
