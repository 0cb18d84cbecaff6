"""Every error the gateway raises on purpose, and what the reader then gets.

GatewayError
    NotFound       404, the one page for what is missing and for what must not be known
    Refused        403, the refusal page with a reason that may be told
    Forged         403, a form that did not come from one of our pages in this session
    CannotDecide   503, no answer, a late one or an unreadable one: nothing is shown
    Rejected       a change the service did not accept; handlers show it beside the field
        Stale      somebody else changed it first
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.edge.refusals import Refusal


class GatewayError(Exception):
    """An error the gateway raises on purpose."""


class NotFound(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """There is no such page for this reader."""


class Refused(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """The reader may not, and may know why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Outdated(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """A form of another session than the one it was sent in."""


class Forged(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """A form without the token of this session, or sent from another site."""


class CannotDecide(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """The authz service gave no answer that can be relied on."""


class Rejected(GatewayError):  # noqa: N818 - read as a sentence where it is raised.
    """The service refused a change.

    `field` names what was wrong, where one thing was; `problems` (file, line, message) what is wrong with a bundle.
    """

    def __init__(
        self, status: int, detail: str, field: str | None = None, problems: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.problems = problems


class Stale(Rejected):
    """Somebody else changed it after it was read."""
