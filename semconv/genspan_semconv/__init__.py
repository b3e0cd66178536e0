"""The GenAI conventions as genspan emits them: attribute names, the model of a call, renderers. Imports no SDK."""
