"""Finds any edit, cut or reorder of the trail.

Every hash is made anew, every column compared with its record, every checkpoint held against its chain.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
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
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from authz_service.tokens.signatures import KeySet
    from authz_service.trail.chain import TrailDatabase
    from authz_service.trail.segments import Group

_FETCH = 1000
_CHANGES = "changes."


class Flaw(StrEnum):
    """What can be wrong with a trail."""

    NO_CHECKPOINTS = "no_checkpoints"
    CHECKPOINT_LINE = "checkpoint_line"  # a line of the file is not what was signed there
    CHECKPOINT = "checkpoint"  # a group is not what a checkpoint says
    GROUP_MISSING = "group_missing"
    GROUP_CHANGED = "group_changed"
    GROUP_COUNT = "group_count"  # a record was lost or added
    COLUMN = "column"
    NO_LINK = "no_link"  # records that no chain knows
    HEAD = "head"  # changes at the end of a chain were cut or added
    SEGMENT = "segment"  # the file and the table disagree
    TAIL = "tail"  # bytes behind the last whole group


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: the chain or file, the group where it is one, and when its records (or those before) are of."""

    flaw: Flaw
    place: str
    text: str
    number: int | None = None
    at: int | None = None  # microseconds since the epoch

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(slots=True)
class Examined:
    """One chain as it was found. `first` and `last` are microseconds; groups up to `signed` are in a checkpoint."""

    chain: str
    groups: int = 0
    records: int = 0
    waiting: int = 0  # of the records, those in a segment only
    unsigned: int = 0  # of the records, those newer than the newest checkpoint of the chain
    first: int | None = None
    last: int | None = None
    checkpoints: int = 0
    signed: int = -1

    def add(self, number: int, records: int, times: Sequence[int]) -> None:
        """A group of the chain."""
        self.groups += 1
        self.records += records
        if number > self.signed:
            self.unsigned += records
        if times:
            self.first = times[0] if self.first is None else self.first
            self.last = times[-1]


@dataclass(slots=True)
class Report:
    """What was examined, and the first bad place of each chain, segment and checkpoint file."""

    chains: int = 0
    groups: int = 0
    records: int = 0
    checkpoints: int = 0
    waiting: int = 0  # records in segments that are not in the table yet
    newest_checkpoint: str | None = None
    examined: dict[str, Examined] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What is wrong, a line each."""
        return [str(finding) for finding in self.findings]


def verify_trail(
    database: TrailDatabase,
    folder: Path,
    checkpoints: Path,
    keys: KeySet,
    progress: Callable[[int], None] = lambda _groups: None,
) -> Report:
    """Examines everything; the trail is whole exactly when `findings` is empty. `progress` hears how far it is."""
    with database.reading(EVERYTHING) as connection:
        verification = _Verification(connection, progress)
        report = verification.verify(folder, checkpoints, keys)
    with database.reading(EVERYTHING) as connection:  # A segment may have been loaded and cleared away in the meantime.
        verification.verify_befores(connection)
    return report


class _Verification:
    """The work on one report."""

    def __init__(self, connection: Connection, progress: Callable[[int], None]) -> None:
        self.connection = connection
        self.progress = progress
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
            with suppress(FileNotFoundError):  # Loaded whole and cleared away since.
                self._verify_segment(path)
        for (chain, number), (_, checkpoint) in sorted(self.anchors.items()):
            text = f"group {number} of checkpoint {checkpoint} is missing"
            self._find(Flaw.GROUP_MISSING, chain, text, number)
        return self.report

    def verify_befores(self, connection: Connection) -> None:
        """Whether every segment's chain continues from a group that is there."""
        for chain, before in self.befores.items():
            if self._hash_of(connection, before) != before.hash:
                text = f"group {before.number} is missing, from which {chain} continues"
                self._find(Flaw.GROUP_MISSING, before.chain, text, before.number)

    def _find(self, flaw: Flaw, place: str, text: str, number: int | None = None, at: int | None = None) -> None:
        if at is None and place in self.report.examined:
            at = self.report.examined[place].last
        self.report.findings.append(Finding(flaw, place, text, number, at))

    def _of(self, chain: str) -> Examined:
        return self.report.examined.setdefault(chain, Examined(chain))

    def _read_anchors(self, path: Path, keys: KeySet) -> None:
        if not path.exists():
            self._find(Flaw.NO_CHECKPOINTS, path.name, "there are no checkpoints")
            return
        try:
            for checkpoint in read_checkpoints(path, keys):
                self.report.checkpoints += 1
                self.report.newest_checkpoint = checkpoint.digest
                for chain, (number, digest) in checkpoint.heads.items():
                    self.anchors[chain, number] = digest, checkpoint.number
                    examined = self._of(chain)
                    examined.checkpoints += 1
                    examined.signed = max(examined.signed, number)
        except CheckpointError as error:
            place, _, text = str(error).rpartition(": ")
            self._find(Flaw.CHECKPOINT_LINE, place, text)

    def _links(self) -> Any:
        query = select(GROUPS).order_by(GROUPS.c.chain, GROUPS.c.number)
        return self.connection.execute(query, execution_options={"yield_per": _FETCH})

    def _rows(self, chain: str) -> Any:
        order = (RECORDS.c.number, RECORDS.c.position, RECORDS.c.item)
        query = select(RECORDS).where(RECORDS.c.chain == chain).order_by(*order)
        return self.connection.execute(query, execution_options={"yield_per": _FETCH})

    def _verify_chain(self, chain: str, links: Iterator[Any]) -> None:
        digest, expected, sound = GENESIS, 1 if chain.startswith(_CHANGES) else 0, True
        examined = self._of(chain)
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
            examined.add(link.number, link.count, [row.at for row in found])
            flaw = (Flaw.GROUP_MISSING, "is missing") if link.number != expected else _flaw(link, digest, found)
            anchor = self.anchors.pop((chain, link.number), None)
            if flaw is None and anchor is not None and anchor[0] != link.hash:
                flaw = Flaw.CHECKPOINT, f"is not what checkpoint {anchor[1]} says"
            if flaw is None and link.number == 0:
                self._note_before(chain, found[0].body)
            if flaw is not None and sound:
                place = expected if flaw[0] is Flaw.GROUP_MISSING else link.number
                self._find(flaw[0], chain, f"group {place} {flaw[1]}", place)
                sound = False
            digest, expected = link.hash, link.number + 1
            self.progress(self.report.groups)
        self.heads[chain] = Link(chain, expected - 1, digest)

    def _note_before(self, chain: str, header: str | bytes) -> None:
        before = orjson.loads(header)["previous"]
        if before is not None:
            self.befores[chain] = Link(*before)

    def _verify_orphans(self) -> None:
        same = (RECORDS.c.chain == GROUPS.c.chain) & (RECORDS.c.number == GROUPS.c.number)
        joined = RECORDS.outerjoin(GROUPS, same)
        columns = (RECORDS.c.chain, RECORDS.c.number, RECORDS.c.at)
        query = select(*columns).select_from(joined).where(GROUPS.c.chain.is_(None)).limit(1)
        row = self.connection.execute(query).first()
        if row is not None:
            text = f"group {row.number} has records but no link in the chain"
            self._find(Flaw.NO_LINK, row.chain, text, row.number, row.at)

    def _verify_heads(self) -> None:
        heads = {row.chain: Link(row.chain, row.number, row.hash) for row in self.connection.execute(select(HEADS))}
        changes = {chain for chain in self.heads if chain.startswith(_CHANGES)}
        for chain in sorted(changes | heads.keys()):
            if heads.get(chain) != self.heads.get(chain):
                self._find(Flaw.HEAD, chain, "its newest change is not what the head says")

    def _verify_segment(self, path: Path) -> None:
        chain = path.stem
        loaded = self.heads.get(chain)
        met, end = loaded is None, len(MAGIC)
        for group in read_groups(path):
            end = group.end
            if loaded is None and group.link.number == 0:
                self._note_before(chain, group.records[0])
            if loaded is None or group.link.number > loaded.number:
                self._wait(chain, group)
            elif group.link == loaded:
                met = True
            anchor = self.anchors.pop((chain, group.link.number), None)
            if anchor is not None and anchor[0] != group.link.hash:
                text = f"group {group.link.number} is not what checkpoint {anchor[1]} says"
                self._find(Flaw.CHECKPOINT, chain, text, group.link.number)
        if not met:
            self._find(Flaw.SEGMENT, path.name, "the segment and the table disagree")
        if not in_use(path) and torn_at(path, end) is not None:
            text = f"bytes behind the last whole group, at {end}"
            if path.suffix == TORN:
                self.report.notes.append(f"{path.name}: {text}")
            else:
                self._find(Flaw.TAIL, path.name, text)

    def _wait(self, chain: str, group: Group) -> None:
        self.report.waiting += len(group.records)
        self.waiting[chain, group.link.number] = group.link.hash
        examined = self._of(chain)
        examined.waiting += len(group.records)
        times = [orjson.loads(record)["at"] for record in (group.records[0], group.records[-1])]
        examined.add(group.link.number, len(group.records), times)

    def _hash_of(self, connection: Connection, link: Link) -> str | None:
        waiting = self.waiting.get((link.chain, link.number))
        if waiting is not None:
            return waiting
        query = select(GROUPS.c.hash).where(GROUPS.c.chain == link.chain, GROUPS.c.number == link.number)
        return connection.scalar(query)


def _flaw(link: Any, previous: str, rows: Sequence[Any]) -> tuple[Flaw, str] | None:
    bodies = [row.body.encode() for row in rows if row.item == 0 and row.body is not None]
    if len(bodies) != link.count or [row.position for row in rows if row.item == 0] != list(range(link.count)):
        return Flaw.GROUP_COUNT, "has lost or gained a record"
    if link_hash(previous, link.number, b"\n".join(bodies)) != link.hash:
        return Flaw.GROUP_CHANGED, "was changed or moved, or follows one that was"
    place = Link(link.chain, link.number, link.hash)
    expected = [row for position, body in enumerate(bodies) for row in rows_of(place, position, body)]
    if [dict(row._mapping) for row in rows] != expected:  # noqa: SLF001 (a row's public name for its columns)
        return Flaw.COLUMN, "has a column that is not what its record says"
    return None
