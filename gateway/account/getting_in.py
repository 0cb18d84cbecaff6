"""The site map of invitations, recovery and sign-up."""

from __future__ import annotations

from gateway.account import joining

ROUTES = (*joining.ROUTES,)
