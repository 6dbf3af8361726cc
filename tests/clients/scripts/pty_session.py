"""Types lines into redis-cli on a terminal and prints what the terminal shows: pty_session.py <host> <port> <line>..."""

import os
import pty
import select
import sys
import time

TIMEOUT_SECONDS = 10


def read_until(descriptor, wanted):
    """What the terminal shows until `wanted` has come, or the end, or the time is over."""
    shown = b""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while wanted not in shown and time.monotonic() < deadline:
        if not select.select([descriptor], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            break
        if data == b"":
            break
        shown += data
    return shown


def main():
    host, port, *lines = sys.argv[1:]
    child, descriptor = pty.fork()
    if child == 0:
        # A terminal without abilities keeps the line editor from drawing; no file remembers the lines.
        environment = {**os.environ, "TERM": "dumb", "REDISCLI_HISTFILE": "/dev/null"}
        os.execvpe("redis-cli", ["redis-cli", "-h", host, "-p", port], environment)
    prompt = f"{host}:{port}> ".encode()
    shown = read_until(descriptor, prompt)
    for line in lines:
        os.write(descriptor, line.encode() + b"\n")
        reply = read_until(descriptor, b"\n" + prompt)
        while True:
            more = read_until(descriptor, prompt) if prompt not in reply else b""
            reply += more
            if prompt in reply or more == b"":
                break
        shown += reply
    os.write(descriptor, b"exit\n")
    os.waitpid(child, 0)
    sys.stdout.buffer.write(shown)


main()
