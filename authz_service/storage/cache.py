"""Rows kept in memory by the one process that also writes them.

A write drops what it touched before it is acknowledged; whoever asks after that reads anew. A read that was under way
meanwhile may serve its own question, which had arrived before the acknowledgement, but is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from contextlib import AbstractContextManager

    from authz_service.facts.rows import Account, Client, Practice, Relation, Staff, StaffPost
    from authz_service.storage.reading import Reading

T = TypeVar("T")
_LIMIT = 16_384  # of each kind of entry; some 40 MB of relations when full


@dataclass(slots=True)
class Touched:
    """What a transaction changed, as far as the cache must know."""

    clients: set[str] = field(default_factory=set)
    items: set[tuple[str, str]] = field(default_factory=set)
    everything: bool = False


class CachedAccess:
    """An `Access` that remembers. `open_reading` begins a transaction to read from."""

    def __init__(self, open_reading: Callable[[], AbstractContextManager[Reading]]) -> None:
        self._open_reading = open_reading
        self._lock = Lock()
        self._writes = 0
        self._houses: dict[str, tuple[Practice | None, tuple[Staff, ...]]] = {}
        self._posts: dict[str, StaffPost | None] = {}
        self._accounts: dict[str, Account | None] = {}
        self._clients_of: dict[str, tuple[str, ...]] = {}
        self._clients: dict[str, Client | None] = {}
        self._relations: dict[tuple[str | None, str], Relation | None] = {}
        self._keys_of: dict[str, list[tuple[str | None, str]]] = {}  # client -> its keys in _relations
        self._items: dict[tuple[str, str], Mapping[str, Any] | None] = {}

    def account(self, account_id: str) -> Account | None:
        """The account."""
        return self._kept(self._accounts, account_id, lambda reading: reading.account(account_id))

    def practice(self, practice_id: str) -> Practice | None:
        """The practice with its switches."""
        return self._house(practice_id)[0]

    def client(self, client_id: str) -> Client | None:
        """The client with its switches."""
        return self._kept(self._clients, client_id, lambda reading: reading.client(client_id))

    def post(self, staff_id: str) -> StaffPost | None:
        """The staff member with the practice they belong to."""
        return self._kept(self._posts, staff_id, lambda reading: reading.post(staff_id))

    def clients_of(self, account_id: str) -> tuple[str, ...]:
        """Ids of the clients on which the account holds a grant."""
        return self._kept(self._clients_of, account_id, lambda reading: reading.clients_of(account_id))

    def item(self, resource_type: str, resource_id: str) -> Mapping[str, Any] | None:
        """The registered raw properties of an item."""
        key = (resource_type, resource_id)
        try:
            return self._items[key]
        except KeyError:
            return self._kept(self._items, key, lambda reading: reading.item(*key))

    def relation(self, account_id: str | None, client_id: str) -> Relation | None:
        """What a question about the two reads."""
        key = (account_id, client_id)
        try:
            return self._relations[key]
        except KeyError:
            pass
        writes = self._writes
        client = self.client(client_id)
        practice, staff = (None, ()) if client is None else self._house(client.practice_id)
        found = None
        if client is not None and practice is not None:
            with self._open_reading() as reading:
                found = reading.relate(account_id, client, practice, staff)
        with self._lock:
            if writes == self._writes:
                if len(self._relations) >= _LIMIT:
                    self._relations.clear()
                    self._keys_of.clear()
                self._relations[key] = found
                self._keys_of.setdefault(client_id, []).append(key)
        return found

    def forget(self, touched: Touched) -> None:
        """Drop what these changes reach. Whatever is being read meanwhile will not be kept."""
        with self._lock:
            self._writes += 1
            if touched.everything:
                self._forget_everything()
                return
            for key in touched.items:
                self._items.pop(key, None)
            for client_id in touched.clients:
                self._clients.pop(client_id, None)
                for relation in self._keys_of.pop(client_id, ()):
                    self._relations.pop(relation, None)
            if touched.clients:
                self._clients_of.clear()

    def _forget_everything(self) -> None:
        kept: tuple[dict[Any, Any], ...] = (
            self._houses,
            self._posts,
            self._accounts,
            self._clients_of,
            self._clients,
            self._relations,
            self._keys_of,
            self._items,
        )
        for each in kept:
            each.clear()

    def _house(self, practice_id: str) -> tuple[Practice | None, tuple[Staff, ...]]:
        return self._kept(
            self._houses, practice_id, lambda reading: (reading.practice(practice_id), reading.staff(practice_id))
        )

    def _kept(self, kept: dict[Any, T], key: Hashable, read: Callable[[Reading], T]) -> T:
        try:
            return kept[key]
        except KeyError:
            pass
        writes = self._writes
        with self._open_reading() as reading:
            found = read(reading)
        with self._lock:
            if writes == self._writes:
                if len(kept) >= _LIMIT:
                    kept.clear()
                kept[key] = found
        return found
