"""The families of labels, a module for each, the types of their values, and `table`, which lists them. Pure."""
