"""Suspending, resuming and revoking one person's access, and closing the practice's door to a sign-in.

A sign-in is a person's own and may serve other practices, so none of them locks it: `lock` suspends all that the person
has at this practice, and says nothing of what they have elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.account.mailed_links import Purpose, close_links
from gateway.admin.people import describe, names_known
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.people import NetworkPerson

_OPEN = (GrantStatus.PENDING.value, GrantStatus.ACTIVE.value)
_SUSPENDED = (GrantStatus.SUSPENDED.value,)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of how access stands: its page, what it will do, how it is undone, and what was done."""

    name: str
    label: str
    will: str
    undo: str
    done: str
    of: tuple[str, ...]  # the states of a grant in which it can be done
    types_name: bool = False
    everywhere_here: bool = False


STEPS = (
    Step(
        "suspend",
        N_("Suspend access"),
        N_("%(who)s can open nothing of %(name)s any more, from the next request on."),
        N_("Resume gives back exactly what there was."),
        N_("%(who)s's access to %(name)s is suspended. Resume it on this page."),
        _OPEN,
    ),
    Step(
        "resume",
        N_("Resume access"),
        N_(
            "%(who)s has again what the boxes below say; an invitation that was never used waits for its first sign-in."
        ),
        N_("Suspend takes it away again."),
        N_("%(who)s's access to %(name)s is resumed."),
        _SUSPENDED,
    ),
    Step(
        "lock",
        N_("Lock out of the practice"),
        N_("%(who)s loses everything at your practice at once. What they may have elsewhere stays."),
        N_("Let back in gives every access back as it was."),
        N_("%(who)s is locked out of your practice. Let them back in on this page."),
        _OPEN,
        everywhere_here=True,
    ),
    Step(
        "unlock",
        N_("Let back in everywhere"),
        N_("Every suspended access of %(who)s at your practice is again what it was."),
        N_("Suspend or lock out takes it away again."),
        N_("%(who)s is let back in."),
        _SUSPENDED,
        everywhere_here=True,
    ),
    Step(
        "revoke",
        N_("Revoke access"),
        N_("%(who)s's access to %(name)s ends for good, and an open invitation is worth nothing any more."),
        N_("It cannot be resumed. To give access again, add them as an existing contact. The history stays."),
        N_("%(who)s's access to %(name)s has ended. They can be added again as an existing contact."),
        (*_OPEN, *_SUSPENDED),
        types_name=True,
    ),
)


def steps_for(grant: Mapping[str, Any]) -> list[Step]:
    """What can be done with a grant as it stands."""
    return [step for step in STEPS if grant["status"] in step.of]


def _asking_page(step: Step) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        """What the step does, before it is done."""
        return await _show(request, step, request.state.item)

    return ask


def _doing(step: Step) -> Callable[[Request], Awaitable[Response]]:
    async def do(request: Request) -> Response:
        """Do it, unless somebody else changed the grant first."""
        grant, client, authz = request.state.item, request.state.client, request.app.state.authz
        actor, form = request.state.reader.actor, await request.form()
        person = await _person(request, grant)
        typed = " ".join(str(form.get("typed", "")).split())
        if step.types_name and typed.casefold() != person.name.casefold():
            words = _("Type the name as it stands here: %(name)s.", name=person.name)
            return await _show(request, step, grant, problems=[Problem("typed", words)])
        try:
            if step.everywhere_here:
                on = step.name == "lock"
                await authz.lock_out(client.practice_id, grant["account_id"], on=on, actor=actor)
            else:
                etag = str(form.get("etag", ""))
                await authz.update_grant(grant["id"], {"status": _STATUS[step.name]}, etag=etag, actor=actor)
        except Stale:
            return await _stale(request, step)
        except Rejected as error:
            return await _show(request, step, grant, problems=[Problem(None, error.detail)])
        if step.name == "revoke":
            await _close_invitation(request, grant["account_id"])
        await say(request, _(step.done, who=person.name, name=client.preferred))
        return see_other(f"/admin/clients/{client.id}/grants/{grant['id']}")

    return do


_STATUS = {
    "suspend": GrantStatus.SUSPENDED.value,
    "resume": GrantStatus.ACTIVE.value,
    "revoke": GrantStatus.ENDED.value,
}


async def _stale(request: Request, step: Step) -> Response:
    """Somebody else changed the grant while the page was open."""
    grant = await request.app.state.authz.grant(request.state.item["id"])
    person = await _person(request, grant)
    words = _(
        "Somebody else changed this person's access meanwhile. They set: %(theirs)s. You asked for: %(yours)s.",
        theirs=person.status.label,
        yours=_(step.label),
    )
    if grant["status"] not in step.of:
        words += " " + _("There is nothing left to do here.")
    return await _show(request, step, grant, problems=[Problem(None, words)], status=409)


async def _close_invitation(request: Request, account_id: str) -> None:
    """An account that has no access left at this practice, nor anywhere, needs no invitation."""
    app = request.app.state
    grants = await app.authz.grants_of_account(account_id)
    if any(grant["status"] != GrantStatus.ENDED.value for grant in grants):
        return
    now = app.clock()
    await app.records.change(
        None, lambda session: close_links(session, Purpose.JOIN, SubjectType.ACCOUNT, account_id, now)
    )


async def _person(request: Request, grant: Mapping[str, Any]) -> NetworkPerson:
    return describe(grant, (await names_known(request, [grant]))[grant["id"]])


async def _reached(request: Request, step: Step, grant: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which access at this practice the step reaches: (client, what they are to the client)."""
    if not step.everywhere_here:
        return []
    app, practice_id = request.app.state, request.state.client.practice_id
    grants = [
        one for one in await app.authz.grants_of_account(grant["account_id"]) if one["practice_id"] == practice_id
    ]
    open_ones = [one for one in grants if one["status"] in step.of]
    clients = await app.records.clients(sorted({one["client_id"] for one in open_ones}))
    return sorted(
        (clients[one["client_id"]][0].name, _(KINDS[Kind(one["kind"])]))
        for one in open_ones
        if one["client_id"] in clients
    )


async def _show(
    request: Request,
    step: Step,
    grant: Mapping[str, Any],
    *,
    problems: Sequence[Problem] = (),
    status: int = 422,
) -> Response:
    if grant["status"] not in step.of and not problems:
        raise NotFound
    person, client = await _person(request, grant), request.state.client
    return await page(
        request,
        "admin/contact_standing.html",
        status=status if problems else 200,
        person=person,
        step=step,
        label=_(step.label),
        will=_(step.will, who=person.name, name=client.preferred),
        undo=_(step.undo),
        possible=grant["status"] in step.of,
        reached=await _reached(request, step, grant),
        etag=grant["etag"],
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not done"),
    )


def _routes() -> tuple[Route, ...]:
    found = []
    for step in STEPS:
        path = f"/admin/clients/{{client}}/grants/{{grant}}/{step.name}"
        guard = Guard("end" if step.name == "revoke" else "update", "grant")
        found += [
            Route(path, _asking_page(step), guard=guard),
            Route(path, _doing(step), guard=guard, methods=("POST",)),
        ]
    return tuple(found)


ROUTES = _routes()
