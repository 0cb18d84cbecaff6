"""The site map of invitations, recovery and sign-up."""

from __future__ import annotations

from gateway.account import joining, own_password, recovery, sign_up

ROUTES = (*joining.ROUTES, *recovery.ROUTES, *own_password.ROUTES, *sign_up.ROUTES)
