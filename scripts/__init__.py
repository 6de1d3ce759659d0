"""Programs for people who work on proxyctl; nothing here is shipped."""
