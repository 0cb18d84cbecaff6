"""Work is done once for a key, by whoever asks first; what fails is begun anew, and what takes long goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event, Lock

import pytest

from authz_service.api.once import Once

THREADS = 8


def asked_at_once(once: Once[int] | None, key: str) -> tuple[list[int], int]:
    """What each of many threads is answered, and how often the work was done."""
    together, lock, done = Barrier(THREADS), Lock(), []

    def work() -> int:
        with lock:
            done.append(1)
        return 7

    def ask(_thread: int) -> int:
        together.wait()
        return work() if once is None else once.result(key, work)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask, range(THREADS))), len(done)


def test_many_who_ask_at_once_have_the_work_done_once() -> None:
    once = Once[int](4)
    assert asked_at_once(once, "a") == ([7] * THREADS, 1)
    assert asked_at_once(once, "a")[1] == 0


def test_without_it_each_would_do_it() -> None:
    """The control."""
    assert asked_at_once(None, "a")[1] == THREADS


def test_work_that_takes_long_goes_on_and_is_there_later() -> None:
    once, go = Once[int](4), Event()

    def work() -> int:
        go.wait(30)
        return 3

    assert once.result_within(0.01, "a", work) is None
    assert once.result_within(0.01, "a", work) is None
    go.set()
    assert once.result("a", work) == 3


def test_work_that_fails_raises_and_is_begun_anew() -> None:
    once = Once[int](4)
    tries: list[int] = []

    def work() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise TimeoutError("the first try")
        return 5

    with pytest.raises(TimeoutError, match="the first try"):
        once.result_within(30, "a", work)
    assert once.result_within(30, "a", work) == 5


def test_only_the_last_few_keys_are_kept() -> None:
    once = Once[str](2)
    done: list[str] = []

    def work(key: str) -> str:
        done.append(key)
        return key

    for key in ("a", "b", "a", "c", "a", "b"):
        assert once.result(key, partial(work, key)) == key
    assert done == ["a", "b", "c", "b"]


def test_different_keys_are_worked_on_one_after_the_other() -> None:
    once, go, began = Once[int](4), Event(), Event()

    def first() -> int:
        began.set()
        go.wait(30)
        return 1

    assert once.result_within(0.01, "a", first) is None
    assert began.wait(30)
    assert once.result_within(0.05, "b", lambda: 2) is None
    go.set()
    assert (once.result("a", first), once.result("b", lambda: 2)) == (1, 2)
