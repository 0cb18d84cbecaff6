"""Pages without a sign-in: a document released by a link, and the check of a signature (rows P13, P21; conflict c18).

A link that is wrong, used, expired or out of tries is answered by one and the same page. Opening a link shows a button
only, so that whatever looks at mails before their readers do does not use it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.edge.cookies import fresh_visitor
from gateway.edge.reader import client_in_view
from gateway.portal.papers.disclosure import PART2_NOTICE, hindrance
from gateway.portal.papers.documents import document_answer
from gateway.records.papers import Standing, check_signature
from gateway.records.releases import find_release, fits_passcode, take_release
from gateway.web.formats import clock_time, day, zone_name
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.today import zone_of
from models.ids import is_id
from models.tables.papers import Signature
from models.tables.records import Document

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.papers import DocumentRelease

_LINK_CHARACTERS_MAX = 200


async def released(request: Request) -> Response:
    """What a link of a mail leads to: a button, and a field for the passcode where there is one."""
    found = await _find(request)
    if found is None:
        return await _used_up(request)
    return await _ask(request, found)


async def open_released(request: Request) -> Response:
    """Give the document out, once; a disclosure that the trail does not take does not happen."""
    state, found = request.app.state, await _find(request)
    if found is None:
        return await _used_up(request)
    passcode = "".join(str((await request.form()).get("passcode", "")).split())
    now = state.clock()
    if not await fits_passcode(state.records, state.passwords, found, passcode, now):
        again = await _find(request)
        return await _used_up(request) if again is None else await _ask(request, again, wrong=True)
    known = await state.records.client(found.client_id)
    row = await state.records.item(Document, found.practice_id, found.client_id, found.document_id)
    if known is None or row is None:
        return await _used_up(request)
    today = now.astimezone(ZoneInfo(known[1].zone)).date()
    if await hindrance(state.authz, row, found.account_id, consent=True, today=today) is not None:
        return await _used_up(request)
    request.state.client = client_in_view(*known)
    notice = _(PART2_NOTICE) if row.category == "part2" else ""
    answer = await document_answer(request, row, reader_id=found.account_id, notice=notice)
    await state.authz.record(
        {
            "action": "document.released.opened",
            "account_id": found.account_id,
            "client_id": found.client_id,
            "practice_id": found.practice_id,
            "resource": {"type": "document", "id": found.document_id},
            "details": {"release": found.id},
        }
    )
    if not await take_release(state.records, found, now):
        request.state.client = None
        return await _used_up(request)
    return answer


async def verify(request: Request) -> Response:
    """Whether a document is as it was signed. Whoever holds the certificate learns no more than it says."""
    practice_id, _dot, signature_id = request.path_params["code"].rpartition(".")
    state = request.app.state

    def check(session: Session) -> tuple[Signature, Standing] | None:
        signature = session.get(Signature, signature_id)
        if signature is None or signature.practice_id != practice_id:
            return None
        return signature, check_signature(session, state.seals, signature)

    readable = is_id(practice_id) and len(signature_id) <= _LINK_CHARACTERS_MAX
    found = await state.records.read(practice_id, check) if readable else None
    if found is None:
        return await page(request, "portal/document_check.html", status=404, standing=None)
    signature, standing = found
    known = await state.records.client(signature.client_id)
    if known is None:
        return await page(request, "portal/document_check.html", status=404, standing=None)
    view = client_in_view(*known)
    request.state.client = view
    signed = signature.signed_at.astimezone(zone_of(request))
    request.state.client = None
    return await page(
        request,
        "portal/document_check.html",
        standing=standing.value,
        practice_name=view.practice_name,
        signed_on=f"{day(signed.date())}, {clock_time(signed)} ({zone_name(view.zone)})",
        digest=signature.content_sha256,
    )


async def _find(request: Request) -> DocumentRelease | None:
    practice_id, _dot, secret = request.path_params["token"].rpartition(".")
    if not is_id(practice_id) or len(secret) > _LINK_CHARACTERS_MAX:
        return None
    state = request.app.state
    return await find_release(state.records, practice_id, secret, state.clock())


async def _ask(request: Request, found: DocumentRelease, *, wrong: bool = False) -> Response:
    fresh = None if request.state.cookie else fresh_visitor()
    request.state.cookie = request.state.cookie or fresh
    practice = await request.app.state.records.practice(found.practice_id)
    response = await page(
        request,
        "portal/document_released.html",
        status=422 if wrong else 200,
        practice_name=practice.name,
        asks_passcode=found.passcode_hash is not None,
        wrong=wrong,
        tries_left=found.tries_left,
    )
    if fresh is not None:
        request.app.state.cookies.set(response, fresh)
    return response


async def _used_up(request: Request) -> Response:
    return await page(request, "portal/document_used_up.html", status=404)
