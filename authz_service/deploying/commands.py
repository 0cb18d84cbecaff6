"""What people do with bundles: keep one, let it shadow, put it into service, go back. Each is decided and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from authz_service.commands.errors import ConflictError, ForbiddenError, NotFoundError, StaleError
from authz_service.deploying import versions
from authz_service.deploying.shadow import forget_counts
from authz_service.deploying.versions import Deployment, Version
from authz_service.facts.decision import Decision
from authz_service.trail.oversight import OUT_OF_REACH
from models.vocabulary import DeploymentKind, VersionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from authz_service.commands.acting import Acting
    from authz_service.deploying.proving import Proven
    from authz_service.facts.rows import Access
    from authz_service.storage.writing import Writer

_POLICY = "policy"
_OUT_OF_REACH = Decision(allowed=False, error=OUT_OF_REACH)
_DEPLOYABLE = (VersionState.STAGED, VersionState.RETIRED)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Somebody of the practice that keeps the policy."""

    acting: Acting
    practice_id: str

    def require(self, access: Access, action: str) -> None:
        """Put it to the policy before anything is begun. Raises ForbiddenError."""
        acting, owner = self.acting, {"practice_id": self.practice_id}
        decision = acting.decide_on(access, acting.store.clock(), action, (_POLICY, self.practice_id), owner)
        if not acting.reaches(self.practice_id):
            decision = _OUT_OF_REACH
        if decision is None or not decision.allowed:
            concerned = (self.practice_id, None)
            raise ForbiddenError(acting.origin.actor, action, (_POLICY, self.practice_id), concerned, decision)

    def stage(self, proven: Proven, texts: Mapping[str, str], note: str) -> tuple[Version, bool]:
        """Keep a proven bundle, and whether it was not kept before; one that was withdrawn is there again."""
        with self.acting.changing(self.practice_id) as writer:
            self.require(writer.reading, "stage")
            found = versions.find_version(writer.connection, proven.digest)
            if found is None:
                by = self.acting.origin.actor
                versions.add_version(writer.connection, proven, texts, note=note, staged_at=writer.now, staged_by=by)
                self._record(writer, "policy.stage", proven.digest, after={"note": note})
            elif found.state is VersionState.WITHDRAWN:
                versions.change_version(writer.connection, proven.digest, withdrawn=False)
                self._record(writer, "policy.stage", proven.digest, before={"withdrawn": True}, after={})
            return _found(writer.connection, proven.digest), found is None

    def withdraw(self, digest: str) -> Version:
        """Take a staged bundle back; it shadows no longer."""
        with self.acting.changing(self.practice_id) as writer:
            self.require(writer.reading, "stage")
            found = _found(writer.connection, digest)
            if found.state is not VersionState.STAGED:
                raise ConflictError(f"this bundle is {found.state}; only a staged one can be withdrawn")
            versions.change_version(writer.connection, digest, withdrawn=True, shadow=False)
            self._record(writer, "policy.withdraw", digest, before={"state": found.state.value})
            return _found(writer.connection, digest)

    def switch_shadow(self, digest: str, *, on: bool) -> Version:
        """Let a staged bundle shadow, in place of any other, or let it rest. Switched on anew it counts from nought."""
        with self.acting.changing(self.practice_id) as writer:
            self.require(writer.reading, "stage")
            found = _found(writer.connection, digest)
            if found.shadow is on:
                return found
            if on and found.state is not VersionState.STAGED:
                raise ConflictError(f"this bundle is {found.state}; only a staged one can shadow")
            if on:
                self._rest_others(writer)
                forget_counts(writer.connection, digest)
                versions.change_version(writer.connection, digest, shadow=True, shadow_since=writer.now)
            else:
                versions.change_version(writer.connection, digest, shadow=False)
            self._record(writer, "policy.shadow", digest, before={"shadow": found.shadow}, after={"shadow": on})
            return _found(writer.connection, digest)

    def deploy(self, digest: str, serving: str, reason: str) -> Deployment:
        """Put a bundle into service in place of `serving`; StaleError when another serves by now."""
        return self._put_in_service(digest, serving, reason, DeploymentKind.DEPLOY)

    def roll_back(self, serving: str, reason: str) -> Deployment:
        """Put back what served before `serving` was deployed."""
        return self._put_in_service(None, serving, reason, DeploymentKind.ROLLBACK)

    def _put_in_service(self, digest: str | None, serving: str, reason: str, kind: DeploymentKind) -> Deployment:
        try:
            with self.acting.store.writing((self.practice_id,), self.acting.origin, reason) as writer:
                self.require(writer.reading, "deploy")
                deployments = versions.read_deployments(writer.connection)
                last = deployments[0]
                require_seen(deployments, serving)
                chosen = to_put_back(deployments) if digest is None else digest
                require_deployable(_found(writer.connection, chosen))
                by = self.acting.origin.actor
                made = Deployment(last.number + 1, chosen, last.digest, writer.now, by, reason, kind)
                versions.add_deployment(writer.connection, made)
                self._rest_others(writer, only=chosen)
                self._record(
                    writer, f"policy.{kind}", chosen, before={"digest": last.digest}, after={"number": made.number}
                )
        except IntegrityError as error:  # A start put another into service at the same moment.
            raise StaleError(_POLICY, "") from error
        return made

    def _rest_others(self, writer: Writer, only: str | None = None) -> None:
        for each in versions.read_versions(writer.connection, ()):
            if each.shadow and only in (None, each.digest):
                versions.change_version(writer.connection, each.digest, shadow=False)

    def _record(
        self,
        writer: Writer,
        action: str,
        digest: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        writer.record(action, (_POLICY, digest), practice_id=self.practice_id, before=before, after=after)


def require_seen(deployments: Sequence[Deployment], serving: str) -> None:
    """Whoever decides on what serves must have seen what does (newest first). Raises StaleError."""
    if deployments[0].digest != serving:
        raise StaleError(_POLICY, deployments[0].digest)


def to_put_back(deployments: Sequence[Deployment]) -> str:
    """The digest that a rollback puts back into service. Raises ConflictError when none served before."""
    before = versions.served_before(deployments)
    if before is None:
        raise ConflictError("no other bundle served before this one")
    return before


def require_deployable(version: Version) -> None:
    """Only what is staged, or served before, can be put into service. Raises ConflictError."""
    if version.state not in _DEPLOYABLE:
        raise ConflictError(f"this bundle is {version.state}; only one that is staged or retired can be deployed")


def _found(connection: Connection, digest: str) -> Version:
    found = versions.find_version(connection, digest)
    if found is None:
        raise NotFoundError("policy bundle")
    return found
