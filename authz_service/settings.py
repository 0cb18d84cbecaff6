"""What the service is told from outside: environment variables that begin with KINGUARD_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.settings import read_from_environment

_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one authz process. The defaults are those of the demo."""

    model_config = SettingsConfigDict(env_prefix="KINGUARD_", extra="ignore", frozen=True)

    profile: Literal["demo", "production"] = "demo"
    data_dir: Path = Path(".kinguard")
    policies: Path = _ROOT / "policies"
    policy_practice: str = ""  # whose staff keep the policy; the only practice, unless told
    authz_host: str = "127.0.0.1"
    authz_port: int = Field(default=8181, ge=1, le=65535)
    authz_socket: Path | None = None  # listen here instead of on the port
    issuer: str = ""  # the URL by which callers know this service
    access_database_url: str = ""
    redis_url: str | None = None
    clients_file: Path | None = None  # calling systems and their public keys
    checkpoints_file: Path | None = None  # where the trail's signed checkpoints go; best on another machine's disk
    forward_routes: Path | None = None  # the route table of /v1/forward-auth, which is not there without one
    trail_segment_bytes: int = Field(default=16 * 1024 * 1024, ge=64 * 1024, le=1024**3)
    trail_timeout_seconds: float = Field(default=1.0, gt=0, le=10)  # a decision not durable by then is refused

    @model_validator(mode="after")
    def _complete(self) -> Self:
        data_dir = self.data_dir.expanduser().resolve()
        filled = {
            "data_dir": data_dir,
            "issuer": self.issuer.rstrip("/") or f"http://127.0.0.1:{self.authz_port}",
            "policy_practice": self.policy_practice or ("northgate" if self.profile == "demo" else ""),
            "access_database_url": self.access_database_url or f"sqlite:///{data_dir / 'access.db'}",
        }
        problems = self._refusals() if self.profile == "production" else []
        if problems:
            raise ValueError("; ".join(problems))
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        return self

    def _refusals(self) -> list[str]:
        problems = []
        if not self.access_database_url.startswith(("postgresql://", "postgresql+psycopg://")):
            problems.append("KINGUARD_ACCESS_DATABASE_URL must be a postgresql:// URL in the production profile")
        if not self.redis_url:
            problems.append("KINGUARD_REDIS_URL is required in the production profile")
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
            problems.append("KINGUARD_ISSUER must be an https:// URL in the production profile")
        if self.clients_file is None:
            problems.append("KINGUARD_CLIENTS_FILE is required in the production profile")
        return problems

    @property
    def keys_dir(self) -> Path:
        """Where the private keys are kept, mode 0600."""
        return self.data_dir / "keys"

    @property
    def trail_dir(self) -> Path:
        """Where the trail's segments are written before they are loaded."""
        return self.data_dir / "trail"

    @property
    def clients(self) -> Path:
        """The file of calling systems."""
        return self.clients_file or self.keys_dir / "clients.json"

    @property
    def checkpoints(self) -> Path:
        """The file of the trail's signed checkpoints."""
        return self.checkpoints_file or self.trail_dir / "checkpoints.jsonl"

    @property
    def bundles_dir(self) -> Path:
        """Where compiled bundles are stored under their digest."""
        return self.data_dir / "bundles"

    @property
    def token_endpoint(self) -> str:
        """The URL that a client's assertion is addressed to."""
        return f"{self.issuer}/oauth/token"


def read_settings() -> Settings:
    """The settings from the environment; SettingsError when they cannot be used."""
    return read_from_environment(Settings)
