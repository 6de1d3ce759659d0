"""`python -m proxyctl`."""

from proxyctl.cli import main

if __name__ == "__main__":
    main()
