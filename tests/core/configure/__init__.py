"""`genspan.configure()`."""
