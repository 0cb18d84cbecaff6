"""One person who was entered twice becomes one, and nobody sees more by it; on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.grants import create_grant, first_login, update_grant
from authz_service.commands.lockouts import decline_invitation, let_back, lock_out
from authz_service.commands.merging import merge_accounts, merge_client
from authz_service.commands.people import create_client, update_client
from authz_service.commands.rosters import count_people, roster
from authz_service.commands.withholding import block
from authz_service.trail.changes import Origin
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.storage import AccessStore

FAMILY = Origin(caller="gateway", request_id="r2", actor="account/twin")


def statuses(store: AccessStore, account_id: str) -> dict[str, GrantStatus]:
    with store.reading(["*"]) as rows:
        return {grant.id: grant.status for grant in rows.grants_of(account_id)}


def test_what_one_had_the_other_has_and_what_was_kept_from_one_is_kept_from_both(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """Sam was entered twice: the withheld letter and the toggles move with the grants."""
    create_grant(acting(), "noah", {"account_id": "twin", "kind": "guardian", "status": "active"})
    merged = merge_accounts(acting(), "northgate", "sam", "twin")
    assert set(merged.grants) == {"g_sam_mia", "g_sam_leo"}
    assert set(statuses(seeded_store, "sam").values()) == {GrantStatus.ENDED}
    assert may("twin", "view", "document", "doc_mia_school")
    assert not may("twin", "view", "document", "doc_mia_letter")
    assert not may("twin", "view", "invoice", "inv_mia_2")
    assert not may("sam", "view", "document", "doc_mia_school")


def test_a_merge_opens_nothing_that_either_could_not_see(
    acting: Callable[..., Acting], may: Callable[..., bool]
) -> None:
    """A withheld item and a safety block of the one that goes also bind what the one that stays has already."""
    create_grant(acting(), "mia", {"account_id": "twin", "kind": "guardian", "status": "active"})
    create_grant(acting(), "leo", {"account_id": "twin", "kind": "guardian", "status": "active"})
    assert may("twin", "view", "document", "doc_mia_letter")
    assert may("twin", "view", "document", "doc_leo_school")
    block(acting(), "g_sam_leo", "an order of 10 June")
    merge_accounts(acting(), "northgate", "sam", "twin")
    assert may("twin", "view", "document", "doc_mia_school")
    assert not may("twin", "view", "document", "doc_mia_letter")
    assert not may("twin", "view", "document", "doc_leo_school")


def test_nobody_becomes_both_the_client_and_who_acts_for_the_client(acting: Callable[..., Acting]) -> None:
    """Leo's own sign-in is not Dana's, and a sign-in is the own one of one client at most."""
    for one, other in (("leo", "dana"), ("dana", "leo"), ("rosa", "dana")):
        with pytest.raises(ConflictError):
            merge_accounts(acting(), "northgate", one, other)


def test_whoever_never_signed_in_is_pending_and_a_suspended_grant_stays_suspended(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    create_grant(acting(), "leo", {"account_id": "twin", "kind": "guardian"})
    lock_out(acting(), "northgate", "sam")
    merged = merge_accounts(acting(), "northgate", "cara", "twin")
    assert statuses(seeded_store, "twin")[merged.grants["g_cara_noah"]] is GrantStatus.PENDING
    merged = merge_accounts(acting(), "northgate", "sam", "twin")
    assert statuses(seeded_store, "twin")[merged.grants["g_sam_mia"]] is GrantStatus.SUSPENDED


@pytest.mark.parametrize("actor", ["ken", "bea", "rex"])
def test_only_who_runs_the_practice_merges_and_locks_out(acting: Callable[..., Acting], actor: str) -> None:
    for change in (
        lambda: merge_accounts(acting(actor), "northgate", "sam", "dana"),
        lambda: lock_out(acting(actor), "northgate", "sam"),
    ):
        with pytest.raises(ForbiddenError):
            change()


def test_another_practice_merges_and_locks_nobody_here(acting: Callable[..., Acting]) -> None:
    """Dana is known at both practices; harborview reaches what she has there and nothing else."""
    for change in (
        lambda: merge_accounts(acting("hal"), "northgate", "sam", "dana"),
        lambda: merge_accounts(acting("hal"), "harborview", "sam", "dana"),
        lambda: lock_out(acting("hal"), "northgate", "dana"),
        lambda: lock_out(acting("hal"), "harborview", "sam"),
        lambda: merge_client(acting("hal"), "mia", "leo"),
    ):
        with pytest.raises(NotFoundError):
            change()


def test_a_lockout_closes_one_practice_and_no_other(
    acting: Callable[..., Acting], may: Callable[..., bool], seeded_store: AccessStore
) -> None:
    """Dana keeps Wren at harborview; given back, each grant is what it was, the pending one pending."""
    create_grant(acting(), "noah", {"account_id": "dana", "kind": "guardian"})
    before = statuses(seeded_store, "dana")
    lock_out(acting(), "northgate", "dana", "a stolen telephone")
    assert not may("dana", "view", "document", "doc_mia_school")
    assert not may("dana", "open", "portal", "dana")
    assert statuses(seeded_store, "dana")["g_dana_wren"] is GrantStatus.ACTIVE
    let_back(acting(), "northgate", "dana")
    assert statuses(seeded_store, "dana") == before
    assert may("dana", "view", "document", "doc_mia_school")


def test_an_invitation_is_declined_by_the_invited_alone(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    """Declined is ended; whoever has signed in has nothing to decline."""
    made = create_grant(acting(), "mia", {"account_id": "twin", "kind": "guardian"})
    assert decline_invitation(seeded_store, FAMILY, ["*"], "twin") == (made.id,)
    assert decline_invitation(seeded_store, FAMILY, ["*"], "twin") == ()
    assert statuses(seeded_store, "twin") == {made.id: GrantStatus.ENDED}
    assert first_login(seeded_store, FAMILY, ["*"], "twin")[0].status is GrantStatus.ENDED
    create_grant(acting(), "noah", {"account_id": "dana", "kind": "guardian"})
    with pytest.raises(ConflictError):
        decline_invitation(seeded_store, FAMILY, ["*"], "dana")


def test_only_an_empty_client_gives_way(acting: Callable[..., Acting], seeded_store: AccessStore) -> None:
    """Neither people with access nor items may be lost by it."""
    create_client(acting(), "northgate", {"id": "mia2", "born": "2017-03-09"})
    made = create_grant(acting(), "mia2", {"account_id": "sam", "kind": "guardian"})
    with pytest.raises(ConflictError, match="1 people have access"):
        merge_client(acting(), "mia2", "mia")
    with pytest.raises(ConflictError, match="not empty"):
        merge_client(acting(), "mia", "mia2")
    for wrong in ("mia2", "wren"):
        with pytest.raises((InvalidError, NotFoundError)):
            merge_client(acting(), "mia2", wrong)
    update_grant(acting(), made.id, {"status": "ended"}, None)
    merge_client(acting(), "mia2", "mia")
    with seeded_store.reading(["*"]) as rows:
        client = rows.client("mia2")
    assert client is not None
    assert client.active is False


def test_contacts_are_never_counted_and_one_staff_member_is_free(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    """Active clients and subscriptions are what a plan counts (rows W14, W15, Y2, Y3)."""
    with seeded_store.reading(["*"]) as rows:
        before, solo = count_people(rows, "northgate"), count_people(rows, "solo")
    assert (solo.subscribed_staff, solo.charged_staff) == (1, 0)
    assert (before.subscribed_staff, before.charged_staff) == (2, 1)
    create_grant(acting(), "mia", {"account_id": "granny", "kind": "emergency_contact"})
    update_client(acting(), "arlo", {"active": False})
    with seeded_store.reading(["*"]) as rows:
        after = count_people(rows, "northgate")
    assert (after.active_clients, after.clients) == (before.active_clients - 1, before.clients)
    assert after.contacts == before.contacts + 1


def test_the_roster_says_who_is_in_care_and_who_has_access(
    acting: Callable[..., Acting], seeded_store: AccessStore
) -> None:
    update_client(acting(), "arlo", {"active": False})
    with seeded_store.reading(["*"]) as rows:
        (noah,), last = roster(rows, "northgate", ["noah", "wren"], None, ("", 10))
        (arlo,), _ = roster(rows, "northgate", None, False, ("", 10))
        first, after = roster(rows, "northgate", None, None, ("", 2))
        rest, end = roster(rows, "northgate", None, None, (after, 500))
    assert noah.people == {"active": 1, "pending": 1}
    assert (last, end, arlo.id) == ("", "", "arlo")
    assert sorted(one.id for one in (*first, *rest)) == ["arlo", "dana", "leo", "mia", "noah", "rosa"]


@pytest.mark.parametrize("staff", ["ken", "rex", "bea"])
def test_only_who_manages_access_merges_even_what_has_ended(
    acting: Callable[..., Acting], may: Callable[..., bool], staff: str
) -> None:
    """Exa's access has ended; what is kept from Exa must not reach Dana by somebody else's hand."""
    block(acting(), "g_exa_mia", "an order of 10 June")
    with pytest.raises(ForbiddenError):
        merge_accounts(acting(staff), "northgate", "exa", "dana")
    assert may("dana", "view", "document", "doc_mia_school")
    merge_accounts(acting(), "northgate", "exa", "dana")
    assert not may("dana", "view", "document", "doc_mia_school")
