"""Bundles that are kept, and which one served when, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from models.tables.policy import DEPLOYMENTS, VERSIONS
from models.vocabulary import DeploymentKind, VersionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from authz_service.deploying.proving import Proven

_SHOWN = tuple(column for column in VERSIONS.c if column.name != "texts")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A bundle came into service in place of `before`."""

    number: int
    digest: str
    before: str | None
    at: datetime
    by: str
    reason: str
    kind: DeploymentKind


@dataclass(frozen=True, slots=True)
class Version:
    """A bundle that is kept."""

    digest: str
    state: VersionState
    note: str
    staged_at: datetime
    staged_by: str
    rules: int
    questions: int
    invariants: int
    shadow: bool
    shadow_since: datetime | None
    version: int


def read_deployments(connection: Connection) -> list[Deployment]:
    """Every deployment, the newest first."""
    rows = connection.execute(select(DEPLOYMENTS).order_by(DEPLOYMENTS.c.number.desc()))
    return [_deployment(row) for row in rows]


def last_deployment(connection: Connection) -> Deployment | None:
    """What serves, as the database knows it."""
    row = connection.execute(select(DEPLOYMENTS).order_by(DEPLOYMENTS.c.number.desc()).limit(1)).first()
    return None if row is None else _deployment(row)


def last_start(connection: Connection) -> str | None:
    """The digest that the folder of the settings held when it last came into service."""
    started = select(DEPLOYMENTS.c.digest).where(DEPLOYMENTS.c.kind == DeploymentKind.START.value)
    return connection.execute(started.order_by(DEPLOYMENTS.c.number.desc()).limit(1)).scalar_one_or_none()


def served_before(deployments: Sequence[Deployment]) -> str | None:
    """What a rollback goes back to: each one takes back the last deployment that none took back yet.

    `deployments` are the newest first.
    """
    stack: list[str] = []
    for deployment in reversed(deployments):
        if deployment.kind is DeploymentKind.ROLLBACK:
            del stack[-1:]
        else:
            stack.append(deployment.digest)
    return stack[-2] if len(stack) > 1 else None


def read_versions(connection: Connection, deployments: Sequence[Deployment]) -> list[Version]:
    """Every bundle kept, the newest first. `deployments` are all there are, the newest first."""
    rows = connection.execute(select(*_SHOWN).order_by(VERSIONS.c.staged_at.desc(), VERSIONS.c.digest))
    return [_version(row, deployments) for row in rows]


def find_version(connection: Connection, digest: str) -> Version | None:
    """A bundle that is kept, or None."""
    row = connection.execute(select(*_SHOWN).where(VERSIONS.c.digest == digest)).first()
    return None if row is None else _version(row, read_deployments(connection))


def find_texts(connection: Connection, digest: str) -> dict[str, str] | None:
    """The texts of a bundle that is kept, by file name."""
    return connection.execute(select(VERSIONS.c.texts).where(VERSIONS.c.digest == digest)).scalar_one_or_none()


def add_version(
    connection: Connection, proven: Proven, texts: Mapping[str, str], *, note: str, staged_at: datetime, staged_by: str
) -> None:
    """Keep a bundle."""
    figures = {"rules": proven.rules, "questions": proven.questions, "invariants": proven.invariants}
    marks = {"note": note, "staged_at": staged_at, "staged_by": staged_by}
    fresh = {"withdrawn": False, "shadow": False, "shadow_since": None, "version": 1}
    connection.execute(insert(VERSIONS).values(digest=proven.digest, texts=dict(texts), **figures, **marks, **fresh))


def change_version(connection: Connection, digest: str, **values: Any) -> None:
    """Change what of a bundle can change."""
    changed = update(VERSIONS).where(VERSIONS.c.digest == digest)
    connection.execute(changed.values(**values, version=VERSIONS.c.version + 1))


def add_deployment(connection: Connection, deployment: Deployment) -> None:
    """Put a bundle into service; IntegrityError when another came first."""
    columns = {name: getattr(deployment, name) for name in DEPLOYMENTS.c.keys()}  # noqa: SIM118 - not a mapping
    connection.execute(insert(DEPLOYMENTS).values(columns | {"kind": deployment.kind.value}))


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(row.number, row.digest, row.before, row.at, row.by, row.reason, DeploymentKind(row.kind))


def _version(row: Row[Any], deployments: Sequence[Deployment]) -> Version:
    if deployments and deployments[0].digest == row.digest:
        state = VersionState.SERVING
    elif row.withdrawn:
        state = VersionState.WITHDRAWN
    elif any(each.digest == row.digest for each in deployments):
        state = VersionState.RETIRED
    else:
        state = VersionState.STAGED
    return Version(
        row.digest,
        state,
        row.note,
        row.staged_at,
        row.staged_by,
        row.rules,
        row.questions,
        row.invariants,
        row.shadow,
        row.shadow_since,
        row.version,
    )
