"""A practice is set up once, with an owner who may then run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.commands.errors import ConflictError, InvalidError
from authz_service.commands.founding import found_practice
from authz_service.commands.people import create_client, create_staff
from authz_service.trail.changes import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.commands.acting import Acting
    from authz_service.storage import AccessStore

OPERATOR = Origin("command line", "r1", "system/operator")


def test_the_owner_takes_on_staff_and_clients(seeded_store: AccessStore, acting: Callable[..., Acting]) -> None:
    found_practice(seeded_store, OPERATOR, "northside", "America/New_York", "ana")
    create_client(acting("ana"), "northside", {"id": "nia", "born": "2018-04-01"})
    made = create_staff(acting("ana"), "northside", {"id": "max", "roles": ["therapist"], "assigned": ["nia"]})
    assert (made.practice_id, made.assigned) == ("northside", {"nia"})


@pytest.mark.parametrize(("practice", "owner"), [("northgate", "ana"), ("northside", "jo")])
def test_nothing_that_exists_is_taken_over(seeded_store: AccessStore, practice: str, owner: str) -> None:
    with pytest.raises(ConflictError):
        found_practice(seeded_store, OPERATOR, practice, "America/New_York", owner)


@pytest.mark.parametrize(
    ("practice", "zone", "owner", "field"),
    [
        ("north side", "America/New_York", "ana", "practice"),
        ("northside", "Mars/Olympus", "ana", "zone"),
        ("northside", "../etc/passwd", "ana", "zone"),
        ("northside", "America/New_York", "", "owner"),
    ],
)
def test_what_is_wrong_is_named(seeded_store: AccessStore, practice: str, zone: str, owner: str, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        found_practice(seeded_store, OPERATOR, practice, zone, owner)
    assert list(refused.value.fields) == [field]
