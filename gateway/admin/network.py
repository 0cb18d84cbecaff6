"""A client's page for the practice: the contact network and the client's switches (rows W1, W16, W22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.client_switches import client_switches
from gateway.admin.contact_book import contacts_without_access
from gateway.admin.people import describe, known_of, names_known
from gateway.edge.questions import may, opens
from gateway.portal.profile import profile_of
from gateway.web.formats import count, day
from gateway.web.language import N_, _
from gateway.web.pages import page
from gateway.web.today import local_today
from gateway.web.words import Badge
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.people import NetworkPerson


# Pages of the practice about one client: name, icon, last part of the path, what it takes to open it, and what it is
# for; those with a purpose are about access, the others are the client's records.
_PLACES = (
    (N_("Documents"), "document", "documents", ("view", "document"), ""),
    (N_("Forms"), "form", "forms", ("view", "form"), ""),
    (N_("Calendar"), "calendar", "calendar", ("view", "calendar"), ""),
    (N_("Service plan"), "plan", "plan", ("view", "service_plan"), ""),
    (N_("Notes"), "lock", "notes", ("view", "clinical_note"), ""),
    (N_("Treatment plans"), "lock", "treatment-plans", ("view", "treatment_plan"), ""),
    (N_("Who sees what"), "people", "seen", ("view", "grant"), N_("One item: who sees it, and keep it from somebody")),
    (N_("Compare two people"), "copy", "compare", ("view", "grant"), N_("Side by side, with the differences marked")),
    (N_("What if"), "search", "what-if", ("update", "grant"), N_("Suppose a change, and see whom it would reach")),
    (N_("On a past day"), "calendar", "past", ("view", "grant"), N_("Who could see what then, and who had set it")),
    (N_("Disclosures"), "sign", "disclosures", ("view", "trail"), N_("What was given to others, for up to six years")),
    (N_("Refusals"), "lock", "refusals", ("view", "trail"), N_("What was asked for and not given, and why")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A further page about the client."""

    label: str
    icon: str
    href: str
    note: str  # what it is for; empty for the client's records


@dataclass(frozen=True, slots=True)
class AboutClient:
    """What stands below a client's name."""

    born: str
    age: str
    chips: tuple[Badge, ...]


async def client_page(request: Request) -> Response:
    """The contact network, and the switches for this client."""
    return await _show(request)


async def _show(request: Request) -> Response:
    sees_grants, may_invite, sees_profile, may_edit = await may(
        request,
        [
            ("view", "grant", {}),
            ("create", "invitation", {"invitee": "contact"}),
            ("view", "profile", {}),
            ("update", "client", {}),
        ],
    )
    attributes = await request.app.state.authz.client(request.state.client.id)
    return await page(
        request,
        "admin/client.html",
        about=await _about(request, attributes),
        profile=await profile_of(request) if sees_profile else None,
        places=await _places(request),
        network=await _network(request) if sees_grants else None,
        others=await contacts_without_access(request) if sees_grants else (),
        may_invite=may_invite and sees_grants,
        may_edit=may_edit,
        kept=await _kept(request),
        **await client_switches(request, attributes),
    )


async def _places(request: Request) -> list[Place]:
    """The further pages that open for the reader."""
    openings = await opens(request, [question for *_rest, question, _note in _PLACES])
    base = f"/admin/clients/{request.state.client.id}"
    return [
        Place(_(label), icon, f"{base}/{last}", _(note) if note else "")
        for (label, icon, last, _question, note), is_open in zip(_PLACES, openings, strict=True)
        if is_open
    ]


async def _network(request: Request) -> list[NetworkPerson]:
    grants = await request.app.state.authz.grants_of_client(request.state.client.id)
    names, known = await names_known(request, grants), await known_of(request, grants)
    # An account that was made for an invitation and never came to be: who took it stands here with the grant they have.
    gone = {g["id"] for g in grants if g["status"] == GrantStatus.ENDED.value and names[g["id"]] == g["account_id"]}
    named = [(names[grant["id"]], grant) for grant in grants if grant["id"] not in gone]
    order = {"active": 0, "pending": 1, "suspended": 2, "ended": 3}
    return [
        describe(grant, name, known[grant["id"]])
        for name, grant in sorted(named, key=lambda pair: (order[pair[1]["status"]], pair[0]))
    ]


async def _kept(request: Request) -> tuple[str, str] | None:
    """The id and name of the client who stands in place of this one, which was entered twice."""
    row, _practice = await request.app.state.records.client(request.state.client.id)
    kept = None if row.merged_into is None else await request.app.state.records.client(row.merged_into)
    return None if kept is None else (kept[0].id, kept[0].name)


async def _about(request: Request, attributes: Mapping[str, Any]) -> AboutClient:
    row, _practice = await request.app.state.records.client(request.state.client.id)
    return AboutClient(
        born=day(row.born),
        age=_("%(years)s old", years=count(_years(row.born, local_today(request)), "year", "years")),
        chips=(Badge(_("In care"), "good") if attributes.get("active", True) else Badge(_("Not in care")),),
    )


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
