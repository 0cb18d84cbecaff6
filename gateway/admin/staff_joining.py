"""Letting somebody work at the practice, and ending it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from gateway.account.credentials import credential_at, credential_of, one_time_password
from gateway.account.mailed_links import Holder, Purpose, make_link
from gateway.account.passwords import canonical, hash_password
from gateway.admin.staff import (
    FLAGS,
    MAY_RUN,
    NAME_CHARACTERS_MAX,
    PAGE,
    ROLES,
    can_end,
    member_of,
    name_in,
    people_of,
    role_boxes,
)
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Route
from gateway.mail.address import is_address
from gateway.mail.post import letter, post
from gateway.web.formats import count
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.identity import Credential, Person
from models.vocabulary import StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

_STAFF = SubjectType.STAFF


@dataclass(frozen=True, slots=True)
class Entered:
    """A new staff member, as typed."""

    once: str
    name: str = ""
    email: str = ""
    title: str = ""
    roles: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


async def new_page(request: Request) -> Response:
    """The form for a new staff member."""
    return await _new(request, Entered(once=secrets.token_hex(8)))


async def add(request: Request) -> Response:
    """Let somebody work at the practice, and mail them the way in; sent twice it counts once."""
    entered = _read(await request.form())
    if problems := _wrong(entered):
        return await _new(request, entered, problems)
    reader, authz = request.state.reader, request.app.state.authz
    staff_id = _id_for(entered)
    member = {"id": staff_id, "roles": list(entered.roles), **{name: name in entered.flags for name in FLAGS}}
    try:
        await authz.create_staff(reader.practice_id, member, actor=reader.actor)
    except Rejected as error:
        mine = await authz.staff_of(reader.practice_id)
        if error.status != 409 or staff_id not in {one["id"] for one in mine}:
            return await _new(request, entered, [Problem(error.field, error.detail)])
    # Else the form was sent before, and so was the mail.
    if not await request.app.state.records.people(_STAFF, [staff_id]):
        person = Person(
            subject_type=_STAFF.value,
            subject_id=staff_id,
            name=entered.name,
            email=entered.email,
            practice_id=reader.practice_id,
            title=entered.title or None,
        )
        await _mail_way_in(request, staff_id, person)
    await say(request, _("%(name)s works here now, and was mailed how to sign in.", name=entered.name))
    return see_other(f"{PAGE}/{staff_id}")


async def send_way_in(request: Request) -> Response:
    """Mail a staff member once more how to get in."""
    member = await member_of(request)
    person = (await people_of(request, [member])).get(member["id"])
    if person is None or not person.email or member["state"] != "active":
        raise NotFound
    await _mail_way_in(request, member["id"], person)
    await say(request, _("%(name)s was mailed how to sign in.", name=person.name))
    return see_other(f"{PAGE}/{member['id']}")


async def end_page(request: Request) -> Response:
    """What the end of employment does, before it is done."""
    member = await member_of(request)
    if not can_end(request, member):
        raise NotFound
    members = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    heirs = [one for one in members if one["state"] == "active" and "therapist" in one["roles"] and one != member]
    people = await people_of(request, [member, *heirs])
    return await page(
        request,
        "admin/staff_end.html",
        who=name_in(people, member["id"]),
        member=member,
        clients=count(len(member["assigned"]), "client", "clients") if member["assigned"] else "",
        heirs=[(one["id"], name_in(people, one["id"])) for one in heirs],
    )


async def end(request: Request) -> Response:
    """End employment: nothing is allowed from the next request on, and every session is over."""
    member, reader, authz = await member_of(request), request.state.reader, request.app.state.authz
    if not can_end(request, member):
        raise NotFound
    heir = str((await request.form()).get("heir", ""))
    colleagues = await authz.staff_of(reader.practice_id)
    if heir and heir not in {one["id"] for one in colleagues if one["state"] == "active"}:
        raise NotFound
    for client_id in member["assigned"] if heir else ():
        await authz.assign_client(heir, client_id, on=True, actor=reader.actor)
    patch = {"state": "inactive", "subscribed": False, "may_invite": False, "assigned": []}
    await authz.update_staff(member["id"], patch, actor=reader.actor)
    await request.app.state.sessions.end_all(_STAFF, member["id"])
    name = name_in(await people_of(request, [member]), member["id"])
    await say(request, _("%(name)s no longer works here, and is signed out everywhere.", name=name))
    return see_other(PAGE)


async def return_(request: Request) -> Response:
    """Let somebody who left work here again, with the roles they had."""
    member, reader = await member_of(request), request.state.reader
    await request.app.state.authz.update_staff(member["id"], {"state": "active"}, actor=reader.actor)
    await say(request, _("Works here again. Assign clients, and give a subscription where one is needed."))
    return see_other(f"{PAGE}/{member['id']}")


async def _new(request: Request, entered: Entered, problems: Sequence[Problem] = ()) -> Response:
    return await page(
        request,
        "admin/staff_new.html",
        status=422 if problems else 200,
        problems=problems,
        entered=entered,
        roles=role_boxes(entered.roles, owner=False),
        flags=[(name, _(label), _(about), name in entered.flags) for name, (label, about) in FLAGS.items()],
    )


def _read(form: FormData) -> Entered:
    def text(name: str) -> str:
        return " ".join(str(form.get(name, "")).split())[: NAME_CHARACTERS_MAX * 2]

    ticked = {str(role) for role in form.getlist("roles")}
    return Entered(
        once=text("once"),
        name=text("name")[:NAME_CHARACTERS_MAX],
        email=text("email"),
        title=text("title")[:NAME_CHARACTERS_MAX],
        roles=tuple(role.value for role in ROLES if role.value in ticked and role is not StaffRole.OWNER),
        flags=tuple(name for name in FLAGS if form.get(name) == "on"),
    )


def _wrong(entered: Entered) -> list[Problem]:
    problems = []
    if not entered.name:
        problems.append(Problem("name", _("Type the name of the staff member.")))
    if not is_address(entered.email):
        problems.append(Problem("email", _("Type an e-mail address such as name@example.org.")))
    if not entered.roles:
        problems.append(Problem("roles", _("Tick at least one role.")))
    if not re.fullmatch(r"[0-9a-f]{16}", entered.once):
        problems.append(Problem(None, _("Open this form again: it is not complete.")))
    return problems


def _id_for(entered: Entered) -> str:
    """A readable id; the form's own key keeps it apart from others, and the same when the form is sent twice."""
    words = re.sub(r"[^a-z0-9]+", "_", entered.name.lower()).strip("_")[:40] or "staff"
    return f"{words}_{entered.once[:6]}"


async def _mail_way_in(request: Request, staff_id: str, person: Person) -> None:
    """Keep the person, give them a sign-in if they have none, and mail a link at which they choose a password.

    An address that is another sign-in's already stays with that one: the practice learns nothing of it (conflict c1).
    """
    app, now = request.app.state, request.app.state.clock()
    unusable = await to_thread.run_sync(hash_password, one_time_password())
    practice = await app.records.practice(request.state.reader.practice_id)
    address = str(person.email)

    def write(session: Session) -> None:
        session.merge(person)
        credential = credential_of(session, _STAFF, staff_id)
        if credential is None:
            free = credential_at(session, address) is None and session.get(Credential, canonical(address)) is None
            credential = Credential(
                username=canonical(address) if free else staff_id,
                subject_type=_STAFF.value,
                subject_id=staff_id,
                password_hash=unusable,
                changed_at=now,
                address=canonical(address) if free else staff_id,
            )
            session.add(credential)
        holder = Holder(_STAFF, staff_id, str(credential.address))  # what the link is looked up by
        url = f"{app.settings.public_url}/reset/{make_link(session, Purpose.RESET, holder, now)}"
        values = {"name": person.name, "practice": practice.name, "username": credential.username, "url": url}
        post(session, letter("welcome_staff", address, person.language, **values))

    await app.records.change(None, write)


_ONE = f"{PAGE}/{{staff}}"
ROUTES = (
    Route(f"{PAGE}/new", new_page, guard=MAY_RUN),
    Route(f"{PAGE}/new", add, guard=MAY_RUN, methods=("POST",)),
    Route(f"{_ONE}/way-in", send_way_in, guard=MAY_RUN, methods=("POST",)),
    Route(f"{_ONE}/end", end_page, guard=MAY_RUN),
    Route(f"{_ONE}/end", end, guard=MAY_RUN, methods=("POST",)),
    Route(f"{_ONE}/return", return_, guard=MAY_RUN, methods=("POST",)),
)
