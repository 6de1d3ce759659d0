"""The composition root: `parts` wires, `watch` runs, plan, render and explain look through `preview`."""
