"""What the official images of the two proxies have in them, put together from Debian's packages.

For a machine where no registry answers. Like the official ones they have Debian's shells and a few of its tools, no
busybox, no `kill`, `ip` or `nc`; HAProxy runs as a user of its own, nginx is started by an entry point. Unlike there,
nginx has its stream module in a file. What set-up makes for labs and tests is in `images`.
"""

import re
from pathlib import Path

from scripts.machine.rootfs import Rootfs, chroot
from scripts.machine.terminal import Terminal

PACKAGES = ("bash", "dash", "coreutils", "grep", "libc-bin", "ca-certificates")
TOOLS = (
    "bash", "cat", "chmod", "chown", "cp", "dash", "date", "env", "false", "getent", "grep", "head", "id", "ln", "ls",
    "mkdir", "mktemp", "mv", "printf", "readlink", "rm", "sleep", "sort", "stat", "tail", "test", "timeout", "touch",
    "true", "wc",
)  # fmt: skip
HAPROXY_START = """\
#!/bin/sh
set -e
case "${1-}" in -*) set -- haproxy "$@" ;; esac
if [ "${1-}" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
"""
NGINX_START = """\
#!/bin/sh
set -e
exec "$@"
"""
NGINX_CONF = """\
user nginx;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events {}
http {
    include /etc/nginx/mime.types;
    server {
        listen 80;
        root /usr/share/nginx/html;
    }
}
"""
PAGE = "<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n"
CONFIGURATION = {
    "haproxy": (
        "USER haproxy",
        "WORKDIR /var/lib/haproxy",
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        'CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
    ),
    "nginx": ('ENTRYPOINT ["/docker-entrypoint.sh"]', 'CMD ["nginx", "-g", "daemon off;"]', "EXPOSE 80"),
}


def lay_out(terminal: Terminal, source: Path, folder: Path, proxy: str) -> Rootfs:
    """Return the filesystem of a proxy's image, made in `folder` out of the tree of packages at `source`."""
    rootfs = Rootfs(terminal, source, folder)
    rootfs.copy_programs(f"usr/sbin/{proxy}", *(f"usr/bin/{tool}" for tool in TOOLS))
    (folder / "usr/bin/sh").symlink_to("dash")
    (folder / "usr/bin/[").symlink_to("test")
    rootfs.add_certificates()
    if proxy == "haproxy":
        for place in ("usr/local/sbin", "usr/local/etc/haproxy"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / "usr/sbin/haproxy").rename(folder / "usr/local/sbin/haproxy")
        rootfs.write("usr/local/bin/docker-entrypoint.sh", HAPROXY_START, mode=0o755)
    else:
        built_with = chroot(terminal, source, "nginx", "-V")
        modules = re.search(r"--modules-path=/(\S+)", built_with)
        rootfs.copy_programs(f"{modules[1] if modules else 'usr/lib/nginx/modules'}/*.so")
        rootfs.copy("etc/nginx/mime.types")
        rootfs.write("etc/nginx/nginx.conf", NGINX_CONF)
        rootfs.write("usr/share/nginx/html/index.html", PAGE)
        rootfs.write("docker-entrypoint.sh", NGINX_START, mode=0o755)
        for name, stream in (("access", "stdout"), ("error", "stderr")):
            (folder / f"var/log/nginx/{name}.log").symlink_to(f"/dev/{stream}")
    return rootfs
