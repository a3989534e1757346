"""Formats of the field: scene graphs of other tools and data sets, read and written."""
