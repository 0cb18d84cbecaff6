"""Production does not start with half its settings, and says which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api.service import Service
from authz_service.settings import read_settings
from authz_service.storage import StorageError
from models.settings import SettingsError
from tests.api.conftest import settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Clusters, StandingClock

PRODUCTION = {
    "KINGUARD_PROFILE": "production",
    "KINGUARD_ACCESS_DATABASE_URL": "postgresql://authz@localhost/access",
    "KINGUARD_REDIS_URL": "redis://localhost",
    "KINGUARD_ISSUER": "https://authz.example.org",
    "KINGUARD_CLIENTS_FILE": "/etc/kinguard/clients.json",
}


def read(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Any:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings()


def test_complete_production_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, PRODUCTION)
    assert settings.token_endpoint == "https://authz.example.org/oauth/token"


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "KINGUARD_PROFILE"])
def test_production_refuses_to_start_without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(monkeypatch, {key: value for key, value in PRODUCTION.items() if key != name})
    assert name in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KINGUARD_ISSUER", "http://authz.example.org"),
        ("KINGUARD_ISSUER", "https://authz.example.org/?a=b"),
        ("KINGUARD_ACCESS_DATABASE_URL", "sqlite:///access.db"),
        ("KINGUARD_AUTHZ_PORT", "0"),
        ("KINGUARD_AUTHZ_PORT", "http"),
        ("KINGUARD_PROFILE", "staging"),
        ("KINGUARD_TRAIL_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(monkeypatch, PRODUCTION | {name: value})


def test_production_refuses_the_demos_data(data_dir: Path, clusters: Clusters, standing_clock: StandingClock) -> None:
    clients = data_dir / "clients.json"
    clients.write_text('{"clients": {}}')
    settings = settings_of(
        data_dir,
        clusters.url("access_seeded"),
        profile="production",
        redis_url="redis://localhost",
        issuer="https://authz.example.org",
        clients_file=clients,
    )
    with pytest.raises(StorageError, match="demo"):
        Service(settings, standing_clock)._open()
