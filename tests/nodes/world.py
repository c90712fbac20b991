"""One vbsd here, a delegate on each VM, and a guest here."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from guests import Guests
from service import Client, Service, require

SOURCE = pathlib.Path(__file__).resolve().parents[2]
IQN = "iqn.2026-01.org.vbs.lab"
PORT = 8443  # nobody else is in this network
AT = "/opt/vbs"  # of the delegates' machines


class OneGuest(Guests):
    def _define(self, name):  # the defined ones of the API's tests are not wanted here
        pass


class World:
    def __init__(self, build, machines):
        self.build, self.machines = build, machines

    def __enter__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="vbs-nodes-", dir="/var/tmp"))
        self.service = self.guests = None
        try:
            self._begin()
        except BaseException:
            self.show_logs()
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.service and self.service.process and self.service.process.poll() is None:
            self.service.process.kill()
            self.service.process.wait()
        if self.guests:
            self.guests.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _begin(self):
        self.home.chmod(0o711)
        (self.home / "data").mkdir(mode=0o700)
        self.vbs("ca", "init", "--dir", self.home / "ca", "--name", "VBS lab")
        self.sign("server", "vbsd", "--name", "localhost", "--ip", "127.0.0.1")
        self.sign("user", "operator")
        for name, serves in (("vs1", "backends: [vg0]"), ("node2", "hosts: [node2]")):
            self.sign("delegate", name, "--name", name)
            self._install(name, serves)
            self.start_delegate(name)
        self.guests = OneGuest(SOURCE)
        self._configure()
        self.service = Service(str(self.build / "bin/vbsd"), str(self.home / "vbsd.yaml"), PORT,
                               str(self.home / "vbsd.log"))
        self.operator = Client(PORT, self.home / "ca/ca.pem", self.home / "operator-cert.pem",
                               self.home / "operator-key.pem")
        self.service.clients = [self.operator]
        self.service.start()

    def vbs(self, *arguments):
        subprocess.run([self.build / "bin/vbs", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def sign(self, kind, name, *more):
        self.vbs("ca", "sign", "--dir", self.home / "ca", "--kind", kind, "--subject", f"CN={name},O=VBS", *more, "--out",
                 self.home / name)

    def _install(self, name, serves):
        address = {"vs1": "10.98.0.11", "node2": "10.98.0.12"}[name]
        (self.home / f"{name}.yaml").write_text(f"""name: {name}
listen: "{address}:7443"
certificate: {AT}/{name}-cert.pem
key: {AT}/{name}-key.pem
ca: {AT}/ca.pem
state_directory: /var/lib/vbs-delegate
plugins:
  directories: [{AT}/plugins]
  connectors: {{iscsi: {{plugin: connector_iscsi}}}}
serves: {{{serves}}}
""")
        plugins = [self.build / "plugins" / (p + end) for p in ("storage_lvm_iscsi", "connector_iscsi", "faulty")
                   for end in (".so", ".vbs-plugin.yaml")]
        self.machines.put(name, f"{AT}/plugins", *plugins)
        self.machines.put(name, AT, self.build / "bin/vbs-delegate", self.home / "ca/ca.pem", self.home / f"{name}.yaml",
                          self.home / f"{name}-cert.pem", self.home / f"{name}-key.pem")
        self.machines.sh(name, f"chown -R root:root {AT} && chmod -R go-w {AT} && mkdir -p /var/lib/vbs-faulty && "
                               "chmod 700 /var/lib/vbs-faulty && sync")  # a reboot there is a power button

    def start_delegate(self, name):
        self.machines.sh(name, "pgrep -x iscsid >/dev/null || { modprobe iscsi_tcp; iscsid; }; "
                               f"setsid {AT}/vbs-delegate --config {AT}/{name}.yaml >/var/log/vbs-delegate.log 2>&1 "
                               "</dev/null & "
                               f"(for i in $(seq 300); do grep -q \"'{name}' serves\" /var/log/vbs-delegate.log && exit 0; "
                               "sleep 0.1; done; tail -n 5 /var/log/vbs-delegate.log; exit 1)")

    def _configure(self):
        (self.home / "vbsd.yaml").write_text(f"""data_dir: {self.home}/data
listen: {{address: 127.0.0.1, port: {PORT}, certificate: {self.home}/vbsd-cert.pem, key: {self.home}/vbsd-key.pem,
  client_ca: {self.home}/ca/ca.pem}}
operators: ["CN=operator,O=VBS"]
plugins: {{directories: [{self.build}/plugins]}}
delegates:
  - {{name: vs1, address: "10.98.0.11:7443"}}
  - {{name: node2, address: "10.98.0.12:7443"}}
backends:
  - {{name: vg0, plugin: storage_lvm_iscsi, delegate: vs1,
     config: {{volume_group: vg0, thin_pool: pool, iqn_prefix: {IQN}, portals: "10.98.0.11:3260"}}}}
hosts:
  - {{name: node1, hypervisor: hv_kvm, initiator: "{IQN}:node1", config: {{uri: "{self.guests.uri}"}}}}
  - {{name: node2, hypervisor: faulty, initiator: "{IQN}:node2", delegate: node2,
     config: {{directory: /var/lib/vbs-faulty, node: node2, vms: 2}}}}
""")

    def show_logs(self):
        log = self.home / "vbsd.log"
        if log.exists():
            print("---- vbsd\n" + "".join(log.read_text().splitlines(True)[-40:]))
        for name in ("vs1", "node2"):
            print(f"---- {name}\n" + self.machines.lab("sh", name, "tail -n 40 /var/log/vbs-delegate.log").stdout)

    # ---- what tests do

    def create(self, name, mib=64, **more):
        return self.operator.change("POST", "/v1/volumes", {"name": name, "size_bytes": mib << 20, **more})["volume"]["id"]

    def attach(self, volume, host, mode="rw", vm=None):
        vm = vm or {"node1": "vbs-vm1", "node2": "vm1"}[host]
        return self.operator.change("POST", f"/v1/volumes/{volume}/attach", {"host": host, "vm": vm, "mode": mode})

    def detach(self, volume, host, vm=None):
        vm = vm or {"node1": "vbs-vm1", "node2": "vm1"}[host]
        return self.operator.change("POST", f"/v1/volumes/{volume}/detach", {"host": host, "vm": vm})

    def begin(self, method, path, body):
        """A change whose end is not waited for; answers the id of its operation."""
        status, document = self.operator.request(method, path, body)
        require(status == 202, f"{method} {path} answered {status}: {document}")
        return (document.get("operation") or document["operations"][0])["id"]

    def ended(self, operation):
        """None while it goes on."""
        now = self.operator.get(f"/v1/operations/{operation}")["operation"]
        return now if now["state"] in ("done", "failed") else None

    @staticmethod
    def device(volume):
        """Of the volume on node2."""
        return f"/run/vbs/devices/{IQN}:{volume}-lun-1"

    def write_here(self, volume, text, at=0):
        self.guests.sh(f"d=$(disk {volume}) && echo {text} | dd of=$d bs=512 seek={at} conv=sync,fsync 2>/dev/null")

    def read_here(self, volume, at=0):
        return self.guests.sh(f"d=$(disk {volume}) && echo 3 >/proc/sys/vm/drop_caches && "
                              f"dd if=$d bs=512 skip={at} count=1 2>/dev/null | tr -d '\\0'")

    def write_there(self, volume, text, at=0):
        self.machines.sh("node2", f"echo {text} | dd of={self.device(volume)} bs=512 seek={at} conv=sync,fsync,nocreat "
                                  "2>/dev/null")

    def read_there(self, volume, at=0):
        return self.machines.sh("node2", f"dd if={self.device(volume)} iflag=direct bs=512 skip={at} count=1 2>/dev/null "
                                         "| tr -d '\\0'")

    def reconcile(self):
        status, report = self.operator.request("POST", "/v1/reconcile", {})
        require(status == 200 and not report["findings"] and not report["unreachable"], f"reconcile: {report}")

    def until(self, what, true, seconds=60):
        end = time.monotonic() + seconds
        while not (answer := true()):
            require(time.monotonic() < end, f"not within {seconds} s: {what}")
            time.sleep(0.2)
        self.operator.close()  # vbsd may have closed the connection that rested meanwhile
        return answer
