"""What has to be true after each step's commands, a module for each clip. The steps themselves are in `clipN`."""
