"""console output BYTES, on the ptmx that is descriptor 3; or lost N PROGRAM ARG...: N programs on terminals of their own,
each read until the end, and how many of them lost output. Buffers of 64 KiB. Prints its figures as JSON."""

import json
import os
import pty
import resource
import subprocess
import sys
import time

WHOLE = 65536


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def output(size):
    left = size - len(os.read(3, 65536))
    start, used = time.monotonic(), cpu()
    while left > 0:
        left -= len(os.read(3, 65536))
    return {"seconds": time.monotonic() - start, "cpu": (cpu() - used) / size * 2**30}


def lost(count, argv):
    losers = 0
    for _ in range(count):
        ptmx, peer = pty.openpty()
        program = subprocess.Popen(argv, stdin=peer, stdout=peer, stderr=peer, start_new_session=True)
        os.close(peer)
        seen = 0
        try:
            while got := len(os.read(ptmx, 65536)):
                seen += got
        except OSError:
            pass  # EIO is a terminal's end
        program.wait()
        os.close(ptmx)
        losers += seen < WHOLE
    return {"lost": losers}


what, size, *argv = sys.argv[1:]
print(json.dumps(output(int(size)) if what == "output" else lost(int(size), argv)))
