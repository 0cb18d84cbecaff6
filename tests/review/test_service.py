"""The running service records, compares and replays: over HTTP and from the command line, on both databases."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from tests.api.conftest import api, api_on_both, bundles, data_dir, question, sqlite_url
from tests.review.conftest import POLICIES, UNREAD, edited
from tests.workbench.conftest import AUTHZEN

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from authz_service.engine import Policy
    from tests.api.conftest import Api

__all__ = ["api", "api_on_both", "bundles", "data_dir", "sqlite_url"]

REX = "staff/rex"
SIGNED_IN = {"authn": {"amr": ["pwd", "otp"], "password_change_due": False}}


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Policy]:
    """The bundle without the rule on withheld items: its folder, and what it says."""
    folder = tmp_path_factory.mktemp("unread") / "new"
    return folder, edited(folder, [UNREAD])


@pytest.fixture
def new(request: pytest.FixtureRequest, unread: tuple[Path, Policy]) -> Policy:
    """The same, kept by the service as one that served before."""
    folder, policy = unread
    name = next(each for each in ("api", "api_on_both") if each in request.fixturenames)
    shutil.copytree(folder, request.getfixturevalue(name).settings.bundles_dir / "texts" / policy.digest)
    return policy


def ask(api: Api, subject: str, action: str, kind: str, item: str, **sent: Any) -> bool:
    reply = api.evaluate({**question(subject, action, kind, item, **sent), "context": SIGNED_IN})
    return bool(reply.json()["decision"])


def replay(api: Api, version: str, actor: str = REX, **more: Any) -> httpx.Response:
    return api.call("POST", "/v1/policy/replays", {"version": version, **more}, actor=actor)


def replay_whole(api: Api, version: str) -> dict[str, Any]:
    """The answer once everything is in the table and was looked at; a busy machine takes its time."""
    found: dict[str, Any] = {}
    for _ in range(20):
        reply = replay(api, version)
        found = reply.json() if reply.status_code == 200 else {"left_out": True}
        if not found["left_out"]:
            break
    return found


def ask_everything(api: Api) -> int:
    """Single questions, a batch, plans and a refused command; how many decisions that makes."""
    assert not ask(api, "sam", "view", "document", "doc_mia_letter")
    assert ask(api, "sam", "view", "document", "doc_mia_school")
    assert ask(api, "dana", "view", "invoice", "inv_mia_1")
    batch = {
        "subject": {"type": "account", "id": "dana"},
        "evaluations": [
            {"action": {"name": "view"}, "resource": {"type": "document", "id": item}}
            for item in ("doc_mia_school", "doc_leo_private", "doc_leo_school")
        ],
    }
    api.call("POST", "/access/v1/evaluations", batch)
    plans = [{"action": {"name": "view"}, "resource": {"type": kind}} for kind in ("document", "invoice", "trail")]
    for subject in ("account/dana", "account/harbor", "staff/ken", "staff/rex", "account/nobody"):
        kind, _, name = subject.partition("/")
        reply = api.call(
            "POST", "/v1/plans", {"subject": {"type": kind, "id": name}, "plans": plans[: 2 + (kind == "staff")]}
        )
        assert reply.status_code == 200, reply.text
    refused = api.call("PATCH", "/v1/grants/g_sam_mia", {"toggles": {"forms": True}}, actor="staff/lea", etag='"1"')
    assert refused.status_code == 403
    return 3 + 3 + 2 * 3 + 3 * 2 + 1


def test_what_was_recorded_is_replayed_over_http(api_on_both: Api, new: Policy) -> None:
    """Against what serves nothing changes; against a bundle without a rule exactly what the rule refused does."""
    asked = ask_everything(api_on_both)
    same = replay_whole(api_on_both, "serving")
    assert (same["now_allowed"], same["now_denied"], same["changed"]) == (0, 0, [])
    # Lists over all clients belong to no practice, so they are not the reviewer's to see.
    assert (same["counted"], same["unchanged"]) == (asked - 12, asked - 12)
    found = replay_whole(api_on_both, new.digest)
    assert (found["now_allowed"], found["now_denied"]) == (1, 0), found
    (changed,) = found["changed"]
    assert (changed["subject"], changed["resource_id"]) == ("account/sam", "doc_mia_letter")
    assert (changed["was"], changed["now"]) == (False, True)
    assert changed["rules"]["before"] == ["item.withheld"]
    (group,) = found["groups"]
    assert group["examples"] == [changed["record_id"]]
    entry = api_on_both.call("GET", f"/v1/trail/{changed['record_id']}", actor=REX).json()
    assert entry["entry"]["decision"] is False
    events = api_on_both.call("GET", "/v1/trail?kind=event", actor=REX).json()["entries"]
    assert any(event["action"] == "policy.replayed" for event in events)


def test_one_practice_replays_nothing_of_another(api_on_both: Api, new: Policy) -> None:
    """The reviewer of one practice finds neither counts nor ids of another's decisions, and no accounts either."""
    ask(api_on_both, "vic", "view", "profile", "vic")
    api_on_both.allows("staff/hal", "view", "client", "vic", client_id="vic")
    before = replay_whole(api_on_both, "serving")
    assert before["counted"] == 0
    difference = api_on_both.call("GET", f"/v1/policy/differences?old=serving&new={new.digest}", actor=REX).json()
    told = {right["client_id"] for right in (*difference["touched"]["gains"], *difference["touched"]["loses"])}
    assert told == {"mia"}


def test_the_difference_over_http_says_whom_it_touches(api_on_both: Api, new: Policy) -> None:
    """The same as the command line prints, with the accounts that gain now; the other way round they lose."""
    path = "/v1/policy/differences?old={}&new={}"
    forth = api_on_both.call("GET", path.format("serving", new.digest), actor=REX).json()
    assert forth["newly_allowed"]
    assert not forth["newly_denied"]
    assert {(each["account_id"], each["action"]) for each in forth["touched"]["gains"]} >= {("sam", "view")}
    assert (forth["touched"]["loses"], forth["touched"]["complete"]) == ([], True)
    back = api_on_both.call("GET", path.format(new.digest, "serving"), actor=REX).json()
    assert back["touched"]["loses"] == forth["touched"]["gains"]


def test_the_difference_says_which_staff_of_the_own_practice_it_touches(api_on_both: Api, tmp_path: Path) -> None:
    """A scheduler who may print invoices gains that at the reviewer's practice; nobody of another one is named."""
    rule = 'scheduler_may("view", _: Client);\n'
    more = rule + 'scheduler_may("print", _: Invoice);\nadministrator_may("run", _: Policy);\n'
    policy = edited(tmp_path / "new", [("staff/scheduler.polar", rule, more)])
    shutil.copytree(tmp_path / "new", api_on_both.settings.bundles_dir / "texts" / policy.digest)
    difference = api_on_both.call("GET", f"/v1/policy/differences?old=serving&new={policy.digest}", actor=REX).json()
    touched = difference["touched"]
    assert (touched["accounts"], touched["staff"], touched["gains"], touched["staff_loses"]) == (0, 3, [], [])
    jo, priya, prints = sorted(touched["staff_gains"], key=lambda each: str(each["staff_id"]))
    of_practice = {"action": "run", "resource_type": "policy", "practice": True, "clients": 0, "items": 0}
    assert (jo, priya) == ({"staff_id": "jo", **of_practice}, {"staff_id": "priya", **of_practice})
    assert (prints["staff_id"], prints["action"], prints["resource_type"]) == ("sky", "print", "invoice")
    assert prints["clients"] == touched["clients"]
    assert prints["items"] == touched["items"] > 1


@pytest.mark.parametrize(
    ("actor", "path", "status"),
    [
        ("staff/ken", "?old=serving&new=serving", 403),
        (REX, "?old=serving&new=unknown", 404),
        (REX, "?old=serving", 400),
        (None, "?old=serving&new=serving", 400),
    ],
)
def test_only_who_may_view_policies_compares_them(api: Api, actor: str | None, path: str, status: int) -> None:
    """A therapist may not; what is not kept is not found; nobody named is refused."""
    assert api.call("GET", f"/v1/policy/differences{path}", actor=actor).status_code == status


def test_only_who_may_run_policies_replays(api: Api) -> None:
    """Administrators read policies and do not run them; a range that ends before it begins is refused."""
    assert replay(api, "serving", actor="staff/jo").status_code == 403
    assert replay(api, "unknown").status_code == 404
    backwards = {"since": "2026-06-16T00:00:00Z", "until": "2026-06-15T00:00:00Z"}
    assert replay(api, "serving", **backwards).status_code == 422


def test_a_limit_leaves_the_rest_out_and_says_so(api: Api) -> None:
    """The newest decisions only."""
    for _ in range(3):
        ask(api, "rosa", "view", "invoice", "inv_rosa_1")
        api.clock.advance(seconds=1)
    assert any(api.service.loader.catch_up() for _ in range(30))
    found = replay(api, "serving", limit=2).json()
    assert (found["counted"], found["left_out"], found["oldest"]) == (2, True, "2026-06-15T19:00:01Z")


def run(api: Api, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str, str]:
    """A command in the service's surroundings, after its trail was loaded."""
    assert any(api.service.loader.catch_up() for _ in range(30))
    url = api.settings.access_database_url
    for name, value in (("DATA_DIR", str(api.settings.data_dir)), ("ACCESS_DATABASE_URL", url)):
        monkeypatch.setenv(f"KINGUARD_{name}", value)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_line_replays(
    api: Api, new: Policy, unread: tuple[Path, Policy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every practice's decisions: status 0 where nothing changed, 1 where something did; text and JSON say the same."""
    asked = ask_everything(api)
    status, text, _ = run(api, monkeypatch, "replay", "--bundle", POLICIES)
    assert status == 0, text
    assert f"of {asked} decisions replayed against" in text
    assert f"unchanged {asked - 2}, now allowed 0, now denied 0" in text
    assert "2: refused before any policy was asked" in text  # nobody's lists
    folder = unread[0]
    status, text, _ = run(api, monkeypatch, "replay", "--bundle", folder)
    assert status == 1
    assert "NOW ALLOWED: account: view document" in text
    assert "before item.withheld; after co_parent.switched_on" in text
    status, text, _ = run(api, monkeypatch, "replay", "--bundle", folder, "--format", "json")
    body = json.loads(text)
    assert (status, body["version"], body["now_allowed"]) == (1, new.digest, 1)
    status, text, _ = run(api, monkeypatch, "replay", "--bundle", AUTHZEN / "todo", "--until", "2026-06-01T00:00:00Z")
    assert (status, "0 % of 0 decisions" in text) == (0, True)


@pytest.mark.parametrize("name", ["todo", "gateway", "records"])
def test_a_bundle_about_something_else_replays_nothing(api: Api, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every decision has its reason, and the exit status is 0: nothing is known to change."""
    ask(api, "rosa", "view", "invoice", "inv_rosa_1")
    status, text, _ = run(api, monkeypatch, "replay", "--bundle", AUTHZEN / name)
    assert status == 0
    assert "0 % of 1 decision replayed" in text
    assert "1: this bundle has no such question" in text


def test_what_cannot_be_read_is_one_line_and_status_2(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such bundle, a refused one, a time that is none, no database: what is wrong, and 2."""
    status, _, error = run(api, monkeypatch, "replay", "--bundle", tmp_path / "none")
    assert (status, error.count("\n")) == (2, 1)
    broken = tmp_path / "broken"
    shutil.copytree(AUTHZEN / "todo", broken)
    (broken / "main.polar").write_text("allow(")
    assert run(api, monkeypatch, "replay", "--bundle", broken)[0] == 2
    status, _, error = run(api, monkeypatch, "replay", "--bundle", AUTHZEN / "todo", "--since", "yesterday")
    assert (status, "RFC 3339" in error) == (2, True)
    monkeypatch.setenv("KINGUARD_ACCESS_DATABASE_URL", f"sqlite:///{tmp_path / 'absent.db'}")
    todo = str(AUTHZEN / "todo")
    for arguments in (["replay", "--bundle", todo], ["diff", todo, todo, "--database"]):
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, "there is no such database" in result.stderr) == (2, True)
    assert not (tmp_path / "absent.db").exists()


def test_the_command_line_says_whom_a_difference_touches(
    api: Api, new: Policy, unread: tuple[Path, Policy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers first, then who; the same as over HTTP."""
    arguments = ("diff", POLICIES, unread[0])
    status, text, _ = run(api, monkeypatch, *arguments, "--database")
    assert status == 1
    assert "TOUCHED NOW: 1 account, 0 staff members, 1 client, 1 item; 2 gained, 0 lost" in text
    assert "  gains: account sam on client mia: view document, 1 item" in text
    status, text, _ = run(api, monkeypatch, *arguments, "--database", "--format", "json")
    body = json.loads(text)
    over_http = api.call("GET", f"/v1/policy/differences?old=serving&new={new.digest}", actor=REX).json()
    assert body["touched"]["gains"] == over_http["touched"]["gains"]
    assert body["newly_allowed"] == over_http["newly_allowed"]


def test_bundles_about_something_else_cannot_be_asked_about_the_rows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that are read from nowhere have no rows: one line for each, and 2."""
    status, _, error = run(api, monkeypatch, "diff", AUTHZEN / "todo", AUTHZEN / "records", "--database")
    assert (status, "cannot be derived" in error) == (2, True)
