"""The questions of an evaluation request, decoded and checked in one step where they are written as usual.

Whatever is not (a field that AuthZEN does not define, nested properties, anything wrong) is left to `authzen`, which
reads field by field, says what is wrong and decides what is ignored. Both read what both can read alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, UnsetType

from authz_service.api.authzen import (
    ID_MAX,
    ITEMS_MAX,
    NAME_MAX,
    NO_CONTEXT,
    NOTHING,
    Asked,
    MalformedError,
    Semantic,
    read_asked,
    read_batch,
    read_instant,
    read_object,
)
from authz_service.facts.request import NO_AUTHN, Authn

if TYPE_CHECKING:
    from datetime import datetime

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX)]
# Beyond these the two decoders disagree on what is a float.
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# No deeper than a list, so that the type bounds how deep a body is nested.
_Properties = dict[str, bool | _Whole | float | str | list[bool | _Whole | float | str | None] | None]
_new = tuple.__new__  # Half the price of a call, on the path of every question.


class _Entity(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: _Name
    id: _Id
    properties: _Properties | None = None


class _Action(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: _Name
    properties: _Properties | None = None


class _Authn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    amr: list[str] = []
    password_change_due: bool | None = None


class _Context(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    authn: _Authn | None = None
    at: str | None = None
    explain: bool = False


class _Question(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    subject: _Entity
    action: _Action
    resource: _Entity
    context: _Context | None = None


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    subject: _Entity | UnsetType = UNSET  # of which `null` is no value
    action: _Action | UnsetType = UNSET
    resource: _Entity | UnsetType = UNSET
    context: _Context | UnsetType | None = UNSET


class _Options(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class _Batch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    evaluations: Annotated[list[_Item], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]
    subject: _Entity | UnsetType = UNSET
    action: _Action | UnsetType = UNSET
    resource: _Entity | UnsetType = UNSET
    context: _Context | UnsetType = UNSET
    options: _Options | UnsetType = UNSET


_decode_question = msgspec.json.Decoder(_Question).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode


class _UnusualError(Exception):
    """To be read field by field."""


# msgspec's errors and those of UTF-8 are ValueErrors.
_LEFT = (_UnusualError, MalformedError, ValueError, RecursionError)


def read_question(body: bytes) -> Asked:
    """The question of a body; MalformedError names the field that is wrong."""
    try:
        asked = _decode_question(body)
        return _asked(asked.subject, asked.action, asked.resource, asked.context)
    except _LEFT:
        return read_asked(read_object(body))


def read_questions(body: bytes) -> tuple[list[Asked | MalformedError], Semantic] | Asked:
    """The questions of a batch, a malformed one as its error; or the single question that the body is."""
    try:
        batch = _decode_batch(body)
        semantic = Semantic.EXECUTE_ALL if batch.options is UNSET else batch.options.evaluations_semantic
        return _items(batch), semantic
    except _LEFT:
        document = read_object(body)
        return read_batch(document) or read_asked(document)


def _items(batch: _Batch) -> list[Asked | MalformedError]:
    subject, action, resource, context = batch.subject, batch.action, batch.resource, batch.context
    return [
        _asked(
            subject if item.subject is UNSET else item.subject,
            action if item.action is UNSET else item.action,
            resource if item.resource is UNSET else item.resource,
            context if item.context is UNSET else item.context,
        )
        for item in batch.evaluations
    ]


def _asked(
    subject: _Entity | UnsetType,
    action: _Action | UnsetType,
    resource: _Entity | UnsetType,
    context: _Context | UnsetType | None,
) -> Asked:
    if subject is UNSET or action is UNSET or resource is UNSET:
        raise _UnusualError
    subject_type, subject_id, name = subject.type, subject.id, action.name
    resource_type, resource_id, properties = resource.type, resource.id, resource.properties
    # Joined they are printable when each is, for one call instead of five.
    if not f"{subject_type}{subject_id}{name}{resource_type}{resource_id}".isprintable():
        raise _UnusualError
    sent = NOTHING if properties is None else properties
    how = _context(context) if context else NO_CONTEXT
    return _new(Asked, (subject_type, subject_id, name, resource_type, resource_id, sent, *how))


def _context(context: _Context) -> tuple[Authn, datetime | None, bool]:
    authn, at = context.authn, context.at
    return (
        NO_AUTHN if authn is None else Authn(tuple(authn.amr), authn.password_change_due),
        None if at is None else read_instant(at, "context.at"),
        context.explain,
    )
