"""The table of label keys and the types of their values. Pure."""
