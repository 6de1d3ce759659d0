"""`check`: load → measures → verdicts → reports; `scenarios` make an event happen meanwhile."""
