"""The families of labels, a module each, the types of their values and the table that lists them. Pure."""
