"""VMs to attach to: one that runs, and some that are only defined (the host writes disks into their definitions)."""
import os
import pathlib
import re
import subprocess
import uuid

from suite import Skip

RUNNING = "vbs-vm1"
DEFINED = ("vbs-off1", "vbs-off2", "vbs-off3")


class Guests:
    """Without root or without the packages `absent` says why, and need() skips the test that asks."""

    def __init__(self, source):
        self.script = source / "tests" / "lab" / "libvirt.sh"
        self.directory = pathlib.Path(f"/run/vbs-api-{os.getpid()}")
        self.environment = {
            **os.environ,
            "VBS_LAB_DIR": str(self.directory),
            "VBS_CACHE": os.environ.get("VBS_CACHE", str(source / ".cache")),
        }
        self.uri, self.absent = "", ""
        if os.geteuid() != 0:
            self.absent = "attaching needs root: run it with sudo"
            return
        begun = self.lab("guest", "vm1")
        if begun.returncode == 3:
            self.absent = begun.stderr.strip().splitlines()[-1]
            return
        if begun.returncode != 0:
            self.stop()
            raise RuntimeError(f"the guest did not boot: {begun.stderr}")
        self.uri = self.lab("uri").stdout.strip()
        for name in DEFINED:
            self._define(name)

    def need(self):
        if self.absent:
            raise Skip(self.absent)

    def sh(self, command):
        ended = self.lab("sh", "vm1", command)
        if ended.returncode != 0:
            raise AssertionError(
                f"in the guest, {command!r} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
            )
        return ended.stdout.strip()

    def virsh(self, *arguments):
        subprocess.run(["virsh", "--quiet", "--connect", self.uri, *arguments], check=True, capture_output=True)

    def stop(self):
        if not self.absent:
            self.lab("stop")
            subprocess.run(["rm", "-rf", "--one-file-system", self.directory], check=False)

    def _define(self, name):
        """A sibling of the running guest that never boots."""
        xml = (self.directory / "guests" / f"{RUNNING}.xml").read_text()
        xml = xml.replace(f"<name>{RUNNING}</name>", f"<name>{name}</name><uuid>{uuid.uuid4()}</uuid>")
        xml = re.sub(r"<serial.*?</serial>", "", xml, flags=re.S)
        file = self.directory / "guests" / f"{name}.xml"
        file.write_text(xml)
        self.virsh("define", str(file))

    def lab(self, *arguments):
        return subprocess.run([self.script, *arguments], env=self.environment, capture_output=True, text=True)
