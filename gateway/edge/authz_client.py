"""The only way from the gateway to the authz service: one pooled HTTP client, over TCP or a Unix socket.

Whatever is not the one exact answer (late, unreadable, another status, another shape) is CannotDecide: never allowed.
"""

from __future__ import annotations

import asyncio
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson
from structlog.contextvars import get_contextvars

from gateway.edge.answers import Json, read_decision, read_mapping, read_mappings, read_object, read_refusal
from gateway.edge.client_proof import assertion
from gateway.edge.errors import CannotDecide
from gateway.edge.what_if import read_what_if

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from gateway.edge.what_if import WhatIf
    from gateway.settings import Settings

TIMEOUT_SECONDS = 2.0  # of one call, a new token included
EXPORT_CLIENTS = 500  # of a page
BULK_SECONDS = 9.0  # of one that changes many things: less than the service takes at most
ANSWER_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 32
RENEW_SECONDS = 60  # before a token ends
_GRANT_TYPE = "client_credentials"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_QUESTIONS = ("/access/v1/evaluation", "/access/v1/evaluations", "/v1/plans")  # answered with 200 or not at all
_DONE = (200, 201)
_PLAN_KINDS = ("always_allowed", "always_denied", "conditional")

Transport = httpx.AsyncBaseTransport
# How the reader of this request signed in (RFC 8176): a change names it together with who makes it.
acting_amr: ContextVar[tuple[str, ...]] = ContextVar("acting_amr", default=())


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks and how they signed in: the parts that all questions of one request share."""

    subject: Mapping[str, str]
    amr: tuple[str, ...]
    password_change_due: bool = False
    at: str | None = None  # ask at this time (RFC 3339): a look, which the trail marks, and no use of the right

    @property
    def context(self) -> Json:
        """The AuthZEN context."""
        authn = {"amr": list(self.amr), "password_change_due": self.password_change_due}
        return {"authn": authn} if self.at is None else {"authn": authn, "at": self.at}


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource."""

    action: str
    type: str
    id: str
    properties: Mapping[str, Any]

    @property
    def body(self) -> Json:
        """The AuthZEN action and resource."""
        resource = {"type": self.type, "id": self.id, "properties": dict(self.properties)}
        return {"action": {"name": self.action}, "resource": resource}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subject may see of a type: a condition tree, true or false, and why not when it is false."""

    condition: Any
    refusal: Json | None


class AuthzClient:
    """Asks and commands the service. Every method raises CannotDecide; commands also Rejected and Stale."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], transport: Transport | None = None) -> None:
        socket = None if settings.authz_socket is None else str(settings.authz_socket)
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self._http = httpx.AsyncClient(
            base_url="http://authz" if socket else settings.authz_url,
            transport=transport or httpx.AsyncHTTPTransport(uds=socket, limits=limits),
            timeout=BULK_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )
        self._key_file = settings.key_file
        self._token_endpoint = settings.token_endpoint
        self._clock = clock
        self._token: tuple[str, float] | None = None
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def prove(self) -> None:
        """CannotDecide unless the service says that it can decide."""
        await self._ask("GET", "/readyz")

    # ---- questions ----

    async def evaluate(
        self, asking: Asking, question: Question, *, explain: bool = False, at: datetime | None = None
    ) -> tuple[bool, Json]:
        """The decision on one question, and its context; with `at` it is tried out only, and marked so in the trail."""
        context = asking.context | ({"explain": True} if explain else {})
        if at is not None:
            context["at"] = at.isoformat()
        body = {"subject": dict(asking.subject), **question.body, "context": context}
        answer = await self._ask("POST", "/access/v1/evaluation", body)
        return read_decision(answer), read_mapping(answer.get("context", {}))

    async def evaluate_all(self, asking: Asking, questions: Sequence[Question]) -> list[bool]:
        """The decisions on several questions, in their order."""
        if not questions:
            return []
        shared = {"subject": dict(asking.subject), "context": asking.context}
        body = {**shared, "evaluations": [question.body for question in questions]}
        answers = (await self._ask("POST", "/access/v1/evaluations", body)).get("evaluations")
        if not isinstance(answers, list) or len(answers) != len(questions):
            raise CannotDecide("the authz service answered another number of questions")
        return [read_decision(read_mapping(answer)) for answer in answers]

    async def plan(self, asking: Asking, action: str, resource_type: str, properties: Mapping[str, Any]) -> Plan:
        """What the subject may see of a type."""
        (plan,) = await self.plans(asking, [(action, resource_type)], properties)
        return plan

    async def plans(
        self, asking: Asking, wanted: Sequence[tuple[str, str]], properties: Mapping[str, Any]
    ) -> list[Plan]:
        """What the subject may do with items of each (action, type), in their order."""
        asked = [
            {"action": {"name": action}, "resource": {"type": kind, "properties": dict(properties)}}
            for action, kind in wanted
        ]
        body = {"subject": dict(asking.subject), "context": asking.context, "plans": asked}
        answers = read_mappings((await self._ask("POST", "/v1/plans", body)).get("plans"))
        if len(answers) != len(wanted):
            raise CannotDecide("the authz service answered another number of plans than were asked for")
        return [_read_plan(answer) for answer in answers]

    # ---- access data ----

    async def grants_of_account(self, account_id: str) -> list[Json]:
        """Every grant of an account, each with the client's `practice_id`."""
        return read_mappings((await self._ask("GET", f"/v1/accounts/{_part(account_id)}/grants")).get("grants"))

    async def grants_of_client(self, client_id: str) -> list[Json]:
        """Every grant on a client."""
        return read_mappings((await self._ask("GET", f"/v1/clients/{_part(client_id)}/grants")).get("grants"))

    async def grant(self, grant_id: str) -> Json:
        """One grant, with its `etag`."""
        return await self._ask("GET", f"/v1/grants/{_part(grant_id)}")

    async def update_grant(self, grant_id: str, changes: Json, *, etag: str, actor: str) -> Json:
        """Change a grant (merge patch); Stale when `etag` is no longer its own."""
        return await self._ask("PATCH", f"/v1/grants/{_part(grant_id)}", changes, actor=actor, etag=etag)

    async def practice(self, practice_id: str) -> Json:
        """A practice's settings and switches."""
        return await self._ask("GET", f"/v1/practices/{_part(practice_id)}")

    async def update_practice(self, practice_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change a practice's settings (merge patch)."""
        return await self._ask("PATCH", f"/v1/practices/{_part(practice_id)}", changes, actor=actor, etag=etag)

    async def set_practice_switch(self, practice_id: str, feature: str, *, on: bool, actor: str) -> Json:
        """Switch a feature for everyone of a practice."""
        return await self._switch("practices", practice_id, feature, on=on, actor=actor)

    async def client(self, client_id: str) -> Json:
        """A client's attributes and switches."""
        return await self._ask("GET", f"/v1/clients/{_part(client_id)}")

    async def set_client_switch(self, client_id: str, feature: str, *, on: bool, actor: str) -> Json:
        """Switch a feature for everyone of a client."""
        return await self._switch("clients", client_id, feature, on=on, actor=actor)

    async def create_grant(self, client_id: str, grant: Json, *, actor: str) -> Json:
        """Give an account access to a client: `account_id`, `kind`, and what else `update_grant` can change."""
        return await self._ask("POST", f"/v1/clients/{_part(client_id)}/grants", grant, actor=actor)

    async def explain(self, asking: Asking, question: Question) -> tuple[bool, Json]:
        """The decision on one question and its explanation, with who set each deciding fact (`set`) and when."""
        body = {"subject": dict(asking.subject), **question.body, "context": asking.context}
        answer = await self._ask("POST", "/v1/explain", body)
        return read_decision(answer), read_mapping(read_mapping(answer.get("context")).get("explanation"))

    async def withhold(
        self, grant_id: str, resource_type: str, resource_id: str, *, on: bool, actor: str, reason: str = ""
    ) -> None:
        """Keep an item from the grant's account, or no longer."""
        path = f"/v1/grants/{_part(grant_id)}/withheld/{_part(resource_type)}/{_part(resource_id)}"
        await self._keep(path, on=on, actor=actor, reason=reason)

    async def withhold_from_all(
        self, client_id: str, resource_type: str, resource_id: str, *, on: bool, actor: str, reason: str = ""
    ) -> None:
        """Keep an item from everyone who represents the client, now or later, or no longer."""
        await self._keep(_withheld(client_id, resource_type, resource_id), on=on, actor=actor, reason=reason)

    async def withheld(self, client_id: str, resource_type: str, resource_id: str) -> Json:
        """From whom an item is kept: `everyone` (`by`, `at`, `reason`, or None) and `accounts` by name."""
        return await self._ask("GET", _withheld(client_id, resource_type, resource_id))

    async def block(self, grant_id: str, reason: str, *, actor: str) -> None:
        """Put a safety block between the grant's account and its client."""
        await self._ask("PUT", f"/v1/grants/{_part(grant_id)}/block", {"reason": reason}, actor=actor)

    async def unblock(self, grant_id: str, *, actor: str) -> None:
        """Take the safety block away."""
        await self._ask("DELETE", f"/v1/grants/{_part(grant_id)}/block", actor=actor)

    async def block_of(self, grant_id: str) -> Json:
        """The safety block of a grant's account: `by`, `at`, `reason`. Rejected (404) where there is none."""
        return await self._ask("GET", f"/v1/grants/{_part(grant_id)}/block")

    async def create_client(self, practice_id: str, client: Json, *, actor: str) -> Json:
        """Take a client on: `id`, `born`, and what else `update_client` can change."""
        return await self._ask("POST", f"/v1/practices/{_part(practice_id)}/clients", client, actor=actor)

    async def update_client(self, client_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change what decisions read of a client: `born`, `self_managing`, `assent`, `active`."""
        return await self._ask("PATCH", f"/v1/clients/{_part(client_id)}", changes, actor=actor, etag=etag)

    async def merge_client(self, client_id: str, into: str, *, actor: str) -> None:
        """Let an empty client record give way to another."""
        await self._ask("POST", f"/v1/clients/{_part(client_id)}/merge", {"into": into}, actor=actor)

    async def counts(self, practice_id: str) -> Json:
        """What the plan counts: `active_clients`, `contacts`, `staff`, `subscribed_staff`, `charged_staff`."""
        return await self._ask("GET", f"/v1/practices/{_part(practice_id)}/counts")

    async def roster(self, practice_id: str, client_ids: Sequence[str]) -> dict[str, Json]:
        """How clients stand, by id: `active`, `self_managing`, `people` (how many by status), and more."""
        if not client_ids:
            return {}
        path = f"/v1/practices/{_part(practice_id)}/roster?limit=500&clients={quote(','.join(client_ids), safe=',')}"
        return {one["id"]: one for one in read_mappings((await self._ask("GET", path)).get("clients"))}

    async def not_in_care(self, practice_id: str) -> list[str]:
        """Ids of the clients who are not in care."""
        found: list[str] = []
        after = ""
        while True:
            path = f"/v1/practices/{_part(practice_id)}/roster?limit=500&active=false&after={_part(after)}"
            answer = await self._ask("GET", path)
            found += [str(one["id"]) for one in read_mappings(answer.get("clients"))]
            after = str(answer.get("next", ""))
            if not after:
                return found

    async def lock_out(self, practice_id: str, account_id: str, *, on: bool, actor: str) -> None:
        """Take all access at a practice from a person, or give it back."""
        path = f"/v1/practices/{_part(practice_id)}/accounts/{_part(account_id)}/lock"
        await self._ask("PUT" if on else "DELETE", path, {} if on else None, actor=actor)

    async def merge_accounts(self, practice_id: str, account_id: str, into: str, *, actor: str) -> dict[str, str]:
        """Make two accounts of one person one at a practice; the grant that stands in place of each that ended."""
        path = f"/v1/practices/{_part(practice_id)}/accounts/{_part(account_id)}/merge"
        answer = await self._ask("POST", path, {"into": into}, actor=actor)
        return {str(old): str(new) for old, new in read_mapping(answer.get("grants")).items()}

    async def decline_invitation(self, account_id: str) -> list[str]:
        """End the pending grants of an account whose person does not want them; the ids of those that ended."""
        answer = await self._ask("POST", f"/v1/accounts/{_part(account_id)}/decline", {})
        declined = answer.get("declined")
        return [str(one) for one in declined] if isinstance(declined, list) else []

    async def staff_of(self, practice_id: str) -> list[Json]:
        """A practice's staff: `id`, `roles`, `state`, `subscribed`, `may_invite`, `available`, `assigned`, `etag`."""
        return read_mappings((await self._ask("GET", f"/v1/practices/{_part(practice_id)}/staff")).get("staff"))

    async def update_staff(self, staff_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change a staff member; who offers times says so themselves (`available`)."""
        return await self._ask("PATCH", f"/v1/staff/{_part(staff_id)}", changes, actor=actor, etag=etag)

    async def create_staff(self, practice_id: str, member: Json, *, actor: str) -> Json:
        """Let somebody work at the practice: `id`, `roles`, and what else `update_staff` can change."""
        return await self._ask("POST", f"/v1/practices/{_part(practice_id)}/staff", member, actor=actor)

    async def assign_client(self, staff_id: str, client_id: str, *, on: bool, actor: str) -> None:
        """Assign a client to a staff member, or no longer."""
        path = f"/v1/staff/{_part(staff_id)}/assigned/{_part(client_id)}"
        await self._ask("PUT" if on else "DELETE", path, {} if on else None, actor=actor)

    async def update_practice_switches(
        self, practice_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        """Turn several switches of a practice at once; Stale when `etag` (its `switches_etag`) is no longer its own."""
        return await self._switches("practices", practice_id, switches, etag=etag, actor=actor)

    async def update_client_switches(
        self, client_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        """Turn several switches of a client at once; Stale when `etag` (its `switches_etag`) is no longer its own."""
        return await self._switches("clients", client_id, switches, etag=etag, actor=actor)

    async def grants_of_practice(self, practice_id: str, kinds: Iterable[str] = ()) -> list[Json]:
        """Every grant of a practice, or of some kinds, in order of id, without what is kept from its account."""
        found: list[Json] = []
        after = ""
        while True:
            wanted = {"limit": "2000", "after": after, "kinds": ",".join(sorted(kinds))}
            path = _with_query(f"/v1/practices/{_part(practice_id)}/grants", wanted)
            answer = await self._ask("GET", path)
            found += read_mappings(answer.get("grants"))
            after = str(answer.get("next", ""))
            if not after:
                return found

    async def update_grants(self, practice_id: str, changes: Sequence[Json], *, reason: str, actor: str) -> list[Json]:
        """Change several grants, all or none: each with `id`, `etag`, and what else `update_grant` can change."""
        path, body = f"/v1/practices/{_part(practice_id)}/grants", {"changes": list(changes), "reason": reason}
        return read_mappings((await self._ask("PATCH", path, body, actor=actor, seconds=BULK_SECONDS)).get("grants"))

    async def kind_defaults(self, practice_id: str) -> list[Json]:
        """With what new grants of each kind begin: `kind`, `chosen`, `usual`, `usual_child`, `may`, `etag`."""
        return read_mappings((await self._ask("GET", f"/v1/practices/{_part(practice_id)}/kind-defaults")).get("kinds"))

    async def update_kind_defaults(
        self, practice_id: str, kind: str, toggles: Mapping[str, bool | None], *, etag: str, actor: str
    ) -> Json:
        """Choose with what new grants of a kind begin; null is the usual. Stale when they were changed meanwhile."""
        path = f"/v1/practices/{_part(practice_id)}/kind-defaults/{_part(kind)}"
        return await self._ask("PATCH", path, {"toggles": dict(toggles)}, etag=etag, actor=actor)

    async def check_set_up(self, practice_id: str) -> Json:
        """What in grants, switches and staff is probably not meant: `findings`, and `dismissals`."""
        return await self._ask("GET", f"/v1/practices/{_part(practice_id)}/check")

    async def dismiss_finding(self, practice_id: str, finding: str, reason: str, *, actor: str) -> None:
        """Call a finding right, so that it is shown no more."""
        path = f"/v1/practices/{_part(practice_id)}/check/{_part(finding)}/dismissal"
        await self._ask("PUT", path, {"reason": reason}, actor=actor)

    async def restore_finding(self, practice_id: str, finding: str, *, actor: str) -> None:
        """Show a finding again."""
        await self._ask("DELETE", f"/v1/practices/{_part(practice_id)}/check/{_part(finding)}/dismissal", actor=actor)

    async def what_if(
        self,
        practice_id: str,
        changes: Sequence[Json],
        *,
        at: datetime | None = None,
        compare_at: datetime | None = None,
        actor: str,
        **narrowed: Any,
    ) -> WhatIf:
        """Who would gain and who would lose what; `narrowed` may limit `clients`, `accounts` and the `limit` listed."""
        instants = {"at": at, "compare_at": compare_at}
        body = {"practice_id": practice_id, "changes": list(changes), **narrowed}
        body |= {name: value.isoformat() for name, value in instants.items() if value is not None}
        return read_what_if(await self._ask("POST", "/v1/what-if", body, actor=actor))

    async def run_import(self, practice_id: str, wanted: Json, *, actor: str) -> Json:
        """Bring clients and grants in, all or none (`models.wire.imports.Import`); its key makes it count once."""
        path = f"/v1/practices/{_part(practice_id)}/imports"
        return await self._ask("POST", path, wanted, actor=actor, seconds=BULK_SECONDS)

    async def export_page(self, practice_id: str, *, after: str, at: str | None, actor: str) -> Json:
        """A page of the practice's access data (`models.wire.imports.Export`)."""
        query = {"limit": str(EXPORT_CLIENTS), **({"after": after} if after else {}), **({"at": at} if at else {})}
        path = f"/v1/practices/{_part(practice_id)}/export?{httpx.QueryParams(query)}"
        return await self._ask("GET", path, actor=actor, seconds=BULK_SECONDS)

    async def coming_changes(self, practice_id: str, *, until: date | None = None, actor: str) -> Json:
        """What will change by itself: `changes` by day, and the practice's `zone`."""
        query = "" if until is None else f"?until={until.isoformat()}"
        return await self._ask("GET", f"/v1/practices/{_part(practice_id)}/coming-changes{query}", actor=actor)

    async def past(self, client_id: str, at: datetime, item: tuple[str, str] | None = None, *, actor: str) -> Json:
        """Who could do what with a client's items (or one: type, id) at an instant, and what had been set by whom."""
        query = f"?at={_part(at.isoformat())}" + (f"&type={_part(item[0])}&id={_part(item[1])}" if item else "")
        return await self._ask("GET", f"/v1/clients/{_part(client_id)}/past{query}", actor=actor)

    async def hand_overs(self, practice_id: str, *, actor: str) -> list[Json]:
        """A practice's hand-overs, the latest day first."""
        answer = await self._ask("GET", f"/v1/practices/{_part(practice_id)}/hand-overs", actor=actor)
        return read_mappings(answer.get("hand_overs"))

    async def preview_hand_over(self, practice_id: str, hand_over: Json, *, actor: str) -> Json:
        """What a hand-over (`from_account`, `to_account`, `on`, `clients`?) would do: `steps`, `status`, `etag`."""
        return await self._ask("POST", f"/v1/practices/{_part(practice_id)}/hand-overs/preview", hand_over, actor=actor)

    async def hand_over(self, practice_id: str, hand_over: Json, *, etag: str, actor: str) -> Json:
        """Plan a hand-over as it was previewed; Rejected 412 when it would do something else by now."""
        path = f"/v1/practices/{_part(practice_id)}/hand-overs"
        return await self._ask("POST", path, hand_over, actor=actor, etag=etag)

    async def undo_hand_over(self, practice_id: str, hand_over_id: str, *, actor: str) -> Json:
        """Take a planned hand-over back."""
        path = f"/v1/practices/{_part(practice_id)}/hand-overs/{_part(hand_over_id)}"
        return await self._ask("DELETE", path, actor=actor)

    async def first_login(self, account_id: str) -> None:
        """Tell the service that an account signed in: its pending grants become active."""
        await self._ask("POST", f"/v1/accounts/{_part(account_id)}/first-login", {})

    async def accept_invitation(self, account_id: str, invited_as: str) -> dict[str, str]:
        """Move the pending grants of an invitation's account to one that signed in; the new grant of each old one."""
        answer = await self._ask("POST", f"/v1/accounts/{_part(account_id)}/accept", {"invited_as": invited_as})
        return {str(old): str(new) for old, new in read_mapping(answer.get("moved")).items()}

    async def record(self, event: Mapping[str, Any]) -> None:
        """Add an event (`action`, `actor`, `account_id`, `practice_id`) to the trail; durable when this returns."""
        await self.record_all([{name: value for name, value in event.items() if value is not None}])

    async def record_all(self, events: Sequence[Json]) -> None:
        """Add events to the trail; one with an `id` that arrived before is not added again."""
        await self._ask("POST", "/v1/trail", {"events": list(events)})

    async def trail(self, wanted: Mapping[str, str], *, actor: str) -> tuple[list[Json], str]:
        """A page of the practice's trail by the parameters of `GET /v1/trail`, and the `next` of the page after."""
        answer = await self._ask("GET", _with_query("/v1/trail", wanted), actor=actor)
        return read_mappings(answer.get("entries")), str(answer.get("next", ""))

    async def trail_entry(self, entry_id: str, *, actor: str) -> Json:
        """One record with its explanation: `entry`, `explanation`, `policy`, `situation`."""
        return await self._ask("GET", f"/v1/trail/{_part(entry_id)}", actor=actor)

    async def disclosures(self, client_id: str, since: datetime, until: datetime, *, actor: str) -> Json:
        """What was given of a client to others: `disclosures`, `complete`."""
        period = {"since": since.isoformat(), "until": until.isoformat()}
        return await self._ask("GET", _with_query(f"/v1/clients/{_part(client_id)}/disclosures", period), actor=actor)

    async def denials(self, client_id: str, since: datetime, until: datetime, *, actor: str) -> Json:
        """What people were refused about a client: `denials`, `complete`."""
        period = {"since": since.isoformat(), "until": until.isoformat()}
        return await self._ask("GET", _with_query(f"/v1/clients/{_part(client_id)}/denials", period), actor=actor)

    async def start_emergency(self, client_id: str, reason: str, minutes: int, *, actor: str) -> Json:
        """Open emergency access to a client for the actor."""
        body = {"reason": reason, "minutes": minutes}
        return await self._ask("POST", f"/v1/clients/{_part(client_id)}/emergency-accesses", body, actor=actor)

    async def end_emergency(self, access_id: str, *, actor: str) -> Json:
        """End emergency access at once."""
        return await self._ask("POST", f"/v1/emergency-accesses/{_part(access_id)}/end", actor=actor)

    async def review_emergency(self, access_id: str, note: str, *, actor: str) -> Json:
        """Sign emergency access off."""
        path = f"/v1/emergency-accesses/{_part(access_id)}/review"
        return await self._ask("PUT", path, {"note": note}, actor=actor)

    async def emergency(self, access_id: str) -> Json:
        """One emergency access."""
        return await self._ask("GET", f"/v1/emergency-accesses/{_part(access_id)}")

    async def emergencies(self, practice_id: str, wanted: Mapping[str, str]) -> tuple[list[Json], str]:
        """The emergency accesses of a practice, newest first, and the `next` of the page after."""
        path = _with_query(f"/v1/practices/{_part(practice_id)}/emergency-accesses", wanted)
        answer = await self._ask("GET", path)
        return read_mappings(answer.get("emergency_accesses")), str(answer.get("next", ""))

    async def emergency_reads(self, access_id: str, *, actor: str) -> tuple[list[Json], bool]:
        """What its holder was allowed under it, oldest first; and whether that is all."""
        answer = await self._ask("GET", f"/v1/emergency-accesses/{_part(access_id)}/reads", actor=actor)
        return read_mappings(answer.get("reads")), answer.get("complete") is True

    async def register(self, resources: Sequence[Json]) -> None:
        """Register the facts of items: objects of `type`, `id`, `properties`."""
        await self._ask("POST", "/v1/resources", {"resources": list(resources)})

    async def unregister(self, resource_type: str, resource_id: str) -> None:
        """Take the facts of an item back."""
        await self._ask("DELETE", f"/v1/resources/{_part(resource_type)}/{_part(resource_id)}")

    async def _keep(self, path: str, *, on: bool, actor: str, reason: str) -> None:
        body = ({"reason": reason} if reason else {}) if on else None
        await self._ask("PUT" if on else "DELETE", path, body, actor=actor)

    async def _switch(self, owner: str, owner_id: str, feature: str, *, on: bool, actor: str) -> Json:
        path = f"/v1/{owner}/{_part(owner_id)}/switches/{_part(feature)}"
        return await self._ask("PUT", path, {"on": on}, actor=actor)

    async def _switches(
        self, owner: str, owner_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        path, body = f"/v1/{owner}/{_part(owner_id)}/switches", {"switches": dict(switches)}
        return await self._ask("PATCH", path, body, etag=etag, actor=actor)

    # ---- the wire ----

    async def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        actor: str | None = None,
        etag: str | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> Json:
        # Outside a request it is the portal itself that asks; the accounting of disclosures tells by the name.
        headers = {"X-Request-ID": get_contextvars().get("request_id") or f"background:{secrets.token_hex(16)}"}
        if actor is not None:
            headers["Kinguard-Actor"] = actor
            if acting_amr.get():
                headers["Kinguard-Actor-Amr"] = " ".join(acting_amr.get())
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        content = None
        if body is not None:
            content = orjson.dumps(body)
            merge = method == "PATCH"
            headers["Content-Type"] = "application/merge-patch+json" if merge else "application/json"
        try:
            async with asyncio.timeout(seconds):
                status, answer = await self._send(method, path, content, headers)
        except TimeoutError as error:
            raise CannotDecide("the authz service did not answer in time") from error
        except (httpx.HTTPError, OSError) as error:
            raise CannotDecide("the authz service cannot be reached") from error
        if status in _DONE:
            return read_object(answer)
        if status == httpx.codes.NO_CONTENT and path not in _QUESTIONS:
            return {}
        raise read_refusal(status, answer, asked=path in _QUESTIONS, patched=method == "PATCH")

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        token = await self._access_token()
        status, answer = await self._fetch(method, path, content, {**headers, "Authorization": f"Bearer {token}"})
        if status == httpx.codes.UNAUTHORIZED:  # The service may have changed its keys; one new token, one new try.
            token = await self._access_token(instead_of=token)
            status, answer = await self._fetch(method, path, content, {**headers, "Authorization": f"Bearer {token}"})
        return status, answer

    async def _fetch(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        async with self._http.stream(method, path, content=content, headers=dict(headers)) as response:
            answer = bytearray()
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > ANSWER_BYTES_MAX:
                    raise CannotDecide("the authz service answered at too great a length")
        if answer and "json" not in response.headers.get("content-type", ""):
            raise CannotDecide("the authz service did not answer in JSON")
        return response.status_code, bytes(answer)

    async def _access_token(self, *, instead_of: str | None = None) -> str:
        async with self._renewing:
            now = self._clock().timestamp()
            if self._token is not None and self._token[0] != instead_of and self._token[1] > now + RENEW_SECONDS:
                return self._token[0]
            form = {
                "grant_type": _GRANT_TYPE,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion(self._key_file, self._token_endpoint, int(now)),
            }
            content = str(httpx.QueryParams(form)).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            status, answer = await self._fetch("POST", "/oauth/token", content, headers)
            if status != httpx.codes.OK:
                raise CannotDecide(f"the authz service gave no token (status {status})")
            issued = read_object(answer)
            token, seconds = issued.get("access_token"), issued.get("expires_in")
            if not isinstance(token, str) or not isinstance(seconds, int):
                raise CannotDecide("the authz service gave no token")
            self._token = (token, now + seconds)
            return token


def _read_plan(answer: Json) -> Plan:
    kind = answer.get("kind")
    if kind not in _PLAN_KINDS or (kind == "conditional") is not ("condition" in answer):
        raise CannotDecide("the authz service answered no plan")
    refusal = answer.get("refusal")
    condition = answer["condition"] if kind == "conditional" else kind == "always_allowed"
    return Plan(condition, None if refusal is None else read_mapping(refusal))


def _withheld(client_id: str, resource_type: str, resource_id: str) -> str:
    return f"/v1/clients/{_part(client_id)}/withheld/{_part(resource_type)}/{_part(resource_id)}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _with_query(path: str, wanted: Mapping[str, str]) -> str:
    query = str(httpx.QueryParams({name: value for name, value in wanted.items() if value}))
    return f"{path}?{query}" if query else path
