"""What the seeded run works in: certificates, one vbsd with plugins/faulty as its back-end and both its hosts."""
import glob
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections import Counter

from service import Client, Service

HOSTS = ("node1", "node2")
VMS = 3  # of each host


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class FaultyWorld:
    def __init__(self, build, layers, clients):
        self.build, self.layers = build, layers
        self.users = [f"c{i}" for i in range(clients)]
        self.home = tempfile.mkdtemp(prefix="vbs-faults-", dir="/var/tmp")
        self.port = free_port()
        self.texts = 0
        self.alive = threading.Event()  # cleared while vbsd is dead or starts
        self.service = None

    def path(self, *names):
        return os.path.join(self.home, *names)

    def begin(self):
        for name in ("users", "server", "data", "world", "plugins"):
            os.mkdir(self.path(name), 0o700)
        for name in ("faulty.so", "faulty.vbs-plugin.yaml"):  # alone, so that a start takes less time
            shutil.copy(os.path.join(self.build, "plugins", name), self.path("plugins"))
        self.make_certificates()
        self.write_config()
        self.service = Service(os.path.join(self.build, "bin/vbsd"), self.path("vbsd.yaml"), self.port,
                               self.path("vbsd.log"))
        self.operator = self.client("operator")
        self.service.clients = [self.operator]
        self.restart()

    def end(self, keep):
        try:
            if self.service:
                self.kill()
        finally:
            if not keep:
                shutil.rmtree(self.home)

    def kill(self):
        self.alive.clear()
        if self.service.process and self.service.process.poll() is None:
            self.service.process.kill()
        if self.service.process:
            self.service.process.wait()

    def restart(self):
        """A fault may kill it while it starts; the rules go on counting, so that ends."""
        self.alive.clear()
        for _ in range(20):
            self.service.start(must_answer=False)
            try:
                self.service.wait_until_it_answers()
                return self.alive.set()
            except Exception:
                if self.service.process.poll() != -9:
                    raise
        raise RuntimeError("vbsd does not live long enough to answer")

    def set_faults(self, rules):
        self.texts += 1
        fresh = self.path("faults.new")
        with open(fresh, "w", encoding="ascii") as f:
            f.write(f"{rules}; run {self.texts}\n")
        os.rename(fresh, self.path("world/faults"))

    def client(self, user):
        return Client(self.port, self.path("ca/ca.pem"), self.path(f"users/{user}-cert.pem"),
                      self.path(f"users/{user}-key.pem"))

    def vbs(self, *arguments):
        subprocess.run([os.path.join(self.build, "bin/vbs"), *arguments], check=True, stdout=subprocess.DEVNULL)

    def make_certificates(self):
        ca = self.path("ca")
        self.vbs("ca", "init", "--dir", ca, "--name", "VBS fault tests")
        self.vbs("ca", "sign", "--dir", ca, "--kind", "server", "--subject", "CN=localhost,O=VBS", "--name",
                 "localhost", "--ip", "127.0.0.1", "--out", self.path("server/vbsd"))
        for user in [*self.users, "operator"]:
            self.vbs("ca", "sign", "--dir", ca, "--kind", "user", "--subject", f"CN={user},O=VBS", "--out",
                     self.path("users", user))

    def write_config(self):
        operators = ", ".join(f'"CN={user},O=VBS"' for user in [*self.users, "operator"])
        config = f"directory: {self.path('world')}, vms: {VMS}"
        lines = [f"data_dir: {self.path('data')}",
                 f"listen: {{address: 127.0.0.1, port: {self.port}, certificate: {self.path('server/vbsd-cert.pem')}, "
                 f"key: {self.path('server/vbsd-key.pem')}, client_ca: {self.path('ca/ca.pem')}}}",
                 f"operators: [{operators}]",
                 f"plugins: {{directories: [{self.path('plugins')}]}}",
                 "backends:",
                 f"  - {{name: fast, plugin: faulty, config: {{{config}, layers: {str(self.layers).lower()}}}}}",
                 "hosts:"]
        lines += [f"  - {{name: {h}, hypervisor: faulty, config: {{{config}, node: {h}}}}}" for h in HOSTS]
        with open(self.path("vbsd.yaml"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    # ---- what is true

    def rows(self, sql, *arguments):
        """From the store, beside vbsd."""
        db = sqlite3.connect(f"file:{self.path('data/vbs.db')}?mode=ro", uri=True, timeout=10)
        try:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(sql, arguments)]
        finally:
            db.close()

    def names(self, part):
        """Of the plugin's records of one type."""
        return {os.path.basename(p).removesuffix(".json") for p in glob.glob(self.path("world", part, "*"))}

    def records(self, part):
        found = {}
        for path in glob.glob(self.path("world", part, "*.json")):
            with open(path, encoding="utf-8") as f:
                found[os.path.basename(path).removesuffix(".json")] = json.load(f)
        return found

    def log_of_calls(self):
        with open(self.path("world/calls"), encoding="utf-8") as f:
            return f.read().splitlines()

    def faults_injected(self):
        return Counter(" ".join(words[4:]) for words in map(str.split, self.log_of_calls())
                       if words[0].isdigit() and len(words) > 4)
