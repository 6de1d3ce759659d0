"""Where the README's figures come from: `make bench`. Measures, asserts nothing; needs a real engine and real proxies."""
