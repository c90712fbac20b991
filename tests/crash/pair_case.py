"""Two operations of one volume in flight when vbsd dies: the second waits for the lock of the first, or has just got
it."""
import shutil
import sqlite3

from service import Lost, require
from storage_cases import SIZE, Case
from truth import pattern


class SnapshotAndExtend(Case):
    kind, variant = "create-snapshot", "with extend-volume queued"
    points = ("extend-volume.admit.committed", "create-snapshot.take.ran", "create-snapshot.take.committed",
              "create-snapshot.tidy.ran", "extend-volume.extend.before", "extend-volume.extend.ran")

    def states_after_crash(self, before):
        """From a copy: opening the store itself would tidy up what the next start has to."""
        for end in ("", "-wal"):
            shutil.copyfile(self.world.path(f"data/vbs.db{end}"), self.world.path(f"copy.db{end}"))
        db = sqlite3.connect(self.world.path("copy.db"))
        try:
            return dict(db.execute("SELECT kind, state FROM operations WHERE seq > ?", (before,)).fetchall())
        finally:
            db.close()

    def crash(self, service, tag, point):
        volume = self.volume(tag)
        before = self.truth.last_operation()
        service.die_at(point)
        promised = []
        for path, body in (("/v1/snapshots", {"volume_id": volume, "name": tag}),
                           (f"/v1/volumes/{volume}/extend", {"size_bytes": 2 * SIZE})):
            try:
                status, document = self.alice.request("POST", path, body)
            except Lost:
                continue
            require(status == 202, f"{path} was answered {status}: {document}")
            promised.append(document["operation"]["kind"])
        service.must_die(point)
        left = self.states_after_crash(before)
        service.live_on()
        service.start()
        service.wait_for_agreement(self.world.operator)

        ended = {o["kind"]: o["state"] for o in self.truth.operations_since(before)}
        require(set(promised) <= set(left), f"{promised} were acknowledged, the journal had {left}")
        require(ended == {kind: "done" for kind in left}, f"the journal had {left}, and ended with {ended}")
        extended = "extend-volume" in left
        self.there("volumes", volume, size_bytes=2 * SIZE if extended else SIZE)
        if extended:
            self.truth.expected[volume] = pattern(tag, 2 * SIZE, SIZE // 2)
        # The snapshot came first, so it has the size of before.
        snapshot = self.only("snapshots", tag)
        require(snapshot["size_bytes"] == SIZE, f"the snapshot is {snapshot}")
        self.truth.expected[snapshot["id"]] = pattern(tag, SIZE, SIZE // 2)
        self.truth.check_content(volume, snapshot["id"])
        self.truth.check()
