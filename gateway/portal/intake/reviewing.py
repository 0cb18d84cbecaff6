"""Before a form is sent: everything on one page, the signature, and sending it once (rows Y16, Y20, P8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.care_team import care_team
from gateway.edge.errors import NotFound
from gateway.edge.questions import may
from gateway.notices.notify import Event, notify
from gateway.portal.intake.answers import troubles
from gateway.portal.intake.completing import CONSENT, Sending, Signing, complete, hand_over
from gateway.portal.intake.questions import SignerRule, in_language, read_questions, steps_of
from gateway.portal.intake.views import read_views, step_views, title_of
from gateway.portal.papers.documents import Problem
from gateway.portal.papers.ink import read_ink, sealed_by, signer_of
from gateway.records.events import enter_event, event_by
from gateway.records.files import UploadRefused
from gateway.web.language import _, language
from gateway.web.pages import page, say, see_other
from gateway.web.today import local_today
from models.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.intake.completing import Outcome
    from gateway.portal.intake.questions import Question
    from gateway.portal.papers.ink import Given
    from models.tables.records import Form


async def review(request: Request) -> Response:
    """Every question with its answer, what is still missing, and the signature where one is asked for."""
    return await _show(request, request.state.item)


async def submit(request: Request) -> Response:
    """Send the form: signed where it has to be, once; or hand it to whoever signs it."""
    row: Form = request.state.item
    if row.state == "completed":
        return see_other(_href(row))
    may_complete, may_sign = await may(request, [("complete", "form", row), ("sign", "form", row)])
    if not may_complete:
        raise NotFound
    form = await request.form()
    signs = row.signer_rule != SignerRule.NOBODY and may_sign
    missing = troubles(read_questions(row.questions), row.answers, read_questions(row.questions))
    given = await read_ink(request, form, _(CONSENT)) if signs else None
    if missing or (given and given.problems):
        return await _show(request, row, given=given, problems=given.problems if given else [], tried=True)
    version = whole(str(form.get("version", "")))
    # What was found to be complete above is this version, and only it may be sent.
    if version is None or version != row.version:
        return await _show(request, row, given=given, problems=[_changed()])
    if row.signer_rule != SignerRule.NOBODY and not may_sign:
        return await _hand_over(request, row, version)
    try:
        signing = Signing(await signer_of(request), given.ink, request.app.state.seals) if given else None
        outcome = await _send(request, row, version, signing)
    except UploadRefused as error:
        return await _show(request, row, given=given, problems=[Problem("", str(error))])
    if not outcome.sent:
        return await _show(request, outcome.form, given=given, problems=[_changed()])
    title, practice = title_of(row), request.state.client.practice_name
    await say(request, _("“%(title)s” was sent to %(practice)s. Thank you.", title=title, practice=practice))
    return see_other(_href(row))


async def _send(request: Request, row: Form, version: int, signing: Signing | None) -> Outcome:
    state, client, reader = request.app.state, request.state.client, request.state.reader
    team = await care_team(state.authz, client.practice_id, client.id)
    leading = {*team.administrators, *team.owners}
    practice = await state.records.practice(client.practice_id)
    sending = Sending(
        account_id=reader.id,
        account_name=reader.name,
        seen=version,
        language=language(),
        now=state.clock(),
        today=local_today(request),
        practice=practice,
        client_name=client.name,
        signing=signing,
        # Completed forms are read by therapists who are subscribed (row Y6).
        staff=[member for member in team.in_charge if member in leading or member in team.subscribed],
    )

    def work(session: Session) -> Outcome:
        outcome = complete(session, row, sending)
        if outcome.sent:
            own = outcome.signature
            event = event_by(
                reader,
                "form.completed" if signing is None else "form.signed",
                outcome.form,
                details=None if own is None else sealed_by(own),
            )
            enter_event(session, event, at=sending.now, once=row.id)
        return outcome

    outcome: Outcome = await state.records.change(client.practice_id, work)
    return outcome


async def _hand_over(request: Request, row: Form, version: int) -> Response:
    reader, now = request.state.reader, request.app.state.clock()

    def work(session: Session) -> Outcome:
        outcome = hand_over(session, row, seen=version, now=now)
        if outcome.sent:
            notify(
                session,
                Event.SIGN,
                practice_id=row.practice_id,
                client_id=row.client_id,
                item=("form", row.id),
                path=_href(row),
                but=reader.id,
            )
        return outcome

    outcome: Outcome = await request.app.state.records.change(row.practice_id, work)
    if not outcome.sent:
        return await _show(request, outcome.form, problems=[_changed()])
    await say(request, _("The form is filled in. It now waits for the signature of the person who signs it."))
    return see_other(_href(row))


async def _show(
    request: Request,
    row: Form,
    *,
    given: Given | None = None,
    problems: Sequence[Problem] = (),
    tried: bool = False,
) -> Response:
    questions = read_questions(row.questions)
    (may_sign,) = await may(request, [("sign", "form", row)])
    missing = troubles(questions, row.answers, questions)
    steps = step_views(row, questions)
    where = {question.id: view.href for view in steps for question in _of_step(row, view.number)}
    listed = [
        {
            "field": "",
            "href": f"{where[one.question.id]}#{one.field}",
            "sentence": f"{in_language(one.question.label, language())}: {one.sentence}",
        }
        for one in missing
    ]
    failed = bool(problems) or tried
    return await page(
        request,
        "portal/form_review.html",
        status=422 if failed else 200,
        title=title_of(row),
        href=_href(row),
        version=row.version,
        parts=read_views(row, questions, missing, linked=True),
        missing=listed,
        problems=[*problems] if failed else [],
        last=steps[-1].href,
        signs=row.signer_rule != SignerRule.NOBODY and may_sign,
        others_sign=row.signer_rule != SignerRule.NOBODY and not may_sign,
        consent=_(CONSENT),
        typed_name=given.ink.typed_name if given else "",
        agreed=bool(given and given.agreed),
    )


def _of_step(row: Form, number: int) -> Sequence[Question]:
    return next(step.questions for step in steps_of(read_questions(row.questions)) if step.number == number)


def _changed() -> Problem:
    return Problem(
        "", _("The answers were changed in another tab after you opened this page. Please look at them again.")
    )


def _href(row: Form) -> str:
    return f"/c/{row.client_id}/forms/{row.id}"
