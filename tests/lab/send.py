#!/usr/bin/env python3
"""send.py FILE...   serve the files once, as a tar stream, to the first who connects; prints the TCP port it listens on

A directory goes with all that is in it; each argument lands under its base name. Ends after 60 s without a taker.
"""
import os
import socket
import sys
import tarfile

with socket.socket() as listener:
    listener.bind(("0.0.0.0", 0))
    listener.listen(1)
    listener.settimeout(60)
    print(listener.getsockname()[1], flush=True)
    taker, _ = listener.accept()
    with taker, taker.makefile("wb") as stream, tarfile.open(fileobj=stream, mode="w|", dereference=True) as archive:
        for path in sys.argv[1:]:
            archive.add(path, arcname=os.path.basename(path.rstrip("/")))
