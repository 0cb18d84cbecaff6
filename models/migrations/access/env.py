"""Runs the revisions of the access database on the connection that `authz_service.storage.migrate` opened."""

from __future__ import annotations

from alembic import context

from models.tables import access, policy, trail  # noqa: F401 - importing them fills the metadata.
from models.tables.base import AccessTable

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=AccessTable.metadata, version_table="access_version")
with context.begin_transaction():
    context.run_migrations()
