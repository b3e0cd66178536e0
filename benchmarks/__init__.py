"""What tracing costs: instructions of a call over the bare SDK, next to a floor written by hand that does the same."""
