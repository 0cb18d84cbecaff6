"""What loads and is doubtful all the same: decided on the diagrams, and where that cannot be, on the text."""
