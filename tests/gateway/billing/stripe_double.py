"""A local HTTP server that answers like Stripe's API, as far as Checkout Sessions go (docs.stripe.com/api)."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, WEBHOOK_SECRET = "sk_test_kinguard", "whsec_kinguard"


class Stripe:
    """Sessions by id, what was asked, and what to answer instead."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.instead: tuple[int, bytes] | None = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def pay(self, session_id: str, brand: str = "visa", last4: str = "4242") -> None:
        """The payer typed a card that pays."""
        charge = {
            "id": "ch_3PQ",
            "object": "charge",
            "payment_method_details": {"type": "card", "card": {"brand": brand, "last4": last4}},
        }
        self.sessions[session_id] |= {"status": "complete", "payment_status": "paid"}
        self.sessions[session_id]["payment_intent"] |= {"status": "succeeded", "latest_charge": charge}

    def decline(self, session_id: str, code: str, decline_code: str | None = None) -> None:
        """The payer typed a card that does not; the page stays open."""
        fault = {"type": "card_error", "code": code, "message": "Your card was declined."}
        if decline_code:
            fault["decline_code"] = decline_code
        self.sessions[session_id]["payment_intent"] |= {"last_payment_error": fault}

    def event(self, kind: str, session_id: str) -> bytes:
        """The body of an event: about the session, or about its payment intent."""
        session = self.sessions[session_id]
        about = (
            session if kind.startswith("checkout") else {"object": "payment_intent", "metadata": session["metadata"]}
        )
        return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}}).encode()

    def answer(self, method: str, path: str, headers: dict[str, str], fields: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append((method, path, headers, fields))
        if self.instead is not None:
            return self.instead
        if headers.get("authorization") != f"Bearer {KEY}":
            return _fault(401, "invalid_request_error", "api_key_invalid")
        parts = urlsplit(path).path.removeprefix("/v1/checkout/sessions").strip("/").split("/")
        if method == "POST" and parts == [""]:
            return self._create(headers["idempotency-key"], fields)
        session = self.sessions.get(parts[0])
        if session is None:
            return _fault(404, "invalid_request_error", "resource_missing")
        if method == "POST" and parts[1:] == ["expire"]:
            if session["status"] != "open":
                return _fault(400, "invalid_request_error", "checkout_session_not_open")
            session["status"] = "expired"
        whole = "expand[]=payment_intent.latest_charge" in path
        shown = session if whole else session | {"payment_intent": session["payment_intent"]["id"]}
        return 200, json.dumps(shown).encode()

    def _create(self, key: str, fields: dict[str, str]) -> tuple[int, bytes]:
        if key in self.by_key:
            known, session = self.by_key[key]
            if known != fields:
                return _fault(400, "idempotency_error", None)
            return 200, json.dumps(session).encode()
        session_id = f"cs_test_{len(self.sessions) + 1}"
        session = {
            "id": session_id,
            "object": "checkout.session",
            "url": f"{self.url}/c/pay/{session_id}",
            "status": "open",
            "payment_status": "unpaid",
            "amount_total": int(fields["line_items[0][price_data][unit_amount]"]),
            "currency": fields["line_items[0][price_data][currency]"],
            "client_reference_id": fields["client_reference_id"],
            "metadata": {"attempt": fields["metadata[attempt]"], "practice": fields["metadata[practice]"]},
            "payment_intent": {
                "id": "pi_1",
                "object": "payment_intent",
                "status": "requires_payment_method",
                "last_payment_error": None,
                "latest_charge": None,
            },
        }
        self.sessions[session_id] = session
        self.by_key[key] = (fields, session)
        return 200, json.dumps(session).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                fields = {name: values[0] for name, values in parse_qs(body).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, content = stripe.answer(self.command, self.path, headers, fields)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler


def signature(body: bytes, at: float, secret: str = WEBHOOK_SECRET) -> str:
    """The value of Stripe-Signature."""
    digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={digest},v0=00"


def _fault(status: int, kind: str, code: str | None) -> tuple[int, bytes]:
    return status, json.dumps({"error": {"type": kind, "code": code, "message": "No."}}).encode()
