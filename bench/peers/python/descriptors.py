"""descriptors N FDS: as descriptors.c, with the socket module."""

import os
import socket
import sys
import time

n, count = int(sys.argv[1]), int(sys.argv[2])
one, other = socket.socketpair()
sent = [0] * count
data = bytes(16)
start = time.monotonic()
for _ in range(n):
    socket.send_fds(one, [data], sent)
    _, fds, _, _ = socket.recv_fds(other, 4096, count)
    if len(fds) != count:
        sys.exit("descriptors were lost")
    for fd in fds:
        os.close(fd)
print(f'{{"seconds":{time.monotonic() - start:.6f}}}')
