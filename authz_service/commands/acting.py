"""Who makes a change, whether the policy lets them, and the transaction in which it is made."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from authz_service.commands.errors import ConflictError, ForbiddenError, NotFoundError, StaleError
from authz_service.facts.request import NO_AUTHN, Authn, Request
from authz_service.storage.database import ALL_PRACTICES
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from authz_service.facts.decision import Decider, Decision
    from authz_service.facts.rows import Access, Client, Grant
    from authz_service.storage import AccessStore
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Origin

_STAFF = f"{SubjectType.STAFF}/"


@dataclass(frozen=True, slots=True)
class Acting:
    """A staff member (`origin.actor` is `staff/<id>`) behind a calling system that speaks for these practices."""

    store: AccessStore
    decider: Decider
    origin: Origin
    practices: frozenset[str] = frozenset(ALL_PRACTICES)
    authn: Authn = NO_AUTHN

    @contextmanager
    def changing(self, practice_id: str, reason: str | None = None) -> Iterator[Writer]:
        """The transaction; what two callers did at once is a conflict for the later one."""
        with changing(self.store, (practice_id,), self.origin, reason) as writer:
            yield writer

    def require(
        self, writer: Writer, action: str, resource: tuple[str, str], practice_id: str, client_id: str | None = None
    ) -> None:
        """Put the change to the policy, on the rows that the transaction sees. Raises ForbiddenError."""
        owners = {"practice_id": practice_id, "client_id": client_id}
        decision = self.decide(writer, action, resource, owners)
        if decision is None or not decision.allowed:
            raise ForbiddenError(self.origin.actor, action, resource, (practice_id, client_id), decision)

    def decide(
        self, writer: Writer, action: str, resource: tuple[str, str], properties: Mapping[str, str | None]
    ) -> Decision | None:
        """What the policy says of an action, on the rows that the transaction sees; None to whoever is no staff."""
        return self.decide_on(writer.reading, writer.now, action, resource, properties)

    def decide_on(
        self,
        access: Access,
        now: datetime,
        action: str,
        resource: tuple[str, str],
        properties: Mapping[str, str | None],
    ) -> Decision | None:
        """The same on other rows, at an instant."""
        if not self.origin.actor.startswith(_STAFF):
            return None
        request = Request(
            subject_type=SubjectType.STAFF,
            subject_id=self.origin.actor.removeprefix(_STAFF),
            action=action,
            resource_type=resource[0],
            resource_id=resource[1],
            now=now,
            properties={name: value for name, value in properties.items() if value is not None},
            authn=self.authn,
        )
        return self.decider.decide(access, request)

    def client(self, client_id: str) -> Client:
        """A client within reach. Raises NotFoundError."""
        with self.store.reading(self.practices) as rows:
            client = rows.client(client_id)
        if client is None or not self.reaches(client.practice_id):
            raise NotFoundError("client")
        return client

    def grant(self, grant_id: str) -> Grant:
        """A grant within reach. Raises NotFoundError."""
        with self.store.reading(self.practices) as rows:
            grant = rows.grant(grant_id)
        if grant is None or not self.reaches(grant.practice_id):
            raise NotFoundError("grant")
        return grant

    def reaches(self, practice_id: str) -> bool:
        """Whether the calling system, and the person behind it, belong to the practice."""
        if practice_id not in self.practices and not self.practices.issuperset(ALL_PRACTICES):
            return False
        with self.store.deciding(self.practices) as access:
            post = access.post(self.origin.actor.removeprefix(_STAFF))
        return post is None or post.practice.id == practice_id


@contextmanager
def changing(
    store: AccessStore, practices: Iterable[str], origin: Origin, reason: str | None = None
) -> Iterator[Writer]:
    """The transaction of a change; raises ConflictError when the database finds that something exists already."""
    try:
        with store.writing(practices, origin, reason) as writer:
            yield writer
    except IntegrityError as error:
        raise ConflictError("something of this id exists already") from error


def require_current(what: str, version: int, etag: str | None) -> None:
    """Refuse a change that was decided on another version; without an etag the caller does not care."""
    if etag is not None and etag != str(version):
        raise StaleError(what, str(version))
