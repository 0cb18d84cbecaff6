"""What surrounds every page: the profiles a family may switch between, and the sections that open for the reader."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.sections import staff_frame
from gateway.edge.questions import opens, profiles
from gateway.web.words import relation
from models.vocabulary import Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from gateway.edge.reader import ClientInView, Profile

# Label, icon, the page below /c/{client}, and what must be open for the link to lead anywhere.
_SECTIONS = (
    ("Home", "home", "", ("open", "portal")),
    ("Calendar", "calendar", "/calendar", ("view", "calendar")),
    ("Invoices", "invoice", "/invoices", ("view", "invoice")),
    ("Documents", "document", "/documents", ("view", "document")),
    ("Plan", "plan", "/plan", ("view", "service_plan")),
)


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
        return await staff_frame(request)
    client = request.state.client
    if client is None:
        return _around(await profiles(request))
    known, practice, sections = await asyncio.gather(
        profiles(request), request.app.state.records.practice(client.practice_id), _sections(request, client)
    )
    here = next((profile for profile in known if profile.client.id == client.id), None)
    if here is None:  # Who is not among the reader's profiles is not shown around a refusal either.
        return _around(known)
    return {
        **_around(known),
        "relation": relation(here.kinds),
        "is_self": Kind.SELF in here.kinds,
        "letterhead": practice.letterhead if practice else {},
        "sections": sections,
        "sections_label": client.name,
    }


def _around(known: Sequence[Profile]) -> dict[str, Any]:
    views = [ProfileView(profile.client, relation(profile.kinds)) for profile in known]
    groups: dict[str, list[ProfileView]] = {}
    for view in views:
        groups.setdefault(view.client.practice_name, []).append(view)
    return {"home": "/", "profiles": views, "profile_groups": list(groups.items())}


async def _sections(request: Request, client: ClientInView) -> list[Section]:
    openings = await opens(request, [question for _, _, _, question in _SECTIONS])
    path, base = request.url.path, f"/c/{client.id}"
    sections = []
    for (label, icon, below, _), is_open in zip(_SECTIONS, openings, strict=True):
        href = base + below
        inside = bool(below) and path.startswith(href + "/")
        current = "page" if path == href else "true" if inside else None
        if is_open:
            sections.append(
                Section(
                    label,
                    icon,
                    href,
                    current,
                    f"Go to {client.preferred}'s {label.lower()}" if below else f"Go to {client.preferred}'s home page",
                )
            )
    return sections
