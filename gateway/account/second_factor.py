"""Second factors as they are kept: the codes of an app (RFC 6238), recovery codes, and which of them a person has.

Every function that takes a `Session` runs in the caller's transaction. A code is used by one conditional update, so of
two who send the same code at once, one gets in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyotp
from sqlmodel import col, delete, func, select, update

from models.tables.second_factor import AuthenticatorApp, Passkey, RecoveryCode
from models.vocabulary import GrantStatus, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from gateway.account.sealing import Seal
    from gateway.edge.authz_client import AuthzClient

STEP_SECONDS = 30
DRIFT_STEPS = 1  # a clock may be off by one step either way (RFC 6238, section 5.2)
CODE_DIGITS = 6
SET_UP_SECONDS_MAX = 15 * 60  # between showing a secret and its first code
RECOVERY_CODES = 10
_GROUPS, _GROUP = 4, 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read as another

Who = tuple[SubjectType, str]


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person can show besides the password. Recovery codes stand in for a factor and are none."""

    app: AuthenticatorApp | None
    passkeys: Sequence[Passkey]
    recovery_codes: int

    def __bool__(self) -> bool:
        return self.app is not None or bool(self.passkeys)

    def __len__(self) -> int:
        return len(self.passkeys) + (self.app is not None)


async def is_asked(authz: AuthzClient, who: Who, practice_id: str | None, *, production: bool) -> bool:
    """Whether a second factor is asked of a person: of staff in production always; else where a practice asks."""
    subject_type, subject_id = who
    if subject_type is SubjectType.STAFF:
        return production or (await authz.practice(str(practice_id)))["staff_second_factor"] is True
    grants = await authz.grants_of_account(subject_id)
    practices = {grant["practice_id"] for grant in grants if grant["status"] in _OPEN}
    asks = [(await authz.practice(practice_id))["second_factor"] is True for practice_id in sorted(practices)]
    return any(asks)


def factors_of(session: Session, who: Who) -> Factors:
    """What a person has set up."""
    left = select(func.count()).select_from(RecoveryCode).where(*_own(RecoveryCode, who))
    return Factors(
        session.get(AuthenticatorApp, (who[0].value, who[1])),
        session.exec(select(Passkey).where(*_own(Passkey, who)).order_by(col(Passkey.added_at))).all(),
        session.exec(left.where(col(RecoveryCode.used_at).is_(None))).one(),
    )


# ---- the app ----


def new_secret(seal: Seal, who: Who, now: datetime) -> tuple[str, str]:
    """A new secret (base32), and the same sealed: the form carries it until the first code shows that it arrived."""
    secret = pyotp.random_base32()
    text = orjson.dumps({"secret": secret, "at": now.timestamp()}).decode()
    return secret, seal.close(text, _purpose("set up", who))


def opened_secret(seal: Seal, who: Who, sealed: str, now: datetime) -> str | None:
    """The secret of a set-up form, or None when the form is not this person's or too old."""
    text = seal.open(sealed, _purpose("set up", who))
    if text is None:
        return None
    known: dict[str, Any] = orjson.loads(text)
    return str(known["secret"]) if now.timestamp() - known["at"] <= SET_UP_SECONDS_MAX else None


def address_of(secret: str, username: str, issuer: str) -> str:
    """The otpauth: URL that an app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step that a code belongs to, when that is now or one step away."""
    plain = "".join(code.split())
    if len(plain) != CODE_DIGITS or not plain.isascii() or not plain.isdigit():
        return None
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // STEP_SECONDS
    steps = range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
    fits = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), plain)]
    return fits[-1] if fits else None


def add_app(session: Session, seal: Seal, who: Who, shown: tuple[str, int], now: datetime) -> None:
    """Keep an app by its (secret, step of the first code); IntegrityError when the person has one."""
    secret, step = shown
    session.add(
        AuthenticatorApp(
            subject_type=who[0].value,
            subject_id=who[1],
            sealed_secret=seal.close(secret, _purpose("app", who)),
            last_step=step,
            added_at=now,
        )
    )
    session.flush()


def use_code(session: Session, seal: Seal, who: Who, code: str, now: datetime) -> bool:
    """Whether the app shows this code now; it counts once, and no earlier code counts after it."""
    app = session.get(AuthenticatorApp, (who[0].value, who[1]))
    secret = None if app is None else seal.open(app.sealed_secret, _purpose("app", who))
    step = None if secret is None else step_of(secret, code, now)
    if step is None:
        return False
    later = update(AuthenticatorApp).where(*_own(AuthenticatorApp, who), col(AuthenticatorApp.last_step) < step)
    return session.exec(later.values(last_step=step)).rowcount == 1


def remove_app(session: Session, who: Who) -> None:
    """Forget the app; the last factor takes the recovery codes with it."""
    session.exec(delete(AuthenticatorApp).where(*_own(AuthenticatorApp, who)))
    _tidy(session, who)


def remove_passkey(session: Session, who: Who, passkey_id: str) -> None:
    """Forget a passkey; the last factor takes the recovery codes with it."""
    session.exec(delete(Passkey).where(*_own(Passkey, who), col(Passkey.id) == passkey_id))
    _tidy(session, who)


def forget_factors(session: Session, who: Who) -> bool:
    """Forget everything that a person set up, recovery codes too; False when there was nothing."""
    tables: tuple[type[AuthenticatorApp | Passkey | RecoveryCode], ...] = (AuthenticatorApp, Passkey, RecoveryCode)
    return sum(session.exec(delete(table).where(*_own(table, who))).rowcount for table in tables) > 0


# ---- recovery codes ----


def new_recovery_codes(session: Session, seal: Seal, who: Who) -> list[str]:
    """Ten new codes; those from before are worth nothing any more."""
    session.exec(delete(RecoveryCode).where(*_own(RecoveryCode, who)))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP)) for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.add(RecoveryCode(code_hash=_hash(seal, who, code), subject_type=who[0].value, subject_id=who[1]))
    return ["-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in codes]


def use_recovery_code(session: Session, seal: Seal, who: Who, code: str, now: datetime) -> bool:
    """Whether it is one of the person's codes that was not used yet; it is now."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    unused = update(RecoveryCode).where(
        *_own(RecoveryCode, who),
        col(RecoveryCode.code_hash) == _hash(seal, who, plain),
        col(RecoveryCode.used_at).is_(None),
    )
    return session.exec(unused.values(used_at=now)).rowcount == 1


_OPEN = (GrantStatus.ACTIVE.value, GrantStatus.PENDING.value)


def _tidy(session: Session, who: Who) -> None:
    if not factors_of(session, who):
        session.exec(delete(RecoveryCode).where(*_own(RecoveryCode, who)))


def _own(table: type[AuthenticatorApp | Passkey | RecoveryCode], who: Who) -> tuple[Any, Any]:
    return col(table.subject_type) == who[0].value, col(table.subject_id) == who[1]


def _purpose(what: str, who: Who) -> str:
    return f"{what} of {who[0].value}/{who[1]}"


def _hash(seal: Seal, who: Who, code: str) -> str:
    return seal.digest(code, _purpose("recovery code", who)).hex()
