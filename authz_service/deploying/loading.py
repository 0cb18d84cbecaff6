"""Bundles brought from the database into this process: texts to the disk, diagrams from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.deploying import versions
from authz_service.deploying.proving import prove_bundle
from authz_service.engine import BundleError, Policy, Problem, load_policy
from authz_service.engine.store import stored_path

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.deploying.texts import KeptTexts
    from authz_service.storage.database import Database


class KeptBundles:
    """The bundles that the database keeps. Used in any thread."""

    def __init__(self, database: Database, texts: KeptTexts, store: Path) -> None:
        self._database = database
        self.texts = texts
        self.store = store

    def place(self, digest: str) -> Path | None:
        """The folder with the texts of a bundle; None when there is no such bundle.

        Raises BundleError, OSError or SQLAlchemyError when they cannot be brought there.
        """
        if not digest.isalnum():
            return None
        place = self.texts.place(digest)
        if place.exists():
            return place
        with self._database.reading() as connection:
            texts = versions.find_texts(connection, digest)
        if texts is None:
            return None
        if (kept := self.texts.keep(texts)) != place:
            raise BundleError([Problem("bundle", 0, f"the texts kept as {digest[:12]} are those of {kept.name[:12]}")])
        return place

    def make_ready(self, digest: str) -> Path | None:
        """`place`, with the diagrams in the store, so that the bundle is loaded in no time."""
        place = self.place(digest)
        if place is not None and not stored_path(self.store, digest).exists():
            prove_bundle(place, self.store)  # It takes seconds, which this process has other uses for.
        return place

    def load(self, digest: str) -> tuple[Policy, Path] | None:
        """The policy of a bundle and the folder of its texts; None when there is no such bundle. Raises as `place`."""
        place = self.make_ready(digest)
        if place is None:
            return None
        policy = load_policy(place, self.store)
        if policy.digest != digest:
            raise BundleError([Problem("bundle", 0, f"the texts in {place.name[:12]} were changed")])
        return policy, place
