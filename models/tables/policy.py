"""Tables of the policy's bundles: those that are kept, which one served when, and which process serves which.

They belong to no practice: the policy is the same for all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

from models.tables.base import AccessTable
from models.tables.columns import Document, Instant

_GIVEN = {"autoincrement": False}


class PolicyVersionRow(AccessTable, table=True):
    """A bundle by its digest. `texts` maps each file's name to its text and never changes; `version` counts changes."""

    __tablename__ = "policy_versions"

    digest: str = Field(primary_key=True, max_length=64)
    texts: dict[str, Any] = Field(sa_type=Document)
    note: str
    staged_at: datetime = Field(sa_type=Instant)
    staged_by: str
    rules: int
    questions: int
    invariants: int
    withdrawn: bool = False
    shadow: bool = False
    shadow_since: datetime | None = Field(default=None, sa_type=Instant)  # when it was last switched on
    version: int = 1


class PolicyDeploymentRow(AccessTable, table=True):
    """A bundle came into service. The deployment with the highest number serves."""

    __tablename__ = "policy_deployments"

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs=_GIVEN)
    digest: str = Field(max_length=64)
    before: str | None = Field(default=None, max_length=64)  # the digest that served until then
    at: datetime = Field(sa_type=Instant)
    by: str
    reason: str
    kind: str  # start, deploy, rollback


class PolicyProcessRow(AccessTable, table=True):
    """A process of the service on PostgreSQL, which deployment it serves, and when it last said so."""

    __tablename__ = "policy_processes"

    id: str = Field(primary_key=True, max_length=64)
    number: int = Field(sa_type=BigInteger)  # 0: none yet
    seen_at: datetime = Field(sa_type=Instant)  # by the database's clock


class PolicyShadowCountRow(AccessTable, table=True):
    """How often live questions of one sort were decided alike, or otherwise, by the bundle that shadowed.

    `was` is the answer in service; of a plan, whether it allows anything.
    """

    __tablename__ = "policy_shadow_counts"

    digest: str = Field(primary_key=True, max_length=64)
    asked: str = Field(primary_key=True, max_length=16)  # evaluation, search, plan
    subject_type: str = Field(primary_key=True, max_length=64)
    action: str = Field(primary_key=True, max_length=64)
    resource_type: str = Field(primary_key=True, max_length=64)
    was: bool = Field(primary_key=True)
    # allowed, denied, failed, not_compared; of a plan same, more, less, other, failed, not_compared
    would: str = Field(primary_key=True, max_length=16)
    count: int = Field(sa_type=BigInteger)
    examples: list[Any] = Field(sa_type=Document)  # the last ones, ids only


VERSIONS = AccessTable.metadata.tables["policy_versions"]
DEPLOYMENTS = AccessTable.metadata.tables["policy_deployments"]
PROCESSES = AccessTable.metadata.tables["policy_processes"]
SHADOW_COUNTS = AccessTable.metadata.tables["policy_shadow_counts"]
