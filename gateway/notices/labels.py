"""What an account calls its clients in mails, which others may read: never the full name (rows P19, c15, e2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import select

from models.tables.mail import ClientLabel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

    from models.tables.records import Client

LABEL_CHARACTERS_MAX = 24
_LETTERS_MAX = 2  # of a name, in a label that nobody chose


def labels_of(session: Session, account_id: str) -> dict[str, str]:
    """The labels that an account chose, by client id; a client without one is not among them."""
    chosen = select(ClientLabel).where(ClientLabel.account_id == account_id)
    return {row.client_id: row.label for row in session.exec(chosen)}


def keep_label(session: Session, account_id: str, client_id: str, label: str) -> None:
    """Keep a label; an empty one takes it back."""
    row = session.get(ClientLabel, (account_id, client_id))
    if not label:
        if row is not None:
            session.delete(row)
        return
    row = row or ClientLabel(account_id=account_id, client_id=client_id, label=label)
    row.label = label
    session.add(row)


def default_labels(called: Mapping[str, str]) -> dict[str, str]:
    """`M.` for each client who is called something, by id; two letters where one would mean two people."""
    firsts = [name[:1].casefold() for name in called.values()]
    return {
        key: f"{name[: 1 if firsts.count(name[:1].casefold()) == 1 else _LETTERS_MAX].capitalize()}."
        for key, name in called.items()
    }


def initials(name: str) -> str:
    """`R. D.`, as staff tell their clients apart."""
    return " ".join(f"{word[0].upper()}." for word in name.split())


def gives_away(label: str, client: Client) -> bool:
    """Whether a label has the client's full name or family name in it."""
    words = {word.casefold() for word in label.replace(".", " ").split()}
    family = {word.casefold() for word in client.name.split()[1:]}
    return bool(words & family) or client.name.casefold() in label.casefold()
