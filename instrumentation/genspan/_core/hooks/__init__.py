"""Touches SDKs: what is patched, the wrappers, and the observers of responses."""
