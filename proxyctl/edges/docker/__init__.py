"""Docker, through docker-py's low-level client: `store` follows it, `gateway` runs the proxy container."""
