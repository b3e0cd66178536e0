"""What leaves: spans, metrics, events, and the attributes, limits and redaction of each."""
