"""The VMs of tests/lab/volume-server.sh: `vs1`, a volume server, and `node2`, a VMM node. They come up from a frozen state
in seconds, in a network of their own, which enter_network() makes this process's and its children's, too."""
import ctypes
import os
import pathlib
import subprocess
import threading

LAB = pathlib.Path(__file__).resolve().parents[1] / "lab"
ADDRESSES = {"vs1": "10.98.0.11/24,10.98.1.11/24", "node2": "10.98.0.12/24,10.98.1.12/24"}
NEW_NET = 0x40000000  # CLONE_NEWNET


class Machines:
    def __init__(self):
        self.directory = pathlib.Path(f"/run/vbs-nodes-{os.getpid()}")
        self.environment = {**os.environ, "VBS_LAB_DIR": str(self.directory),
                            "VBS_CACHE": os.environ.get("VBS_CACHE", str(LAB.parents[1] / ".cache"))}
        self.absent = ""

    def __enter__(self):
        if os.geteuid() != 0:
            self.absent = "network namespaces and VMs need root: run it with sudo"
            return self
        image = self.lab("image")
        if image.returncode == 3:
            self.absent = image.stderr.strip().splitlines()[-1]
            return self
        try:
            self.ok(image, "the image")
            starts = [threading.Thread(target=self.start, args=(name,)) for name in ADDRESSES]
            for t in starts:
                t.start()
            for t in starts:
                t.join()
            for name in ADDRESSES:
                self.sh(name, "true")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if not self.absent:
            self.lab("stop")
            subprocess.run(["rm", "-rf", "--one-file-system", self.directory], check=False)

    def start(self, name):
        self.ok(self.lab("start", name, "--ip", ADDRESSES[name]), name)

    def enter_network(self):
        link = self.ok(self.lab("in", "sh", "-c", "readlink /proc/$$/ns/net && exec sleep 0"), "the network").strip()
        for space in pathlib.Path("/run/netns").iterdir():
            with space.open() as f:
                if f"net:[{os.fstat(f.fileno()).st_ino}]" == link:
                    if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), NEW_NET) == 0:
                        return
        raise RuntimeError("cannot enter the lab's network")

    def lab(self, *arguments):
        return subprocess.run([LAB / "volume-server.sh", *arguments], env=self.environment, capture_output=True, text=True,
                              check=False)

    @staticmethod
    def ok(ended, what):
        if ended.returncode != 0:
            raise RuntimeError(f"{what}: status {ended.returncode}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    def sh(self, name, command):
        return self.ok(self.lab("sh", name, command), f"on {name}, {command!r}").strip()

    def fails(self, name, command):
        return self.lab("sh", name, command).returncode != 0

    def put(self, name, directory, *files):
        self.ok(self.lab("put", name, directory, *map(str, files)), f"files for {name}")
