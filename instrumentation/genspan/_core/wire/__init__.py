"""Bytes to JSON."""
