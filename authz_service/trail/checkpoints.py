"""Signed checkpoints: what the chains' heads were at a moment, kept where the database is not.

The file has one signed token a line; each names the digest of the line before it. Whoever keeps a copy of a line can
show that everything up to it is still as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.tokens.signatures import TokenError, decode, read_object, read_signed, sign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from authz_service.tokens.signatures import KeySet, PrivateKey
    from authz_service.trail.segments import Link

CHECKPOINT_TYPE = "trail-checkpoint"
_HEADS_MAX = 30  # in one line, so that a line stays a token of ordinary size
_NONE = "0" * 64
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line of the file. `heads` names the chains that grew since the line before."""

    number: int  # from 1
    at: int  # microseconds since the epoch
    heads: Mapping[str, tuple[int, str]]  # chain -> number and hash of its newest group
    digest: str  # SHA-256 of the line


class CheckpointError(Exception):
    """A line of the file is not what was signed there; the message names the line."""


def append_checkpoint(path: Path, key: PrivateKey, at: int, heads: Mapping[str, Link]) -> None:
    """Signs the heads and makes the lines durable. Processes that share the file wait for each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        number, digest = _last(descriptor)
        entries = list(heads.values())
        for start in range(0, len(entries), _HEADS_MAX):
            number += 1
            claims = {
                "number": number,
                "at": at,
                "previous": digest,
                "heads": {link.chain: [link.number, link.hash] for link in entries[start : start + _HEADS_MAX]},
            }
            line = sign(claims, key, CHECKPOINT_TYPE).encode()
            os.write(descriptor, line + b"\n")
            digest = hashlib.sha256(line).hexdigest()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_checkpoints(path: Path, keys: KeySet) -> Iterator[Checkpoint]:
    """Every checkpoint, verified; CheckpointError at the first line that does not hold."""
    expected, previous = 1, _NONE
    with path.open("rb") as file:
        for place, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                raise CheckpointError(f"{path.name}:{place}: the last line is cut")
            text = line[:-1]
            try:
                header, payload = read_signed(text.decode("ascii"), keys)
                claims = read_object(payload, "payload")
            except (TokenError, UnicodeDecodeError) as error:
                raise CheckpointError(f"{path.name}:{place}: {error}") from error
            if header.get("typ") != CHECKPOINT_TYPE:
                raise CheckpointError(f"{path.name}:{place}: the line is not a checkpoint")
            if claims["number"] != expected or claims["previous"] != previous:
                raise CheckpointError(f"{path.name}:{place}: a checkpoint before this one is missing or out of place")
            previous = hashlib.sha256(text).hexdigest()
            heads = {chain: (number, digest) for chain, (number, digest) in claims["heads"].items()}
            yield Checkpoint(expected, claims["at"], heads, previous)
            expected += 1


def _last(descriptor: int) -> tuple[int, str]:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    lines = tail.splitlines()
    if not lines:
        return 0, _NONE
    if not tail.endswith(b"\n"):
        raise OSError("the last checkpoint is cut: verify the trail and restore the file from its copy")
    # Only the counter is read here; whether the line is genuine is what `kinguard trail verify` tells.
    payload = lines[-1].split(b".")[1].decode()
    return read_object(decode(payload), "payload")["number"], hashlib.sha256(lines[-1]).hexdigest()
