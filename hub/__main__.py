"""`python -m hub`: the command `hub` where no script of that name is installed."""

from hub.cli import main

main()
