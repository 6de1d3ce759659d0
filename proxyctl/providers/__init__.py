"""Where the world is read: one package for each source of containers."""
