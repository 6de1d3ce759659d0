"""Docker: events and listings become a `Snapshot`; names are resolved by its embedded DNS."""
