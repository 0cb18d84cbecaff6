"""The policy's bundles over HTTP: staged, shadowed, put into service in every process, rolled back."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from authz_service.api.conduct import acting_of
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.api.versions import SERVING, keeper_of
from authz_service.commands.errors import ConflictError, NotFoundError
from authz_service.deploying import versions
from authz_service.deploying.commands import Keeping, require_deployable, require_seen, to_put_back
from authz_service.deploying.membership import Receipts
from authz_service.deploying.proving import prove_bundle
from authz_service.deploying.shadow import differs, read_counts
from authz_service.deploying.texts import check_texts
from authz_service.engine import BundleError
from models.vocabulary import LiveQuestion, WouldBe
from models.wire import bundles as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from authz_service.api.routing import Call
    from authz_service.deploying.versions import Deployment, Version
    from authz_service.engine import Problem

STAGE_SECONDS = 75.0
DEPLOY_SECONDS = 30.0
T = TypeVar("T")
_proving = threading.Lock()  # One at a time: each takes a core and up to a gibibyte.


def keeping_of(call: Call) -> Keeping:
    """Whoever acts, on behalf of the practice that keeps the policy. ProblemError 409 when none is said to."""
    return Keeping(acting_of(call), keeper_of(call))


def require_policy(call: Call, action: str) -> Keeping:
    """Whether whoever acts may do this with the policy. Raises ForbiddenError, which is recorded."""
    keeping = keeping_of(call)
    with call.service.store.reading() as rows:
        keeping.require(rows, action)
    return keeping


def list_versions(call: Call) -> Reply:
    """Every bundle that is kept, and every deployment."""
    require_policy(call, "view")
    with call.service.store.database.reading() as connection:
        deployments = versions.read_deployments(connection)
        found = versions.read_versions(connection, deployments)
    return Reply(
        {
            "serving": deployments[0].digest,
            "versions": [_version(each) for each in found],
            "deployments": [_deployment(each) for each in deployments],
        }
    )


def stage(call: Call) -> Reply:
    """Keeps a bundle, once it is loaded and proven; 200 where it is kept already."""
    body = call.body(wire.NewVersion)
    keeping = require_policy(call, "stage")
    if problems := check_texts(body.files):
        raise _refused(problems)
    kept = call.service.kept
    if not _proving.acquire(timeout=1):
        raise ProblemError(503, "another bundle is being proven; stage this one after it", headers={"retry-after": "5"})
    try:
        proven = prove_bundle(kept.texts.keep(body.files), kept.store)
    except BundleError as error:
        raise _refused(error.problems) from error
    finally:
        _proving.release()
    found, is_new = keeping.stage(proven, body.files, body.note)
    location = {"location": f"/v1/policy/versions/{found.digest}"}
    return _version_reply(_version(found), found, 201 if is_new else 200, location)


def show_version(call: Call) -> Reply:
    """One bundle that is kept, with its files."""
    require_policy(call, "view")
    digest = _digest(call)
    with call.service.store.database.reading() as connection:
        found, texts = versions.find_version(connection, digest), versions.find_texts(connection, digest)
    if found is None or texts is None:
        raise NotFoundError("policy bundle")
    files = [{"name": name, "lines": len(text.splitlines())} for name, text in sorted(texts.items())]
    return _version_reply({**_version(found), "files": files}, found)


def withdraw(call: Call) -> Reply:
    """Takes a staged bundle back."""
    found = keeping_of(call).withdraw(_digest(call))
    _wait(call, call.service.watch.rest(found.digest))
    return _version_reply(_version(found), found)


def switch_shadow(call: Call) -> Reply:
    """Lets a staged bundle shadow in every process, or no longer."""
    on, keeping, digest = call.body(wire.ShadowSwitch).on, require_policy(call, "stage"), _digest(call)
    if on:
        _serveable(lambda: call.service.kept.make_ready(digest))
    found = keeping.switch_shadow(digest, on=on)
    if found.shadow and found.shadow_since is not None:
        _wait(call, call.service.watch.shadow((found.digest, found.shadow_since)))
    else:
        _wait(call, call.service.watch.rest(found.digest))
    return Reply(_shadow(call, found))


def show_shadow(call: Call) -> Reply:
    """What a bundle made of the live questions."""
    require_policy(call, "view")
    with call.service.store.database.reading() as connection:
        found = versions.find_version(connection, _digest(call))
    if found is None:
        raise NotFoundError("policy bundle")
    return Reply(_shadow(call, found))


def deploy(call: Call) -> Reply:
    """Puts a bundle into service; answers when it serves in every process."""
    body = call.body(wire.Deploy)
    keeping, digest = require_policy(call, "deploy"), _digest(call)
    with call.service.store.database.reading() as connection:
        found = versions.find_version(connection, digest)
        deployments = versions.read_deployments(connection)
    if found is None:
        raise NotFoundError("policy bundle")
    require_seen(deployments, body.serving)
    require_deployable(found)
    return _put_in_service(call, digest, lambda: keeping.deploy(digest, body.serving, body.reason))


def roll_back(call: Call) -> Reply:
    """Puts back what served before; answers when it serves in every process."""
    body = call.body(wire.Rollback)
    keeping = require_policy(call, "deploy")
    with call.service.store.database.reading() as connection:
        deployments = versions.read_deployments(connection)
    require_seen(deployments, body.serving)
    digest = to_put_back(deployments)
    return _put_in_service(call, digest, lambda: keeping.roll_back(body.serving, body.reason))


def _put_in_service(call: Call, digest: str, change: Callable[[], Deployment]) -> Reply:
    watch = call.service.watch
    decider = _serveable(lambda: watch.prepare(digest))  # What cannot be served here is not deployed.
    made = change()
    _wait(call, watch.adopt(made, decider if made.digest == digest else None))
    receipts = Receipts(1, 0)
    if watch.membership is not None:
        watch.membership.note(made.number)
        receipts = watch.membership.wait_for_receipts(made.number)
    processes = {"swapped": receipts.swapped, "gone": receipts.gone}
    return Reply({"number": made.number, "digest": made.digest, "before": made.before, "processes": processes})


def _serveable(load: Callable[[], T]) -> T:
    try:
        return load()
    except (BundleError, OSError, ValueError) as error:
        raise ConflictError(f"this bundle cannot be served: {str(error).partition(chr(10))[0]}") from error


def _wait(call: Call, work: Coroutine[Any, Any, None]) -> None:
    """Do this on the event loop, and wait for it in the thread of the call."""
    asyncio.run_coroutine_threadsafe(work, call.service.watch.loop).result(DEPLOY_SECONDS)


def _digest(call: Call) -> str:
    version = call.path["version"]
    return call.serving.digest if version == SERVING else version


def _refused(problems: Iterable[Problem]) -> ProblemError:
    listed = [{"file": each.file, "line": each.line, "message": each.message} for each in problems]
    count = len(listed)
    detail = f"the bundle is refused, for {count} {'reason' if count == 1 else 'reasons'}"
    return ProblemError(422, detail, more={"problems": listed})


def _version(found: Version) -> dict[str, Any]:
    return {
        "digest": found.digest,
        "state": found.state,
        "note": found.note,
        "staged_at": found.staged_at,
        "staged_by": found.staged_by,
        "rules": found.rules,
        "questions": found.questions,
        "invariants": found.invariants,
        "shadow": found.shadow,
        "etag": str(found.version),
    }


def _deployment(made: Deployment) -> dict[str, Any]:
    return {
        "number": made.number,
        "digest": made.digest,
        "before": made.before,
        "at": made.at,
        "by": made.by,
        "reason": made.reason,
        "kind": made.kind,
    }


def _version_reply(
    content: dict[str, Any], found: Version, status: int = 200, headers: dict[str, str] | None = None
) -> Reply:
    return Reply(content, status, {"etag": f'"{found.version}"', **(headers or {})})


def _shadow(call: Call, found: Version) -> dict[str, Any]:
    _wait(call, call.service.watch.flush())
    with call.service.store.database.reading() as connection:
        rows = read_counts(connection, found.digest)
    return {
        "on": found.shadow,
        "since": found.shadow_since,
        **_counts(rows),
        "asked": [{"asked": way, **_counts(row for row in rows if row.asked == way)} for way in LiveQuestion],
        "differences": [
            {
                "asked": row.asked,
                "subject_type": row.subject_type,
                "action": row.action,
                "resource_type": row.resource_type,
                "serving": row.was,
                "would": row.would,
                "count": row.count,
                "examples": row.examples,
            }
            for row in rows
            if differs(row.was, row.would)
        ],
    }


def _counts(rows: Iterable[Any]) -> dict[str, int]:
    found = dict.fromkeys(("compared", "differed", "failed", "not_compared"), 0)
    for row in rows:
        found["not_compared" if row.would == WouldBe.NOT_COMPARED else "compared"] += row.count
        found["failed"] += row.count if row.would == WouldBe.FAILED else 0
        found["differed"] += row.count if differs(row.was, row.would) else 0
    return found
