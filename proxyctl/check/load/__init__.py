"""The load generator: sends requests, repeats none, and records how each ended.

In call order: `request` is what is sent and how fast, `generator` sends it, `exchange` is a request
under way, `sample` how one ended.
"""
