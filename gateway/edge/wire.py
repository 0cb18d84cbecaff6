"""The server's reading of the request line, made strict: a target is a path of this site and nothing else."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UNREADABLE = b"/%"  # a path that no page has, and that is turned away


class StrictHttp(HttpToolsProtocol):
    """HTTP/1.1 by httptools, without targets that name a host (the Host header would be ignored) or a fragment."""

    def on_headers_complete(self) -> None:
        """The head of a request has been read."""
        if not self.url.startswith(b"/") or b"#" in self.url:
            self.url = _UNREADABLE
        super().on_headers_complete()
