"""The site map of invitations, recovery and sign-up."""

from __future__ import annotations

from gateway.account import declining, joining, login_address, own_password, recovery, sign_up

ROUTES = (
    *joining.ROUTES,
    *declining.ROUTES,
    *recovery.ROUTES,
    *own_password.ROUTES,
    *login_address.ROUTES,
    *sign_up.ROUTES,
)
