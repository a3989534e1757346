"""The agent that answers questions from the graph, with checked evidence."""
