"""What is proven of every situation, and a proof of what the reader claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.errors import Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.review.reading import PROOFS, told, version_asked, version_of
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

CLAIM_MAX = 20_000
EXAMPLE = """\
version: 1
invariants:
  - id: my_claim
    says: No payer ever sees a service plan.
    never:
      subject: account
      action: any
      resource: service_plan
      when: {subject.kind: payer}
"""


async def proofs_page(request: Request) -> Response:
    """Every invariant in words, with what it was proven over."""
    return await _page(request, EXAMPLE)


async def prove(request: Request) -> Response:
    """How the reader's own invariants fare; nothing of them is kept."""
    form = await request.form()
    # A browser sends lines as forms have them; the text is read as it was written.
    text = str(form.get("invariants", "")).replace("\r\n", "\n")
    if len(text) > CLAIM_MAX:
        return await _page(request, text[:CLAIM_MAX], too_long=True)
    if not text.strip():
        return await _page(request, text, missing=True)
    try:
        answer = await told(
            request.app.state.authz.prove_claims(version_asked(request), text, actor=request.state.reader.actor)
        )
    except Rejected as error:
        return await _page(request, text, refused=str(error))
    return await _page(request, text, mine=answer)


async def _page(request: Request, text: str, **more: Any) -> Response:
    answer = await told(request.app.state.authz.policy_proofs(version_asked(request), actor=request.state.reader.actor))
    wanted = request.query_params.get("q", "").strip()[:200] if request.method == "GET" else ""
    (may_run,) = await may(request, [("run", "policy", {})])
    wrong = any(more.get(name) for name in ("too_long", "missing", "refused")) or bool(
        (more.get("mine") or {}).get("problems")
    )
    return await page(
        request,
        "review/proofs.html",
        status=422 if wrong else 200,
        version=version_of(answer),
        proofs=[proof for proof in answer["proofs"] if _fits(proof, wanted)],
        all_proofs=len(answer["proofs"]),
        situations=sum(proof["situations"] for proof in answer["proofs"]),
        wanted=wanted,
        text=text,
        text_max=CLAIM_MAX,
        may_run=may_run,
        wrong=wrong,
        **more,
    )


def _fits(proof: Mapping[str, Any], wanted: str) -> bool:
    parts = (proof["subjects"], proof["actions"], proof["resources"], proof["when"], proof["unless"])
    words = [proof["id"], proof["says"], *(word for part in parts for word in part)]
    shown = " ".join(words).lower()
    return all(word in shown for word in wanted.lower().split())


ROUTES = (
    Route(PROOFS, proofs_page, guard=Guard("view", "policy")),
    Route(PROOFS, prove, guard=Guard("run", "policy"), methods=("POST",)),
)
