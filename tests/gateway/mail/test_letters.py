"""Whatever is written into a mail stays where it was written: no header, link or heading can be smuggled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mail.address import is_address, mailbox, one_line
from gateway.mail.message import make_message
from gateway.mail.post import Letter, letter
from gateway.mail.twin import bare, guarded, make_twin

if TYPE_CHECKING:
    from email.message import EmailMessage

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "MIME-Version",
]
NASTY = st.one_of(
    st.text(max_size=300),
    st.text(st.sampled_from("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029\0 :<>\"'(),;=?[]-#abcBé你\U0001f600"), max_size=120),
)
NAME = st.text(st.characters(exclude_characters="<>", exclude_categories=("Cs",)), max_size=80)


def parsed(mail: Letter) -> EmailMessage:
    """The message as another program reads it from the wire."""
    made = make_message(mail, mail_id="a" * 32, sender="portal@mail.example", dated=datetime(2026, 6, 15, tzinfo=UTC))
    wire = made.as_bytes()
    assert max(map(len, wire.split(b"\r\n"))) <= 998  # RFC 5322, section 2.1.1
    assert wire.isascii()
    assert b"\n" not in wire.replace(b"\r\n", b"")
    return message_from_bytes(wire, policy=policy.default)  # type: ignore[return-value]


@given(subject=NASTY, text=NASTY, name=NAME)
@example(subject="Hello\r\nBcc: eve@mail.example", text="x", name="x\r\nBcc: eve@mail.example")
@example(subject="Hello\u2028Bcc: eve@mail.example", text="\r\n.\r\nQUIT", name="=?utf-8?q?=0d=0aBcc:_eve?=")
@example(subject="=?utf-8?b?DQpCY2M6IGV2ZQ==?=", text="--===============1==\r\nBcc: e", name='"a" b,')
def test_no_header_can_be_smuggled_in(subject: str, text: str, name: str) -> None:
    """Any subject, body and name give the same headers, one recipient, and the same words."""
    message = parsed(Letter(to=f"{name}<ann@mail.example>", subject=subject, text=text, html=f"<p>{len(text)}</p>"))
    assert sorted(message.keys()) == sorted(HEADERS)
    (to,) = message["To"].addresses
    assert to.addr_spec == "ann@mail.example"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not re.search(r"[\r\n]", str(message["Subject"]))


@given(subject=st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=120))
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    plain = one_line(subject)
    if "=?" not in plain:  # That would be an encoded word, for whoever reads it.
        assert str(parsed(Letter(to="ann@mail.example", subject=subject, text=""))["Subject"]) == plain[:200].rstrip()


@given(value=NASTY)
@example(value="## Heading")
@example(value="- entry\n[Pay](https://evil.example/)")
@example(value="](https://evil.example/)")
def test_what_is_filled_in_makes_no_sign(value: str) -> None:
    """A value at the beginning of a line, in an entry, in a label and alone is text in both bodies, unchanged."""
    shown = guarded(value)
    source = f"{shown}\n\n- {shown}x\n\n[{shown}x](https://portal.example/c)\n"
    twin = make_twin(source, "en")
    assert re.findall(r'href="([^"]*)"', twin.html) == ["https://portal.example/c"]
    assert twin.html.count("<h2") == 0
    assert twin.html.count("<li>") == 1
    assert bare(shown).strip() in twin.text or not bare(shown).strip()
    assert set(re.findall(r"<(\w+)", twin.html)) <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "p",
        "ul",
        "li",
        "a",
        "br",
    }


def test_both_bodies_say_the_same() -> None:
    twin = make_twin(
        "Hello\nthere:\n- one\n- [two](https://x.example/2)\n\n## Mia\n[Go](https://x.example/?a=1&b=2)\n", "en"
    )
    assert twin.text == (
        "Hello\nthere:\n- one\n- two: https://x.example/2\n\nMia\n---\nGo:\nhttps://x.example/?a=1&b=2\n"
    )
    tags = re.sub(r' style="[^"]*"', "", twin.html.partition("<div")[2].partition(">")[2])
    assert tags.split("\n</div>")[0].strip() == (
        '<p>Hello there:</p>\n<ul><li>one</li><li><a href="https://x.example/2">two</a></li></ul>\n'
        '<h2>Mia</h2>\n<p><a href="https://x.example/?a=1&amp;b=2">Go</a></p>'
    )


def test_a_button_leads_to_the_web_only() -> None:
    with pytest.raises(ValueError, match="leads to a web page"):
        make_twin("[Go](javascript:alert(1))".replace("alert(1)", "alert"), "en")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("ann@mail.example", True),
        ("ann+child.2@mail.co.example", True),
        ("o'neil@xn--bcher-kva.example", True),
        ("ann@localhost", True),
        ("ann", False),
        ("ann@", False),
        ("@mail.example", False),
        ("ann@mail..example", False),
        ("ann@-mail.example", False),
        (".ann@mail.example", False),
        ("ann @mail.example", False),
        ("ann@mail.example, eve@mail.example", False),
        ("ann@mail.example\nBcc: eve@mail.example", False),
        ("añn@mail.example", False),
        (f"{'a' * 65}@mail.example", False),
        (f"ann@{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}", False),
    ],
)
def test_only_addresses_that_mail_can_reach_are_taken(text: str, fits: bool) -> None:
    assert is_address(text) is fits
    if not fits:
        with pytest.raises(ValueError, match="e-mail address"):
            Letter(to=text, subject="", text="")


def test_a_name_keeps_its_letters_and_loses_what_is_none() -> None:
    assert mailbox('"Ann  Lee"\r\n <ann@mail.example>').display_name == "Ann Lee"
    assert mailbox("José <jose@mail.example>").display_name == "José"


def test_a_template_without_a_value_is_an_error() -> None:
    with pytest.raises(Exception, match="undefined"):
        letter("notice", "ann@mail.example", "en", subject="x")
