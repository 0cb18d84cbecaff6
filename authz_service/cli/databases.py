"""How a command that looks at the practice's data opens the configured access database."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from authz_service.clock import system_clock
from authz_service.storage import AccessStore, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.settings import Settings


@contextmanager
def opened_store(settings: Settings) -> Iterator[AccessStore]:
    """The access store. Raises StorageError where there is no database: none is made."""
    name = make_url(settings.access_database_url)
    if name.get_backend_name() == "sqlite" and not Path(name.database or "").is_file():
        raise StorageError("KINGUARD_ACCESS_DATABASE_URL: there is no such database; run `kinguard run` first")
    store = AccessStore(settings.access_database_url, system_clock)
    try:
        yield store
    finally:
        store.close()
