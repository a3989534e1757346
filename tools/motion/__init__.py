"""The embedded tracker: no weights, CPU only."""
