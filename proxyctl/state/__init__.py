"""The state folder: generations, overrides, the pin, the token, the lock, and watched files."""
