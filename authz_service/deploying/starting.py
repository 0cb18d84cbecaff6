"""Which bundle a process serves when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import IntegrityError

from authz_service.deploying import versions
from authz_service.deploying.proving import look_at, prove_bundle
from authz_service.deploying.texts import read_texts
from authz_service.deploying.versions import Deployment
from authz_service.engine import BundleError, Policy, load_policy
from authz_service.storage import StorageError
from authz_service.storage.database import ALL_PRACTICES
from authz_service.trail.changes import Change, Origin, record_change
from models.vocabulary import DeploymentKind

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.clock import Clock
    from authz_service.deploying.loading import KeptBundles
    from authz_service.deploying.proving import Proven
    from authz_service.storage.database import Database

_BY = "system/start"
_ORIGIN = Origin(caller="kinguard", request_id="start", actor=_BY)
_REASON = "the policy folder held it when the service started"
_log = structlog.get_logger()


class Starting:
    """Settles the deployment to begin with. `folder` is that of the settings.

    `edits_serve`: what is new in the folder is put into service at once, as whoever writes it expects; otherwise it is
    staged, and what was deployed goes on serving.
    """

    def __init__(self, database: Database, kept: KeptBundles, folder: Path, clock: Clock, *, edits_serve: bool) -> None:
        self._database, self._kept, self._folder, self._clock = database, kept, folder, clock
        self._edits_serve = edits_serve

    def settle(self) -> tuple[Deployment, Policy]:
        """What is in service and its policy, loaded. Raises BundleError or StorageError with one clear line."""
        with self._database.reading() as connection:
            last = versions.last_deployment(connection)
            started = versions.last_start(connection)
        if last is None:
            return self._begin_with_folder(None)
        try:
            texts = read_texts(self._folder)
            place = self._kept.texts.keep(texts)
            digest = place.name
            if digest not in {last.digest, started}:
                if self._edits_serve:
                    return self._begin_with_folder(last)
                self._stage(digest, place, texts)
        except BundleError as error:
            if self._edits_serve:
                raise
            _log.error("policy_folder_refused", problems=str(error))
        return last, self.load(last.digest)

    def load(self, digest: str) -> Policy:
        """The policy in service. Raises StorageError when it cannot be loaded."""
        try:
            found = self._kept.load(digest)
        except (BundleError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise StorageError(f"the deployed policy bundle {digest} cannot be loaded: {reason}") from error
        if found is None:
            raise StorageError(f"the deployed policy bundle {digest} cannot be loaded: its texts are not kept")
        return found[0]

    def _begin_with_folder(self, last: Deployment | None) -> tuple[Deployment, Policy]:
        policy = load_policy(self._folder, self._kept.store)
        texts = read_texts(self._folder)
        self._kept.texts.keep(texts)
        proven = look_at(policy)
        try:
            made = self._put_in_service(proven, texts, last)
        except IntegrityError:  # Another process started at the same moment.
            made = None
        if made is None:
            return self.settle()
        return made, policy

    def _put_in_service(self, proven: Proven, texts: dict[str, str], seen: Deployment | None) -> Deployment | None:
        with self._database.writing(ALL_PRACTICES) as session:
            connection = session.connection()
            last = versions.last_deployment(connection)
            if last != seen:
                return None
            now, before = self._clock(), None if last is None else last.digest
            if versions.find_version(connection, proven.digest) is None:
                versions.add_version(connection, proven, texts, note="", staged_at=now, staged_by=_BY)
            number = 1 if last is None else last.number + 1
            made = Deployment(number, proven.digest, before, now, _BY, _REASON, DeploymentKind.START)
            versions.add_deployment(connection, made)
            about = ("policy.start", "policy", made.digest)
            change = Change(now, _ORIGIN, *about, before={"digest": before}, after={"number": number}, reason=_REASON)
            record_change(session, change)
            return made

    def _stage(self, digest: str, place: Path, texts: dict[str, str]) -> None:
        with self._database.reading() as connection:
            if versions.find_version(connection, digest) is not None:
                return
        proven = prove_bundle(place, self._kept.store)
        try:
            with self._database.writing(ALL_PRACTICES) as session:
                now = self._clock()
                note = "from the policy folder"
                versions.add_version(session.connection(), proven, texts, note=note, staged_at=now, staged_by=_BY)
                record_change(session, Change(now, _ORIGIN, "policy.stage", "policy", digest, after={}, reason=_REASON))
        except IntegrityError:  # Another process staged it at the same moment.
            return
        _log.warning("policy_staged_from_folder", bundle=digest)
