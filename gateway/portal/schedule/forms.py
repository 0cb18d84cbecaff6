"""What forms about appointments send, and what the trail keeps of them."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from models.tables.records import Appointment

_KEY = re.compile(r"[0-9a-f]{32}")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def new_key() -> str:
    """A one-time key for a form that books."""
    return secrets.token_hex(16)


def key_of(form: FormData) -> str:
    """The one-time key of a form; a new one when it was not sent."""
    sent = str(form.get("once", ""))
    return sent if _KEY.fullmatch(sent) else new_key()


def sequence_of(form: FormData) -> int:
    """Which state of the appointment the form was made for; -1, which none has, when it does not say."""
    sent = str(form.get("sequence", ""))
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def written(moment: datetime) -> str:
    """An instant in an address or a form."""
    return moment.astimezone(UTC).strftime(_INSTANT)


def instant_of(text: str) -> datetime | None:
    """The instant that `written` wrote, or None."""
    try:
        return datetime.strptime(text, _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None


async def record(request: Request, action: str, row: Appointment) -> None:
    """Put what the reader did with an appointment into the trail."""
    reader = request.state.reader
    await request.app.state.authz.record(
        {
            "action": action,
            "actor": reader.actor,
            "account_id": reader.id if reader.practice_id is None else None,
            "client_id": row.client_id,
            "practice_id": row.practice_id,
            "resource": {"type": "appointment", "id": row.id},
        }
    )
