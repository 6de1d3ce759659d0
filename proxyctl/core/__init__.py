"""Decisions, without the world: no async, clock, logging, files or sockets in here.

In call order: `labels` parses what containers declare, `desired` turns a snapshot into what the proxy
should do, `diff` compares two of those, `render` writes configuration, `explain` answers questions.
"""
