"""Differences between bundles, each computed once and at most so long waited for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

from authz_service.workbench.difference import compare

if TYPE_CHECKING:
    from authz_service.engine import Policy
    from authz_service.workbench.difference import Difference

_KEPT = 16


class Differences:
    """The differences asked for lately. One that takes long goes on being computed when nobody waits any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Future[Difference]] = OrderedDict()

    def find(self, old: Policy, new: Policy, seconds: float) -> Difference:
        """The difference. Raises TimeoutError when it is not there in time; ask again."""
        key = (old.digest, new.digest)
        with self._lock:
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = Future()
                threading.Thread(target=_compute, args=(found, old, new), name="difference", daemon=True).start()
                if len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
        return found.result(seconds)


def _compute(future: Future[Difference], old: Policy, new: Policy) -> None:
    try:
        future.set_result(compare(old, new))
    except Exception as error:  # noqa: BLE001 - whoever waits raises it
        future.set_exception(error)
