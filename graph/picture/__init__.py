"""A picture of a graph: one HTML file with its timeline, its objects and its network."""
