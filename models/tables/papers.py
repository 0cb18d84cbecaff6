"""Tables of files, signatures and releases."""
