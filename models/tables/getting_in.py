"""Tables of invitations, recovery and the sign-up queue."""
