"""Tables of messages and their attachments."""
