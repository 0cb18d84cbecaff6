"""From rows, a request and the clock to the facts of a question and to a decision. Pure: neither I/O nor a clock."""
