"""The loop that brings the proxy to what is desired: one pass, apply, refusals, drains, pacing, journal."""
