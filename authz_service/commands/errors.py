"""Why a command was not carried out.

CommandError
├── InvalidError    what was asked for makes no sense; `fields` says what and why
├── NotFoundError   there is no such thing, or not within the caller's reach
├── ForbiddenError  the policy does not let this person make this change
├── ConflictError   it cannot be done in the present state
└── StaleError      it was decided on a state that is no longer the present one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.facts.decision import Decision


class CommandError(Exception):
    """The base; the message is one sentence for whoever asked."""


class InvalidError(CommandError):
    """`fields` maps the name of each field that is wrong to what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {message}" for name, message in self.fields.items()))


class NotFoundError(CommandError):
    """The same words whether it does not exist or lies in another practice."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}")


class ForbiddenError(CommandError):
    """`decision` has what an administrator may be told, `concerned` the (practice id, client id) of the resource."""

    def __init__(
        self,
        actor: str,
        action: str,
        resource: tuple[str, str],
        concerned: tuple[str, str | None],
        decision: Decision | None = None,
    ) -> None:
        self.actor = actor
        self.action = action
        self.resource = resource
        self.concerned = concerned
        self.decision = decision
        super().__init__(f"{actor} may not {action} this {resource[0]}")


class ConflictError(CommandError):
    """The message says what stands in the way."""


class StaleError(CommandError):
    """`etag` is the present state's."""

    def __init__(self, what: str, etag: str) -> None:
        self.etag = etag
        super().__init__(f"this {what} has changed meanwhile; read it again")
