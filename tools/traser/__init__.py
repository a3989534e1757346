"""TRASER: a scene graph of tracked objects, from the published model."""
