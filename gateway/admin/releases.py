"""Releasing one document once, to one person, by a link (row P13, conflict c18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from gateway.admin.paper_rows import network_of, path_of
from gateway.admin.people import names_known
from gateway.edge.guard import Guard, Route
from gateway.mail.post import letter, post
from gateway.portal.papers.disclosure import Hindrance, hindrance
from gateway.portal.papers.documents import PDF, Problem
from gateway.records.files import load_file
from gateway.records.releases import LASTS, is_key, issue_release, new_key
from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _
from gateway.web.pages import page, see_other
from gateway.web.today import local_today
from models.tables.papers import DocumentRelease
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.records.releases import Issued
    from models.tables.identity import Person
    from models.tables.records import Document

REASON_CHARACTERS_MAX = 300
_HINDRANCES: Mapping[Hindrance, str] = {
    Hindrance.DRAFT: N_("A draft cannot be sent. Release it first, or make a document of its own."),
    Hindrance.NEVER: N_("Psychotherapy notes never leave the practice this way."),
    Hindrance.MINOR: N_("This is the minor's own; it can be sent to the minor alone."),
    Hindrance.CONSENT: N_("The law asks for the client's written consent first. Tick the box once it is on file."),
    Hindrance.COPY: N_("This is another person's own copy; it can be sent to that person alone."),
    Hindrance.BLOCKED: N_("A safety block stands between this person and the client."),
    Hindrance.WITHHELD: N_("This document is withheld from this person."),
    Hindrance.NO_ACCESS: N_("This person has no access to the client, or none any more."),
}


@dataclass(frozen=True, slots=True)
class PastRelease:
    """A release that was made, in words."""

    name: str
    note: str


async def send_page(request: Request) -> Response:
    """The form, and to whom the document was sent before."""
    return await _show(request)


async def send(request: Request) -> Response:
    """Mail the link. The trail has the disclosure before the mail exists; without the trail there is no mail."""
    row: Document = request.state.item
    state, reader = request.app.state, request.state.reader
    fields = await request.form()
    account_id, reason = str(fields.get("account", "")), " ".join(str(fields.get("reason", "")).split())
    key = str(fields.get("key", ""))
    if not is_key(key) or await _is_kept(request, key):  # The same form, sent again.
        return see_other(f"{path_of(row)}/send")
    consent, with_passcode = fields.get("consent") == "yes", fields.get("passcode") == "yes"
    people = await state.records.people(SubjectType.ACCOUNT, [account_id])
    person = people.get(account_id)
    problems = await _problems(request, row, account_id, person, reason, consent=consent)
    if problems or person is None or not person.email:
        typed = {"account": account_id, "reason": reason, "consent": consent, "with_passcode": with_passcode}
        return await _show(request, typed=typed, problems=problems, status=422)
    issued = await issue_release(
        row, account_id, key=key, reason=reason, by=reader.actor, at=state.clock(), with_passcode=with_passcode
    )
    await _record(request, row, issued)
    mail = letter(
        "document_released",
        person.email,
        person.language,
        name=person.name,
        practice=request.state.client.practice_name,
        url=f"{state.settings.public_url}{issued.path}",
        hours=int(LASTS.total_seconds() // 3600),
        asks_passcode=with_passcode,
    )

    def write(session: Session) -> None:
        session.add(issued.release)
        post(session, mail, practice_id=row.practice_id)

    try:
        await state.records.change(row.practice_id, write)
    except IntegrityError:  # The same form, sent twice at once.
        return see_other(f"{path_of(row)}/send")
    return await _show(request, sent=issued, sent_to=(await network_of(request))[account_id]["name"])


async def _is_kept(request: Request, key: str) -> bool:
    practice_id = request.state.client.practice_id
    found = await request.app.state.records.read(practice_id, lambda session: session.get(DocumentRelease, key))
    return found is not None


async def _problems(
    request: Request, row: Document, account_id: str, person: Person | None, reason: str, *, consent: bool
) -> list[Problem]:
    problems = []
    network = await network_of(request)
    if account_id not in network or person is None:
        problems.append(Problem("account", _("Choose a person of the list.")))
    elif not person.email:
        problems.append(Problem("account", _("There is no e-mail address of this person. Enter one first.")))
    elif found := await hindrance(
        request.app.state.authz, row, account_id, consent=consent, today=local_today(request)
    ):
        problems.append(Problem("consent" if found is Hindrance.CONSENT else "account", _(_HINDRANCES[found])))
    elif row.category == "part2" and row.file_id is not None:
        file = await load_file(request.app.state.records, row.practice_id, row.file_id)
        if file is None or file.media_type != PDF:
            problems.append(Problem("account", _("A notice of the law must go with it. Save the file as PDF first.")))
    if not reason or len(reason) > REASON_CHARACTERS_MAX:
        problems.append(
            Problem("reason", _("Say why, in at most %(limit)s letters; it is kept.", limit=REASON_CHARACTERS_MAX))
        )
    return problems


async def _show(
    request: Request,
    *,
    typed: Mapping[str, object] | None = None,
    problems: Sequence[Problem] = (),
    sent: Issued | None = None,
    sent_to: str = "",
    status: int = 200,
) -> Response:
    row: Document = request.state.item
    network = await network_of(request)
    return await page(
        request,
        "admin/document_send.html",
        status=status,
        document=row,
        key=new_key(),
        back=path_of(row),
        people=sorted(network.items(), key=lambda entry: entry[1]["name"]),
        needs_consent=row.category in ("part2", "sensitive"),
        past=await _past(request, row),
        typed=typed or {"account": "", "reason": "", "consent": False, "with_passcode": True},
        problems=problems,
        sent=sent is not None,
        sent_to=sent_to,
        passcode=sent.passcode if sent else "",
        hours=int(LASTS.total_seconds() // 3600),
    )


async def _past(request: Request, row: Document) -> list[PastRelease]:
    chosen = select(DocumentRelease).where(DocumentRelease.document_id == row.id)
    state, zone = request.app.state, ZoneInfo(request.state.client.zone)
    made = await state.records.read(
        row.practice_id, lambda session: list(session.exec(chosen.order_by(col(DocumentRelease.released_at).desc())))
    )
    held = await state.authz.grants_of_client(row.client_id)
    by_grant = await names_known(request, held)
    names = {one["account_id"]: by_grant[one["id"]] for one in held}
    past = []
    for one in made:
        at = one.released_at.astimezone(zone)
        if one.opened_at is not None:
            opened = one.opened_at.astimezone(zone)
            end = _("opened on %(day)s", day=day(opened.date()))
        else:
            end = _("not opened") if one.expires_at <= state.clock() else _("not opened yet")
        name = names.get(one.account_id, one.account_id)
        past.append(PastRelease(name, f"{day(at.date())}, {clock_time(at)} · {end} · {one.reason}"))
    return past


async def _record(request: Request, row: Document, issued: Issued) -> None:
    await request.app.state.authz.record(
        {
            "action": "document.disclosed",
            "actor": request.state.reader.actor,
            "account_id": issued.release.account_id,
            "client_id": row.client_id,
            "practice_id": row.practice_id,
            "resource": {"type": "document", "id": row.id},
            "details": {"release": issued.release.id, "passcode": bool(issued.passcode)},
        }
    )


ROUTES = (
    Route("/admin/clients/{client}/documents/{id}/send", send_page, guard=Guard("update", "document")),
    Route("/admin/clients/{client}/documents/{id}/send", send, guard=Guard("update", "document"), methods=("POST",)),
)
