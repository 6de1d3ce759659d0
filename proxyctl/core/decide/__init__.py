"""From `Snapshot` to `Desired`: which containers are members, which are ready, which pool has which route. Pure.

In call order: `members` surveys the snapshot, `readiness` joins the findings, `world` holds all of it, and `decision`
goes through `desired` (with `standing`, `claims`, `replicas`), `retain` and `exclude` to an `outcome`.
"""
