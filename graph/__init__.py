"""The temporal scene graph: document, tracks, queries, text, cache."""
