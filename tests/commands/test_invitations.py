"""Who may invite, and how an invitation becomes part of a sign-in that somebody has already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.grants import create_grant, end_grant, update_grant
from authz_service.commands.invitations import accept_invitation
from authz_service.trail.changes import Origin
from models.vocabulary import Feature, GrantStatus
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.storage import AccessStore


def accept(store: AccessStore, account: str, invited_as: str) -> dict[str, str]:
    origin = Origin(caller="gateway", request_id="r3", actor=f"account/{account}")
    return accept_invitation(store, origin, ("*",), account, invited_as)


@on_sqlite_only
@pytest.mark.parametrize(
    ("name", "client", "body", "error"),
    [
        ("ken", "mia", {"kind": "guardian"}, None),
        ("ken", "rosa", {"kind": "self"}, ConflictError),  # She has an account of her own already.
        ("ken", "mia", {"kind": "self"}, ForbiddenError),  # Mia does not manage a portal of her own (row W9).
        ("ken", "mia", {"kind": "guardian", "status": "active"}, ForbiddenError),
        ("ken", "mia", {"kind": "co_parent", "toggles": {"messages": True}}, ForbiddenError),
        ("ken", "mia", {"kind": "guardian", "until": "2027-01-01"}, ForbiddenError),
        ("ken", "leo", {"kind": "guardian"}, ForbiddenError),  # He is not assigned to Leo.
        ("lea", "leo", {"kind": "guardian"}, ForbiddenError),  # Nobody lets her invite.
        ("jo", "mia", {"kind": "self"}, InvalidError),
    ],
)
def test_a_therapist_who_may_invite_makes_plain_pending_grants_only(
    acting: Callable[..., Acting], name: str, client: str, body: dict[str, Any], error: type[Exception] | None
) -> None:
    """Toggles, windows, proofs and grants that count at once stay with those who run the practice (rows Y4, Y5)."""
    if error is None:
        made = create_grant(acting(name), client, {"account_id": "new", **body})
        assert made.status is GrantStatus.PENDING
        return
    with pytest.raises(error):
        create_grant(acting(name), client, {"account_id": "new", **body})


def test_an_accepted_invitation_belongs_to_the_sign_in_that_accepted(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """The grant moves with its toggles and counts at once; the account of the invitation has nothing left."""
    create_grant(acting(), "noah", {"account_id": "a_new", "kind": "co_parent", "toggles": {"calendar": True}})
    assert not may("vic", "view", "calendar", "noah", client_id="noah")
    assert accept(seeded_store, "vic", "a_new") == {"g_a_new_noah": "g_vic_noah"}
    assert may("vic", "view", "calendar", "noah", client_id="noah")
    with seeded_store.reading() as rows:
        grants = {grant.id: grant for grant in rows.grants_on("noah")}
    assert grants["g_a_new_noah"].status is GrantStatus.ENDED
    assert grants["g_vic_noah"].toggles[Feature.CALENDAR]
    assert accept(seeded_store, "dana", "a_new") == {}


@pytest.mark.parametrize("status", ["ended", "suspended"])
def test_an_invitation_that_was_taken_back_cannot_be_accepted(
    acting: Callable[..., Acting], seeded_store: AccessStore, status: str
) -> None:
    grant = create_grant(acting(), "noah", {"account_id": "a_new", "kind": "guardian"})
    update_grant(acting(), grant.id, {"status": status}, None)
    assert accept(seeded_store, "vic", "a_new") == {}


def test_of_two_who_accept_at_once_one_gets_it(acting: Callable[..., Acting], seeded_store: AccessStore) -> None:
    create_grant(acting(), "noah", {"account_id": "a_new", "kind": "guardian"})
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda who: accept(seeded_store, who, "a_new"), ["vic", "tom"]))
    assert sorted(len(moved) for moved in answers) == [0, 1]


def test_an_invitation_fits_only_who_could_have_been_given_the_grant(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    """No staff, no second own client, nobody's account in use; one who has the grant already keeps the one."""
    with pytest.raises(NotFoundError):
        accept(seeded_store, "vic", "a_nobody")
    create_grant(acting(), "noah", {"account_id": "a_new", "kind": "guardian"})
    with pytest.raises(ConflictError, match="staff"):
        accept(seeded_store, "ken", "a_new")
    with pytest.raises(ConflictError, match="another account"):
        accept(seeded_store, "a_new", "a_new")
    create_grant(acting(), "mia", {"account_id": "tom", "kind": "guardian"})
    with pytest.raises(ConflictError, match="signed in already"):
        accept(seeded_store, "vic", "tom")
    create_grant(acting(), "mia", {"account_id": "a_twice", "kind": "guardian"})
    assert accept(seeded_store, "dana", "a_twice") == {"g_a_twice_mia": "g_dana_mia"}
    end_grant(acting(), "g_leo_leo")
    create_grant(acting(), "leo", {"account_id": "a_leo", "kind": "self"})
    with pytest.raises(ConflictError, match="own account of another"):
        accept(seeded_store, "rosa", "a_leo")
