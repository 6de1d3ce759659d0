"""Reading one container's labels by the table of `core.features`. Pure."""
