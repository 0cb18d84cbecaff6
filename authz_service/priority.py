"""The priority of processes that work beside the service: they take the time that answers leave."""

from __future__ import annotations

import os

_LEAST_NICE = 19


def yield_to_answers() -> None:
    """Let whatever else runs on the machine go before this process."""
    os.nice(_LEAST_NICE)
