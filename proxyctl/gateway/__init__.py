"""The proxy container: its life, access to it, and what is asked from inside its network."""
