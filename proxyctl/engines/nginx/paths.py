"""Names of nginx's configuration file and of its status socket in `layout.RUN`, which no port reaches."""

CONFIG_NAME = "nginx.conf"
STATUS_SOCKET = "status.sock"  # HTTP: the revision
