"""The composition root: `parts` and `compose` wire, `watch` runs; plan, render and explain call `preview`."""
