"""`kinguard policy stage`, `versions`, `shadow`, `deploy` and `rollback`: bundles put to the running service."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer

from authz_service.cli.failures import failing_clearly
from authz_service.cli.token import demo_token
from authz_service.deploying.texts import read_texts
from authz_service.settings import read_settings
from models.vocabulary import LiveQuestion, WouldBe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.settings import Settings

_CLIENT = "demo-backend"
_VERSIONS = "/v1/policy/versions"
_SHOWN = 12  # of a digest
_SECONDS = 90.0  # proving a bundle takes up to 60 of them

_ASKED = {
    LiveQuestion.EVALUATION: "evaluations",
    LiveQuestion.SEARCH: "in searches",
    LiveQuestion.PLAN: "plans",
}
_WOULD = {
    WouldBe.ALLOWED: "now allowed",
    WouldBe.DENIED: "now denied",
    WouldBe.MORE: "lists more",
    WouldBe.LESS: "lists less",
    WouldBe.OTHER: "lists other",
}

ActorOption = Annotated[
    str, typer.Option("--as", envvar="KINGUARD_ACTOR", help="Who acts, such as rex; or KINGUARD_ACTOR.")
]
DigestArgument = Annotated[str, typer.Argument(help="The bundle's digest, or how it begins.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept in the trail.")]


def stage(
    folder: Annotated[Path, typer.Argument(help="The folder of the bundle.")],
    actor: ActorOption,
    note: Annotated[str, typer.Option(help="What is new in it.")] = "",
) -> None:
    """Hand a bundle to the running service, which loads it, proves it and keeps it. It does not serve yet."""
    with _service(actor) as service:
        made = service.ask("POST", _VERSIONS, {"files": read_texts(folder), "note": note})
        figures = f"{made['rules']} rules, {made['questions']} questions, {made['invariants']} invariants proven"
        typer.echo(f"{made['digest']} {made['state']}: {figures}")


def versions(actor: ActorOption) -> None:
    """List the bundles that the running service keeps, and which one served when."""
    with _service(actor) as service:
        found = service.ask("GET", _VERSIONS)
        for each in found["versions"]:
            state = f"{each['state']}{', shadows' if each['shadow'] else ''}"
            by = f"{each['staged_at'][:16]} {each['staged_by']}"
            typer.echo(f"{each['digest'][:_SHOWN]}  {state:<18} {by}  {each['note']}".rstrip())
        typer.echo()
        for each in found["deployments"]:
            by = f"{each['at'][:16]} {each['by']}"
            typer.echo(f"{each['number']:>4}  {each['digest'][:_SHOWN]}  {each['kind']:<9} {by}  {each['reason']}")


def shadow(
    digest: DigestArgument,
    actor: ActorOption,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Begin or end it; neither: only tell.")] = None,
) -> None:
    """Ask a staged bundle every live question too, and count where it says otherwise; no answer changes."""
    with _service(actor) as service:
        path = f"{_VERSIONS}/{service.digest(digest)}/shadow"
        found = service.ask("GET", path) if on is None else service.ask("PUT", path, {"on": on})
        typer.echo(f"{'on' if found['on'] else 'off'}: {_counts(found)}")
        for each in found["asked"]:
            if each["compared"] or each["not_compared"]:
                typer.echo(f"  {_ASKED[each['asked']]}: {_counts(each)}")
        for each in found["differences"]:
            question = f"{each['subject_type']} {each['action']} {each['resource_type']}"
            typer.echo(f"{each['count']:>8}  {_WOULD[each['would']]:<11}  {question} ({each['asked']})")


def deploy(digest: DigestArgument, reason: ReasonOption, actor: ActorOption) -> None:
    """Put a bundle into service in every process, without a refused request in between."""
    with _service(actor) as service:
        chosen = service.digest(digest)
        body = {"serving": service.serving, "reason": reason}
        _tell(service.ask("POST", f"{_VERSIONS}/{chosen}/deploy", body))


def rollback(reason: ReasonOption, actor: ActorOption) -> None:
    """Put back what served before the last deployment."""
    with _service(actor) as service:
        _tell(service.ask("POST", "/v1/policy/rollback", {"serving": service.serving, "reason": reason}))


def _counts(told: dict[str, Any]) -> str:
    counts = f"{told['compared']} compared, {told['differed']} differed, {told['failed']} failed"
    return f"{counts}, {told['not_compared']} not compared" if told["not_compared"] else counts


def _tell(made: dict[str, Any]) -> None:
    processes = made["processes"]
    where = "1 process" if processes["swapped"] == 1 else f"{processes['swapped']} processes"
    gone = f"; {processes['gone']} gave no sign and answer nothing" if processes["gone"] else ""
    before = made["before"][:_SHOWN]
    typer.echo(f"deployment {made['number']}: {made['digest']} serves in place of {before}, in {where}{gone}")


class _Service:
    """The running service, as somebody speaks to it."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The answer; exits with what the service says is wrong, a line for each."""
        reply = self._http.request(method, path, json=body)
        if reply.is_success:
            found: dict[str, Any] = reply.json()
            return found
        try:
            problem = reply.json()
            lines = [f"{each['file']}:{each['line']}: {each['message']}" for each in problem.get("problems") or ()]
            lines.append(f"kinguard: {problem['detail']}")
        except (ValueError, LookupError, TypeError, AttributeError):
            lines = [f"kinguard: the service answered {reply.status_code}"]
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(1)

    def digest(self, begins: str) -> str:
        """The one bundle whose digest begins like this."""
        known = [each["digest"] for each in self.ask("GET", _VERSIONS)["versions"]]
        found = [digest for digest in known if digest.startswith(begins.lower())]
        if len(found) == 1 and begins:
            return str(found[0])
        if found:
            shown = ", ".join(digest[:_SHOWN] for digest in found)
            raise typer.BadParameter(f"{begins!r} begins several digests: {shown}")
        raise typer.BadParameter(f"no bundle's digest begins with {begins!r}; see `kinguard policy versions`")

    @property
    def serving(self) -> str:
        """The digest that serves now."""
        return str(self.ask("GET", _VERSIONS)["serving"])


@contextmanager
def _service(actor: str) -> Iterator[_Service]:
    with failing_clearly():
        settings = read_settings()
        socket = settings.authz_socket
        where = str(socket) if socket else f"http://{settings.authz_host}:{settings.authz_port}"
        headers = {
            "Authorization": f"Bearer {_token(settings)}",
            "Kinguard-Actor": actor if "/" in actor else f"staff/{actor}",
            "Kinguard-Actor-Amr": _amr(settings),
        }
        transport = httpx.HTTPTransport(uds=str(socket)) if socket else httpx.HTTPTransport()
        base_url = "http://127.0.0.1" if socket else where
        try:
            with httpx.Client(base_url=base_url, headers=headers, transport=transport, timeout=_SECONDS) as http:
                yield _Service(http)
        except httpx.TransportError as error:
            raise OSError(f"the authz service at {where} cannot be reached: {error}") from error


def _token(settings: Settings) -> str:
    if token := os.environ.get("KINGUARD_TOKEN"):
        return token
    if settings.profile != "demo":
        raise typer.BadParameter(
            "KINGUARD_TOKEN must hold an access token with the scopes policy and act, from /oauth/token"
        )
    return demo_token(settings, _CLIENT)


def _amr(settings: Settings) -> str:
    """How who acts signed in (RFC 8176); production asks staff for a second factor."""
    amr = os.environ.get("KINGUARD_ACTOR_AMR", "")
    if not amr and settings.profile != "demo":
        raise typer.BadParameter("KINGUARD_ACTOR_AMR must say how who acts signed in, such as 'pwd otp'")
    return amr
