"""A vbsd of our own: certificates, configuration, process, and the people who talk to it."""
import functools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from certificates import Certificates
from client import Client
from contract import Contract
from guests import DEFINED, RUNNING, Guests
from store import Store
from suite import check
from things import Things

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PEOPLE = ("alice", "bob", "carol", "operator")
OWNERS = {RUNNING: "alice", DEFINED[0]: "alice", DEFINED[1]: "bob"}  # the third defined one is nobody's
STOP_SECONDS = 30


class World:
    owners = OWNERS

    def __init__(self, build):
        self.build, self.source = build, SOURCE
        self.vbs = build / "bin" / "vbs"
        self.process = self.guests = None
        self.contexts = {}  # of TLS, by person: wire.py

    def __enter__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="vbs-api-", dir="/var/tmp"))
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        elif self.process and self.process.returncode != 0:
            print("the end of vbsd's log:\n" + "".join(self.log.read_text().splitlines(True)[-60:]))
        if self.guests:
            self.guests.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _start(self):
        self.data, self.volumes, self.log = self.home / "data", self.home / "volumes", self.home / "vbsd.log"
        self.home.chmod(0o711)
        self.data.mkdir(mode=0o700)
        self.volumes.mkdir(mode=0o711)
        self.certificates = Certificates(self.vbs, self.home)
        self.ca = self.certificates.ca
        self.certificates.sign("server", "server", subject="CN=localhost,O=VBS")
        self.guests = self._guests()
        self.contract = Contract(SOURCE / "adapters" / "vbs" / "openapi.yaml")
        self.port = self._free_port()
        self._configure()
        self._spawn()
        for name in PEOPLE:
            setattr(self, name, Client(self, name, self.certificates.sign(name)))
        self._wait()
        self.store = Store(self)
        for name in PEOPLE:  # so that later requests add no users to the store
            getattr(self, name).get("/v1/whoami")
        if not self.guests.absent:
            for vm, owner in self.owners.items():
                self.operator.expect(200, "POST", "/v1/hosts/node1/owners", {"vm": vm, "user": self.subject(owner)})
        return self

    def _guests(self):
        return Guests(SOURCE)

    def _spawn(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.build / "bin" / "vbsd", "--config", self.home / "vbsd.yaml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start_service(self):
        """Once more, after stop_service()."""
        self._spawn()
        self._wait()

    @functools.cached_property
    def things(self):
        return Things(self)

    @staticmethod
    def subject(name):
        return f"CN={name},O=VBS"

    @staticmethod
    def _free_port():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def _configure(self):
        # scsi: no PCI slot per disk, so that a crowd can attach to one VM.
        host = (
            ""
            if self.guests.absent
            else (
                "  - {name: node1, aliases: [first], hypervisor: hv_kvm, "
                f'config: {{uri: "{self.guests.uri}", bus: scsi, shut_off: definition, reconnect_s: 1}}}}\n'
                # Where VMs could go; none does.
                f"  - {{name: far, hypervisor: faulty, config: {{directory: {self.home}/far, node: far, vms: 0}}}}\n"
            )
        )
        (self.home / "vbsd.yaml").write_text(
            f"""data_dir: {self.data}
listen:
  address: 127.0.0.1
  port: {self.port}
  certificate: {self.home}/server-cert.pem
  key: {self.home}/server-key.pem
  client_ca: {self.ca}/ca.pem
operators: ["{self.subject('operator')}"]
log: {{level: info}}
plugins: {{directories: [{self.build}/plugins]}}
backends:
  - {{name: local, plugin: storage_lustre, config: {{root: {self.volumes}, over_commit_ratio: 1000}}}}
  - {{name: second, plugin: storage_lustre, config: {{root: {self.home}/second, snapshot_method: overlay}}}}
hosts:
{host}  - {{name: bare}}
"""
        )
        (self.home / "second").mkdir(mode=0o711)
        (self.home / "far").mkdir(mode=0o711)

    def _wait(self):
        for _ in range(300):
            check(self.process.poll() is None, f"vbsd ended at once:\n{self.log.read_text()[-3000:]}")
            try:
                return self.alice.get("/v1/whoami")
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"vbsd does not answer on port {self.port}:\n{self.log.read_text()[-3000:]}")

    def stop_service(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS)
        said = self.log.read_text()
        for word in ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer"):
            check(word not in said, f"vbsd's log has '{word}':\n{said[max(0, said.find(word) - 500):][:4000]}")
        check(self.process.returncode == 0, f"vbsd ended with {self.process.returncode}:\n{said[-3000:]}")

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024

    def peer_is_connected(self, port):
        """Whether vbsd has an established connection with a client on that port of ours."""
        ends = f"0100007F:{self.port:04X}", f"0100007F:{port:04X}", "01"
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(tuple(line.split()[1:4]) == ends for line in lines)

    def cli_environment(self, name):
        prefix = f"{self.home}/{name}"
        keep = {k: v for k, v in os.environ.items() if not k.startswith("VBS_")}
        return {
            **keep,
            "HOME": str(self.home),
            "VBS_URL": f"https://localhost:{self.port}",
            "VBS_CA": f"{self.ca}/ca.pem",
            "VBS_CERT": f"{prefix}-cert.pem",
            "VBS_KEY": f"{prefix}-key.pem",
        }
