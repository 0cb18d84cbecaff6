"""What a new table of the records needs on PostgreSQL: only the practice's rows, and the running gateway let in."""

from __future__ import annotations

from alembic import op

ROLE = "kinguard_gateway"  # of the running gateway: it owns nothing, and logins are made members of it
_OWN = "practice_id = current_setting('kinguard.practice', true)"


def protect(*tables: str) -> None:
    """Show and take only rows of the practice of the transaction (column `practice_id`), and let the gateway in."""
    if op.get_context().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_practice ON {table} USING ({_OWN}) WITH CHECK ({_OWN})")
    allow(*tables)


def protect_with_none(table: str) -> None:
    """The same for a table in which rows may belong to no practice: those are shown outside every practice only."""
    if op.get_context().dialect.name == "postgresql":
        own = "coalesce(practice_id, '') = coalesce(current_setting('kinguard.practice', true), '')"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_practice ON {table} USING ({own}) WITH CHECK ({own})")
    allow(table)


def allow(*tables: str) -> None:
    """Let the running gateway read and write tables, and number their rows."""
    if op.get_context().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"""
                DO $$ BEGIN
                    GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE};
                    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
                EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
                    RAISE WARNING 'the role {ROLE} has no access to {table}: grant it';
                END $$
            """)
