"""The one cookie, and the form token that goes with it.

Before sign-in the cookie is a random name that stands for nothing; at sign-in it is replaced by the new session's name.
A form's token is an HMAC of the cookie, so it is worth nothing with any other session.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.settings import Settings

KNOWN_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie
_LEFT = "kinguard_left"
_LEFT_SECONDS = 15 * 60
_NAME = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 random bytes, as `secrets.token_urlsafe` writes them


class Left(StrEnum):
    """How a session ended, as the sign-in page tells it."""

    OUT = "out"  # by signing out
    ENDED = "ended"  # found to be no more when a page was asked for
    UNSENT = "unsent"  # found to be no more when a form was sent


class Cookies:
    """Reads and sets the session cookie, makes and checks form tokens."""

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.secure
        # `__Host-` binds the cookie to this host and to TLS; browsers refuse it over the demo's plain http.
        prefix = "__Host-" if settings.secure else ""
        self._name, self._known = f"{prefix}kinguard_session", f"{prefix}kinguard_browser"
        self._secret = secret_of(settings)

    def read(self, request: Request) -> str | None:
        """The cookie's value, or None when there is none of our making."""
        value = request.cookies.get(self._name, "")
        return value if _NAME.fullmatch(value) else None

    def set(self, response: Response, value: str) -> None:
        """Give the browser the cookie until it is closed."""
        response.set_cookie(self._name, value, path="/", secure=self._secure, httponly=True, samesite="lax")

    def delete(self, response: Response) -> None:
        """Take the cookie back."""
        response.delete_cookie(self._name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def leave(self, response: Response, how: Left) -> None:
        """Have every tab's sign-in page say for a while how the session ended."""
        response.set_cookie(
            _LEFT, how.value, path="/sign-in", max_age=_LEFT_SECONDS, secure=self._secure, httponly=True, samesite="lax"
        )

    def left(self, request: Request) -> Left | None:
        """How the session of this browser ended, if the sign-in page is to say it."""
        try:
            return Left(request.cookies.get(_LEFT, ""))
        except ValueError:
            return None

    def known(self, request: Request) -> str | None:
        """The random name by which this browser is known again, or None when it has none of our making."""
        value = request.cookies.get(self._known, "")
        return value if _NAME.fullmatch(value) else None

    def know(self, response: Response, value: str) -> None:
        """Give the browser the name by which it is known again."""
        response.set_cookie(
            self._known, value, path="/", max_age=KNOWN_SECONDS, secure=self._secure, httponly=True, samesite="lax"
        )

    def arrive(self, response: Response) -> None:
        """Say no more of a session that ended."""
        response.delete_cookie(_LEFT, path="/sign-in", secure=self._secure, httponly=True, samesite="lax")

    def form_token(self, value: str) -> str:
        """The token that forms of this cookie carry."""
        return hmac.new(self._secret, b"form:" + value.encode(), hashlib.sha256).hexdigest()

    def fits(self, value: str, token: str) -> bool:
        """Whether a form's token belongs to the cookie."""
        return hmac.compare_digest(self.form_token(value).encode(), token.encode(errors="replace"))


def fresh_visitor() -> str:
    """A cookie value that stands for nobody."""
    return secrets.token_urlsafe(32)


def secret_of(settings: Settings) -> bytes:
    """The gateway's own secret: KINGUARD_SESSION_SECRET, or in the demo one that is made once and kept."""
    return settings.session_secret.encode() or _kept_secret(settings.data_dir / "keys" / "gateway_forms")


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
        return secret
