"""``python -m nonideal`` is the command line."""

from nonideal.cli.main import main

main()
