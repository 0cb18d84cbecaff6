"""Finds any edit, cut or reorder of the trail.

Every hash is made anew, every column compared with its record, every checkpoint held against its chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from authz_service.trail.chain import EVERYTHING, GENESIS, link_hash
from authz_service.trail.checkpoints import CheckpointError, read_checkpoints
from authz_service.trail.loader import TORN
from authz_service.trail.records import rows_of
from authz_service.trail.segments import MAGIC, SUFFIX, Link, in_use, read_groups, torn_at
from models.tables.trail import GROUPS, HEADS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from authz_service.tokens.signatures import KeySet
    from authz_service.trail.chain import TrailDatabase

_FETCH = 1000


@dataclass(slots=True)
class Report:
    """What was examined, and the first bad place of each chain, segment and checkpoint file."""

    chains: int = 0
    groups: int = 0
    records: int = 0
    checkpoints: int = 0
    waiting: int = 0  # records in segments that are not in the table yet
    newest_checkpoint: str | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify_trail(database: TrailDatabase, folder: Path, checkpoints: Path, keys: KeySet) -> Report:
    """Examines everything; the trail is whole exactly when `problems` is empty."""
    with database.reading(EVERYTHING) as connection:
        return _Verification(connection).verify(folder, checkpoints, keys)


class _Verification:
    """The work on one report."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.report = Report()
        self.anchors: dict[tuple[str, int], tuple[str, int]] = {}  # (chain, number) -> hash, number of the checkpoint
        self.heads: dict[str, Link] = {}
        self.waiting: dict[tuple[str, int], str] = {}
        self.befores: dict[str, Link] = {}  # chain -> the link it continues from

    def verify(self, folder: Path, checkpoints: Path, keys: KeySet) -> Report:
        self._read_anchors(checkpoints, keys)
        for chain, links in groupby(self._links(), key=lambda row: row.chain):
            self.report.chains += 1
            self._verify_chain(chain, links)
        self._verify_orphans()
        self._verify_heads()
        for path in sorted([*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*{TORN}")]):
            self._verify_segment(path)
        for chain, before in self.befores.items():
            if self._hash_of(before) != before.hash:
                self._problem(before.chain, f"group {before.number} is missing, from which {chain} continues")
        for (chain, number), (_, checkpoint) in sorted(self.anchors.items()):
            self._problem(chain, f"group {number} of checkpoint {checkpoint} is missing")
        return self.report

    def _problem(self, place: str, text: str) -> None:
        self.report.problems.append(f"{place}: {text}")

    def _read_anchors(self, path: Path, keys: KeySet) -> None:
        if not path.exists():
            self._problem(path.name, "there are no checkpoints")
            return
        try:
            for checkpoint in read_checkpoints(path, keys):
                self.report.checkpoints += 1
                self.report.newest_checkpoint = checkpoint.digest
                for chain, (number, digest) in checkpoint.heads.items():
                    self.anchors[chain, number] = digest, checkpoint.number
        except CheckpointError as error:
            self.report.problems.append(str(error))

    def _links(self) -> Any:
        query = select(GROUPS).order_by(GROUPS.c.chain, GROUPS.c.number)
        return self.connection.execute(query, execution_options={"yield_per": _FETCH})

    def _rows(self, chain: str) -> Any:
        order = (RECORDS.c.number, RECORDS.c.position, RECORDS.c.item)
        query = select(RECORDS).where(RECORDS.c.chain == chain).order_by(*order)
        return self.connection.execute(query, execution_options={"yield_per": _FETCH})

    def _verify_chain(self, chain: str, links: Iterator[Any]) -> None:
        digest, expected, sound = GENESIS, 1 if chain.startswith("changes.") else 0, True
        groups = groupby(self._rows(chain), key=lambda row: row.number)
        number, rows = next(groups, (None, iter(())))
        for link in links:
            self.report.groups += 1
            self.report.records += link.count
            while number is not None and number < link.number:
                number, rows = next(groups, (None, iter(())))
            found: list[Any] = []
            if number == link.number:
                found = list(rows)
                number, rows = next(groups, (None, iter(())))
            problem = f"group {expected} is missing" if link.number != expected else _flaw(link, digest, found)
            anchor = self.anchors.pop((chain, link.number), None)
            if problem is None and anchor is not None and anchor[0] != link.hash:
                problem = f"group {link.number} is not what checkpoint {anchor[1]} says"
            if problem is None and link.number == 0:
                self._note_before(chain, found[0].body)
            if problem is not None and sound:
                self._problem(chain, problem)
                sound = False
            digest, expected = link.hash, link.number + 1
        self.heads[chain] = Link(chain, expected - 1, digest)

    def _note_before(self, chain: str, header: str | bytes) -> None:
        before = orjson.loads(header)["previous"]
        if before is not None:
            self.befores[chain] = Link(*before)

    def _verify_orphans(self) -> None:
        same = (RECORDS.c.chain == GROUPS.c.chain) & (RECORDS.c.number == GROUPS.c.number)
        joined = RECORDS.outerjoin(GROUPS, same)
        query = select(RECORDS.c.chain, RECORDS.c.number).select_from(joined).where(GROUPS.c.chain.is_(None)).limit(1)
        row = self.connection.execute(query).first()
        if row is not None:
            self._problem(row.chain, f"group {row.number} has records but no link in the chain")

    def _verify_heads(self) -> None:
        heads = {row.chain: Link(row.chain, row.number, row.hash) for row in self.connection.execute(select(HEADS))}
        changes = {chain for chain in self.heads if chain.startswith("changes.")}
        for chain in sorted(changes | heads.keys()):
            if heads.get(chain) != self.heads.get(chain):
                self._problem(chain, "its newest change is not what the head says")

    def _verify_segment(self, path: Path) -> None:
        chain = path.stem
        loaded = self.heads.get(chain)
        met, end = loaded is None, len(MAGIC)
        for group in read_groups(path):
            end = group.end
            if loaded is None and group.link.number == 0:
                self._note_before(chain, group.records[0])
            if loaded is None or group.link.number > loaded.number:
                self.report.waiting += len(group.records)
                self.waiting[chain, group.link.number] = group.link.hash
            elif group.link == loaded:
                met = True
            anchor = self.anchors.pop((chain, group.link.number), None)
            if anchor is not None and anchor[0] != group.link.hash:
                self._problem(chain, f"group {group.link.number} is not what checkpoint {anchor[1]} says")
        if not met:
            self._problem(path.name, "the segment and the table disagree")
        if not in_use(path) and torn_at(path, end) is not None:
            place = f"{path.name}: bytes behind the last whole group, at {end}"
            (self.report.notes if path.suffix == TORN else self.report.problems).append(place)

    def _hash_of(self, link: Link) -> str | None:
        waiting = self.waiting.get((link.chain, link.number))
        if waiting is not None:
            return waiting
        query = select(GROUPS.c.hash).where(GROUPS.c.chain == link.chain, GROUPS.c.number == link.number)
        return self.connection.scalar(query)


def _flaw(link: Any, previous: str, rows: Sequence[Any]) -> str | None:
    bodies = [row.body.encode() for row in rows if row.item == 0 and row.body is not None]
    if len(bodies) != link.count or [row.position for row in rows if row.item == 0] != list(range(link.count)):
        return f"group {link.number} has lost or gained a record"
    if link_hash(previous, link.number, b"\n".join(bodies)) != link.hash:
        return f"group {link.number} was changed or moved, or follows one that was"
    place = Link(link.chain, link.number, link.hash)
    expected = [row for position, body in enumerate(bodies) for row in rows_of(place, position, body)]
    if [dict(row._mapping) for row in rows] != expected:  # noqa: SLF001 (a row's public name for its columns)
        return f"group {link.number} has a column that is not what its record says"
    return None
