"""`python -m experimaestro.cli` does what `xpm` does."""

from experimaestro.cli import main

main()
