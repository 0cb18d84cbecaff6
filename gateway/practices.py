"""`python -m gateway add-practice`: a practice as families see it, and the first way in for its owner."""

from __future__ import annotations

import argparse
import secrets
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import available_timezones

from gateway.account.mailed_links import Holder, Purpose, make_link
from gateway.account.passwords import canonical, hash_password
from gateway.records.store import RecordsStore
from models.ids import is_id
from models.tables.identity import Credential, Person
from models.tables.records import Practice
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gateway.settings import Settings


class NotAddedError(Exception):
    """The practice was not entered; the message says why."""


def add_practice(settings: Settings, arguments: Sequence[str], clock: Callable[[], datetime]) -> str:
    """Enter a practice and its owner; returns the link, worth one use, by which the owner chooses a password."""
    asked = _read(arguments)
    address, now = canonical(asked.owner_email), clock()
    store = RecordsStore(settings.records_database_url)
    try:
        with store.session(None, writing=True) as session:
            if session.get(Practice, asked.practice) is not None:
                raise NotAddedError(f"there is a practice {asked.practice} already")
            if session.get(Person, (SubjectType.STAFF.value, asked.owner)) is not None:
                raise NotAddedError(f"there is a staff member {asked.owner} already")
            if session.get(Credential, address) is not None:
                raise NotAddedError(f"{asked.owner_email} is the user name of somebody already")
            session.add(Practice(id=asked.practice, name=asked.name, zone=asked.zone))
            session.add(
                Person(
                    subject_type=SubjectType.STAFF.value,
                    subject_id=asked.owner,
                    name=asked.owner_name,
                    email=asked.owner_email,
                    practice_id=asked.practice,
                    title="Owner",
                )
            )
            session.add(
                Credential(
                    username=address,
                    subject_type=SubjectType.STAFF.value,
                    subject_id=asked.owner,
                    password_hash=hash_password(
                        secrets.token_urlsafe(32)
                    ),  # Nobody's: the link leads to the first one.
                    changed_at=now,
                    address=address,
                )
            )
            holder = Holder(SubjectType.STAFF, asked.owner, address)
            secret = make_link(session, Purpose.RESET, holder, now)
    finally:
        store.close()
    return f"{settings.public_url}/reset/{secret}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise NotAddedError(f"{message} (python -m gateway add-practice --help says what there is)")


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser("python -m gateway add-practice", description="Enter a practice and its owner.")
    parser.add_argument("practice", help="the id it has in the authz service")
    for name, about in (
        ("name", "what families read, such as 'Northside Counseling'"),
        ("zone", "its time zone, as in the authz service"),
        ("owner", "the owner's id in the authz service"),
        ("owner-name", "the owner's name"),
        ("owner-email", "the owner's address, which is also their user name"),
    ):
        parser.add_argument(f"--{name}", required=True, help=about)
    asked = parser.parse_args(list(arguments))
    if not is_id(asked.practice) or not is_id(asked.owner):
        raise NotAddedError("practice and --owner must be ids, as in the authz service")
    if asked.zone not in available_timezones():
        raise NotAddedError(f"--zone {asked.zone} is no time zone; use a name such as America/Los_Angeles")
    if "@" not in asked.owner_email.strip("@") or not asked.name.strip() or not asked.owner_name.strip():
        raise NotAddedError("--name and --owner-name must not be empty, and --owner-email must be an e-mail address")
    return asked
