"""What a record says, and the rows that stand for it in the table. A row is made of nothing but the record's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.trail.segments import Link

# One item of a decision record, in this order. The facts are one character each: the place of the value in its domain.
ITEM_FIELDS = (
    "subject_type",
    "subject_id",
    "action",
    "resource_type",
    "resource_id",
    "client_id",
    "practice_id",
    "decision",
    "grant_id",
    "facts",
    "error",
    "at",
)
_COLUMNS = (
    "request_id",
    "caller",
    "subject",
    "account_id",
    "client_id",
    "practice_id",
    "action",
    "resource_type",
    "resource_id",
    "decision",
)


def rows_of(link: Link, position: int, record: bytes) -> list[dict[str, Any]]:
    """The rows of one record: one for each item of a decision, otherwise a single one."""
    body: dict[str, Any] = orjson.loads(record)
    base: dict[str, Any] = dict.fromkeys(_COLUMNS)
    base |= {
        "chain": link.chain,
        "number": link.number,
        "position": position,
        "item": 0,
        "at": body["at"],
        "type": body["type"],
        "request_id": body.get("request_id"),
        "caller": body.get("caller"),
        "what_if": False,
        "body": None,
    }
    parts = [_item(i, item) for i, item in enumerate(body["items"])] if "items" in body else [_whole(body)]
    rows = [base | part for part in parts]
    rows[0]["body"] = record.decode()
    return rows


def _item(number: int, item: Sequence[Any]) -> dict[str, Any]:
    named = dict(zip(ITEM_FIELDS, item, strict=False))
    subject_type, subject_id = named["subject_type"], named["subject_id"]
    return {
        "item": number,
        "subject": f"{subject_type}/{subject_id}",
        "account_id": subject_id if subject_type == "account" else None,
        "client_id": named["client_id"],
        "practice_id": named["practice_id"],
        "action": named["action"],
        "resource_type": named["resource_type"],
        "resource_id": named["resource_id"],
        "decision": named["decision"],
        "what_if": named.get("at") is not None,
    }


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    if body["type"] == "legend":
        return {"resource_type": "bundle", "resource_id": body["bundle"]}
    if body["type"] == "segment":
        return {}
    resource = body.get("resource") or {}
    return {
        "subject": body.get("actor"),
        "account_id": body.get("account_id"),
        "client_id": body.get("client_id"),
        "practice_id": body.get("practice_id"),
        "action": body.get("action"),
        "resource_type": resource.get("type"),
        "resource_id": resource.get("id"),
    }
