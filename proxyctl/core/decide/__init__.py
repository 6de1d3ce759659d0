"""From `Snapshot` to `Desired`: who is a member, who is ready, who has which place. Pure."""
