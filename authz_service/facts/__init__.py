"""From rows, a request and the clock to the facts of a question and to a decision. Pure: no I/O, no clock of its own."""
