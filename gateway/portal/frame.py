"""What surrounds every page: the profiles a family may switch between, and the sections that open for the reader."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.sections import staff_frame
from gateway.edge.questions import opens, profiles
from gateway.review.frame import in_review, review_frame
from gateway.web.bar import bar_of
from gateway.web.language import N_, _
from gateway.web.words import relation
from models.vocabulary import Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from gateway.edge.reader import ClientInView, Profile


@dataclass(frozen=True, slots=True)
class Place:
    """A section of a client's pages: its name, its icon, where it lies below /c/{client}, and what must be open there.

    `back` names it in a link that leads out of a refusal, `back_own` to the client; `also` is another folder of pages
    that belong to it.
    """

    label: str
    icon: str
    below: str
    question: tuple[str, str]
    back: str
    back_own: str
    also: str = ""


_PLACES = (
    Place(N_("Home"), "home", "", ("open", "portal"), N_("Go to %(name)s's home page"), N_("Go to your home page")),
    Place(
        N_("Calendar"),
        "calendar",
        "/calendar",
        ("view", "calendar"),
        N_("Go to %(name)s's calendar"),
        N_("Go to your calendar"),
        "/appointments",
    ),
    Place(
        N_("Messages"),
        "message",
        "/messages",
        ("view", "thread"),
        N_("Go to %(name)s's messages"),
        N_("Go to your messages"),
    ),
    Place(
        N_("Documents"),
        "document",
        "/documents",
        ("view", "document"),
        N_("Go to %(name)s's documents"),
        N_("Go to your documents"),
    ),
    Place(N_("Forms"), "form", "/forms", ("view", "form"), N_("Go to %(name)s's forms"), N_("Go to your forms")),
    Place(
        N_("Invoices"),
        "invoice",
        "/invoices",
        ("view", "invoice"),
        N_("Go to %(name)s's invoices"),
        N_("Go to your invoices"),
        "/payments",
    ),
    Place(N_("Plan"), "plan", "/plan", ("view", "service_plan"), N_("Go to %(name)s's plan"), N_("Go to your plan")),
)
_OWNER = ("send", "owner_email")
FRAMED = (*(place.question for place in _PLACES), _OWNER)  # what the frame of a client's page asks


@dataclass(frozen=True, slots=True)
class Section:
    """A link of the navigation; `current` is the value of aria-current, None elsewhere."""

    label: str
    icon: str
    href: str
    current: str | None
    back: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A client in the switcher, and what the reader is to them."""

    client: ClientInView
    relation: str


async def frame(request: Request) -> Mapping[str, Any]:
    """The navigation and the switcher for the reader of this page."""
    if request.state.reader.type is SubjectType.STAFF:
        return await (review_frame(request) if in_review(request) else staff_frame(request))
    client = request.state.client
    if client is None:
        return _around(await profiles(request))
    known, practice, openings = await asyncio.gather(
        profiles(request),
        request.app.state.records.practice(client.practice_id),
        opens(request, FRAMED),
    )
    here = next((profile for profile in known if profile.client.id == client.id), None)
    if here is None:  # Who is not among the reader's profiles is not shown around a refusal either.
        return _around(known)
    is_self = Kind.SELF in here.kinds
    sections = _sections(request, client, openings, is_self=is_self)
    bar = bar_of(len(sections))
    return {
        **_around(known),
        "relation": relation(here.kinds),
        "is_self": is_self,
        "letterhead": practice.letterhead if practice else {},
        "sections": sections,
        "bar": bar,
        "more_current": any(section.current for section in sections[bar:]),
        "sections_label": client.name,
        "owner_email": f"/c/{client.id}/email-owner" if openings[-1] else None,
    }


def _around(known: Sequence[Profile]) -> dict[str, Any]:
    views = [ProfileView(profile.client, relation(profile.kinds)) for profile in known]
    groups: dict[str, list[ProfileView]] = {}
    for view in views:
        groups.setdefault(view.client.practice_name, []).append(view)
    return {"home": "/", "own_pages": True, "profiles": views, "profile_groups": list(groups.items())}


def _sections(request: Request, client: ClientInView, openings: Sequence[bool], *, is_self: bool) -> list[Section]:
    path, base = request.url.path, f"/c/{client.id}"
    sections = []
    for place, is_open in zip(_PLACES, openings, strict=False):
        href = base + place.below
        inside = any(f"{path}/".startswith(f"{base}{folder}/") for folder in (place.below, place.also) if folder)
        current = "page" if path == href else "true" if inside else None
        if is_open:
            back = _(place.back_own) if is_self else _(place.back, name=client.preferred)
            sections.append(Section(_(place.label), place.icon, href, current, back))
    return sections
