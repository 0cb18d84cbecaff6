"""What a refused reader is told: the explanation's reason turned into plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model of `refused.html`.

    `code` is the service's reason (kind, practice_switch, toggle, ...), `sentence` what is the matter,
    `remedy` who can change it ("The practice can switch them on."), or None when nobody can.
    """

    code: str
    sentence: str
    remedy: str | None
