"""`python -m planmark` is the command line, for where a script's first line cannot hold the path."""

from planmark.cli.main import app

if __name__ == "__main__":
    app()
