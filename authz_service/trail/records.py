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
_AT = ITEM_FIELDS.index("at")
_EMPTY: dict[str, Any] = dict.fromkeys(
    (
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
)


def rows_of(link: Link, position: int, record: bytes) -> list[dict[str, Any]]:
    """The rows of one record: one for each item of a decision, otherwise a single one."""
    body: dict[str, Any] = orjson.loads(record)
    base = _EMPTY | {
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
    items = body.get("items")
    rows = [base | _whole(body)] if items is None else [_item(base, i, item) for i, item in enumerate(items)]
    rows[0]["body"] = record.decode()
    return rows


def _item(base: dict[str, Any], number: int, item: Sequence[Any]) -> dict[str, Any]:
    subject_type, subject_id, action, resource_type, resource_id, client_id, practice_id, decision = item[:8]
    row = base.copy()
    row["item"] = number
    row["subject"] = f"{subject_type}/{subject_id}"
    row["account_id"] = subject_id if subject_type == "account" else None
    row["client_id"] = client_id
    row["practice_id"] = practice_id
    row["action"] = action
    row["resource_type"] = resource_type
    row["resource_id"] = resource_id
    row["decision"] = decision
    row["what_if"] = item[_AT] is not None
    return row


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    if body["type"] == "legend":
        return {"resource_type": "bundle", "resource_id": body["bundle"]}
    if body["type"] == "segment":
        return {}
    resource = body.get("resource") or {}
    return {
        "what_if": body.get("what_if", False),
        "subject": body.get("actor"),
        "account_id": body.get("account_id"),
        "client_id": body.get("client_id"),
        "practice_id": body.get("practice_id"),
        "action": body.get("action"),
        "resource_type": resource.get("type"),
        "resource_id": resource.get("id"),
    }
