"""A vbsd, a libvirtd with Debian's stock settings, guests that boot, and what is true of all three."""
import copy
import os
import pathlib
import pwd
import re
import signal
import subprocess
import time
import uuid
import xml.etree.ElementTree as xml

from guests import Guests
from suite import check, equal
from world import SOURCE, World

FIRST, SECOND = "vbs-vm1", "vbs-vm2"  # two persistent guests that run
QEMU_USER = "libvirt-qemu"
PATIENCE = 12  # seconds that a detach waits for the guest


def eventually(what, true, seconds=20):
    """Waits until true() is; what it answers is returned."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return answer


class LifeGuests(Guests):
    def __init__(self, source):
        os.environ["VBS_LAB_STOCK"] = "1"
        super().__init__(source)
        if not self.absent:
            self.boot("vm2")
            self.second_start()

    def _define(self, name):  # the defined ones of the API's tests are not wanted here
        pass

    # ---- another libvirtd, with no VMs of its own: the second host

    def second_start(self):
        self.second = pathlib.Path(f"{self.directory}-second")
        started = self.second_lab("start")
        check(started.returncode == 0, f"the second libvirtd: {started.stderr}")
        self.second_uri = started.stdout.strip()

    def second_lab(self, *arguments):
        return subprocess.run([self.script, *arguments], env={**self.environment, "VBS_LAB_DIR": str(self.second)},
                              capture_output=True, text=True, check=False)

    def stop(self):
        super().stop()
        if hasattr(self, "second"):
            self.second_lab("stop")
            subprocess.run(["rm", "-rf", "--one-file-system", self.second], check=False)
        for pid in self.of_directory():  # a libvirtd that was killed while it asked QEMU what it can has left that QEMU
            os.kill(pid, signal.SIGKILL)

    def on_second(self):
        """The second host's view, with the same methods."""
        other = copy.copy(self)
        other.directory, other.uri = self.second, self.second_uri
        other.environment = {**self.environment, "VBS_LAB_DIR": str(self.second)}
        return other

    # ----

    def boot(self, name, *options):
        booted = self.lab("guest", name, *options)
        check(booted.returncode == 0, f"guest {name}: {booted.stderr}")

    def awake(self, vm):
        """Waits until a guest that was started by virsh has reached its shell."""
        script = self.script.parent / "vmsh.py"
        ended = subprocess.run([script, self.directory / "guests" / f"{vm}.sock", "--wait", "180"], check=False)
        check(ended.returncode == 0, f"{vm} did not reach its shell")

    def run(self, vm, command):
        ended = self.lab("sh", vm.removeprefix("vbs-"), command)
        check(ended.returncode == 0, f"in {vm}, {command!r}: {ended.stdout}{ended.stderr}")
        return ended.stdout.strip()

    def write(self, vm, volume, text):
        self.run(vm, f"d=$(disk {volume}) && echo {text} | dd of=$d bs=512 conv=sync,fsync 2>/dev/null")

    def read(self, vm, volume):
        """From the disk, not from the guest's cache."""
        return self.run(vm, f"d=$(disk {volume}) && echo 3 >/proc/sys/vm/drop_caches && "
                            "dd if=$d bs=512 count=1 2>/dev/null | tr -d '\\0'")

    def tell(self, *arguments):
        return subprocess.run(["virsh", "--quiet", "--connect", self.uri, *arguments], check=True,
                              capture_output=True, text=True).stdout.strip()

    def define(self, name, start=None):
        """A sibling of the first guest under a UUID of its own, which is returned. start: "create" runs it as a
        transient one, without waiting until it has booted."""
        text = (self.directory / "guests" / f"{FIRST}.xml").read_text()
        own = str(uuid.uuid4())
        text = text.replace(f"<name>{FIRST}</name>", f"<name>{name}</name><uuid>{own}</uuid>")
        file = self.directory / "guests" / f"{name}.xml"
        file.write_text(re.sub(r"<serial.*?</serial>", "", text, flags=re.S))
        self.tell(start or "define", str(file))
        return own

    def disks(self, vm, *flags):
        """{volume id: "ro" or "rw"} of the live definition, or with --inactive of the persistent one."""
        tree = xml.fromstring(self.tell("dumpxml", vm, *flags))
        return {d.findtext("serial"): "rw" if d.find("readonly") is None else "ro" for d in tree.iter("disk")}

    def has(self, vm, volume, mode):
        """Both definitions of the VM say so; mode None: neither has it."""
        found = self.disks(vm).get(volume), self.disks(vm, "--inactive").get(volume)
        equal(found, (mode, mode), f"volume {volume} in the live and the persistent definition of {vm}")

    def daemon(self):
        return int((self.directory / "libvirtd.pid").read_text())

    def processes(self):
        """Of our guests: their QEMUs' pids. The file of one that has ended may be left, so who has the pid is asked."""
        found = []
        for file in (self.directory / "run" / "qemu").glob("vbs-*.pid"):
            pid = int(file.read_text())
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if f"guest={file.stem},".encode() in words:
                found.append(pid)
        return found


    def of_directory(self):
        """Every libvirtd of ours, and all that it has started: what is /etc/libvirt to them lies in our directory."""
        mark = re.compile(rf"/{self.directory.name}/etc(//deleted)? /etc/libvirt ")
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark.search((process / "mountinfo").read_text()):
                    found.append(int(process.name))
            except OSError:
                continue  # it has ended
        return found


class LifeWorld(World):
    owners = {FIRST: "alice", SECOND: "alice"}

    def _guests(self):
        return LifeGuests(SOURCE)

    def _configure(self):
        super()._configure()
        if self.guests.absent:
            return
        user = pwd.getpwnam(QEMU_USER)
        self.qemu_owner = (user.pw_uid, user.pw_gid)
        text = (self.home / "vbsd.yaml").read_text()
        text = text.replace(", bus: scsi", f", detach_timeout_s: {PATIENCE}")
        text = text.replace("over_commit_ratio: 1000",
                            f'over_commit_ratio: 1000, owner: "{user.pw_uid}", group: "{user.pw_gid}", '
                            "snapshot_method: overlay")
        text = text.replace("  - {name: bare}\n", "  - {name: bare}\n  - {name: node2, hypervisor: hv_kvm, "
                            f'config: {{uri: "{self.guests.second_uri}"}}}}\n')
        (self.home / "vbsd.yaml").write_text(text)

    # ---- what VBS says

    def attachments(self, volume):
        return self.operator.get(f"/v1/attachments?volume_id={volume}&all_projects=true")["attachments"]

    def attached(self, volume, *vms):
        rows = self.attachments(volume)
        equal(sorted(a["vm"] for a in rows), sorted(vms), f"VMs that have {volume}")
        check(all(a["state"] == "attached" for a in rows), f"attachments: {rows}")

    def own(self, vm, user="alice"):
        self.operator.expect(200, "POST", "/v1/hosts/node1/owners", {"vm": vm, "user": self.subject(user)})

    def clean(self):
        report = self.operator.expect(200, "POST", "/v1/reconcile", {})
        check(not report["findings"] and not report["unreachable"], f"reconcile: {report}")

    def begin(self, volume, verb, body):
        """Admits an attach or a detach, and returns the id of its operation."""
        answer = self.alice.expect(202, "POST", f"/v1/volumes/{volume}/{verb}", body, {"Prefer": "wait=0"})
        return (answer.get("operation") or answer["operations"][0])["id"]

    def move(self, volume, source, target):
        body = {"from": source, "to": target}
        return self.operator.expect(202, "POST", f"/v1/volumes/{volume}/attachments/move", body)["operation"]["id"]

    def hurry(self, operation):
        """Ends the pause of an operation that waits; one that does not wait any more needs none."""
        self.operator.ask("POST", f"/v1/operations/{operation}/retry")

    def operation(self, name):
        return self.operator.get(f"/v1/operations/{name}")["operation"]

    def end(self, name, seconds=90):
        return eventually(f"operation {name} ends", lambda: self.ended(name), seconds)

    def ended(self, name):
        now = self.operation(name)
        return now if now["state"] in ("done", "failed") else None

    def delete_after(self, volume):
        """Deletes a volume at the end of a test, which must find it free; nothing of it is left."""
        equal(self.attachments(volume), [], "attachments at the end")
        self.alice.delete(volume)
        check(not [p for p in self.images() if p.name.startswith(volume)], f"files of {volume} are left")

    # ---- the files

    def images(self):
        return [p for p in (self.volumes / "images").iterdir() if p.suffix != ".json"]

    def files(self, volume):
        found = [p for p in self.images() if p.name.startswith(volume)]
        check(found, f"no file of {volume}")
        return found

    def owners_of(self, volume):
        return {(p.stat().st_uid, p.stat().st_gid) for p in self.files(volume)}
