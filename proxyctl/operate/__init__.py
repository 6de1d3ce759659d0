"""What operators ask for: overrides, rollback, rollout."""
