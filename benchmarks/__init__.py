"""What tracing costs: instructions of a call over the bare SDK, next to a hand-written minimum that does the same."""
