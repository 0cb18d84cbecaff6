"""From rows, a request and the clock to the facts of a question, and from the facts to a decision. Pure: no I/O, no clock of its own."""
