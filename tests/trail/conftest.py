from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz_service.storage import Database, migrate
from authz_service.tokens.signatures import KeySet, public_jwk, read_jwk
from authz_service.trail.loader import TrailLoader
from authz_service.trail.verification import Report, verify_trail
from authz_service.trail.writer import TrailWriter

if TYPE_CHECKING:
    from pathlib import Path


def now() -> datetime:
    return datetime(2026, 6, 15, 19, tzinfo=UTC)


def event(number: int) -> bytes:
    return orjson.dumps(
        {"type": "event", "at": number, "request_id": f"r{number}", "caller": "demo", "action": "noted"}
    )


@dataclass
class Trail:
    """A trail in a folder of its own, with the parts that write, load and verify it."""

    folder: Path
    database: Database
    key: Ed25519PrivateKey

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints.jsonl"

    def writer(self, segment_bytes: int = 65_536, timeout: float = 2.0) -> TrailWriter:
        return TrailWriter(self.folder, now, segment_bytes, timeout)

    def loader(self, writer: TrailWriter) -> TrailLoader:
        return TrailLoader(self.database, self.folder, writer, checkpoints=self.checkpoints, key=self.key, clock=now)

    def verify(self) -> Report:
        keys = KeySet([read_jwk(public_jwk(self.key.public_key()))])
        return verify_trail(self.database, self.folder, self.checkpoints, keys)


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    url = f"sqlite:///{tmp_path / 'access.db'}"
    migrate(url)
    return Trail(tmp_path, Database(url), Ed25519PrivateKey.generate())
