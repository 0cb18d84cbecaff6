"""Tables of intake forms."""
