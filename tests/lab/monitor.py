#!/usr/bin/env python3
"""monitor.py SOCKET COMMAND...   give QEMU's human monitor at a UNIX socket a command, print its answer

Exit status 1: the monitor answered an error, or nothing within 120 s.
"""
import socket
import sys


def until_prompt(monitor):
    got = b""
    while not got.endswith(b"(qemu) "):
        chunk = monitor.recv(65536)
        if not chunk:
            break
        got += chunk
    return got


def main(path, command):
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(120)
        monitor.connect(path)
        until_prompt(monitor)
        monitor.sendall(command.encode() + b"\n")
        # The first line is the terminal's echo of what was typed.
        lines = until_prompt(monitor).decode(errors="replace").replace("\r", "").split("\n")[1:-1]
    print("\n".join(lines))
    return 1 if any(line.startswith("Error") for line in lines) else 0


try:
    sys.exit(main(sys.argv[1], " ".join(sys.argv[2:])))
except OSError as error:
    print(f"monitor: {error}", file=sys.stderr)
    sys.exit(1)
