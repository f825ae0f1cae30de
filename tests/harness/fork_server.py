"""The harness's fork server, with programs that misbehave on purpose.

`--bare` leaves the training system out, so that it starts at once.
"""

import sys

from harness.processes import forkserver

if __name__ == "__main__":
    forkserver.PROGRAMS["acting"] = "acting"
    if "--bare" in sys.argv:
        del forkserver.PROGRAMS["splitlearn"], forkserver.PROGRAMS["reference"]
        forkserver.WARMED = ()
    sys.exit(forkserver.main())
