"""Names of the practice's staff, as families read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request


async def staff_names(request: Request, ids: Iterable[str]) -> Mapping[str, str]:
    """Names of the staff of the client's practice, by id; whoever is not on its staff is left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    people = await request.app.state.records.people(SubjectType.STAFF, wanted)
    return {
        key: person.name for key, person in people.items() if person.practice_id == request.state.client.practice_id
    }
