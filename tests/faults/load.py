"""Clients that ask for random changes, each in a thread with dice of its own."""
import random
import threading
import uuid

from faulty_world import HOSTS, VMS
from service import Lost

MIB = 1 << 20
MOST_VOLUMES = 40
ENOUGH = 60  # snapshots and clones


class Load:
    def __init__(self, world, seed):
        self.world, self.seed = world, seed
        self.lock = threading.Lock()
        self.volumes, self.snapshots = [], []  # ids that clients heard of; some are gone by now
        self.acknowledged = {}                 # operation id -> last state that a client was told
        self.asked = self.refused = 0
        self.stopping = threading.Event()
        self.errors = []
        self.threads = []

    def start(self):
        for i, user in enumerate(self.world.users):
            dice = random.Random(self.seed * 1000 + i)
            thread = threading.Thread(target=self.run, args=(self.world.client(user), dice), name=user)
            thread.start()
            self.threads.append(thread)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.look_for_errors()

    def look_for_errors(self):
        if self.errors:
            raise RuntimeError(f"a client ended: {self.errors[0]!r}")

    def run(self, client, dice):
        try:
            while not self.stopping.is_set():
                self.one(client, dice)
        except Exception as error:  # told by look_for_errors()
            self.errors.append(error)

    def one(self, client, dice):
        with self.lock:
            volume = dice.choice(self.volumes) if self.volumes else None
            snapshot = dice.choice(self.snapshots) if self.snapshots else None
            many = len(self.volumes) >= MOST_VOLUMES
            enough = len(self.snapshots) >= ENOUGH
        what = dice.choices(("create", "clone", "from", "snapshot", "extend", "attach", "detach", "delete", "forget"),
                            (2, 0 if many else 2, 0 if many else 2, 0 if enough else 2, 2, 6, 6, 4 if many else 1, 2))[0]
        if what == "create" and not many or volume is None:
            self.ask(client, dice, "POST", "/v1/volumes", {"size_bytes": 4 * MIB}, self.volumes)
        elif what == "clone":
            self.ask(client, dice, "POST", "/v1/volumes", {"volume_id": volume}, self.volumes)
        elif what == "from" and snapshot:
            self.ask(client, dice, "POST", "/v1/volumes", {"snapshot_id": snapshot}, self.volumes)
        elif what == "snapshot":
            self.ask(client, dice, "POST", "/v1/snapshots", {"volume_id": volume}, self.snapshots)
        elif what == "extend":
            size = dice.randrange(4, 64) * MIB
            self.ask(client, dice, "POST", f"/v1/volumes/{volume}/extend", {"size_bytes": size})
        elif what == "attach":
            where = {"host": dice.choice(HOSTS), "vm": f"vm{dice.randrange(1, VMS + 1)}",
                     "mode": dice.choice(("rw", "ro", "ro"))}
            self.ask(client, dice, "POST", f"/v1/volumes/{volume}/attach", where)
        elif what == "detach":
            self.ask(client, dice, "POST", f"/v1/volumes/{volume}/detach", {"all": True})
        elif what == "delete":
            self.ask(client, dice, "DELETE", f"/v1/volumes/{volume}")
        elif what == "forget" and snapshot:
            self.ask(client, dice, "DELETE", f"/v1/snapshots/{snapshot}")

    def ask(self, client, dice, method, path, body=None, made=None):
        """Until it is answered: a client that loses its connection asks again, with the same key."""
        key, wait = str(uuid.UUID(int=dice.getrandbits(128), version=4)), dice.choice((0, 0, 0, 1))
        while True:
            if self.stopping.is_set():
                return
            if not self.world.alive.wait(0.2):
                continue
            try:
                status, document = client.request(method, path, body, key=key, wait=wait)
                break
            except Lost:
                self.stopping.wait(0.05)
        with self.lock:
            self.asked += 1
            if status == 404:
                self.forget(path)
            if status != 202:
                self.refused += 1
                if status not in (400, 404, 409, 500, 503, 507):
                    raise RuntimeError(f"{method} {path} was answered {status}: {document}")
                return
            operations = [document["operation"]] if "operation" in document else document.get("operations", [])
            for o in operations:
                self.acknowledged[o["id"]] = o["state"]
                if made is not None:
                    made.append(o["object_id"])

    def forget(self, path):
        gone = path.split("/")[3] if path.count("/") >= 3 else None
        for known in (self.volumes, self.snapshots):
            if gone in known:
                known.remove(gone)
