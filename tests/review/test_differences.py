"""A difference that takes long is computed once, and whoever waited may come again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import load_policy
from authz_service.review import differences
from authz_service.review.differences import Differences
from tests.api.conftest import api, bundles, data_dir, sqlite_url
from tests.workbench.conftest import AUTHZEN

if TYPE_CHECKING:
    from tests.api.conftest import Api

__all__ = ["api", "bundles", "data_dir", "sqlite_url"]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Comparing waits for the event; the list has one entry for each time."""
    go, begun = threading.Event(), []
    real = differences.compare

    def compare(old: Any, new: Any) -> Any:
        begun.append(old.digest)
        go.wait(60)
        return real(old, new)

    monkeypatch.setattr(differences, "compare", compare)
    return go, begun


def test_what_takes_long_goes_on_and_is_there_the_next_time(held: tuple[threading.Event, list[str]]) -> None:
    """Nobody waits beyond the time given, and nothing is begun twice."""
    go, begun = held
    known = Differences()
    old, new = load_policy(AUTHZEN / "todo"), load_policy(AUTHZEN / "records")
    for _ in range(2):
        with pytest.raises(TimeoutError):
            known.find(old, new, 0.01)
    go.set()
    found = known.find(old, new, 60)
    assert found
    assert known.find(old, new, 0) is found
    assert len(begun) == 1


def test_over_http_it_says_to_ask_again(
    api: Api, held: tuple[threading.Event, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a time to come back, and the answer then."""
    monkeypatch.setattr("authz_service.api.policy_differences._COMPARING_SECONDS", 0.01)
    known = Differences()
    monkeypatch.setattr("authz_service.api.policy_differences._differences", lambda: known)
    path = "/v1/policy/differences?old=serving&new=serving"
    reply = api.call("GET", path, actor="staff/rex")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "10")
    assert "still being compared" in reply.json()["detail"]
    held[0].set()
    monkeypatch.setattr("authz_service.api.policy_differences._COMPARING_SECONDS", 30.0)
    assert api.call("GET", path, actor="staff/rex").json()["same"] is True
