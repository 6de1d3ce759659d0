"""The proxies: one package each that knows nothing of the others; `port` is what they implement."""
