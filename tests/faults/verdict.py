"""What has to be true at the end, when the faults are off and vbsd was started once more."""
import json
import time

from service import require

END_SECONDS = 120        # until no operation is live: what waits for a lock may have to queue behind many
# What may be found where a plugin reported a definite error for something that it had done; all else is the core's fault.
AFTER_LIES = {"disk-missing", "size-differs", "leftover-file"}


class Verdict:
    def __init__(self, world, load):
        self.world, self.load = world, load
        self.operator = world.operator
        self.seconds = 0.0
        self.journal = {}
        self.found = {}

    def checks(self):
        return [("every operation ends", self.all_end),
                ("what was acknowledged is in the journal, and ended as it was told", self.acknowledged),
                ("the records are what the journal says", self.records),
                ("reconcile finds nothing that a lie of the plugin does not explain", self.reconcile),
                ("after a repair reconcile finds agreement", self.repair),
                ("the back-end holds the store's objects and nothing else", self.same),
                ("the core did nothing that it must not do", self.no_breach),
                ("no sanitizer spoke", self.no_sanitizer),
                ("when all is deleted, nothing is left", self.delete_all)]

    def summary(self):
        ends = [o["state"] for o in self.journal.values()]
        found = ", ".join(f"{n} {what}" for what, n in sorted(self.found.items())) or "nothing"
        return f"{len(ends)} operations, {ends.count('done')} done, {ends.count('failed')} failed; reconcile found {found}"

    def all_end(self):
        self.wait_for_end()
        self.seconds = time.monotonic() - self.world.service.started

    def wait_for_end(self):
        end = time.monotonic() + END_SECONDS
        while live := self.world.rows("SELECT id, kind, state, step_name, waits_for FROM operations "
                                      "WHERE state NOT IN ('done', 'failed')"):
            require(time.monotonic() < end, f"after {END_SECONDS} s there are still {live}")
            time.sleep(0.1)
        self.journal = {o["id"]: o for o in self.world.rows("SELECT * FROM operations ORDER BY seq")}

    def acknowledged(self):
        for operation, told in self.load.acknowledged.items():
            require(operation in self.journal, f"operation {operation} was acknowledged and is not in the journal")
            now = self.journal[operation]["state"]
            require(told not in ("done", "failed") or told == now, f"{operation} was told as {told} and is {now}")

    def done(self, kind):
        return [o for o in self.journal.values() if o["kind"] == kind and o["state"] == "done"]

    def records(self):
        for kind in ("volume", "snapshot"):
            there = {r["id"]: r for r in self.world.rows(f"SELECT * FROM {kind}s")}
            gone = {o["object_id"] for o in self.done(f"delete-{kind}")}
            for o in self.done(f"create-{kind}"):
                known = o["object_id"] in there
                require(known != (o["object_id"] in gone), f"{kind} {o['object_id']}: made, deleted: "
                        f"{o['object_id'] in gone}, in the store: {known}")
            for r in there.values():
                require(r["lifecycle"] in ("available", "failed"), f"{kind} {r['id']} is left {r['lifecycle']}")
                require(r["operation_id"] == "", f"{kind} {r['id']} is left with operation {r['operation_id']}")
        sizes = {r["id"]: r["size_bytes"] for r in self.world.rows("SELECT * FROM volumes")}
        for o in self.done("extend-volume"):
            wanted = json.loads(o["params"])["size_bytes"]
            have = sizes.get(o["object_id"], wanted)
            require(have >= wanted, f"volume {o['object_id']} was extended to {wanted} and has {have}")
        there = {a["id"]: a for a in self.world.rows("SELECT * FROM attachments")}
        gone = {o["object_id"] for o in self.done("detach-volume")}
        for o in self.done("attach-volume"):
            known = o["object_id"] in there
            require(known != (o["object_id"] in gone), f"attachment {o['object_id']}: ended: {o['object_id'] in gone}, "
                    f"in the store: {known}")
        for a in there.values():
            require(a["state"] in ("attached", "failed"), f"attachment {a['id']} is left {a['state']}")

    def report(self, repair=False):
        status, report = self.operator.request("POST", "/v1/reconcile", {"repair": repair})
        require(status == 200, f"reconcile answered {status}: {report}")
        require(not report["unreachable"], f"reconcile did not reach {report['unreachable']}")
        return report["findings"]

    def reconcile(self):
        findings = self.report()
        for f in findings:
            self.found[f["what"]] = self.found.get(f["what"], 0) + 1
        wrong = [f for f in findings if f["what"] not in AFTER_LIES]
        require(not wrong, f"reconcile found {wrong}")
        lies = sum(line.endswith(" fail after") or line.endswith(" fail before") for line in self.world.log_of_calls())
        require(len(findings) <= lies, f"{lies} definite errors do not explain {findings}")

    def change(self, method, path, body=None):
        status, document = self.operator.request(method, path, body, wait=60)
        require(status == 202, f"{method} {path} answered {status}: {document}")
        for o in [document["operation"]] if "operation" in document else document["operations"]:
            require(o["state"] == "done", f"{method} {path} ended as {o}")

    def repair(self):
        """As an operator would: --repair, the larger size where sizes differ, what failed once more."""
        for f in self.report(repair=True):
            if f["what"] == "size-differs":
                self.change("POST", f"/v1/volumes/{f['object_id']}/extend", {"size_bytes": int(f["detail"].split()[5])})
        self.wait_for_end()
        for volume in {a["volume_id"] for a in self.world.rows("SELECT * FROM attachments WHERE state = 'failed'")}:
            self.change("POST", f"/v1/volumes/{volume}/detach", {"all": True})
        for kind in ("snapshot", "volume"):
            for r in self.world.rows(f"SELECT id FROM {kind}s WHERE lifecycle = 'failed'"):
                self.change("DELETE", f"/v1/{kind}s/{r['id']}")
        findings = self.report()
        require(not findings, f"reconcile found {findings}")

    def same(self):
        wanted = {"objects": "SELECT id AS n FROM volumes WHERE refs <> '' UNION SELECT id FROM snapshots WHERE refs <> ''",
                  "layers": "SELECT name AS n FROM layers", "disks": "SELECT name AS n FROM layers",
                  "exports": "SELECT id AS n FROM exports",
                  "plugs": "SELECT vm_uuid || '.' || volume_id AS n FROM attachments"}
        for part, sql in wanted.items():
            there, named = self.world.names(part), {r["n"] for r in self.world.rows(sql)}
            require(there == named, f"{part}: too many {sorted(there - named)}, missing {sorted(named - there)}")
        layers = self.world.names("layers")
        for part, key in (("objects", "layer"), ("layers", "parent")):
            for name, record in self.world.records(part).items():
                require(record[key] in layers | {""}, f"{name} has lost its {key} {record[key]}")

    def no_breach(self):
        breaches = [line for line in self.world.log_of_calls() if line.startswith("!")]
        require(not breaches, f"{len(breaches)} breaches, the first: {breaches[:1]}")

    def no_sanitizer(self):
        with open(self.world.service.log, encoding="utf-8", errors="replace") as log:
            bad = [line for line in log if "Sanitizer" in line or "runtime error:" in line]
        require(not bad, f"vbsd's log has {len(bad)} reports of sanitizers, the first: {bad[:1]}")

    def delete_all(self):
        for volume in {a["volume_id"] for a in self.world.rows("SELECT volume_id FROM attachments")}:
            self.change("POST", f"/v1/volumes/{volume}/detach", {"all": True})
        for kind in ("snapshot", "volume"):
            for r in self.world.rows(f"SELECT id FROM {kind}s"):
                self.change("DELETE", f"/v1/{kind}s/{r['id']}")
        left = {part: self.world.names(part) for part in ("objects", "layers", "disks", "exports", "plugs")}
        require(not any(left.values()), f"left are {left}")
