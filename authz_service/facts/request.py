"""One question, as it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Authn:
    """How the person signed in: `amr` as in RFC 8176. What is absent does not count as met."""

    amr: tuple[str, ...] = ()
    password_change_due: bool | None = None


NO_AUTHN = Authn()


class Request(NamedTuple):
    """May this subject do this to that resource, at `now` (aware, UTC)?

    `properties` are the raw properties sent with the question; those registered for the item fill the gaps.
    """

    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str | None
    now: datetime
    properties: Mapping[str, Any] = MappingProxyType({})
    authn: Authn = NO_AUTHN
