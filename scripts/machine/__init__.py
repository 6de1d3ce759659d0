"""Make a machine ready for proxyctl: .venv, Docker engine, images, docker compose.

Standard library only, since it runs before .venv exists. Every module answers one question ("is it there,
and if not, make it") and is safe to interrupt: what is half done is never taken for done.
"""
