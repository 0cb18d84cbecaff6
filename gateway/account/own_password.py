"""One's own password and security question; where a one-time password leads first (rows C4 to C6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.account.credentials import credential_of, set_password
from gateway.account.entering import enter
from gateway.account.mailed_links import Purpose, close_links
from gateway.account.new_password import (
    Wrong,
    check_answer,
    check_choice,
    hashed,
    password_rules,
    read_choice,
)
from gateway.account.password_rules import words_of
from gateway.account.passwords import PASSWORD_CHARACTERS_MAX
from gateway.account.recovery import post_changed
from gateway.account.security_questions import QUESTIONS, answer_of, canonical_answer, is_asked_for, keep_answer
from gateway.account.visitors import address_of
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, signed_in
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.identity import Credential, Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.new_password import Chosen


async def show_password(request: Request) -> Response:
    """Current, new, confirm."""
    credential, person, asked = await _own(request)
    return await _show_password(request, credential, person, asked)


async def change_password(request: Request) -> Response:
    """Change the password, end every other session, and begin this one anew. The trail has it first.

    A password that was changed after it was typed here, as by a mailed link, stays: whoever knew the old one is out.
    """
    app, reader = request.app.state, request.state.reader
    credential, person, asked = await _own(request)
    form = await request.form()
    chosen = read_choice(form)
    if problem := await wrong_current(request, credential, str(form.get("current_password", ""))):
        return await _show_password(request, credential, person, asked, problems=[problem], chosen=chosen)
    asks = await _asks_now(request, credential)
    wrong = check_choice(chosen, words_of(person, credential.username), asks_question=asks)
    if not wrong and await app.passwords.fits(credential.password_hash, chosen.password):
        wrong = [Wrong("new_password", _("This is the password you have. Choose another."))]
    if wrong:
        return await _show_password(request, credential, person, asked, problems=wrong, chosen=chosen)
    password_hash, now = await hashed(chosen.password), app.clock()
    answer_hash = await hashed(canonical_answer(chosen.answer)) if asks else None
    url = f"{app.settings.public_url}/forgot"

    def write(session: Session) -> Credential | None:
        kept = session.get_one(Credential, credential.username, with_for_update=True, populate_existing=True)
        if kept.password_hash != credential.password_hash:
            return None
        set_password(kept, password_hash, now)
        close_links(session, Purpose.RESET, reader.type, reader.id, now)
        close_links(session, Purpose.ADDRESS, reader.type, reader.id, now)
        if answer_hash is not None:
            keep_answer(session, (reader.type, reader.id), chosen.question, answer_hash, now)
        post_changed(session, person, kept.address or person.email or "", url)
        return kept

    await _record(request, "password.change", person)
    kept = await app.records.change(None, write)
    if kept is None:
        return see_other("/sign-in")
    await app.sessions.end_all(reader.type, reader.id, but=request.state.cookie)
    return await enter(request, kept, reader.amr)


async def show_question(request: Request) -> Response:
    """Which question is registered, and the form to register another."""
    return await _show_question(request)


async def save_question(request: Request) -> Response:
    """Register a question and its answer; the password shows that it is the person. The trail has it first."""
    app, reader = request.app.state, request.state.reader
    credential, owner, _asked = await _own(request)
    form = await request.form()
    chosen = read_choice(form)
    problem = await wrong_current(request, credential, str(form.get("current_password", "")))
    if wrong := [problem] if problem else check_answer(chosen):
        return await _show_question(request, problems=wrong, chosen=chosen)
    answer_hash, now = await hashed(canonical_answer(chosen.answer)), app.clock()
    person = (reader.type, reader.id)
    await _record(request, "security_question.change", owner)
    await app.records.change(None, lambda session: keep_answer(session, person, chosen.question, answer_hash, now))
    await say(request, _("Your security question is registered."))
    return see_other("/account/question")


async def _record(request: Request, action: str, person: Person) -> None:
    reader = request.state.reader
    account_id = reader.id if person.practice_id is None else None
    event = {"action": action, "actor": reader.actor, "account_id": account_id, "practice_id": person.practice_id}
    await request.app.state.authz.record(event)


async def _own(request: Request) -> tuple[Credential, Person, bool]:
    """The reader's sign-in, who they are, and whether a question is registered."""
    reader = request.state.reader

    def read(session: Session) -> tuple[Credential | None, Person | None, bool]:
        registered = answer_of(session, reader.type, reader.id) is not None
        person = session.get(Person, (reader.type.value, reader.id))
        return credential_of(session, reader.type, reader.id), person, registered

    credential, person, registered = await request.app.state.records.read(None, read)
    if credential is None or person is None:
        raise NotFound
    return credential, person, registered


async def _asks_now(request: Request, credential: Credential) -> bool:
    """With the first password of one's own a question is registered, where the practice chose that (row C6)."""
    reader = request.state.reader
    return credential.must_change and await is_asked_for(request, reader.type, reader.id, reader.practice_id)


async def wrong_current(request: Request, credential: Credential, current: str) -> Wrong | None:
    """What is wrong with the password that stands for the person; tries are counted with those of signing in."""
    app = request.app.state
    if not await app.attempts.begin(credential.username, address_of(request)):
        words = _("There were too many tries. Please wait a quarter of an hour, then try again.")
        return Wrong("current_password", words)
    if not await app.passwords.fits(credential.password_hash, current[:PASSWORD_CHARACTERS_MAX]):
        words = _("This is not your current password. Type the one you signed in with.")
        return Wrong("current_password", words)
    await app.attempts.succeeded(credential.username, address_of(request))
    return None


async def _show_password(
    request: Request,
    credential: Credential,
    person: Person,
    asked: bool,
    *,
    problems: Sequence[Wrong] = (),
    chosen: Chosen | None = None,
) -> Response:
    reader = request.state.reader
    offers_question = not credential.must_change and (
        asked or await is_asked_for(request, reader.type, reader.id, reader.practice_id)
    )
    return await page(
        request,
        "account/password.html",
        status=422 if problems else 200,
        credential=credential,
        offers_question=offers_question,
        problems=problems,
        chosen=chosen,
        rules=password_rules(words_of(person, credential.username)),
        questions=QUESTIONS if await _asks_now(request, credential) else {},
    )


async def _show_question(request: Request, *, problems: Sequence[Wrong] = (), chosen: Chosen | None = None) -> Response:
    reader = request.state.reader
    _credential, _person, registered = await _own(request)
    if not registered and not await is_asked_for(request, reader.type, reader.id, reader.practice_id):
        raise NotFound
    return await page(
        request,
        "account/question.html",
        status=422 if problems else 200,
        problems=problems,
        chosen=chosen,
        registered=registered,
        questions=QUESTIONS,
    )


ROUTES = (
    Route("/account/password", show_password, guard=signed_in),
    Route("/account/password", change_password, guard=signed_in, methods=("POST",)),
    Route("/account/question", show_question, guard=signed_in),
    Route("/account/question", save_question, guard=signed_in, methods=("POST",)),
)
