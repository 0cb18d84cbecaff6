"""The access data in its database: read at one instant, written as history."""

from authz_service.storage.database import Database, StorageError, migrate
from authz_service.storage.store import AccessStore

__all__ = ["AccessStore", "Database", "StorageError", "migrate"]
