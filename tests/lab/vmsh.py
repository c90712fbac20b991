#!/usr/bin/env python3
"""vmsh.py SOCKET [--limit SECONDS] COMMAND...   run a shell command in a guest, over its serial console
vmsh.py SOCKET --wait SECONDS                 wait until the guest's shell answers

SOCKET is the UNIX socket of the console. The far end is a POSIX shell; an echoing terminal is tolerated. Prints the
command's output (stdout and stderr together) and exits with its status; 124: no answer in time, 125: no console.
"""
import re
import select
import socket
import sys
import time
import uuid


class NoConsole(Exception):
    pass


def connect(path):
    console = socket.socket(socket.AF_UNIX)
    try:
        console.connect(path)
    except OSError as error:
        raise NoConsole(f"no console at {path}: {error}") from error
    return console


def run(console, command, seconds):
    """Returns (output, status), or (what came so far, 124)."""
    mark = uuid.uuid4().hex[:12]
    # Quotes split the marks in what is typed, so that the terminal's echo of it never matches.
    line = f"echo B''{mark}; {{ {command}\n}} 2>&1; echo E''{mark}:$?\n".encode()
    for start in range(0, len(line), 200):  # the guest's UART has a short queue
        console.sendall(line[start:start + 200])
        time.sleep(0.01)
    answer = re.compile(rb"B%s\r?\n(.*?)E%s:(\d+)" % (mark.encode(), mark.encode()), re.S)
    got, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([console], [], [], 0.5)[0]:
            chunk = console.recv(65536)
            if not chunk:
                raise NoConsole("the guest closed its console")
            got += chunk
            found = answer.search(got)
            if found:
                return found.group(1).replace(b"\r\n", b"\n"), int(found.group(2))
    return got, 124


def wait(path, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with connect(path) as console:
                while time.monotonic() < end:
                    if run(console, "true", 1)[1] == 0:
                        return 0
        except NoConsole:
            time.sleep(0.1)
    return 124


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    path, rest, limit = arguments[0], arguments[1:], 60.0
    if rest[0] == "--wait":
        return wait(path, float(rest[1]))
    if rest[0] == "--limit":
        limit, rest = float(rest[1]), rest[2:]
    with connect(path) as console:
        output, status = run(console, " ".join(rest), limit)
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    if status == 124:
        print(f"vmsh: no answer in {limit:g} s", file=sys.stderr)
    return status


try:
    code = main(sys.argv[1:])
except (NoConsole, OSError) as error:
    print(f"vmsh: {error}", file=sys.stderr)
    code = 125
sys.exit(code)
