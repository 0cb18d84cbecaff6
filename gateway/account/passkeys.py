"""Passkeys (WebAuthn, level 3) as a second factor: what a browser is asked, and whether its answer is right."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import webauthn
from sqlmodel import col, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from models.tables.second_factor import Passkey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.account.second_factor import Who

NAME_CHARACTERS_MAX = 60
ANSWER_CHARACTERS_MAX = 16 * 1024
_SITE = "Kinguard"
_NOT_RIGHT = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, StopIteration)
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}
_SELECTION = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where passkeys of this site belong: the host's name and the origin that browsers name."""

    host: str
    origin: str


def place_of(request: Request) -> Place | None:
    """The place of this request; None at an address without a name, where browsers make no passkeys."""
    settings = request.app.state.settings
    if settings.profile == "production" or settings.secure:
        parts = urlsplit(settings.public_url)
    else:
        parts = urlsplit(f"{request.url.scheme}://{request.headers['host']}")
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Place(host, f"{parts.scheme}://{parts.netloc}")
    return None


def ask_to_make(place: Place, handle: bytes, username: str, name: str, known: Sequence[Passkey]) -> tuple[str, str]:
    """What a browser needs to make a passkey (JSON), and the challenge in it. `handle` stands for the person."""
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name=_SITE,
        user_id=handle,
        user_name=username,
        user_display_name=name,
        authenticator_selection=_SELECTION,
        exclude_credentials=[_descriptor(passkey) for passkey in known],
    )
    return webauthn.options_to_json(options), bytes_to_base64url(options.challenge)


def made(place: Place, who: Who, shown: tuple[str, str], name: str, now: datetime) -> Passkey | None:
    """The passkey of (answer, challenge), or None when a browser did not answer that challenge here."""
    answer, challenge = shown
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
        )
        told = orjson.loads(answer)["response"].get("transports") or []
    except _NOT_RIGHT:
        return None
    return Passkey(
        id=bytes_to_base64url(verified.credential_id),
        subject_type=who[0].value,
        subject_id=who[1],
        name=name,
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
        is_synced=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        transports=[transport for transport in told if transport in _TRANSPORTS],
        added_at=now,
    )


def ask_to_show(place: Place, known: Sequence[Passkey]) -> tuple[str, str]:
    """What a browser needs to show one of these passkeys (JSON), and the challenge in it."""
    options = webauthn.generate_authentication_options(
        rp_id=place.host,
        allow_credentials=[_descriptor(passkey) for passkey in known],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return webauthn.options_to_json(options), bytes_to_base64url(options.challenge)


def use_passkey(session: Session, place: Place, known: Sequence[Passkey], shown: tuple[str, str], now: datetime) -> str:
    """How the person signed in (RFC 8176: `hwk`, or `swk` of a synced key) by (answer, challenge); else nothing.

    A counter that does not grow is the sign of a copied key: refused.
    """
    answer, challenge = shown
    try:
        told: dict[str, Any] = orjson.loads(answer)
        passkey = next(passkey for passkey in known if passkey.id == told["id"])
        verified = webauthn.verify_authentication_response(
            credential=told,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except _NOT_RIGHT:
        return ""
    unchanged = update(Passkey).where(col(Passkey.id) == passkey.id, col(Passkey.sign_count) == passkey.sign_count)
    used = session.exec(unchanged.values(sign_count=verified.new_sign_count, used_at=now))
    if used.rowcount != 1:
        return ""
    return "swk" if passkey.is_synced else "hwk"


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in passkey.transports]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.id), transports=transports or None)
