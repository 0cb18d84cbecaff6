"""The gateway starts on ground that it may stand on, and otherwise says in one line why not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from gateway.__main__ import prepare
from gateway.records.database import DatabaseError, migrate
from gateway.records.store import RecordsStore
from gateway.seed import is_demo
from gateway.settings import Settings
from models.settings import SettingsError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def production(url: str) -> Settings:
    return Settings(
        profile="production",
        records_database_url=url.replace("postgresql+psycopg://", "postgresql://"),
        redis_url="redis://cache",
        public_url="https://portal.example",
        issuer="https://authz.example",
        session_secret="s" * 32,
        gateway_key_file=ROOT / "none.pem",
        smtp_url="smtps://mail.example:465",
        mail_from="portal@mail.example",
    )


def test_the_demo_is_filled_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    prepare(settings)
    store = RecordsStore(settings.records_database_url)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE client SET preferred = 'Mimi' WHERE id = 'mia'"))
    prepare(settings)
    with store.session(None) as session:
        assert is_demo(session)
        assert session.scalar(text("SELECT preferred FROM client WHERE id = 'mia'")) == "Mimi"
    store.close()


def test_every_date_of_the_demo_moves_with_its_day(tmp_path: Path) -> None:
    prepare(Settings(data_dir=tmp_path, demo_day="2027-06-15"))
    store = RecordsStore(f"sqlite:///{tmp_path / 'records.db'}")
    with store.session(None) as session:
        assert session.scalar(text("SELECT issued FROM invoice WHERE id = 'inv_mia_2'")) == "2027-06-03"
        assert "2027-05-05" in str(session.scalar(text("SELECT lines FROM invoice WHERE id = 'inv_mia_2'")))
    store.close()


def test_production_refuses_demo_data(seeded_postgres: str) -> None:
    with pytest.raises(SettingsError, match="demo data"):
        prepare(production(seeded_postgres))


def test_production_starts_on_an_empty_database_that_is_up_to_date(postgres_url: str) -> None:
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE fresh"))
    owner_url = postgres_url.replace("/postgres?", "/fresh?")
    with admin.connect() as connection:
        connection.execute(text("CREATE ROLE newcomer LOGIN"))
    guest_url = owner_url.replace("postgres:@", "newcomer:@")
    with pytest.raises(DatabaseError, match="migrate"):
        prepare(production(guest_url))
    migrate(owner_url)
    with admin.connect() as connection:
        connection.execute(text("GRANT kinguard_gateway TO newcomer"))
    prepare(production(guest_url))
    with pytest.raises(DatabaseError, match="row security"):
        prepare(production(owner_url))
    admin.dispose()


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KINGUARD_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway"],
        env={**clean, "KINGUARD_DATA_DIR": str(tmp_path), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_settings_that_cannot_be_used_end_it_with_one_line(tmp_path: Path) -> None:
    ended = start(tmp_path, KINGUARD_GATEWAY_PORT="0")
    assert ended.returncode == 2
    assert ended.stderr.startswith("KINGUARD_GATEWAY_PORT: ")
    assert ended.stderr.count("\n") == 1


def test_a_taken_port_ends_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = start(tmp_path, KINGUARD_GATEWAY_PORT=str(port))
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr
