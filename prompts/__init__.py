"""Prompts as data: one file each, rendered strictly."""
