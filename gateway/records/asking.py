"""Whether somebody waits for the practice's answer to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import select

from models.tables.requests import AccessRequest

if TYPE_CHECKING:
    from sqlmodel import Session


def has_asked(session: Session, client_id: str, account_id: str, action: str, resource_type: str) -> bool:
    """Whether the account has an open request for this part of the client's portal; in the practice's session."""
    chosen = select(AccessRequest.id).where(
        AccessRequest.client_id == client_id,
        AccessRequest.account_id == account_id,
        AccessRequest.action == action,
        AccessRequest.resource_type == resource_type,
        AccessRequest.state == "open",
    )
    return session.exec(chosen).first() is not None
