"""One vbsd and two delegates of our own: `stor` over TCP with mutual TLS, `local` over a UNIX socket."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from service import Client, Service, require

START_SECONDS = 30
VMS = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Delegate:
    def __init__(self, world, name, listen, serves):
        self.world, self.name, self.listen, self.serves = world, name, listen, serves
        self.log = world.home / f"{name}.log"
        self.point = world.home / f"{name}.point"
        self.process = None

    def configure(self, certificate=None):
        home, certificate = self.world.home, certificate or self.name
        lines = [f"name: {self.name}", f'listen: "{self.listen}"', f"state_directory: {home}/state-{self.name}",
                 f"plugins: {{directories: [{home}/plugins]}}", "serves:",
                 *(f"  {kind}: [{', '.join(names)}]" for kind, names in self.serves.items())]
        if not self.listen.startswith("unix:"):
            lines += [f"certificate: {home}/{certificate}-cert.pem", f"key: {home}/{certificate}-key.pem",
                      f"ca: {home}/ca/ca.pem"]
        (home / f"{self.name}.yaml").write_text("\n".join(lines) + "\n")
        return self

    def start(self):
        said = self.log.stat().st_size if self.log.exists() else 0
        environment = {**os.environ, "VBS_CRASH_AT": f"@{self.point}"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.world.build / "bin/vbs-delegate", "--config", self.world.home / f"{self.name}.yaml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        end = time.monotonic() + START_SECONDS
        while f"'{self.name}' serves" not in self.log.read_text()[said:]:
            require(self.process.poll() is None and time.monotonic() < end,
                    f"{self.name} did not start: {self.log.read_text()[-1000:]}")
            time.sleep(0.02)
        return self

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        status = self.process.wait(30)
        require(status == 0, f"{self.name} ended with {status} on SIGTERM: {self.log.read_text()[-2000:]}")


class World:
    def __init__(self, build):
        self.build = build

    def __enter__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="vbs-delegates-", dir="/var/tmp"))
        self.delegates = []
        self.service = None
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.service and self.service.process and self.service.process.poll() is None:
            self.service.process.kill()
            self.service.process.wait()
        for d in self.delegates:
            d.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def vbs(self, *arguments):
        subprocess.run([self.build / "bin/vbs", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def sign(self, kind, name, *more, out=None):
        self.vbs("ca", "sign", "--dir", self.home / "ca", "--kind", kind, "--subject", f"CN={name},O=VBS", *more, "--out",
                 self.home / (out or name))

    def _begin(self):
        for name in ("data", "files", "near", "shared", "faulty", "plugins"):
            (self.home / name).mkdir(mode=0o700)
        for name in ("faulty", "storage_lustre"):
            for end in (".so", ".vbs-plugin.yaml"):
                shutil.copy(self.build / "plugins" / (name + end), self.home / "plugins")
        # One that did not come with VBS: the volumes in memory of tests/plugin_host.
        shutil.copy(self.build / "tests/test_plugins/memory.so", self.home / "plugins")
        (self.home / "plugins/memory.vbs-plugin.yaml").write_text(
            'name: memory\nversion: "1.0"\ndescription: a test\nkinds: [storage]\nabi: {storage: [0, 0]}\n'
            "config:\n  parallel: {type: integer, min: 0, max: 100, default: 0}\n"
            "  away: {type: boolean, default: false}\n  broken_facts: {type: boolean, default: false}\n")
        self.vbs("ca", "init", "--dir", self.home / "ca", "--name", "VBS delegate tests")
        self.sign("server", "vbsd", "--name", "localhost", "--ip", "127.0.0.1")
        self.sign("user", "operator")
        for name in ("stor", "two", "local", "other"):
            self.sign("delegate", name, "--name", name)
        self.port, self.tcp = free_port(), free_port()
        self.stor = Delegate(self, "stor", f"127.0.0.1:{self.tcp}", {"backends": ["far", "bad", "shared"],
                                                                  "hosts": ["node1"]})
        self.local = Delegate(self, "local", f"unix:{self.home}/local.sock", {"backends": ["near"]})
        self.two = Delegate(self, "two", f"127.0.0.1:{free_port()}", {"backends": ["shared"]})
        self.delegates = [self.stor.configure(), self.two.configure(), self.local.configure()]
        for d in self.delegates:
            d.start()
        self._configure()
        self.service = Service(str(self.build / "bin/vbsd"), str(self.home / "vbsd.yaml"), self.port,
                               str(self.home / "vbsd.log"))
        self.operator = Client(self.port, self.home / "ca/ca.pem", self.home / "operator-cert.pem",
                               self.home / "operator-key.pem")
        self.service.clients = [self.operator]
        self.service.start()

    def _configure(self):
        faulty = f"{{directory: {self.home}/faulty, vms: {VMS}}}"
        (self.home / "vbsd.yaml").write_text(f"""data_dir: {self.home}/data
listen: {{address: 127.0.0.1, port: {self.port}, certificate: {self.home}/vbsd-cert.pem, key: {self.home}/vbsd-key.pem,
  client_ca: {self.home}/ca/ca.pem}}
operators: ["CN=operator,O=VBS"]
plugins: {{directories: [{self.home}/plugins]}}
delegate_ca: {self.home}/ca
delegates:
  - {{name: stor, address: "127.0.0.1:{self.tcp}"}}
  - {{name: two, address: "{self.two.listen}"}}
  - {{name: local, address: "unix:{self.home}/local.sock"}}
backends:
  - {{name: far, plugin: storage_lustre, delegate: stor, config: {{root: {self.home}/files}}}}
  - {{name: near, plugin: storage_lustre, delegate: [local], config: {{root: {self.home}/near}}}}
  - {{name: shared, plugin: storage_lustre, delegate: [stor, two],
     config: {{root: {self.home}/shared, shared_nodes: true}}}}
  - {{name: foreign, plugin: memory}}
  - {{name: bad, plugin: faulty, delegate: stor, config: {faulty}}}
hosts:
  - {{name: node1, hypervisor: faulty, delegate: stor, config: {faulty}}}
""")

    # ---- what tests do

    def beside(self):
        """Process ids of the delegates that vbsd has spawned."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                words = path.read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(words[1]) == self.service.process.pid and words[0] != "Z":
                found.append(int(path.parent.name))
        return found

    def faults(self, rules):
        fresh = self.home / "faults.new"
        fresh.write_text(f"{rules}; run {time.monotonic_ns()}\n")
        fresh.rename(self.home / "faulty/faults")

    def create(self, backend, name, **more):
        return self.operator.change("POST", "/v1/volumes", {"name": name, "size_bytes": 1 << 20, "backend": backend,
                                                            **more})["volume"]

    def until_up(self, name, seconds=30):
        end = time.monotonic() + seconds
        while not any(d["name"] == name and d["state"] == "up" for d in self.operator.get("/v1/delegates")["delegates"]):
            require(time.monotonic() < end, f"delegate {name} is not up after {seconds} s")
            time.sleep(0.1)

    def create_at_last(self, backend, name, seconds=30):
        """As create(), for a back-end that may just be opened."""
        end = time.monotonic() + seconds
        while True:
            status, document = self.operator.request("POST", "/v1/volumes",
                                                     {"name": name, "size_bytes": 1 << 20, "backend": backend})
            if status == 202:
                return self.until(document["operation"]["id"], lambda o: o["state"] == "done", "its end", seconds)
            require(status == 503 and time.monotonic() < end, f"create answered {status}: {document}")
            time.sleep(0.2)

    def begin_create(self, backend, name):
        """Without waiting for its end; answers the operation's id."""
        status, document = self.operator.request("POST", "/v1/volumes",
                                                 {"name": name, "size_bytes": 1 << 20, "backend": backend})
        require(status == 202, f"create answered {status}: {document}")
        return document["operation"]["id"]

    def volume(self, id_):
        document = self.operator.get(f"/v1/volumes/{id_}")
        return document.get("volume", document)

    def operation(self, id_):
        document = self.operator.get(f"/v1/operations/{id_}")
        return document.get("operation", document)

    def until(self, operation, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while True:
            o = self.operation(operation)
            if condition(o):
                return o
            require(time.monotonic() < end, f"{what} did not come within {seconds} s: {json.dumps(o)}")
            time.sleep(0.05)

    def breaches(self):
        return [line for line in (self.home / "faulty/calls").read_text().splitlines() if line.startswith("!")]
