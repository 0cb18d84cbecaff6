"""Runs the revisions of the records database on the connection that `gateway.records.migrate` opened."""

from __future__ import annotations

from alembic import context

from models.tables import (  # noqa: F401 - importing them fills the metadata.
    billing,
    bulk,
    events,
    getting_in,
    identity,
    imports,
    intake,
    mail,
    messages,
    oversight,
    papers,
    records,
    requests,
    scheduling,
    second_factor,
)
from models.tables.base import RecordsTable

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=RecordsTable.metadata, version_table="records_version")
with context.begin_transaction():
    context.run_migrations()
