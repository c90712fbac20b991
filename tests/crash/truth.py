"""What is true after a crash, asked of everybody who knows: the API, the store's rows, the back-ends' directories, the
guest's definitions, and the bytes of the volumes."""
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import xml.etree.ElementTree as xml

from service import require

MIB = 1 << 20


def pattern(seed, size, written=None):
    """What a test writes into a volume and expects to find: `written` bytes that no other seed gives, then zeros."""
    written = size if written is None else written
    return hashlib.shake_256(seed.encode()).digest(written) + bytes(size - written)


class Truth:
    def __init__(self, world):
        self.world = world
        self.expected = {}  # id of a volume or snapshot -> the bytes it must hold

    # ---- the store, read beside vbsd

    def rows(self, sql, *arguments):
        db = sqlite3.connect(f"file:{self.world.path('data/vbs.db')}?mode=ro", uri=True, timeout=10)
        try:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(sql, arguments)]
        finally:
            db.close()

    def last_operation(self):
        return self.rows("SELECT coalesce(max(seq), 0) AS seq FROM operations")[0]["seq"]

    def operations_since(self, seq):
        return self.rows("SELECT * FROM operations WHERE seq > ? ORDER BY seq", seq)

    def objects(self):
        sql = "SELECT o.*, b.name AS backend FROM {} o JOIN backends b ON b.id = o.backend_id"
        return self.rows(sql.format("volumes")) + self.rows(sql.format("snapshots"))

    # ---- content

    def file_of(self, object_id):
        row = next(o for o in self.objects() if o["id"] == object_id)
        return os.path.join(self.world.roots[row["backend"]], "images", json.loads(row["refs"])["file"]), row["format"]

    def fill(self, volume_id, size, seed):
        """Writes into the file of a new volume that nobody has open."""
        path, form = self.file_of(volume_id)
        require(form == "raw", f"a new volume is {form}, and the test can only fill raw ones")
        data = pattern(seed, size, size // 2)
        with open(path, "r+b") as f:
            f.write(data[:size // 2])
            os.fsync(f.fileno())
        self.expected[volume_id] = data

    def content(self, object_id):
        path, form = self.file_of(object_id)
        if form == "raw":
            with open(path, "rb") as f:
                return f.read()
        flat = self.world.path("flat")
        # -U: a guest may have it open; it writes nothing meanwhile.
        done = subprocess.run(["qemu-img", "convert", "-U", "-f", form, "-O", "raw", path, flat], capture_output=True,
                              text=True, check=False)
        require(done.returncode == 0, f"the chain of {object_id} does not read: {done.stderr.strip()}")
        with open(flat, "rb") as f:
            return f.read()

    def check_content(self, *object_ids):
        for object_id in object_ids:
            found, wanted = self.content(object_id), self.expected[object_id]
            require(len(found) == len(wanted), f"{object_id} has {len(found)} bytes, not {len(wanted)}")
            if found != wanted:
                at = next(i for i in range(len(found)) if found[i] != wanted[i])
                raise AssertionError(f"the content of {object_id} differs from byte {at} on")

    # ---- the guest

    def disks(self):
        """{volume id: mode}, from the live and from the persistent definition, which must agree."""
        def of(*flags):
            tree = xml.fromstring(self.world.virsh("dumpxml", "vbs-vm1", *flags))
            found = {}
            for disk in tree.iter("disk"):
                serial = disk.findtext("serial") or ""
                if re.fullmatch(r"[0-9a-f-]{36}", serial):
                    require(serial not in found, f"the guest has {serial} twice")
                    found[serial] = "ro" if disk.find("readonly") is not None else "rw"
            return found
        live, kept = of(), of("--inactive")
        require(live == kept, f"live definition {live}, persistent definition {kept}")
        return live

    def paths(self, *flags):
        """{volume id: path}, from the live definition, or with --inactive from the persistent one."""
        tree = xml.fromstring(self.world.virsh("dumpxml", "vbs-vm1", *flags))
        return {disk.findtext("serial"): disk.find("source").get("file") for disk in tree.iter("disk")}

    # ---- everything at once

    def check(self):
        """Nothing is half done, and everybody says the same. Valid while no operation is live."""
        self.check_states()
        self.check_files()
        if self.world.uri:
            self.check_attachments()
        status, report = self.world.operator.request("POST", "/v1/reconcile", {})
        require(status == 200, f"reconcile answered {status}: {report}")
        require(not report["findings"] and not report["unreachable"], f"reconcile found {report}")

    def check_states(self):
        operator = self.world.operator
        for kind in ("volumes", "snapshots"):
            for o in operator.get(f"/v1/{kind}?all_projects=true")[kind]:
                require(o["state"] in ("available", "failed"), f"{kind[:-1]} {o['id']} is left {o['state']}")
                require("operation" not in o, f"{kind[:-1]} {o['id']} is left with operation {o.get('operation')}")
        for a in operator.get("/v1/attachments?all_projects=true")["attachments"]:
            require(a["state"] == "attached", f"an attachment of {a['volume_id']} is left {a['state']}")
        for table in ("volumes", "snapshots", "attachments"):
            left = self.rows(f"SELECT id, operation_id FROM {table} WHERE operation_id <> ''")
            require(not left, f"{table} still name operations: {left}")
        left = self.rows("SELECT * FROM exports WHERE id NOT IN (SELECT export_id FROM attachments) OR "
                         "state <> 'exported'")
        require(not left, f"exports that nobody uses: {left}")
        left = self.rows("SELECT * FROM layers WHERE dropped_by <> ''")
        require(not left, f"layers half removed: {left}")

    def check_files(self):
        """The directory holds what the store names, and nothing else. A sidecar of an older generation counts for
        nothing and may stay until its object changes again."""
        images = {name: set() for name in self.world.roots}
        sidecars = {name: {} for name in self.world.roots}
        for o in self.objects():
            if o["lifecycle"] == "available":
                refs = json.loads(o["refs"])
                images[o["backend"]] |= {refs["file"], *refs["chain"]}
                sidecars[o["backend"]][o["id"]] = refs["gen"]
        for backend, wanted in images.items():
            found = self.world.files(backend)
            newest = {}
            for name in (f for f in found if f.endswith(".json")):
                owner, generation, _ = name.split(".", 2)
                newest[owner] = max(newest.get(owner, 0), int(generation))
            there = {f for f in found if not f.endswith(".json")}
            require(there == wanted, f"{backend} has files too many: {sorted(there - wanted)}, and missing: "
                    f"{sorted(wanted - there)}")
            wrong = set(newest.items()) ^ set(sidecars[backend].items())
            require(not wrong, f"{backend}: the sidecars and the store differ about {sorted(wrong)}")

    def check_attachments(self):
        rows = self.rows("SELECT volume_id, mode FROM attachments")
        said, there = {r["volume_id"]: r["mode"] for r in rows}, self.disks()
        require(said == there, f"attached says the store: {said}, has the guest: {there}")
