"""`python -m splitlearn` is `splitlearn`."""

from splitlearn.cli import program

program()
