"""The gateway, the proxy's container: its life, access to it, and what is asked from inside its network."""
