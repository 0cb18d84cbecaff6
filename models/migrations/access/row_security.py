"""Row security on PostgreSQL: a transaction reaches only rows of the practices that it names in `kinguard.practice`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Sequence

# The role of the running service: it owns nothing, and logins are made members of it.
ROLE = "kinguard_service"
_NAMED = "string_to_array(current_setting('kinguard.practice', true), ',')"
_WITHIN_REACH = f"practice_id = ANY ({_NAMED}) OR '*' = ANY ({_NAMED})"


def create_role() -> None:
    """Make the role, where the migrating login may and nobody did before."""
    _on_postgresql(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'the role {ROLE} is missing: create it, then grant as docs/security.md says';
        END $$
    """)


def protect(table: str) -> None:
    """Bind everyone, the table's owner too, to the practices named."""
    _on_postgresql(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY practice ON {table} USING ({_WITHIN_REACH}) WITH CHECK ({_WITHIN_REACH})",
    )


def allow(privileges: str, table: str, sequences: Sequence[str] = ()) -> None:
    """Give the role what the service does with a table, and no more."""
    grants = [f"GRANT {privileges} ON {table} TO {ROLE}"]
    grants += [f"GRANT USAGE ON SEQUENCE {sequence} TO {ROLE}" for sequence in sequences]
    statements = " ".join(f"{grant};" for grant in grants)
    _on_postgresql(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN {statements} END IF; END $$"
    )


def _on_postgresql(*statements: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        for statement in statements:
            op.execute(statement)
