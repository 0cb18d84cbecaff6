"""Row security on PostgreSQL: the service's own login reaches a practice's rows only by naming the practice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from authz_service.storage import Database, StorageError
from models.tables.base import AccessTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.conftest import Clusters

# Identity is global (accounts); the rest holds nothing of a practice: `trail_events` the one-time ids of callers,
# `policy_*` the rules, which are the same for all.
WITHOUT_PRACTICE = {
    "accounts",
    "policy_deployments",
    "policy_processes",
    "policy_shadow_counts",
    "policy_versions",
    "seeds",
    "trail_events",
    "trail_groups",
}


@pytest.fixture(scope="module")
def database_name(clusters: Clusters) -> Iterator[str]:
    yield clusters.make("access_secured", "access_seeded")
    clusters.drop("access_secured")


@pytest.fixture
def engine(clusters: Clusters, database_name: str) -> Iterator[Engine]:
    found = create_engine(clusters.url(database_name))
    yield found
    found.dispose()


def tables_of_practices() -> list[str]:
    return [table.name for table in AccessTable.metadata.sorted_tables if "practice_id" in table.columns]


def test_every_table_with_a_practice_forces_row_security(clusters: Clusters, database_name: str) -> None:
    """From the catalogue: enabled and forced on each table with a practice_id; the others are known by name."""
    admin = create_engine(clusters.url(database_name, owner=True))
    with admin.connect() as connection:
        secured = connection.execute(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity")
        ).scalars()
        assert set(secured) == set(tables_of_practices())
    admin.dispose()
    names = {table.name for table in AccessTable.metadata.sorted_tables}
    assert names - set(tables_of_practices()) == WITHOUT_PRACTICE


def test_the_service_role_owns_nothing_and_is_bound(clusters: Clusters, database_name: str) -> None:
    """Neither superuser, nor owner, nor exempt, nor able to become someone who is."""
    admin = create_engine(clusters.url(database_name, owner=True))
    with admin.connect() as connection:
        role = connection.execute(
            text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'authz'")
        ).one()
        owned = connection.execute(
            text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) IN ('authz', 'kinguard_service')")
        ).scalar_one()
        memberships = connection.execute(
            text(
                "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
                "JOIN pg_roles r ON r.oid = m.member WHERE r.rolname IN ('authz', 'kinguard_service')"
            )
        ).scalars()
        assert tuple(role) == (False, False, False, False)
        assert owned == 0
        assert set(memberships) == {"kinguard_service"}
    admin.dispose()


def test_without_a_practice_named_there_are_no_rows(engine: Engine) -> None:
    """A forgotten scope shows nothing, and is no error."""
    with engine.connect() as connection:
        for table in tables_of_practices():
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0


def test_a_practice_named_shows_only_its_own_rows(engine: Engine) -> None:
    """A forgotten WHERE shows nothing of another practice, and what was named ends with the transaction."""
    with engine.connect() as connection:
        for practice in ("northgate", "harborview", "solo"):
            with connection.begin():
                connection.execute(text("SELECT set_config('kinguard.practice', :p, true)"), {"p": practice})
                for table in tables_of_practices():
                    seen = connection.execute(text(f"SELECT DISTINCT practice_id FROM {table}")).scalars()
                    assert set(seen) <= {practice}
                assert connection.execute(text("SELECT count(*) FROM clients")).scalar_one() > 0
            assert connection.execute(text("SELECT count(*) FROM clients")).scalar_one() == 0
            connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        """INSERT INTO blocks (valid_from, version, changed_by, practice_id, account_id, client_id)
        VALUES (now(), 1, 'x', 'harborview', 'vic', 'vic')""",
        "DELETE FROM clients",
        "UPDATE clients SET assent = 'withheld'",
        "UPDATE practices SET contacts_allowed = false",
        "DELETE FROM trail_records",
        "DELETE FROM policy_deployments",
        "UPDATE policy_deployments SET digest = 'x'",
        "UPDATE policy_versions SET texts = '{}'",
        "DELETE FROM policy_versions",
        "CREATE TABLE mine (a int)",
        "ALTER TABLE clients DISABLE ROW LEVEL SECURITY",
    ],
)
def test_the_service_cannot_write_elsewhere_nor_rewrite_history(engine: Engine, statement: str) -> None:
    """Rows of another practice, and any change but the end of a row, are refused by the database."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT set_config('kinguard.practice', 'northgate', true)"))
        with pytest.raises(ProgrammingError, match=r"row-level security|permission denied|must be owner"):
            connection.execute(text(statement))


def test_ending_rows_of_another_practice_reaches_none(engine: Engine) -> None:
    """The one update that is allowed does not reach a row of a practice that is not named."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT set_config('kinguard.practice', 'northgate', true)"))
        done = connection.execute(text("UPDATE clients SET valid_to = now() WHERE practice_id = 'harborview'"))
        assert done.rowcount == 0


def test_a_login_that_row_security_does_not_bind_is_refused(clusters: Clusters, database_name: str) -> None:
    """The control of the tests above: a superuser sees everything, so the service does not start as one."""
    owner = Database(clusters.url(database_name, owner=True))
    with owner.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM clients")).scalar_one() > 0
    with pytest.raises(StorageError, match="not bound by row security"):
        owner.require_row_security()
    owner.dispose()
    service = Database(clusters.url(database_name))
    service.require_row_security()
    service.dispose()
