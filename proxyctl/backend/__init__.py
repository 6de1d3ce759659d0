"""The sample web server of demos, tests and labs: `proxyctl echo`."""
