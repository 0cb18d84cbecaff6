"""A reviewer's drafts: copies of the policy that they edit. Each has a place of its own, and outlives their session."""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

PLACES = range(1, 10)
SECONDS = 7 * 24 * 3600  # after it was last saved
SUITES = "suites/"


@dataclass(frozen=True, slots=True)
class Draft:
    """A copy of the version `against`. `revision` changes with every save; times are seconds since the epoch.

    `found` is what the last check said of the texts of revision `checked`; `asked` are the fields of the question.
    """

    place: int
    against: str
    base: Mapping[str, str]
    files: Mapping[str, str]
    saved_at: float
    revision: str
    asked: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Any] | None = None
    checked: str = ""

    @property
    def changed(self) -> dict[str, str]:
        """The files that differ from the version: `changed`, `new` or `removed`."""
        known = {name: "new" if name not in self.base else "changed" for name in self.files}
        told = {name: how for name, how in known.items() if self.files[name] != self.base.get(name)}
        return told | {name: "removed" for name in self.base if name not in self.files}

    @property
    def is_checked(self) -> bool:
        """Whether the last check was of the text as it is."""
        return self.found is not None and self.checked == self.revision

    @property
    def bundle(self) -> dict[str, str]:
        """The files without suites."""
        return {name: text for name, text in self.files.items() if not name.startswith(SUITES)}


async def drafts_of(request: Request) -> list[Draft]:
    """The reader's drafts, by place."""
    found = [await find_draft(request, place) for place in PLACES]
    return [draft for draft in found if draft is not None]


async def find_draft(request: Request, place: int) -> Draft | None:
    """The reader's draft in a place."""
    text = await request.app.state.sessions.kept(request.state.reader.actor, _name(place))
    return None if text is None else _read(text)


async def new_draft(request: Request, against: str, base: Mapping[str, str], **more: Any) -> Draft | None:
    """A draft in a free place; None when there is none."""
    for place in PLACES:
        if await find_draft(request, place) is None:
            draft = Draft(place, against, base, **{"files": base, **more}, saved_at=_now(request), revision=_revision())
            await _keep(request, draft)
            return draft
    return None


async def save_draft(request: Request, draft: Draft, **changes: Any) -> Draft:
    """Keep the draft with changes; its revision is a new one when a text is."""
    if "files" in changes and changes["files"] != draft.files:
        changes["revision"] = _revision()
    saved = replace(draft, saved_at=_now(request), **changes)
    await _keep(request, saved)
    return saved


async def drop_draft(request: Request, draft: Draft) -> None:
    """Keep it no longer."""
    await request.app.state.sessions.forget(request.state.reader.actor, _name(draft.place))


async def _keep(request: Request, draft: Draft) -> None:
    text = base64.b85encode(zlib.compress(json.dumps(asdict(draft)).encode())).decode()
    await request.app.state.sessions.keep(request.state.reader.actor, _name(draft.place), text, SECONDS)


def _read(text: str) -> Draft | None:
    try:
        return Draft(**json.loads(zlib.decompress(base64.b85decode(text))))
    except (ValueError, TypeError, zlib.error):  # Of an earlier release, which kept them in another shape.
        return None


def _name(place: int) -> str:
    return f"playground {place}"


def _revision() -> str:
    return secrets.token_hex(8)


def _now(request: Request) -> float:
    return float(request.app.state.clock().timestamp())
