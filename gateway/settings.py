"""What the gateway is told from outside: environment variables that begin with KINGUARD_."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotation.
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.mail.address import mailbox
from models.settings import read_from_environment

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECRET_BYTES_MIN = 32


class Settings(BaseSettings):
    """Settings of one gateway process. The defaults are those of the demo."""

    model_config = SettingsConfigDict(env_prefix="KINGUARD_", extra="ignore", frozen=True, hide_input_in_errors=True)

    profile: Literal["demo", "production"] = "demo"
    data_dir: Path = Path(".kinguard")
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=1, le=65535)
    public_url: str = ""  # the URL by which browsers know the gateway
    authz_url: str = ""  # where the authz service listens
    authz_port: int = Field(default=8181, ge=1, le=65535)
    authz_socket: Path | None = None  # reach the service over this Unix socket instead
    issuer: str = ""  # the URL by which the service knows itself
    gateway_key_file: Path | None = None  # in the demo, the one that the service made
    records_database_url: str = ""
    redis_url: str | None = None
    session_secret: str = Field(default="", repr=False)  # made at the first run in the demo
    seal_secret: str = Field(default="", repr=False)  # closes signatures and never changes; session_secret when unset
    smtp_url: str = Field(default="", repr=False)  # smtp[s]://user:password@host:port; without one, files in the demo
    mail_from: str = "Kinguard <no-reply@kinguard.example>"  # whom mails come from
    payments: Literal["", "test", "stripe", "none"] = ""  # who takes cards; the test provider in the demo, else nobody
    stripe_secret_key: str = Field(default="", repr=False)
    stripe_webhook_secret: str = Field(default="", repr=False)
    stripe_api_url: str = "https://api.stripe.com"
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For is believed
    demo_day: date | None = None  # the day on which the demo's data begin; today when unset
    world_file: Path = _ROOT / "policy_tests" / "world" / "northgate.yaml"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        data_dir = self.data_dir.expanduser().resolve()
        public_url = self.public_url.rstrip("/") or f"http://{self.gateway_host}:{self.gateway_port}"
        problems = self._refusals() if self.profile == "production" else _demo_refusals(public_url)
        if problems := problems + self._mail_refusals() + self._payment_refusals():
            raise ValueError("; ".join(problems))
        filled = {
            "data_dir": data_dir,
            "payments": self.payments or ("test" if self.profile == "demo" else "none"),
            "stripe_api_url": self.stripe_api_url.rstrip("/"),
            "public_url": public_url,
            "authz_url": self.authz_url.rstrip("/") or f"http://127.0.0.1:{self.authz_port}",
            "issuer": self.issuer.rstrip("/") or f"http://127.0.0.1:{self.authz_port}",
            "records_database_url": self.records_database_url or f"sqlite:///{data_dir / 'records.db'}",
        }
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        return self

    def _refusals(self) -> list[str]:
        problems = []
        if not self.records_database_url.startswith(("postgresql://", "postgresql+psycopg://")):
            problems.append("KINGUARD_RECORDS_DATABASE_URL must be a postgresql:// URL in the production profile")
        if not self.redis_url:
            problems.append("KINGUARD_REDIS_URL is required in the production profile")
        for name, url in (("KINGUARD_PUBLIC_URL", self.public_url), ("KINGUARD_ISSUER", self.issuer)):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
                problems.append(f"{name} must be an https:// URL in the production profile")
        if len(self.session_secret.encode()) < _SECRET_BYTES_MIN:
            problems.append(f"KINGUARD_SESSION_SECRET must have {_SECRET_BYTES_MIN} bytes in the production profile")
        if self.gateway_key_file is None:
            problems.append("KINGUARD_GATEWAY_KEY_FILE is required in the production profile")
        if self.demo_day is not None:
            problems.append("KINGUARD_DEMO_DAY belongs to the demo profile; demo data is refused in production")
        return problems

    def _payment_refusals(self) -> list[str]:
        problems = []
        if self.payments == "test" and self.profile == "production":
            problems.append("KINGUARD_PAYMENTS: the test provider takes no money, so production refuses it")
        if self.payments == "stripe":
            for name, value in (("SECRET_KEY", self.stripe_secret_key), ("WEBHOOK_SECRET", self.stripe_webhook_secret)):
                if not value:
                    problems.append(f"KINGUARD_STRIPE_{name} is required with KINGUARD_PAYMENTS=stripe")
            parts = urlsplit(self.stripe_api_url)
            if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
                problems.append("KINGUARD_STRIPE_API_URL must be an https:// URL")
        return problems

    def _mail_refusals(self) -> list[str]:
        problems = []
        production = self.profile == "production"
        if self.smtp_url or production:
            parts = urlsplit(self.smtp_url)
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not _has_port(parts):
                problems.append("KINGUARD_SMTP_URL must be smtp[s]://user:password@host:port (required in production)")
        if production and "mail_from" not in self.model_fields_set:
            problems.append("KINGUARD_MAIL_FROM is required in the production profile")
        try:
            mailbox(self.mail_from)
        except ValueError as error:
            problems.append(f"KINGUARD_MAIL_FROM: {error}")
        return problems

    @property
    def key_file(self) -> Path:
        """The private key (PEM) that proves the gateway to the service."""
        return self.gateway_key_file or self.data_dir / "keys" / "clients" / "gateway.pem"

    @property
    def secure(self) -> bool:
        """Whether browsers reach the gateway over TLS."""
        return self.public_url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """The host names (without port) that a request may carry."""
        public = urlsplit(self.public_url).hostname or ""
        return frozenset({public}) if self.profile == "production" else frozenset({public, *_LOOPBACK})

    @property
    def token_endpoint(self) -> str:
        """The URL that the gateway's assertions are addressed to."""
        return f"{self.issuer}/oauth/token"


def _has_port(parts: SplitResult) -> bool:
    try:
        return bool(parts.port)
    except ValueError:
        return False


def _demo_refusals(public_url: str) -> list[str]:
    parts = urlsplit(public_url)
    if parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return []
    return ["KINGUARD_PUBLIC_URL must be an https:// URL, except on 127.0.0.1 (KINGUARD_GATEWAY_HOST) in the demo"]


def read_settings() -> Settings:
    """The settings from the environment; SettingsError when they cannot be used."""
    return read_from_environment(Settings)
