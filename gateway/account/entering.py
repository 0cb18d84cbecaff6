"""The one way in: whoever proved a credential gets a session here, or is asked for what they still lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.account.browsers import name_browser
from gateway.edge.paths import CHANGE_PASSWORD, is_local
from gateway.edge.sessions import SignIn
from gateway.web.pages import see_other
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.identity import Credential

# Where each lands, and where a page that was asked for before may lie.
_PLACES = {
    SubjectType.STAFF: ("/admin", ("/admin", "/review", "/account/")),
    SubjectType.ACCOUNT: ("/", ("/c/", "/account/")),
}


async def enter(
    request: Request,
    credential: Credential,
    amr: tuple[str, ...],
    next: str | None = None,  # noqa: A002 - the name of the form's field.
) -> Response:
    """A session for whoever proved the credential by `amr` (RFC 8176), and the way to the page asked for.

    An account's pending grants become active. The trail has it before the session begins; CannotDecide when it cannot.
    """
    app = request.app.state
    subject_type, subject_id = SubjectType(credential.subject_type), credential.subject_id
    person = (await app.records.people(subject_type, [subject_id]))[subject_id]
    await app.authz.record(sign_in_event("sign_in.succeeded", credential, person.practice_id))
    if subject_type is SubjectType.ACCOUNT:
        await app.authz.first_login(subject_id)
    if request.state.cookie:
        await app.sessions.end(request.state.cookie)
    browser, system = name_browser(request.headers.get("user-agent", ""))
    must_change = bool(getattr(credential, "must_change", False))
    sign_in = SignIn(credential.username, browser, system, password_change_due=must_change)
    name = await app.sessions.begin((subject_type, subject_id), person.practice_id, amr, sign_in)
    response = see_other(CHANGE_PASSWORD if must_change else place(subject_type, next or ""))
    app.cookies.set(response, name)
    app.cookies.arrive(response)
    return response


def place(subject_type: SubjectType, target: str) -> str:
    """The page asked for, where it is one for such a person; else where they start."""
    home, own = _PLACES[subject_type]
    return target if target.startswith(own) and is_local(target) else home


def sign_in_event(action: str, credential: Credential | None, practice_id: str | None = None) -> dict[str, Any]:
    """The trail's record of a try; for an unknown name it says no more than that there was one."""
    if credential is None:
        return {"action": action}
    is_account = credential.subject_type == SubjectType.ACCOUNT.value
    return {
        "action": action,
        "actor": f"{credential.subject_type}/{credential.subject_id}",
        "account_id": credential.subject_id if is_account else None,
        "practice_id": practice_id,
    }
