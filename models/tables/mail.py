"""Tables of mail and notices."""
