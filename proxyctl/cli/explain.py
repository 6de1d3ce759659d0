"""placeholder until core.explain lands."""
