"""Names of HAProxy's configuration file, and of its sockets in `layout.RUN`, which no port reaches."""

CONFIG_NAME = "haproxy.cfg"
ADMIN_SOCKET = "admin.sock"  # the runtime API, of the worker that serves
MASTER_SOCKET = "master.sock"  # the master: reload and its verdict
STATUS_SOCKET = "status.sock"  # HTTP: the statistics
STATE_FILE = "servers.state"  # which servers have to pass their check before they get requests
