"""State: model calls, turns, tool runs and hosted sessions, each a span that ends once."""
