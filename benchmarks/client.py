"""A load generator in a process of its own: keep-alive connections, each with one request under way, over loopback.

`python -m benchmarks.client PORT PATH CONNECTIONS SECONDS FILE`: the file holds one JSON body a line; the token comes
in the environment. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from pathlib import Path


class Connection:
    """One socket and the answer being read from it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.wanted = 0
        self.sent_at = 0

    def send(self, request):
        """Send one request; small ones fit into the socket's buffer at once."""
        self.buffer, self.wanted = b"", 0
        self.sent_at = time.perf_counter_ns()
        self.socket.sendall(request)

    def read(self):
        """Whether the answer is complete."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed a connection")
        self.buffer += part
        if not self.wanted:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = self.buffer[:end].lower()
            start = head.index(b"content-length:") + 15
            stop = head.find(b"\r\n", start)
            self.wanted = end + 4 + int(head[start:] if stop < 0 else head[start:stop])
        return len(self.buffer) >= self.wanted


def requests(path, bodies):
    """The bytes of every request."""
    token = os.environ.get("KINGUARD_BENCH_TOKEN", "")
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += "Content-Type: application/json\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


def run(port, path, count, seconds, bodies):
    """Keep every connection busy for the time; latencies in microseconds, answers by status and decision."""
    texts = requests(path, bodies)
    connections = {}
    poll = select.epoll()
    for i in range(count):
        connection = Connection(port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
        connection.send(texts[i % len(texts)])
    taken, statuses, allowed, number = [], {}, 0, count
    begun = time.perf_counter()
    deadline = begun + seconds
    while time.perf_counter() < deadline:
        events = poll.poll(1.0)
        for descriptor, _ in events:
            connection = connections[descriptor]
            if connection.read():
                taken.append(time.perf_counter_ns() - connection.sent_at)
                status = connection.buffer[9:12].decode()
                statuses[status] = statuses.get(status, 0) + 1
                allowed += connection.buffer.count(b'"decision":true', 60)
                connection.send(texts[number % len(texts)])
                number += 1
    elapsed = time.perf_counter() - begun
    for connection in connections.values():
        connection.socket.close()
    taken.sort()
    return {
        "per_second": len(taken) / elapsed,
        "p50_us": taken[len(taken) // 2] / 1000,
        "p99_us": taken[int(len(taken) * 0.99)] / 1000,
        "statuses": statuses,
        "allowed": allowed,
    }


if __name__ == "__main__":
    print(
        json.dumps(
            run(
                int(sys.argv[1]),
                sys.argv[2],
                int(sys.argv[3]),
                float(sys.argv[4]),
                Path(sys.argv[5]).read_bytes().splitlines(),
            )
        )
    )
