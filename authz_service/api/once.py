"""Work that its key alone determines, done once in a process and kept for the last few keys."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class Once(Generic[T]):
    """Results by key. Any number of threads may ask; one works, the others wait for it.

    Different keys are worked on one after the other, so that whoever asks for many slows nothing else down. Work that
    fails raises to whoever waits for it, and is begun anew by whoever asks next.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = Lock()
        self._turn = Lock()
        self._results: dict[Hashable, Future[T]] = {}

    def result(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result, however long it takes."""
        return self._begun(key, work).result()

    def result_within(self, seconds: float, key: Hashable, work: Callable[[], T]) -> T | None:
        """The result; None when it is not there after so many seconds, while the work goes on."""
        result = self._begun(key, work)
        try:
            return result.result(seconds)
        except TimeoutError:
            if result.done():
                return result.result()  # Its own error, or done just now.
            return None

    def _begun(self, key: Hashable, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            result = self._results.pop(key, None)
            if result is None or (result.done() and result.exception() is not None):
                result = Future()
                Thread(target=self._work, args=(work, result), name="once", daemon=True).start()
            self._results[key] = result  # The last one asked for is dropped last.
            while len(self._results) > self._kept:
                del self._results[next(iter(self._results))]
            return result

    def _work(self, work: Callable[[], T], result: Future[T]) -> None:
        with self._turn:
            try:
                result.set_result(work())
            except BaseException as error:  # noqa: BLE001 (raised to whoever waits for it)
                result.set_exception(error)
