"""Operations on volumes that a guest has, or gets, or gives back."""
from service import require
from storage_cases import SIZE, Case, CreateSnapshot, Flatten, Target
from truth import MIB, pattern
from world import VM

HOST = {"host": "node1", "vm": VM}


class GuestCase(Case):
    prepared = 0

    def sometimes_written(self, volume, seed):
        """By the guest, for every third target: a disk takes a second or two until the guest has it. The others keep
        what was in the volume before."""
        self.prepared += 1
        if self.prepared % 3 == 1:
            self.guest_writes(volume, seed)

    def attach(self, volume, mode="rw", **more):
        self.alice.change("POST", f"/v1/volumes/{volume}/attach", {**HOST, "mode": mode, **more})

    def detach(self, volume):
        if self.truth.rows("SELECT id FROM attachments WHERE volume_id = ?", volume):
            self.alice.change("POST", f"/v1/volumes/{volume}/detach", {})

    def is_attached(self, volume, mode):
        attachments = self.there("volumes", volume)["attachments"]
        require([(a["state"], a["mode"]) for a in attachments] == [("attached", mode)], f"attachments: {attachments}")
        require(self.truth.disks().get(volume) == mode, f"the guest does not have {volume} {mode}")

    def is_free(self, volume):
        attachments = self.there("volumes", volume)["attachments"]
        require(not attachments, f"attachments: {attachments}")
        require(volume not in self.truth.disks(), f"the guest still has {volume}")

    def guest_writes(self, volume, seed):
        """1 MiB at the start; kept as what the volume must hold."""
        line = (seed + "\n").encode()
        self.world.in_guest(f"yes {seed} | head -c {MIB} | dd of=$(disk {volume}) bs=64k conv=fsync 2>/dev/null")
        self.truth.expected[volume] = (line * (MIB // len(line) + 1))[:MIB] + self.truth.expected[volume][MIB:]

    def clean(self, target):
        self.detach(target.volume)


class AttachRw(GuestCase):
    kind, variant, mode = "attach-volume", "rw", "rw"

    def prepare(self, tag):
        return self.target(tag, self.volume(tag))

    def target(self, tag, volume, **more):
        return Target(tag, "POST", f"/v1/volumes/{volume}/attach", {**HOST, "mode": self.mode, **more}, volume=volume)

    def done(self, target):
        self.is_attached(target.volume, self.mode)
        self.truth.check_content(target.volume)

    def absent(self, target):
        self.is_free(target.volume)
        self.truth.check_content(target.volume)


class AttachRo(AttachRw):
    """Of a volume that rests on shared layers, where the back-end has such."""
    variant, mode = "ro", "ro"

    def prepare(self, tag):
        source = self.volume(f"{tag}-source")
        volume = self.volume(tag, volume_id=source)
        self.truth.expected[volume] = self.truth.expected[source]
        return self.target(tag, volume)


class AttachTaken(AttachRw):
    """At a device name that another disk has: refused by the hypervisor plugin, and undone."""
    variant, fails, device, holder = "device taken", True, "vdy", None

    def prepare(self, tag):
        if not self.holder:
            self.holder = self.volume(f"{tag}-holder")
            self.attach(self.holder, device=self.device)
        return self.target(tag, self.volume(tag), device=self.device)

    def done(self, target):
        self.absent(target)
        require(self.truth.disks() == {self.holder: "rw"}, "the disk that had the name is gone")

    def finish(self):
        if self.holder:
            self.detach(self.holder)


class Detach(GuestCase):
    kind = "detach-volume"

    def prepare(self, tag):
        volume = self.volume(tag)
        self.attach(volume)
        self.sometimes_written(volume, tag)
        return Target(tag, "POST", f"/v1/volumes/{volume}/detach", {}, volume=volume)

    def done(self, target):
        self.is_free(target.volume)
        self.truth.check_content(target.volume)

    def absent(self, target):
        self.is_attached(target.volume, "rw")


class ExtendInUse(GuestCase):
    kind, variant = "extend-volume", "in use"

    def prepare(self, tag):
        volume = self.volume(tag)
        self.attach(volume)
        return Target(tag, "POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 2 * SIZE}, volume=volume)

    def sees(self, volume, size):
        wait = (f"d=$(disk {volume}) && for i in $(seq 50); do s=$(cat /sys/block/${{d#/dev/}}/size); "
                f"[ $s = {size // 512} ] && break; sleep 0.1; done; echo $s")
        found = int(self.world.in_guest(wait)) * 512
        require(found == size, f"the guest sees {found} bytes, not {size}")

    def done(self, target):
        self.there("volumes", target.volume, size_bytes=2 * SIZE)
        self.is_attached(target.volume, "rw")
        self.sees(target.volume, 2 * SIZE)
        self.truth.expected[target.volume] = pattern(target.tag, 2 * SIZE, SIZE // 2)
        self.truth.check_content(target.volume)

    def absent(self, target):
        self.there("volumes", target.volume, size_bytes=SIZE)
        self.is_attached(target.volume, "rw")
        self.sees(target.volume, SIZE)
        self.truth.check_content(target.volume)


class ExtendOverlayInUse(ExtendInUse):
    variant = "in use, on a snapshot"

    def prepare(self, tag):
        volume = self.volume(tag)
        self.snapshot(volume, tag)
        self.attach(volume)
        return Target(tag, "POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 2 * SIZE}, volume=volume)


class SnapshotInUse(GuestCase, CreateSnapshot):
    """With reflinks under the guest's hands; with overlays the hypervisor has the guest go on in a new file."""
    kind, variant = "create-snapshot", "in use"

    def prepare(self, tag):
        target = CreateSnapshot.prepare(self, tag)
        self.attach(target.volume)
        self.sometimes_written(target.volume, tag)
        return target

    def done(self, target):
        self.is_attached(target.volume, "rw")
        CreateSnapshot.done(self, target)
        self.writes_to_its_file(target.volume)
        # What the guest writes from now on is the volume's alone.
        snapshot = self.only("snapshots", target.tag)["id"]
        self.sometimes_written(target.volume, f"{target.tag}-after")
        self.truth.check_content(target.volume, snapshot)

    def absent(self, target):
        self.is_attached(target.volume, "rw")
        CreateSnapshot.absent(self, target)
        self.writes_to_its_file(target.volume)

    def writes_to_its_file(self, volume):
        """Live and persistent definition have the file that the store names."""
        path, _ = self.truth.file_of(volume)
        for flags in ((), ("--inactive",)):
            found = self.truth.paths(*flags).get(volume)
            require(found == path, f"the guest{' '.join(flags)} has {found}, the store names {path}")


class SnapshotInUseAgain(SnapshotInUse):
    """Of a volume that rests on a layer already."""
    variant = "in use, on a snapshot"

    def prepare(self, tag):
        target = super().prepare(tag)
        self.snapshot(target.volume, f"{tag}-first")
        return target


class FlattenInUse(SnapshotInUse):
    """The hypervisor moves the data, while the guest has the volume."""
    kind, variant = "flatten-volume", "in use"
    layers = Flatten.layers

    def prepare(self, tag):
        target = Flatten.prepare(self, tag)
        self.attach(target.volume)
        self.sometimes_written(target.volume, tag)
        return target

    overwrite = Flatten.overwrite

    def done(self, target):
        self.is_attached(target.volume, "rw")
        Flatten.done(self, target)
        self.writes_to_its_file(target.volume)
        self.sometimes_written(target.volume, f"{target.tag}-after")
        self.truth.check_content(target.volume, target.snapshot)

    def absent(self, target):
        self.is_attached(target.volume, "rw")
        self.truth.check_content(target.volume, target.snapshot)
        self.writes_to_its_file(target.volume)


def guest_cases(world):
    for kind in (AttachRw, AttachRo, AttachTaken, Detach, ExtendInUse, ExtendOverlayInUse, SnapshotInUse,
                 SnapshotInUseAgain, FlattenInUse):
        yield kind(world, "overlay")
    if "reflink" in world.roots:
        yield SnapshotInUse(world, "reflink")
