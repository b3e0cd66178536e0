"""Readers of wire formats that several providers share: OpenAI's chat completions, embeddings, media and errors.

Pure functions from wire JSON to ``genspan_semconv.model``; a provider takes them as they are, or adds what only it has.
"""
