"""Settings that cannot be used are refused in one line that names the variable."""

from __future__ import annotations

import os

import pytest

from gateway.settings import Settings, read_settings
from models.settings import SettingsError

PRODUCTION = {
    "KINGUARD_PROFILE": "production",
    "KINGUARD_RECORDS_DATABASE_URL": "postgresql://portal@db/records",
    "KINGUARD_REDIS_URL": "redis://cache",
    "KINGUARD_PUBLIC_URL": "https://portal.example",
    "KINGUARD_ISSUER": "https://authz.example",
    "KINGUARD_SESSION_SECRET": "s" * 32,
    "KINGUARD_GATEWAY_KEY_FILE": "/run/keys/gateway.pem",
    "KINGUARD_SMTP_URL": "smtps://portal:pass%40word@mail.example:465",
    "KINGUARD_MAIL_FROM": "Portal <portal@mail.example>",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KINGUARD_")]:
        monkeypatch.delenv(name)


def test_the_demo_needs_no_settings() -> None:
    settings = read_settings()
    assert (settings.profile, settings.gateway_port, settings.secure) == ("demo", 8080, False)
    assert settings.records_database_url.endswith("records.db")


def test_production_starts_when_everything_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.secure
    assert settings.hosts == {"portal.example"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KINGUARD_RECORDS_DATABASE_URL", None),
        ("KINGUARD_RECORDS_DATABASE_URL", "sqlite:///records.db"),
        ("KINGUARD_REDIS_URL", None),
        ("KINGUARD_PUBLIC_URL", None),
        ("KINGUARD_PUBLIC_URL", "http://portal.example"),
        ("KINGUARD_ISSUER", "http://authz.example"),
        ("KINGUARD_SESSION_SECRET", "short"),
        ("KINGUARD_GATEWAY_KEY_FILE", None),
        ("KINGUARD_DEMO_DAY", "2026-06-15"),
        ("KINGUARD_SMTP_URL", None),
        ("KINGUARD_SMTP_URL", "https://mail.example:465"),
        ("KINGUARD_SMTP_URL", "smtp://mail.example"),
        ("KINGUARD_SMTP_URL", "smtp://mail.example:no"),
        ("KINGUARD_MAIL_FROM", None),
        ("KINGUARD_MAIL_FROM", "nobody"),
    ],
)
def test_production_refuses_what_is_missing_or_weak(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    for key, given in (PRODUCTION | {name: value}).items():
        if given is not None:
            monkeypatch.setenv(key, given)
    with pytest.raises(SettingsError, match=name):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"), [("KINGUARD_GATEWAY_HOST", "0.0.0.0"), ("KINGUARD_PUBLIC_URL", "http://portal.example")]
)
def test_plain_http_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


@pytest.mark.parametrize(("name", "value"), [("KINGUARD_GATEWAY_PORT", "0"), ("KINGUARD_PROFILE", "test")])
def test_a_value_outside_its_range_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


def test_the_secret_is_not_printed() -> None:
    assert "hush" not in repr(Settings(session_secret="hush" * 8, smtp_url="smtp://portal:hush@mail.example:587"))
