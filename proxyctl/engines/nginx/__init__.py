"""Nginx: every change takes a confirmed reload."""
