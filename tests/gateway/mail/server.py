"""A real SMTP server (aiosmtpd) in the test's own event loop, that can be told what to answer."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import warnings
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

USER, PASSWORD = "portal", "p@ss:w/rd hush"


class Inbox:
    """What arrived; `answers` gives a reply to RCPT for an address, `on_data` one to DATA."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.on_data: dict[str, str] = {}
        self.encrypted: list[bool] = []
        self.port = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if answer := self.on_data.get(envelope.rcpt_tos[0]):
            return answer
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@asynccontextmanager
async def smtp_server(
    *, tls: ssl.SSLContext | None = None, at_once: bool = False, auth: bool = False, port: int = 0
) -> AsyncIterator[Inbox]:
    """Serve on a free port of 127.0.0.1: plain, with STARTTLS, or with TLS at once."""
    inbox = Inbox()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # It does not see that the whole connection is TLS.
            return SMTP(
                inbox,
                hostname="mail.test",
                tls_context=None if at_once else tls,
                require_starttls=tls is not None and not at_once,
                auth_required=auth,
                auth_require_tls=auth and not at_once,
                authenticator=check if auth else None,
                loop=asyncio.get_running_loop(),
            )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", port, ssl=tls if at_once else None, reuse_address=True
    )
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        server.close()


def certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1, with its key, in one file; it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def context(path: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(path)
    return made
