"""The two ways a message leaves: to an SMTP server, or, in the demo, into a file."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from email.message import EmailMessage
    from pathlib import Path

    from gateway.settings import Settings

TIMEOUT_SECONDS = 20.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NotSent(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """A message was not taken. `for_good`: trying again would not help. `line_down`: nor would another message now."""

    def __init__(self, reason: str, *, for_good: bool = False, line_down: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good
        self.line_down = line_down


class Line(Protocol):
    """An open way out."""

    async def send(self, mail_id: str, message: EmailMessage) -> None:
        """Hand a message over; NotSent unless it was taken."""


class Carrier(Protocol):
    """A way out."""

    def open(self) -> AbstractAsyncContextManager[Line]:
        """Open the line for a while; NotSent when it cannot be."""


class SmtpCarrier:
    """An SMTP server: `smtps` is TLS from the start, `smtp` upgrades with STARTTLS.

    A server on this machine that asks for no password is reached without TLS where it offers none, in the demo only.
    """

    def __init__(self, url: str, *, demo: bool) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls_at_once = parts.scheme == "smtps"
        self._may_be_plain = demo and self._host in _LOOPBACK and self._user is None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """One connection, signed in; NotSent when there is none."""
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls_at_once,
            start_tls=None if self._tls_at_once or self._may_be_plain else True,
            tls_context=ssl.create_default_context(),
            timeout=TIMEOUT_SECONDS,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise NotSent(_told(error), line_down=True) from error
        try:
            yield _SmtpLine(client)
        finally:
            if client.is_connected:
                with suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit()
            client.close()


class _SmtpLine:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, mail_id: str, message: EmailMessage) -> None:  # noqa: ARG002 - it is in the message.
        try:
            await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            raise NotSent(_told(refused), for_good=refused.code >= 500) from error
        except aiosmtplib.SMTPDataError as error:
            raise NotSent(_told(error), for_good=error.code >= 500) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSent(_told(error), line_down=True) from error


class FolderCarrier:
    """The demo's way: each message becomes `<mail id>.eml` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """The folder, made when it is missing."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NotSent(_told(error), line_down=True) from error
        yield self

    async def send(self, mail_id: str, message: EmailMessage) -> None:
        """Write the file whole or not at all."""
        try:
            await to_thread.run_sync(self._write, self._folder / f"{mail_id}.eml", message.as_bytes())
        except OSError as error:
            raise NotSent(_told(error), line_down=True) from error

    def _write(self, path: Path, content: bytes) -> None:
        beside = path.with_suffix(".part")
        beside.write_bytes(content)
        beside.replace(path)


def mail_folder(settings: Settings) -> Path:
    """Where the demo's mails lie."""
    return settings.data_dir / "mail"


def carrier_of(settings: Settings) -> Carrier:
    """How this gateway sends mail."""
    if settings.smtp_url:
        return SmtpCarrier(settings.smtp_url, demo=settings.profile == "demo")
    return FolderCarrier(mail_folder(settings))


def _told(error: Exception) -> str:
    """What the other side said, for staff and the log; no part of our own settings is in it."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"[:500]
    return f"{type(error).__name__}: {error}"[:500]
