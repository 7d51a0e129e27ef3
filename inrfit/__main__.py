"""`python -m inrfit`: the same command line as `inrfit`."""

from inrfit.cli.app import main

if __name__ == "__main__":
    main()
