"""`proxyctl check`: the command, the group of commands below it, and what they print."""
