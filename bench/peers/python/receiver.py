"""receiver SOCKET: as receiver.go, in Python."""

import os
import socket
import sys
import time

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
connection, _ = listener.accept()
_, fds, _, _ = socket.recv_fds(connection, 4096, 1)
os.read(fds[0], 4096)
print(f'{{"firstByte":{time.monotonic_ns()}}}', flush=True)
