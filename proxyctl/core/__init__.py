"""Decisions, without the world: no async, clock, logging, files or sockets in here.

In call order: `labels` (by the table of `features`) reads what containers declare, `desired` (with `members`, `claims`
and `replicas`) turns a snapshot into what the proxy should do, `diff` compares two of those, `render` writes
configuration. Beside that path, `explain`, `status`, `health` and `verdict` answer questions.
"""
