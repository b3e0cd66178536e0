"""What a request means: the contract of a provider, routing, provider names, seen ids."""
