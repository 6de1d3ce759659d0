"""proxyctl: Nginx and HAProxy in front of labelled Docker containers."""

__version__ = "0.1.0"
