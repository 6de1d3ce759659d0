"""The proxies: one package for each, which knows nothing of the others; each implements `port.Engine`."""
