"""What the tests run in: certificates, two back-ends (overlays; reflinks on XFS), one guest, a configuration. All of it
lies in one new directory, and end() takes it down again."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile

from service import Client, Service
from truth import Truth

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(TOP, "tests/lab/libvirt.sh")
VM = "vbs-vm1"


class Unavailable(Exception):
    """A part of the machine is missing; the text says which Debian package brings it."""


def run(*command, env=None, missing=None):
    """Answers what the command prints. `missing`: the package to name if it cannot run."""
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is missing: apt-get install {missing}") from error
    if done.returncode:
        text = (done.stderr or done.stdout).strip()
        failure = f"{os.path.basename(command[0])} ended with {done.returncode}: {text}"
        if missing:
            raise Unavailable(f"{failure} (from the package {missing})")
        if done.returncode == 3:  # of the lab's scripts: packages are missing, and named
            raise Unavailable(text)
        raise RuntimeError(failure)
    return done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    def __init__(self, build):
        self.build = build
        self.vbs = os.path.join(build, "bin/vbs")
        self.home = tempfile.mkdtemp(prefix="vbs-crash-", dir="/var/tmp")
        self.port = free_port()
        self.missing = {}  # back-end name or "guest" -> why it is not there
        self.roots = {}    # back-end name -> root
        self.lab_environment = {**os.environ, "VBS_LAB_DIR": self.path("lab"),
                                "VBS_CACHE": os.environ.get("VBS_CACHE", os.path.join(TOP, ".cache"))}
        self.uri = None
        self.service = None

    def path(self, *names):
        return os.path.join(self.home, *names)

    def begin(self):
        for name in ("users", "server", "data", "overlay"):
            os.mkdir(self.path(name), 0o700)
        self.make_certificates()
        self.roots["overlay"] = self.path("overlay")
        try:
            self.start_guest()
        except Unavailable as why:
            self.missing["guest"] = str(why)
        try:
            self.mount_xfs()
        except Unavailable as why:
            self.missing["reflink"] = str(why)
        self.write_config()
        self.service = Service(os.path.join(self.build, "bin/vbsd"), self.path("vbsd.yaml"), self.port,
                               self.path("vbsd.log"))
        self.alice, self.operator = self.client("alice"), self.client("operator")
        self.service.clients = [self.alice, self.operator]
        self.truth = Truth(self)
        self.service.start()
        if self.uri:
            self.cli("hosts", "owner", "node1", VM, "CN=alice,O=VBS")

    def end(self):
        try:
            if self.service:
                self.service.stop()
        finally:
            if self.uri:
                self.lab("kill", "vm1")
            if os.path.ismount(self.path("lab/mnt/xfs")):
                run("umount", self.path("lab/mnt/xfs"))
            if "guest" not in self.missing and os.path.isdir(self.path("lab")):
                self.lab("stop")
            shutil.rmtree(self.home)

    def lab(self, *arguments):
        return run(LAB, *arguments, env=self.lab_environment)

    def in_guest(self, command):
        return self.lab("sh", "vm1", command).strip()

    def virsh(self, *arguments):
        return run("virsh", "--quiet", "--connect", self.uri, *arguments)

    def cli(self, *arguments):
        environment = {**os.environ, "VBS_URL": f"https://localhost:{self.port}", "VBS_CA": self.path("ca/ca.pem"),
                       "VBS_CERT": self.path("users/operator-cert.pem"), "VBS_KEY": self.path("users/operator-key.pem")}
        return run(self.vbs, *arguments, env=environment)

    def client(self, user):
        return Client(self.port, self.path("ca/ca.pem"), self.path(f"users/{user}-cert.pem"),
                      self.path(f"users/{user}-key.pem"))

    def make_certificates(self):
        ca = self.path("ca")
        run(self.vbs, "ca", "init", "--dir", ca, "--name", "VBS crash tests")
        run(self.vbs, "ca", "sign", "--dir", ca, "--kind", "server", "--subject", "CN=localhost,O=VBS",
            "--name", "localhost", "--ip", "127.0.0.1", "--out", self.path("server/vbsd"))
        for user in ("alice", "operator"):
            run(self.vbs, "ca", "sign", "--dir", ca, "--kind", "user", "--subject", f"CN={user},O=VBS", "--out",
                self.path("users", user))

    def start_guest(self):
        self.lab("start")
        self.uri = self.lab("uri").strip()
        self.lab("guest", "vm1", "--ports", "8")

    def mount_xfs(self):
        """Below the lab's mnt, which its guests see (the lab's script says why)."""
        image, place = self.path("xfs.img"), self.path("lab/mnt/xfs")
        os.makedirs(place, exist_ok=True)
        with open(image, "wb") as f:
            f.truncate(1 << 30)
        run("mkfs.xfs", "-q", "-m", "reflink=1", image, missing="xfsprogs")
        run("mount", "-o", "loop", image, place, missing="util-linux; needs root, loop devices and XFS")
        self.roots["reflink"] = os.path.join(place, "root")
        os.mkdir(self.roots["reflink"], 0o700)

    def write_config(self):
        lines = [f"data_dir: {self.path('data')}",
                 f"listen: {{address: 127.0.0.1, port: {self.port}, certificate: {self.path('server/vbsd-cert.pem')}, "
                 f"key: {self.path('server/vbsd-key.pem')}, client_ca: {self.path('ca/ca.pem')}}}",
                 'operators: ["CN=operator,O=VBS"]',
                 f"plugins: {{directories: [{self.build}/plugins]}}",
                 "backends:"]
        for name, root in self.roots.items():
            lines.append(f"  - {{name: {name}, plugin: storage_lustre, "
                         f"config: {{root: {root}, snapshot_method: {name}}}}}")
        if self.uri:
            lines += ["hosts:", f"  - {{name: node1, hypervisor: hv_kvm, config: {{uri: \"{self.uri}\"}}}}"]
        with open(self.path("vbsd.yaml"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def files(self, backend):
        return {os.path.basename(p) for p in glob.glob(os.path.join(self.roots[backend], "images", "*"))}
