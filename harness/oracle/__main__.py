"""`python -m harness.oracle` trains a reference."""

import sys

from harness.oracle.cli import main

sys.exit(main())
