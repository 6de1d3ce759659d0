"""Everything that touches the world. Each module implements a Protocol of `proxyctl.ports`; none imports another."""
