"""Changing a document's category and who signs it, with what that changes for whom before it is saved."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.admin.paper_drafts import SIGNER_RULES
from gateway.admin.paper_rows import ADDABLE, network_of, path_of
from gateway.edge.authz_client import Asking, Question
from gateway.edge.guard import Guard, Route
from gateway.edge.viewing import AMR
from gateway.records.events import enter_event, event_by
from gateway.records.paper_marks import Marking, Marks, mark_document, marks_of
from gateway.records.papers import COPY_KINDS, copies_of, signatures_of
from gateway.records.store import properties_of
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Document

# What somebody gains or loses, by action.
_GAINS = {"view": N_("%(name)s sees it from then on."), "sign": N_("%(name)s is asked to sign it.")}
_LOSES = {"view": N_("%(name)s no longer sees it."), "sign": N_("%(name)s is no longer asked to sign it.")}


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the error summary."""

    field: str
    sentence: str


async def marks_page(request: Request) -> Response:
    """The form, with the marks as they are."""
    row: Document = request.state.item
    return await _show(request, marks_of(row), marks_of(row))


async def save_marks(request: Request) -> Response:
    """First show what it changes for whom; saved with the second click, unless somebody else changed it meanwhile."""
    row: Document = request.state.item
    fields = await request.form()
    network = await network_of(request)
    wanted, seen = _read(fields, ""), _read(fields, "seen_")
    if problems := _problems(wanted, network):
        return await _show(request, seen, wanted, problems=problems, status=422)
    if marks_of(row) != seen:
        return await _show(request, marks_of(row), wanted, theirs=marks_of(row), status=409)
    if wanted == seen:
        await say(request, _("Nothing was changed."))
        return see_other(path_of(row))
    if fields.get("step") != "save":
        return await _show(request, seen, wanted, effects=await _effects(request, row, wanted, network))
    signers = {key: one["name"] for key, one in network.items() if one["kinds"] & COPY_KINDS}

    def write(session: Session) -> Marking:
        made = mark_document(session, row.id, seen, wanted, signers)
        if made is Marking.DONE:
            event = event_by(request.state.reader, "document.marked", row)
            enter_event(session, event, at=request.app.state.clock())
        return made

    made: Marking = await request.app.state.records.change(row.practice_id, write)
    if made is Marking.CHANGED:
        now = await request.app.state.records.read(row.practice_id, lambda session: session.get_one(type(row), row.id))
        return await _show(request, marks_of(now), wanted, theirs=marks_of(now), status=409)
    if made is Marking.SIGNED:
        return await _show(request, seen, wanted, problems=[_signed_already()], status=422)
    await say(request, _("Saved. It counts from the next request on."))
    return see_other(path_of(row))


def _read(fields: FormData, prefix: str) -> Marks:
    rule = str(fields.get(f"{prefix}signer_rule", ""))
    named = tuple(sorted({str(value) for value in fields.getlist(f"{prefix}signer")}))
    return Marks(str(fields.get(f"{prefix}category", "")), rule, named if rule == "named" else ())


def _problems(wanted: Marks, network: Mapping[str, object]) -> list[Problem]:
    problems = []
    if wanted.category not in ADDABLE:
        problems.append(Problem("category", _("Choose a category of the list.")))
    if wanted.signer_rule not in SIGNER_RULES:
        problems.append(Problem("signer_rule", _("Choose who signs.")))
    elif wanted.signer_rule == "named" and not (wanted.signers and set(wanted.signers) <= set(network)):
        problems.append(Problem("signer_rule", _("Tick at least one person who is to sign.")))
    return problems


def _signed_already() -> Problem:
    return Problem(
        "signer_rule",
        _("Somebody has signed already, so who signs stays as it is. Add a new document to ask others to sign."),
    )


async def _effects(
    request: Request, row: Document, wanted: Marks, network: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """Who gains or loses what, asked of the service with the marks before and after."""
    before = properties_of("document", row)
    after = before | {
        "category": wanted.category,
        "signer_rule": wanted.signer_rule,
        "signer_ids": list(wanted.signers),
    }
    at = request.app.state.clock().isoformat()
    questions = [
        Question(action, "document", row.id, properties)
        for action in ("view", "sign")
        for properties in (before, after)
    ]
    people = sorted(network.items(), key=lambda entry: str(entry[1]["name"]))
    answers = await asyncio.gather(
        *(
            request.app.state.authz.evaluate_all(
                Asking({"type": SubjectType.ACCOUNT.value, "id": account}, AMR, at=at), questions
            )
            for account, _person in people
        )
    )
    told = []
    for (_account, person), (saw, sees, signed, signs) in zip(people, answers, strict=True):
        for action, was, will in (("view", saw, sees), ("sign", signed, signs)):
            if was is not will:
                told.append(_((_GAINS if will else _LOSES)[action], name=person["name"]))
    return told or [_("Nobody sees more or less of it, and nobody is asked to sign who was not.")]


async def _show(
    request: Request,
    seen: Marks,
    wanted: Marks,
    *,
    effects: Sequence[str] = (),
    theirs: Marks | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    row: Document = request.state.item
    network = await network_of(request)

    def read(session: Session) -> bool:
        return bool(signatures_of(session, [row.id, *(copy.id for copy in copies_of(session, row.id))]))

    return await page(
        request,
        "admin/document_marks.html",
        status=status,
        document=row,
        back=path_of(row),
        seen=seen,
        wanted=wanted,
        theirs=None if theirs is None else _in_words(theirs, network),
        effects=effects,
        categories=ADDABLE,
        signer_rules=SIGNER_RULES,
        people=sorted(network.items(), key=lambda entry: entry[1]["name"]),
        is_signed=await request.app.state.records.read(row.practice_id, read),
        problems=problems,
    )


def _in_words(marks: Marks, network: Mapping[str, Mapping[str, object]]) -> str:
    names = ", ".join(str(network[key]["name"]) if key in network else key for key in marks.signers)
    told = f"{_(ADDABLE.get(marks.category, marks.category))} · {_(SIGNER_RULES[marks.signer_rule])}"
    return f"{told}: {names}" if names else told


_PATH = "/admin/clients/{client}/documents/{id}/marks"
ROUTES = (
    Route(_PATH, marks_page, guard=Guard("update", "document")),
    Route(_PATH, save_marks, guard=Guard("update", "document"), methods=("POST",)),
)
