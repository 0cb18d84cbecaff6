"""Proof of authority on a grant: a paper or court order, kept with it (its days are set in `window`)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.admin.authorities import PROOFS
from gateway.admin.people import describe, names_known
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.records.events import enter_event
from gateway.records.files import ACCEPT, UploadRefused, file_answer, keep_file, load_file, uploaded
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.today import read_day, zone_of
from models.tables.getting_in import Proof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.records.files import Upload

NOTE_MAX = 200
_ONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class EnteredProof:
    """What the form says; `first` and `last` are the first and last day of access, empty when open."""

    once: str = ""
    what: str = ""
    note: str = ""
    first: str = ""
    last: str = ""

    @property
    def starts(self) -> date | None:
        """The first day."""
        return date.fromisoformat(self.first) if self.first else None

    @property
    def until(self) -> date | None:
        """The first day without access."""
        return date.fromisoformat(self.last) + timedelta(days=1) if self.last else None

    def window(self) -> dict[str, str | None]:
        """The window as the service's API has it."""
        starts, until = self.starts, self.until
        return {"from": starts.isoformat() if starts else None, "until": until.isoformat() if until else None}


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One proof in the list."""

    id: str
    what: str
    note: str
    added: str
    window: str
    has_file: bool


def read_proof(form: FormData) -> EnteredProof:
    """What was sent."""

    def text(name: str, most: int) -> str:
        value = form.get(name, "")
        return " ".join(value.split())[:most] if isinstance(value, str) else ""

    once = text("once", 32)
    return EnteredProof(
        once=once if _ONCE.fullmatch(once) else secrets.token_hex(16),
        what=text("proof", 40),
        note=text("note", NOTE_MAX),
        first=text("first_day", 10),
        last=text("last_day", 10),
    )


def check_proof(entered: EnteredProof) -> list[Problem]:
    """What is wrong with the days or the kind of proof."""
    found = []
    for name, value in (("first_day", entered.first), ("last_day", entered.last)):
        try:
            read_day(value or "2000-01-01")
        except ValueError:
            found.append(Problem(name, _("Enter a day, as in 2026-06-15, or leave it empty.")))
    if not found and entered.starts and entered.until and entered.starts >= entered.until:
        found.append(Problem("last_day", _("The last day lies before the first day. Please check both.")))
    if entered.what and entered.what not in PROOFS:
        found.append(Problem("proof", _("Choose what the proof is.")))
    return found


def keep_proof(session: Session, request: Request, entered: EnteredProof, grant_id: str, upload: Upload | None) -> None:
    """Keep a proof of a grant, in the caller's transaction; the same form, sent again, keeps it once."""
    client, reader, now = request.state.client, request.state.reader, request.app.state.clock()
    if session.get(Proof, entered.once) is not None:
        return
    about = {"practice_id": client.practice_id, "client_id": client.id}
    file_id = keep_file(session, upload, by=reader.actor, **about) if upload is not None else None
    session.add(
        Proof(
            id=entered.once,
            **about,
            grant_id=grant_id,
            what=entered.what,
            note=entered.note,
            file_id=file_id,
            starts=entered.starts,
            until=entered.until,
            added_by=reader.id,
            added_at=now,
        )
    )
    enter_event(session, {"action": "proof.added", "actor": reader.actor, **about}, at=now, once=entered.once)


async def proofs_of(request: Request, grant_id: str) -> list[ProofLine]:
    """The proofs of a grant that stand, the newest first."""
    zone = zone_of(request)

    def read(session: Session) -> list[Proof]:
        chosen = select(Proof).where(Proof.client_id == request.state.client.id, Proof.grant_id == grant_id)
        chosen = chosen.where(col(Proof.removed_at).is_(None))
        return list(session.exec(chosen.order_by(col(Proof.added_at).desc(), Proof.id)))

    rows = await request.app.state.records.read(request.state.client.practice_id, read)
    return [
        ProofLine(
            row.id,
            _(PROOFS.get(row.what, row.what)),
            row.note,
            day(row.added_at.astimezone(zone).date()),
            _in_words(row.starts, row.until),
            row.file_id is not None,
        )
        for row in rows
    ]


async def show_proofs(request: Request) -> Response:
    """The proofs of a grant, and a form for one more."""
    return await _form(request, EnteredProof(once=secrets.token_hex(16)))


async def add_proof(request: Request) -> Response:
    """Keep a proof, and let the grant say that there is one. The form, sent again, keeps it once."""
    grant, client, app = request.state.item, request.state.client, request.app.state
    entered = replace(read_proof(await request.form()), first="", last="")
    problems = check_proof(entered)
    if not entered.what:
        problems.append(Problem("proof", _("Choose what the proof is.")))
    if problems:
        return await _form(request, entered, problems=problems)
    try:
        upload = await uploaded(request)
        await app.records.change(
            client.practice_id, lambda session: keep_proof(session, request, entered, grant["id"], upload)
        )
    except UploadRefused as error:
        return await _form(request, entered, problems=[Problem("file", str(error))])
    if grant["proof"] != "on_file":
        try:
            await app.authz.update_grant(
                grant["id"], {"proof": "on_file"}, etag=grant["etag"], actor=request.state.reader.actor
            )
        except Rejected as error:
            return await _form(request, entered, problems=[Problem(None, error.detail)])
    await say(request, _("Saved. %(what)s is on file.", what=_(PROOFS[entered.what])))
    return see_other(f"/admin/clients/{client.id}/grants/{grant['id']}/proofs")


async def open_proof(request: Request) -> Response:
    """The file of a proof; the trail has it before it is given out."""
    client, reader, app = request.state.client, request.state.reader, request.app.state
    row = await _row(request)
    stored = None if row.file_id is None else await load_file(app.records, client.practice_id, row.file_id)
    if stored is None or stored.client_id != client.id:
        raise NotFound
    event = {"action": "proof.opened", "actor": reader.actor, "practice_id": client.practice_id}
    await app.authz.record({**event, "client_id": client.id})
    return file_answer(stored)


async def ask_remove(request: Request) -> Response:
    """What taking a proof back does."""
    row = await _row(request)
    return await page(request, "admin/contact_proof_remove.html", what=_(PROOFS.get(row.what, row.what)), proof=row.id)


async def remove_proof(request: Request) -> Response:
    """Take a proof back: it is kept, and no longer counts."""
    client, reader, app, grant = request.state.client, request.state.reader, request.app.state, request.state.item
    row, now = await _row(request), app.clock()

    def write(session: Session) -> bool:
        kept = session.get_one(Proof, row.id)
        if kept.removed_at is None:
            kept.removed_by, kept.removed_at = reader.id, now
            session.add(kept)
            event = {"action": "proof.removed", "actor": reader.actor, "practice_id": client.practice_id}
            enter_event(session, {**event, "client_id": client.id}, at=now)
        left = select(Proof.id).where(Proof.grant_id == grant["id"], col(Proof.removed_at).is_(None))
        return session.exec(left).first() is None

    if await app.records.change(client.practice_id, write) and grant["proof"] != "none":
        try:
            await app.authz.update_grant(grant["id"], {"proof": "none"}, etag=grant["etag"], actor=reader.actor)
        except Rejected as error:
            await say(request, error.detail)
    await say(request, _("The proof was taken back. It is kept, and the history shows it."))
    return see_other(f"/admin/clients/{client.id}/grants/{grant['id']}/proofs")


async def _row(request: Request) -> Proof:
    key, grant = request.path_params["proof"], request.state.item
    row: Proof | None = await request.app.state.records.read(
        request.state.client.practice_id, lambda session: session.get(Proof, key)
    )
    if row is None or row.grant_id != grant["id"] or row.removed_at is not None:
        raise NotFound
    return row


def _in_words(starts: date | None, until: date | None) -> str:
    parts = [_("from %(day)s", day=day(starts))] if starts else []
    parts += [_("through %(day)s", day=day(until - timedelta(days=1)))] if until else []
    return " ".join(parts) or _("without limit")


async def _form(request: Request, entered: EnteredProof, *, problems: Sequence[Problem] = ()) -> Response:
    grant = request.state.item
    return await page(
        request,
        "admin/contact_proofs.html",
        status=422 if problems else 200,
        person=describe(grant, (await names_known(request, [grant]))[grant["id"]]),
        entered=entered,
        proofs=await proofs_of(request, grant["id"]),
        kinds=PROOFS,
        accept=ACCEPT,
        problems=problems,
        problems_title=_("This was not saved"),
    )


_ONE = "/admin/clients/{client}/grants/{grant}/proofs"
_UPDATE = Guard("update", "grant")
ROUTES = (
    Route(_ONE, show_proofs, guard=_UPDATE),
    Route(_ONE, add_proof, guard=_UPDATE, methods=("POST",), files=1),
    Route(f"{_ONE}/{{proof}}", open_proof, guard=_UPDATE),
    Route(f"{_ONE}/{{proof}}/remove", ask_remove, guard=_UPDATE),
    Route(f"{_ONE}/{{proof}}/remove", remove_proof, guard=_UPDATE, methods=("POST",)),
)
