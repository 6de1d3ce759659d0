"""HAProxy: servers change at run time, all else takes a confirmed reload."""
