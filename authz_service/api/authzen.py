"""AuthZEN 1.0 requests: what is required is checked strictly, what is unknown is ignored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from authz_service.api.problems import ProblemError
from authz_service.facts.request import NO_AUTHN, Authn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ITEMS_MAX = 1000
DEPTH_MAX = 32
ID_MAX = 256
NAME_MAX = 64
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
NOTHING: Mapping[str, Any] = {}
NO_CONTEXT = (NO_AUTHN, None, False)


class Semantic(StrEnum):
    """How far a batch is evaluated."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class MalformedError(ProblemError):
    """400: the request is not one of AuthZEN."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class Asked(NamedTuple):
    """One question as it was sent. `resource_id` is None where only a type was asked for."""

    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str | None
    properties: Mapping[str, Any]
    authn: Authn
    at: datetime | None  # ask at this time instead of now
    explain: bool


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; MalformedError otherwise."""
    # Each level needs a bracket, so that few brackets need no count of levels.
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _is_deep(body):
        raise MalformedError(f"the body is nested more than {DEPTH_MAX} levels deep")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError("the body is not JSON") from error
    if type(value) is not dict:
        raise MalformedError("the body must be a JSON object")
    return value


def read_asked(document: Mapping[str, Any], *, id_needed: bool = True) -> Asked:
    """One question; MalformedError names the field."""
    subject_type, subject_id, _ = _read_entity(document, "subject")
    action = _read_action(document)
    resource_type, resource_id, properties = _read_entity(document, "resource", id_needed=id_needed)
    authn, at, explain = _read_context(document)
    return Asked(subject_type, subject_id, action, resource_type, resource_id, properties, authn, at, explain)


def read_batch(document: Mapping[str, Any]) -> tuple[list[Asked | MalformedError], Semantic] | None:
    """The questions of a batch, a malformed one as its error; None when it is to be read as a single question."""
    evaluations = document.get("evaluations")
    if evaluations is not None and type(evaluations) is not list:
        raise MalformedError("evaluations must be a list")
    options = document.get("options")
    if options is not None and type(options) is not dict:
        raise MalformedError("options must be an object")
    named = (options or NOTHING).get("evaluations_semantic", Semantic.EXECUTE_ALL.value)
    try:
        semantic = Semantic(named)
    except ValueError as error:
        known = ", ".join(Semantic)
        raise MalformedError(f"options.evaluations_semantic must be one of {known}") from error
    if not evaluations:
        return None
    if len(evaluations) > ITEMS_MAX:
        raise ProblemError(413, f"a batch has at most {ITEMS_MAX} evaluations")
    defaults: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in document:
            if type(document[name]) is not dict:
                raise MalformedError(f"{name} must be an object")
            try:
                defaults[name] = read(document)
            except MalformedError as error:  # It counts only for items that do not replace it.
                defaults[name] = error
    return [_read_item(defaults, item) for item in evaluations], semantic


def _read_item(defaults: Mapping[str, Any], item: object) -> Asked | MalformedError:
    if type(item) is not dict:
        return MalformedError("an evaluation must be an object")
    try:
        subject_type, subject_id, _ = _part_of(defaults, item, "subject")
        action = _part_of(defaults, item, "action")
        resource_type, resource_id, properties = _part_of(defaults, item, "resource")
        authn, at, explain = _part_of(defaults, item, "context")
    except MalformedError as error:
        return error
    return Asked(subject_type, subject_id, action, resource_type, resource_id, properties, authn, at, explain)


def _part_of(defaults: Mapping[str, Any], item: Mapping[str, Any], name: str) -> Any:
    if name in item or name not in defaults:
        return _READERS[name](item)
    part = defaults[name]
    if isinstance(part, MalformedError):
        raise part
    return part


def _read_part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    if type(part) is dict:
        return part
    raise MalformedError(f"{name} is required" if part is None else f"{name} must be an object")


def _read_action(document: Mapping[str, Any]) -> str:
    action = _read_part(document, "action").get("name")
    _check_text(action, "action.name", NAME_MAX)
    return action  # type: ignore[return-value]


def _read_entity(
    document: Mapping[str, Any], name: str, *, id_needed: bool = True
) -> tuple[str, Any, Mapping[str, Any]]:
    part = _read_part(document, name)
    entity_type, entity_id, properties = part.get("type"), part.get("id"), part.get("properties")
    _check_text(entity_type, f"{name}.type", NAME_MAX)
    if entity_id is not None or id_needed:
        _check_text(entity_id, f"{name}.id", ID_MAX)
    if properties is None:
        properties = NOTHING
    elif type(properties) is not dict:
        raise MalformedError(f"{name}.properties must be an object")
    return entity_type, entity_id, properties  # type: ignore[return-value]


def _check_text(value: object, name: str, length: int) -> None:
    if type(value) is str and 0 < len(value) <= length and value.isprintable():
        return
    if value is None:
        raise MalformedError(f"{name} is required")
    raise MalformedError(f"{name} must be a string of 1 to {length} printable characters")


def _read_context(document: Mapping[str, Any]) -> tuple[Authn, datetime | None, bool]:
    context = document.get("context")
    if context is None:
        return NO_CONTEXT
    if type(context) is not dict:
        raise MalformedError("context must be an object")
    authn, at, explain = context.get("authn"), context.get("at"), context.get("explain", False)
    if type(explain) is not bool:
        raise MalformedError("context.explain must be true or false")
    return (
        NO_AUTHN if authn is None else read_authn(authn),
        None if at is None else read_instant(at, "context.at"),
        explain,
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "subject": lambda document: _read_entity(document, "subject"),
    "action": _read_action,
    "resource": lambda document: _read_entity(document, "resource"),
    "context": _read_context,
}


def read_authn(value: object) -> Authn:
    """How the person signed in, from `context.authn`."""
    if type(value) is not dict:
        raise MalformedError("context.authn must be an object")
    amr, due = value.get("amr", []), value.get("password_change_due")
    if type(amr) is not list or any(type(method) is not str for method in amr):
        raise MalformedError("context.authn.amr must be a list of strings")
    if due is not None and type(due) is not bool:
        raise MalformedError("context.authn.password_change_due must be true or false")
    return Authn(tuple(amr), due)


def read_instant(value: object, name: str) -> datetime:
    """An RFC 3339 instant with an offset, in UTC."""
    try:
        instant = datetime.fromisoformat(value) if type(value) is str else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or "T" not in str(value).upper():
        raise MalformedError(f"{name} must be an RFC 3339 instant such as 2026-05-03T12:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise MalformedError(f"{name} lies outside the calendar") from error


def _is_deep(body: bytes) -> bool:
    """Whether brackets are nested beyond the limit: what is left after the innermost pairs were taken out so often."""
    bare = _TEXT.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    brackets = bare.translate(None, _NO_BRACKETS)
    for _ in range(DEPTH_MAX):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return bool(brackets)
