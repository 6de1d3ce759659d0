"""Where the README's figures come from: `make bench`. Measures, asserts nothing; needs real engine and proxies."""
