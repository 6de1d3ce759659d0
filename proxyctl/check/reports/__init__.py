"""One report as JSON, JUnit XML and an HTML page."""
