"""The demo's data directory made ready: migrated, with keys, and with the demo's people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from authz_service.seed import seed_world, seeded_day
from authz_service.storage import AccessStore, StorageError, migrate
from authz_service.tokens.clients import ensure_demo_clients
from authz_service.tokens.keys import SigningKeys, ensure_key
from models.world import load_world

if TYPE_CHECKING:
    from authz_service.settings import Settings

WORLD = Path(__file__).resolve().parent.parent / "policy_tests" / "world" / "northgate.yaml"


def prepare_demo(settings: Settings, world: Path = WORLD) -> date:
    """Does what is still to be done, and gives the day that the frozen day of the world (its file) became."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(settings.access_database_url)
    SigningKeys(settings.keys_dir / "signing")
    ensure_key(settings.keys_dir / "trail.pem")
    ensure_demo_clients(settings.keys_dir)
    store = AccessStore(settings.access_database_url)
    try:
        day = seeded_day(store)
        if day is None:
            seed_world(store, world, _shift(world))
            day = seeded_day(store)
    finally:
        store.close()
    if day is None:
        raise StorageError("the demo could not be seeded")
    return day


def _shift(world_file: Path) -> int:
    """Days from the world's frozen day to today, in the first practice's zone."""
    world = load_world(world_file)
    zone = ZoneInfo(next(iter(world.practices.values())).zone)
    return (datetime.now(UTC).astimezone(zone).date() - world.now.astimezone(zone).date()).days
