"""Which policy a process serves when it starts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.deploying import versions
from authz_service.deploying.loading import KeptBundles
from authz_service.deploying.starting import Starting
from authz_service.deploying.texts import KeptTexts
from authz_service.engine import BundleError
from authz_service.storage import AccessStore, StorageError
from tests.api.conftest import serving, settings_of
from tests.api.test_bundles import STRICT, deploy, ours, serving_of, staged, strict
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Api
    from tests.conftest import StandingClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of our bundle that a test edits."""
    copy = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", copy)
    return copy


@pytest.fixture
def start(seeded_url: str, data_dir: Path, folder: Path, standing_clock: StandingClock) -> Iterator[Any]:
    """Settle as a process of a profile would; the digest, and every deployment's kind."""
    store = AccessStore(seeded_url, standing_clock)
    kept = KeptBundles(store.database, KeptTexts(data_dir / "bundles" / "texts"), data_dir / "bundles")

    def settle(*, demo: bool = True) -> tuple[str, list[str]]:
        deployment, policy = Starting(store.database, kept, folder, standing_clock, edits_serve=demo).settle()
        assert deployment.digest == policy.digest
        with store.database.reading() as connection:
            found = versions.read_deployments(connection)
        assert found[0] == deployment
        return deployment.digest, [each.kind.value for each in found[::-1]]

    settle.store = store  # type: ignore[attr-defined]
    settle.kept = kept  # type: ignore[attr-defined]
    yield settle
    store.close()


def edit(folder: Path) -> None:
    (folder / "limits" / "test.polar").write_text(STRICT)


def states(start: Any) -> dict[str, str]:
    with start.store.database.reading() as connection:
        found = versions.read_versions(connection, versions.read_deployments(connection))
    return {each.digest: each.state.value for each in found}


@pytest.mark.parametrize("demo", [True, False])
def test_the_first_start_puts_the_folder_into_service_and_the_next_changes_nothing(start: Any, demo: bool) -> None:
    """One deployment, however often it starts."""
    first = start(demo=demo)
    assert first[1] == ["start"]
    assert start(demo=demo) == first


def test_what_a_developer_edits_serves_from_the_next_start_on(start: Any, folder: Path) -> None:
    """Forth, and back to the text of before as well."""
    first, _ = start()
    edit(folder)
    second, kinds = start()
    assert (second != first, kinds) == (True, ["start", "start"])
    (folder / "limits" / "test.polar").unlink()
    assert start() == (first, ["start"] * 3)


def test_in_production_an_edited_folder_is_staged_and_what_was_deployed_goes_on_serving(
    start: Any, folder: Path
) -> None:
    """Staged once, by the start; a folder that is refused changes nothing either."""
    first, _ = start(demo=False)
    edit(folder)
    for _ in range(2):
        assert start(demo=False) == (first, ["start"])
    assert sorted(states(start).values()) == ["serving", "staged"]
    (folder / "limits" / "test.polar").write_text("forbid(")
    assert start(demo=False) == (first, ["start"])
    assert len(states(start)) == 2


def test_in_the_demo_a_broken_folder_keeps_the_service_from_starting(start: Any, folder: Path) -> None:
    """Whoever edits it is told file and line."""
    start()
    (folder / "limits" / "test.polar").write_text("forbid(")
    with pytest.raises(BundleError, match=r"limits/test\.polar:1"):
        start()


@pytest.mark.parametrize("damage", ["texts", "store"])
def test_a_deployed_bundle_that_cannot_be_loaded_refuses_the_start_in_one_line(
    start: Any, folder: Path, damage: str
) -> None:
    """Nothing else is served in its place. Control: without the damage it starts."""
    digest, _ = start()
    start()
    texts = start.kept.texts.place(digest)
    if damage == "texts":
        (texts / "main.polar").write_text("# nothing\n")
    else:
        for file in start.kept.store.glob("*.json"):
            file.unlink()
        shutil.rmtree(texts)
        shutil.copytree(folder, texts)
        (texts / "limits" / "item.polar").write_text("forbid(")
    with pytest.raises(StorageError, match=f"the deployed policy bundle {digest} cannot be loaded") as refused:
        start(demo=False)
    assert len(str(refused.value).splitlines()) == 1


def test_texts_that_are_gone_from_the_disk_come_from_the_database(start: Any) -> None:
    """And the diagrams are made anew."""
    first = start()
    shutil.rmtree(start.kept.store)
    assert start(demo=False) == first


def test_what_was_deployed_over_the_api_stays_until_somebody_edits_the_folder(
    api: Api, data_dir: Path, sqlite_url: str, standing_clock: StandingClock, folder: Path
) -> None:
    """The folder as it was is no edit; another bundle in it is."""
    one = staged(api, ours("one"))
    deploy(api, one)
    with serving(settings_of(data_dir, sqlite_url), standing_clock) as again:
        assert serving_of(again) == one
    edit(folder)
    with serving(settings_of(data_dir, sqlite_url, policies=folder), standing_clock) as edited:
        assert not edited.allows("rosa", "view", "service_plan", "plan_rosa")
        assert serving_of(edited) == staged(edited, strict())
