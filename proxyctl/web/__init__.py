"""What `watch` answers over HTTP: `api` defines it, on control.sock for everything and on TCP read-only."""
