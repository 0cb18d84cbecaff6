"""A portal whose mails can be read as they leave."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from gateway.mail.delivery import deliver
from gateway.notices.notify import notify, notify_staff
from gateway.notices.telling import tell
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path
    from typing import Any

    from gateway.notices.notify import Event
    from tests.gateway.portal_stack import Portal, SeededFiles


class Post:
    """What leaves the portal."""

    def __init__(self, site: Portal, folder: Path) -> None:
        self.site, self.folder = site, folder
        self.read: set[str] = set()

    async def notify(self, event: Event, client_id: str, item: tuple[str, str] | None, **values: Any) -> None:
        values = {"practice_id": "northgate", "path": f"/c/{client_id}", **values}
        await self.site.state.records.change(
            values["practice_id"], lambda session: notify(session, event, client_id=client_id, item=item, **values)
        )

    async def notify_staff(self, event: Event, client_id: str | None, *staff: str) -> None:
        await self.site.state.records.change(
            "northgate",
            lambda session: notify_staff(
                session, event, practice_id="northgate", client_id=client_id, staff=staff, path="/admin"
            ),
        )

    async def mails(self) -> list[EmailMessage]:
        """Tell and deliver what is due; the mails that are new since the last call."""
        await tell(self.site.state)
        await deliver(self.site.state)
        fresh = sorted(path for path in (self.folder / "mail").glob("*.eml") if path.name not in self.read)
        self.read |= {path.name for path in fresh}
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in fresh]  # type: ignore[misc]

    async def subjects(self) -> dict[str, str]:
        """To whom, and the subject, of the new mails."""
        return {str(mail["To"]).partition("@")[0]: str(mail["Subject"]).strip() for mail in await self.mails()}


@pytest.fixture
async def office(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Post]:
    async with portal(tmp_path, seeded_files) as site:
        post = Post(site, tmp_path)
        await post.mails()  # The cast's open invitation.
        yield post


def words(mail: EmailMessage, subtype: str = "plain") -> str:
    """A body of a mail, with plain line ends."""
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
