"""Verifications of the trail as the trail keeps them: what a practice may know of a report, and those of before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from authz_service.trail.changes import change_chain
from authz_service.trail.reading import instant_of
from models.tables.trail import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from authz_service.trail.verification import Examined, Finding, Report

CHAINS_MAX = 200
FINDINGS_MAX = 100
ELSEWHERE = "elsewhere"
_CHANGES = "changes."


def result_of(report: Report, practice_id: str | None, seconds: float) -> dict[str, Any]:
    """The report for a practice, or (None) for whoever runs the service.

    Another practice's chain is neither named nor counted; that one is damaged is told. Damaged chains come first, then
    the newest.
    """

    def is_told(place: str) -> bool:
        ours = (change_chain(practice_id), change_chain(None))
        return practice_id is None or not place.startswith(_CHANGES) or place in ours

    bad = {finding.place.partition(".segment")[0].partition(".torn")[0] for finding in report.findings}
    chains = [each for each in report.examined.values() if is_told(each.chain)]
    chains.sort(key=lambda each: (each.chain in bad, each.last or 0), reverse=True)
    return {
        "whole": not report.findings,
        "seconds": seconds,
        "chains": len(chains),
        "groups": sum(each.groups for each in chains),
        "records": sum(each.records for each in chains),
        "waiting": report.waiting,
        "unsigned": sum(each.unsigned for each in chains),
        "checkpoints": report.checkpoints,
        "newest_checkpoint": report.newest_checkpoint,
        "problems": len(report.findings),
        "findings": [_finding(each, is_told(each.place)) for each in report.findings[:FINDINGS_MAX]],
        "examined": [_chain(each, is_whole=each.chain not in bad) for each in chains[:CHAINS_MAX]],
        "notes": report.notes[:FINDINGS_MAX],
    }


def past_results(
    connection: Connection, action: str, practices: Collection[str] | None, limit: int
) -> list[dict[str, Any]]:
    """The newest events of a verification first, of these practices or (None) of everybody, as they were entered."""
    c = RECORDS.c
    query = select(c.chain, c.number, c.position, c.item, c.at, c.subject, c.practice_id, c.body)
    query = query.where(c.type == "event", c.type != "decision", c.action == action)
    if practices is not None:
        query = query.where(c.practice_id.in_(sorted(practices)))
    rows: Sequence[Any] = connection.execute(query.order_by(c.at.desc(), c.number.desc()).limit(limit)).all()
    return [
        {
            "id": f"{row.chain}:{row.number}:{row.position}:{row.item}",
            "at": instant_of(row.at),
            "by": row.subject,
            **orjson.loads(row.body)["result"],
        }
        for row in rows
    ]


def _finding(finding: Finding, is_told: bool) -> dict[str, Any]:
    if not is_told:
        return {"flaw": ELSEWHERE, "place": "", "text": "a chain of another practice is damaged", "at": None}
    at = None if finding.at is None else instant_of(finding.at)
    return {"flaw": finding.flaw, "place": finding.place, "text": finding.text, "number": finding.number, "at": at}


def _chain(examined: Examined, *, is_whole: bool) -> dict[str, Any]:
    return {
        "chain": examined.chain,
        "kind": "changes" if examined.chain.startswith(_CHANGES) else "decisions",
        "whole": is_whole,
        "groups": examined.groups,
        "records": examined.records,
        "waiting": examined.waiting,
        "unsigned": examined.unsigned,
        "checkpoints": examined.checkpoints,
        "first": None if examined.first is None else instant_of(examined.first),
        "last": None if examined.last is None else instant_of(examined.last),
    }
