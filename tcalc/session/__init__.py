"""The session layer: one command in, one Record out. Nothing here formats for a screen."""
