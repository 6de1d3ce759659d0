"""The load generator: sends requests that are never repeated, and says how each one ended.

In call order: `request` is what is sent and how fast, `generator` sends it, `sample` is how one ended.
"""
