"""Claims about resources of which a client has one: they are known by the client's own id."""

from __future__ import annotations

import pytest

from authz_service.facts.decision import Reason, decide
from authz_service.facts.request import NO_AUTHN, Request
from policy_tests.test_differential import bundle
from policy_tests.world.load import access, load_world

WORLD = load_world()


def ask(subject: str, action: str, resource_type: str, resource_id: str, **properties: str):
    subject_type, _, subject_id = subject.partition("/")
    request = Request(subject_type, subject_id, action, resource_type, resource_id, WORLD.now, properties, NO_AUTHN)
    return decide(bundle(), access(WORLD), request)


@pytest.mark.parametrize(
    ("subject", "action", "resource_type", "resource_id", "allowed"),
    [
        ("account/rosa", "open", "portal", "rosa", True),
        ("account/rosa", "view", "profile", "rosa", True),
        ("account/harbor", "view", "calendar", "rosa", True),
        ("account/harbor", "view", "profile", "rosa", False),
        ("account/dana", "open", "portal", "wren", True),
        ("account/dana", "open", "portal", "rosa", False),
        ("account/rosa", "send", "owner_email", "rosa", True),
        ("staff/jo", "view", "client", "rosa", True),
        ("staff/hal", "view", "client", "rosa", False),
        ("staff/jo", "update", "practice", "northgate", True),
        ("staff/hal", "update", "practice", "northgate", False),
        ("account/rosa", "open", "portal", "nobody", False),
    ],
)
def test_the_id_of_the_client_is_enough(subject, action, resource_type, resource_id, allowed) -> None:
    """A portal, profile, calendar, owner e-mail, client or practice needs no property beside its id."""
    assert ask(subject, action, resource_type, resource_id).allowed is allowed


def test_an_id_of_one_client_with_another_client_is_denied() -> None:
    """Nobody reaches one client's calendar by naming another client beside it."""
    decision = ask("account/rosa", "view", "calendar", "mia", client_id="rosa")
    assert not decision.allowed
    assert decision.reason is Reason.WRONG_CLIENT


def test_any_other_id_needs_the_client() -> None:
    """An id that is no client's says nothing; the client must then be sent, and suffices."""
    assert ask("account/rosa", "view", "calendar", "main").missing == ("client_id",)
    assert ask("account/rosa", "view", "calendar", "main", client_id="rosa").allowed
