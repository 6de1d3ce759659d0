"""The proxies: one module each, all implementing `proxyctl.ports.Engine`."""
