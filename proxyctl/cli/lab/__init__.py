"""`proxyctl lab`: one file per command below it; `group` puts them together."""
