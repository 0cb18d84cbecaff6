"""A path is served only when it can be read in one way."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.paths import is_local, is_plain


@pytest.mark.parametrize(
    "path", ["/", "/c/mia", "/c/mia/invoices/inv_mia_1", "/static/kinguard.css", "/c/m%C3%ADa", "/c/a%20b", "/c/~a-b.c"]
)
def test_a_plain_path_is_served(path: str) -> None:
    assert is_plain(path.encode(), unquote(path))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "c/mia",
        "//c/mia",
        "/c//mia",
        "/c/mia/../leo",
        "/c/mia/./invoices",
        "/c/mia/..",
        "/c/%2e%2e/admin",
        "/c/.%2E/admin",
        "/c/mia%2finvoices",
        "/c/mia%2Finvoices",
        "/c/mia%5cinvoices",
        "/c/mia\\invoices",
        "/c/mia%00",
        "/c/mia%0d%0a",
        "/c/mia%7f",
        "/c/%252e%252e",
        "/c/mia%",
        "/c/mia%2",
        "/c/mia%zz",
        "/c/mia;jsessionid=1",
        "/c/mia%3b",
        "/c/mia?x",
        "/c/mia#x",
        "/c/mia%3fx",
        "/c/mia%23x",
        "/c/mia x",
        "/c/%ff",
        "/c/%c0%af",
        "/c/mía",
        "/" + "a" * 2048,
    ],
)
def test_a_path_with_two_readings_is_not(path: str) -> None:
    assert not is_plain(path.encode(), unquote(path))


def test_a_path_that_the_server_decoded_otherwise_is_not_served() -> None:
    assert not is_plain(b"/c/mia", "/c/leo")


@given(st.text(st.sampled_from("/.%25eEfFcC0\\;?#aé\x00"), max_size=12))
def test_what_is_served_decodes_no_further_and_stays_below_the_root(tail: str) -> None:
    path = "/" + tail
    if is_plain(path.encode(), unquote(path)):
        once = unquote(path)
        assert unquote(once) == once
        assert "//" not in once
        assert not {".", ".."} & set(once.split("/"))
        assert once.count("/") == path.count("/")


@pytest.mark.parametrize("target", ["/", "/c/mia", "/c/mia/calendar?view=month"])
def test_a_redirect_may_go_to_a_page_of_ours(target: str) -> None:
    assert is_local(target)


@pytest.mark.parametrize(
    "target",
    ["", "c/mia", "//evil.example", "/\\evil.example", "https://evil.example/", "/c/..", "/%2f", "/a\r\nb", "/c?a#b"],
)
def test_a_redirect_goes_nowhere_else(target: str) -> None:
    assert not is_local(target)
