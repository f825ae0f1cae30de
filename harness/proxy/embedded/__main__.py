"""`python -m harness.proxy.embedded --host HOST --port PORT --seed N`."""

import argparse
import sys

from harness.proxy.cli import add_arguments, run

parser = argparse.ArgumentParser(prog="python -m harness.proxy.embedded", description=__doc__)
add_arguments(parser)
sys.exit(run(parser.parse_args()))
