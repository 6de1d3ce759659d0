"""Pure: which figures are good, and the statistics behind that."""
