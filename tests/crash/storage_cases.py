"""Operations on volumes and snapshots that nobody uses. A case prepares one target per crash, so that no crash meets
what another one left."""
import subprocess

from service import Broken, require
from truth import MIB, pattern

SIZE = 2 * MIB


class Case:
    """One kind of operation on one back-end. `title` is its line in the report; `kind` begins its crash points."""

    kind = ""
    variant = ""
    fails = False  # the operation is one that undoes itself

    def __init__(self, world, backend):
        self.world, self.backend = world, backend
        self.alice, self.truth = world.alice, world.truth
        self.title = f"{self.kind}{' ' + self.variant if self.variant else ''} ({backend})"

    def prepare(self, tag):
        """Answers a target: .request = (method, path, body), and what the checks need. `tag` is unique."""
        raise NotImplementedError

    def done(self, target):
        """The operation has had its whole effect (for one that fails: the effect of having failed)."""
        raise NotImplementedError

    def absent(self, target):
        """It has had none."""
        raise NotImplementedError

    def clean(self, target):
        """Frees what is scarce; volumes may stay."""

    def finish(self):
        """After the last target."""

    # ---- what most of them need

    def volume(self, tag, size=SIZE, **more):
        """A new volume, filled if it is not made from a source."""
        body = {"name": tag, **more}
        if not more:
            body.update(size_bytes=size, backend=self.backend)
        made = self.alice.change("POST", "/v1/volumes", body)["volume"]["id"]
        if not more:
            self.truth.fill(made, size, tag)
        return made

    def snapshot(self, volume, tag):
        made = self.alice.change("POST", "/v1/snapshots", {"volume_id": volume, "name": tag})["snapshot"]["id"]
        self.truth.expected[made] = self.truth.expected[volume]
        return made

    def named(self, kind, name):
        return self.alice.get(f"/v1/{kind}?name={name}")[kind]

    def only(self, kind, name, state="available"):
        found = self.named(kind, name)
        require(len(found) == 1, f"{len(found)} {kind} are named {name}")
        require(found[0]["state"] == state, f"{name} is {found[0]}, not {state}")
        return found[0]

    def none(self, kind, name):
        found = self.named(kind, name)
        require(not found, f"the request was never accepted, but there is {found}")

    def gone(self, kind, object_id):
        status, document = self.alice.request("GET", f"/v1/{kind}/{object_id}")
        require(status == 404, f"the deleted one of {kind} answers {status}: {document}")

    def there(self, kind, object_id, **wanted):
        found = self.alice.get(f"/v1/{kind}/{object_id}")[kind[:-1]]
        for name, value in {"state": "available", **wanted}.items():
            require(found[name] == value, f"{object_id} has {name} {found[name]}, not {value}")
        return found


class CreateEmpty(Case):
    kind, variant = "create-volume", "empty"

    def prepare(self, tag):
        return Target(tag, "POST", "/v1/volumes", {"name": tag, "size_bytes": SIZE, "backend": self.backend})

    def done(self, target):
        found = self.only("volumes", target.tag)
        self.truth.expected[found["id"]] = bytes(SIZE)
        self.truth.check_content(found["id"])

    def absent(self, target):
        self.none("volumes", target.tag)


class CreateFromSnapshot(CreateEmpty):
    variant = "of a snapshot"

    def prepare(self, tag):
        volume = self.volume(f"{tag}-source")
        snapshot = self.snapshot(volume, tag)
        return Target(tag, "POST", "/v1/volumes", {"name": tag, "snapshot_id": snapshot}, sources=[volume, snapshot])

    def done(self, target):
        found = self.only("volumes", target.tag)
        self.truth.expected[found["id"]] = self.truth.expected[target.sources[-1]]
        self.truth.check_content(found["id"], *target.sources)

    def absent(self, target):
        super().absent(target)
        self.truth.check_content(*target.sources)


class Clone(CreateFromSnapshot):
    variant = "of a volume"

    def prepare(self, tag):
        volume = self.volume(f"{tag}-source")
        return Target(tag, "POST", "/v1/volumes", {"name": tag, "volume_id": volume}, sources=[volume])


class CreateTooLarge(CreateEmpty):
    """More than the back-end may promise: refused by the plugin, and undone."""
    variant, fails = "without room", True

    def prepare(self, tag):
        return Target(tag, "POST", "/v1/volumes", {"name": tag, "size_bytes": 64 << 40, "backend": self.backend})

    def done(self, target):
        found = self.only("volumes", target.tag, "failed")
        require(found.get("error", {}).get("message"), f"the failed volume does not say why: {found}")

    def clean(self, target):
        for volume in self.named("volumes", target.tag):
            self.alice.change("DELETE", f"/v1/volumes/{volume['id']}")


class CreateSnapshot(Case):
    kind = "create-snapshot"

    def prepare(self, tag):
        volume = self.volume(f"{tag}-source")
        return Target(tag, "POST", "/v1/snapshots", {"volume_id": volume, "name": tag}, volume=volume)

    def done(self, target):
        found = self.only("snapshots", target.tag)
        self.truth.expected[found["id"]] = self.truth.expected[target.volume]
        self.there("volumes", target.volume)
        self.truth.check_content(found["id"], target.volume)

    def absent(self, target):
        self.none("snapshots", target.tag)
        self.truth.check_content(target.volume)


class Extend(Case):
    kind, variant = "extend-volume", "raw"

    def prepare(self, tag):
        volume = self.volume(tag)
        return Target(tag, "POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 2 * SIZE}, volume=volume)

    def done(self, target):
        self.there("volumes", target.volume, size_bytes=2 * SIZE)
        self.truth.expected[target.volume] = pattern(target.tag, 2 * SIZE, SIZE // 2)
        self.truth.check_content(target.volume)

    def absent(self, target):
        self.there("volumes", target.volume, size_bytes=SIZE)
        self.truth.check_content(target.volume)


class ExtendOverlay(Extend):
    variant = "on a snapshot"

    def prepare(self, tag):
        target = super().prepare(tag)
        target.snapshot = self.snapshot(target.volume, tag)
        return target

    def done(self, target):
        super().done(target)
        self.truth.check_content(target.snapshot)


class DeleteVolume(Case):
    """Of one whose snapshot stays and, with overlays, rests on its file."""
    kind = "delete-volume"

    def prepare(self, tag):
        volume = self.volume(tag)
        snapshot = self.snapshot(volume, tag)
        return Target(tag, "DELETE", f"/v1/volumes/{volume}", None, volume=volume, snapshot=snapshot)

    def done(self, target):
        self.gone("volumes", target.volume)
        self.truth.expected.pop(target.volume, None)
        self.truth.check_content(target.snapshot)

    def absent(self, target):
        self.there("volumes", target.volume)
        self.truth.check_content(target.volume, target.snapshot)


class DeleteSnapshot(Case):
    """Of one that stands between its volume and a volume made of it."""
    kind = "delete-snapshot"

    def prepare(self, tag):
        volume = self.volume(f"{tag}-source")
        snapshot = self.snapshot(volume, tag)
        child = self.volume(f"{tag}-child", snapshot_id=snapshot)
        self.truth.expected[child] = self.truth.expected[snapshot]
        return Target(tag, "DELETE", f"/v1/snapshots/{snapshot}", None, snapshot=snapshot, others=[volume, child])

    def done(self, target):
        self.gone("snapshots", target.snapshot)
        self.truth.expected.pop(target.snapshot, None)
        self.truth.check_content(*target.others)

    def absent(self, target):
        self.there("snapshots", target.snapshot)
        self.truth.check_content(target.snapshot, *target.others)


class Revert(Case):
    """Of a volume that was written to since its snapshot."""
    kind = "revert-volume"

    def prepare(self, tag):
        volume = self.volume(tag)
        snapshot = self.snapshot(volume, tag)
        self.overwrite(volume, f"{tag}-since")
        return Target(tag, "POST", f"/v1/volumes/{volume}/revert", {"snapshot_id": snapshot}, volume=volume,
                      snapshot=snapshot)

    def overwrite(self, volume, seed):
        path, form = self.truth.file_of(volume)
        data = pattern(seed, SIZE, SIZE // 2)
        new = self.world.path("new")
        with open(new, "wb") as f:
            f.write(data)
        done = subprocess.run(["qemu-img", "convert", "-n", "-f", "raw", "-O", form, new, path], capture_output=True,
                              text=True, check=False)
        require(done.returncode == 0, done.stderr)
        self.truth.expected[volume] = data

    def done(self, target):
        self.there("volumes", target.volume, size_bytes=SIZE)
        self.truth.expected[target.volume] = self.truth.expected[target.snapshot]
        self.truth.check_content(target.volume, target.snapshot)

    def absent(self, target):
        self.there("volumes", target.volume)
        self.truth.check_content(target.volume, target.snapshot)


class Flatten(Revert):
    """Of a volume that stands on a hidden layer and on one that a snapshot needs."""
    kind = "flatten-volume"

    def prepare(self, tag):
        volume = self.volume(tag)
        snapshot = self.snapshot(volume, tag)
        self.overwrite(volume, f"{tag}-since")
        hidden = self.snapshot(volume, f"{tag}-hidden")
        self.alice.change("DELETE", f"/v1/snapshots/{hidden}")
        self.truth.expected.pop(hidden)
        self.overwrite(volume, f"{tag}-last")
        return Target(tag, "POST", f"/v1/volumes/{volume}/flatten", None, volume=volume, snapshot=snapshot,
                      layers=self.layers())

    def layers(self):
        return len(self.truth.rows("SELECT name FROM layers"))

    def done(self, target):
        self.there("volumes", target.volume, size_bytes=SIZE)
        self.truth.check_content(target.volume, target.snapshot)
        layer = self.truth.rows("SELECT l.parent FROM volumes v JOIN layers l ON l.name = v.layer WHERE v.id = ?",
                                target.volume)
        require(layer == [{"parent": ""}], f"the flattened volume stands on {layer}")
        # In use its file stays and the hidden layer goes; else all that was the volume's alone gives way to one file.
        require(self.layers() == target.layers - 1, f"{target.layers} layers before, {self.layers()} after")


class Target:
    def __init__(self, tag, method, path, body, **more):
        self.tag, self.request = tag, (method, path, body)
        self.__dict__.update(more)


def storage_cases(world):
    for backend in world.roots:
        for kind in (CreateEmpty, CreateFromSnapshot, Clone, CreateTooLarge, CreateSnapshot, Extend, Revert, DeleteVolume,
                     DeleteSnapshot):
            yield kind(world, backend)
        if backend == "overlay":
            yield ExtendOverlay(world, backend)
            yield Flatten(world, backend)


def delete_everything(world):
    """What is left to delete must go, and the back-ends must be empty then: a file that stays belongs to nobody."""
    for kind in ("attachments", "volumes", "snapshots"):
        for o in world.operator.get(f"/v1/{kind}?all_projects=true")[kind]:
            if kind == "attachments":
                world.operator.change("POST", f"/v1/volumes/{o['volume_id']}/detach", {"all": True})
            else:
                world.operator.change("DELETE", f"/v1/{kind}/{o['id']}")
    for backend in world.roots:
        left = world.files(backend)
        if left:
            raise Broken(f"all is deleted, but back-end {backend} still holds {sorted(left)}")
    for table in ("volumes", "snapshots", "attachments", "exports", "layers"):
        left = world.truth.rows(f"SELECT * FROM {table}")
        require(not left, f"all is deleted, but the table {table} still holds {left}")
