"""loop N: as loop.c, with the socket module."""

import os
import socket
import sys
import time

n = int(sys.argv[1])
one, other = socket.socketpair()
fd = 0
data = bytes(16)
start = time.monotonic()
for _ in range(n):
    socket.send_fds(one, [data], [fd])
    _, fds, _, _ = socket.recv_fds(other, 4096, 1)
    os.close(fds[0])
print(f"{time.monotonic() - start:.6f}")
