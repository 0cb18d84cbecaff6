"""The practice's staff: roles, subscriptions, who may invite, assigned clients, end of employment (rows Y2 to Y5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.admin.counts import plan_counts
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.web.formats import count
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import Badge
from models.tables.records import Client
from models.tables.second_factor import AuthenticatorApp, Passkey
from models.vocabulary import StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.identity import Person

PAGE = "/admin/staff"
NAME_CHARACTERS_MAX = 100
_STAFF = SubjectType.STAFF
ROLES = {
    StaffRole.OWNER: (N_("Owner"), N_("Runs the practice, and names who else does")),
    StaffRole.ADMINISTRATOR: (N_("Administrator"), N_("People, access, switches and records; no clinical notes")),
    StaffRole.THERAPIST: (N_("Therapist"), N_("The clients assigned to them, notes included")),
    StaffRole.BILLER: (N_("Biller"), N_("Invoices and payments")),
    StaffRole.SCHEDULER: (N_("Scheduler"), N_("Calendars and appointments")),
    StaffRole.REVIEWER: (N_("Security reviewer"), N_("Rules and the trail, and nothing about clients")),
}
FLAGS = {
    "subscribed": (
        N_("Portal subscription"),
        N_("Families can write to them and book with them. One staff member working alone needs none."),
    ),
    "may_invite": (
        N_("May invite"),
        N_("Invites clients and contacts of assigned clients. Administrators always may."),
    ),
}


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A staff member in the list."""

    id: str
    name: str
    title: str
    roles: str
    badges: tuple[Badge, ...]
    clients: str


async def staff_page(request: Request) -> Response:
    """Everyone who works at the practice, those who left at the end."""
    members = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    people = await people_of(request, members)
    without = {each["id"] for each in await lacking_factor(request, members)}
    rows = [_row(member, people, lacks=member["id"] in without) for member in members]
    order = {member["id"]: (member["state"] != "active", name_in(people, member["id"])) for member in members}
    asked = await _factor_asked(request)
    return await page(
        request,
        "admin/staff.html",
        rows=sorted(rows, key=lambda row: order[row.id]),
        counts=await plan_counts(request),
        factor_asked=asked,
        without_factor=[name_in(people, key) for key in sorted(without)],
    )


async def member_page(request: Request) -> Response:
    """One staff member."""
    return await _show(request, await member_of(request))


async def save(request: Request) -> Response:
    """Change roles and flags, those that the reader changed, unless somebody else changed one of them first."""
    member, reader = await member_of(request), request.state.reader
    form = await request.form()
    sent, seen = _chosen(form), _seen(form)
    stored = _values(member)
    changed = {name: value for name, value in sent.items() if value != seen.get(name, stored[name])}
    if any(seen.get(name, stored[name]) != stored[name] for name in stored):
        return await _show(request, member, problems=_changed_meanwhile(seen, stored), sent={**stored, **changed})
    if not sent["roles"]:
        return await _show(request, member, [Problem("roles", _("Tick at least one role."))], sent, 422)
    patch = {name: value.split() if name == "roles" else value == "on" for name, value in changed.items()}
    if patch:
        try:
            await request.app.state.authz.update_staff(member["id"], patch, etag=member["etag"], actor=reader.actor)
        except Stale:
            fresh = await member_of(request)
            problems = _changed_meanwhile(seen, _values(fresh))
            return await _show(request, fresh, problems=problems, sent={**_values(fresh), **changed})
        except Rejected as error:
            return await _show(request, member, [Problem(error.field, error.detail)], sent, 422)
    await say(request, _("Saved.") if patch else _("Nothing was changed."))
    return see_other(f"{PAGE}/{member['id']}")


async def assign(request: Request) -> Response:
    """Assign one client, or take one back."""
    member, form = await member_of(request), await request.form()
    client_id, on = str(form.get("client", "")), form.get("how") != "remove"
    found = await request.app.state.records.client(client_id)
    if found is None or found[0].practice_id != request.state.reader.practice_id:
        raise NotFound
    try:
        await request.app.state.authz.assign_client(member["id"], client_id, on=on, actor=request.state.reader.actor)
    except Rejected as error:
        return await _show(request, member, [Problem(error.field, error.detail)], status=422)
    words = N_("%(client)s is assigned now.") if on else N_("%(client)s is no longer assigned.")
    await say(request, _(words, client=found[0].name))
    return see_other(f"{PAGE}/{member['id']}#clients")


async def second_factors(request: Request) -> list[str]:
    """Names of those who work here and have no second factor."""
    members = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    lacking = await lacking_factor(request, members)
    people = await people_of(request, lacking)
    return sorted(name_in(people, member["id"]) for member in lacking)


def name_in(people: Mapping[str, Person], staff_id: str) -> str:
    """The name the records have; the id when they have none."""
    return people[staff_id].name if staff_id in people else staff_id


async def _factor_asked(request: Request) -> bool:
    practice = await request.app.state.authz.practice(request.state.reader.practice_id)
    return bool(practice["staff_second_factor"]) or request.app.state.settings.profile == "production"


async def lacking_factor(request: Request, members: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of these, those who work here and have no second factor."""
    active = [member for member in members if member["state"] == "active"]
    ids = [member["id"] for member in active]

    def read(session: Session) -> set[str]:
        apps = select(AuthenticatorApp.subject_id).where(
            AuthenticatorApp.subject_type == _STAFF.value, col(AuthenticatorApp.subject_id).in_(ids)
        )
        keys = select(Passkey.subject_id).where(Passkey.subject_type == _STAFF.value, col(Passkey.subject_id).in_(ids))
        return {*session.exec(apps), *session.exec(keys)}

    having: set[str] = await request.app.state.records.read(None, read)
    return [member for member in active if member["id"] not in having]


async def people_of(request: Request, members: Sequence[Mapping[str, Any]]) -> Mapping[str, Person]:
    """Who staff members are, by id."""
    found: Mapping[str, Person] = await request.app.state.records.people(_STAFF, [one["id"] for one in members])
    return found


async def member_of(request: Request) -> dict[str, Any]:
    """The staff member of the URL; NotFound for anybody else's."""
    wanted = request.path_params["staff"]
    members = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    found = next((member for member in members if member["id"] == wanted), None)
    if found is None:
        raise NotFound
    return dict(found)


def _row(member: Mapping[str, Any], people: Mapping[str, Person], *, lacks: bool) -> StaffRow:
    badges = []
    if member["state"] != "active":
        badges.append(Badge(_("Left")))
    elif member["subscribed"]:
        badges.append(Badge(_("Subscribed"), "good"))
    if lacks:
        badges.append(Badge(_("No second factor"), "warn"))
    person, roles = people.get(member["id"]), role_names(member["roles"])
    title = (person and person.title) or ""
    return StaffRow(
        id=member["id"],
        name=name_in(people, member["id"]),
        title="" if title == roles else title,
        roles=roles,
        badges=tuple(badges),
        clients=count(len(member["assigned"]), "client", "clients") if member["assigned"] else "",
    )


def role_names(roles: Sequence[str]) -> str:
    """Administrator, Therapist."""
    return ", ".join(_(label) for role, (label, _about) in ROLES.items() if role.value in roles)


def _values(member: Mapping[str, Any]) -> dict[str, str]:
    roles = " ".join(role.value for role in ROLES if role.value in member["roles"])
    return {"roles": roles, **{name: "on" if member[name] else "off" for name in FLAGS}}


def _chosen(form: FormData) -> dict[str, str]:
    ticked = {str(role) for role in form.getlist("roles")}
    roles = " ".join(role.value for role in ROLES if role.value in ticked)
    return {"roles": roles, **{name: "on" if form.get(name) == "on" else "off" for name in FLAGS}}


def _seen(form: FormData) -> dict[str, str]:
    return dict(str(value).partition("=")[::2] for value in form.getlist("seen"))


def _changed_meanwhile(seen: Mapping[str, str], stored: Mapping[str, str]) -> list[Problem]:
    problems = []
    for name, value in stored.items():
        if seen.get(name, value) == value:
            continue
        if name == "roles":
            told = _("The roles are now: %(roles)s. Your choices are kept below.", roles=role_names(value.split()))
        else:
            state = _("on") if value == "on" else _("off")
            told = _("%(what)s is now %(state)s. Your choices are kept below.", what=_(FLAGS[name][0]), state=state)
        problems.append(Problem(name, told))
    return problems or [Problem(None, _("Somebody else changed this staff member. Look again, then save."))]


def can_end(request: Request, member: Mapping[str, Any]) -> bool:
    """Nobody ends their own employment, nor the owner's, by a click."""
    is_owner, is_self = StaffRole.OWNER.value in member["roles"], member["id"] == request.state.reader.id
    return member["state"] == "active" and not is_owner and not is_self


async def _show(
    request: Request,
    member: dict[str, Any],
    problems: Sequence[Problem] = (),
    sent: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    practice_id, records = request.state.reader.practice_id, request.app.state.records
    stored, shown = _values(member), dict(sent or _values(member))
    people, lacking = await people_of(request, [member]), await lacking_factor(request, [member])
    query = " ".join(request.query_params.get("q", "")[:NAME_CHARACTERS_MAX].split())
    clients, found = await records.read(practice_id, _clients_of(practice_id, member["assigned"], query))
    is_owner = StaffRole.OWNER.value in member["roles"]
    return await page(
        request,
        "admin/staff_member.html",
        status=status or (409 if problems else 200),
        problems=problems,
        problems_title=_("Somebody else saved first") if problems and status is None else _("This was not saved"),
        member=member,
        who=name_in(people, member["id"]),
        person=people.get(member["id"]),
        roles=role_boxes(shown["roles"].split(), owner=is_owner),
        flags=[(name, _(label), _(about), shown[name] == "on") for name, (label, about) in FLAGS.items()],
        seen=[f"{name}={value}" for name, value in stored.items()],
        lacks_factor=bool(lacking),
        factor_asked=await _factor_asked(request),
        clients=clients,
        query=query,
        found=found,
        can_end=can_end(request, member),
    )


def role_boxes(ticked: Sequence[str], *, owner: bool) -> list[tuple[str, str, str, bool, bool]]:
    """Value, label, about, ticked, fixed: who the owner is, is not for a click."""
    return [
        (role.value, _(label), _(about), role.value in ticked, role is StaffRole.OWNER)
        for role, (label, about) in ROLES.items()
        if owner or role is not StaffRole.OWNER
    ]


def _clients_of(practice_id: str, assigned: Sequence[str], query: str) -> Any:
    own = select(Client).where(Client.practice_id == practice_id).order_by(col(Client.name))

    def read(session: Session) -> tuple[list[Client], list[Client]]:
        mine = list(session.exec(own.where(col(Client.id).in_(assigned)))) if assigned else []
        if not query:
            return mine, []
        named = [col(Client.name).icontains(word, autoescape=True) for word in query.split()[:5]]
        return mine, list(session.exec(own.where(*named, col(Client.id).not_in(assigned)).limit(10)))

    return read


_ONE = f"{PAGE}/{{staff}}"
MAY_RUN = Guard("update", "subscription")
ROUTES = (
    Route(PAGE, staff_page, guard=MAY_RUN),
    Route(_ONE, member_page, guard=MAY_RUN),
    Route(_ONE, save, guard=MAY_RUN, methods=("POST",)),
    Route(f"{_ONE}/clients", assign, guard=MAY_RUN, methods=("POST",)),
)
