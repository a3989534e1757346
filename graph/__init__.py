"""The scene graph of a video: the document, the queries, the text and the store."""
