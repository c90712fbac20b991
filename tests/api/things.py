"""Objects of alice's that wrong requests are aimed at. Made once, and the same afterwards."""
import uuid

from guests import DEFINED


class Things:
    def __init__(self, world):
        alice = world.alice
        self.volume = alice.volume(2, name="target")
        self.snapshot = alice.snapshot(self.volume)
        self.operation = alice.get("/v1/operations?limit=1")["operations"][0]["id"]
        self.unknown = str(uuid.uuid4())
        self.attached = None
        if not world.guests.absent:
            self.attached = alice.volume(2)
            alice.attach(self.attached, DEFINED[0], "ro")

    def of(self, template):
        """A path of the document with one of these in the place of {id} or {name}."""
        kind = (template.split("/") + [""])[2]
        one = {"volumes": self.volume, "snapshots": self.snapshot, "operations": self.operation}.get(kind, "")
        return template.replace("{id}", one).replace("{name}", "bare")


class Refused:
    """Wrong requests: refused as said, by the right field, and nothing is changed."""

    CODES = {400: "invalid", 403: "forbidden", 404: "not_found", 409: "conflict"}

    def __init__(self, world):
        self.world = world

    def __call__(self, sentence, *arguments, **more):
        """A test of now()."""
        return sentence, lambda: self.now(*arguments, **more)

    def now(self, status, method, target, body=None, headers=None, by="alice", code=None, field=None, words=()):
        with self.world.store.unchanged():
            client = getattr(self.world, by)
            client.refused(status, method, target, body, headers, code or self.CODES.get(status), field, words)
