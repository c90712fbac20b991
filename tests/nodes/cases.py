"""Each sentence is one test; they share one world, in this order."""
from service import require
from suite import equal, tests_of


def tests(world):
    yield from tests_of(globals(), world)


def nothing_is_left(w):
    """Of volumes, exports and sessions, wherever one could be."""
    equal(w.machines.sh("vs1", "lvs --noheadings -o lv_name vg0").split(), ["pool"], "logical volumes")
    equal(w.machines.sh("vs1", "ls /sys/kernel/config/target/iscsi 2>/dev/null | grep -c ^iqn || true"), "0", "targets")
    equal(w.machines.sh("vs1", "ls -d /sys/kernel/config/target/core/*/*/udev_path 2>/dev/null | wc -l"), "0", "backstores")
    equal(w.machines.sh("node2", "ls /sys/class/iscsi_session 2>/dev/null | wc -l"), "0", "sessions")
    equal(w.machines.sh("node2", "ls /run/vbs/devices 2>/dev/null | wc -l"), "0", "links to devices")
    w.reconcile()


def test_what_one_node_writes_the_other_reads(w):
    """What a guest here has written through QEMU's initiator, the other node reads through the kernel's, and back."""
    v = w.create("there and back")
    w.attach(v, "node1")
    w.write_here(v, "from-the-guest")
    w.detach(v, "node1")
    w.attach(v, "node2")
    equal(w.read_there(v), "from-the-guest", "on node2")
    w.write_there(v, "from-node2", at=8)
    w.detach(v, "node2")
    w.attach(v, "node1")
    equal(w.read_here(v, at=8), "from-node2", "in the guest")
    w.detach(v, "node1")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    nothing_is_left(w)


def test_readers(w):
    """Two nodes read one volume at once; the target refuses their writes, whatever the node thinks."""
    v = w.create("shared")
    w.attach(v, "node1")
    w.write_here(v, "for-all")
    w.detach(v, "node1")
    w.attach(v, "node1", "ro")
    w.attach(v, "node2", "ro")
    equal((w.read_here(v), w.read_there(v)), ("for-all", "for-all"), "what both read")
    d = w.device(v)
    # The kernel has learnt from the target that the unit is write-protected; told otherwise, it is still refused.
    equal(w.machines.sh("node2", f"cat /sys/block/$(basename $(readlink {d}))/ro"), "1", "read-only on node2")
    w.machines.lab("sh", "node2", f"blockdev --setrw {d}")
    require(w.machines.fails("node2", f"dd if=/dev/zero of={d} bs=512 count=1 oflag=direct conv=nocreat"), "node2 could write")
    equal(w.read_there(v), "for-all", "after the refused write")
    status, _ = w.operator.request("POST", f"/v1/volumes/{v}/attach", {"host": "node2", "vm": "vm2", "mode": "rw"})
    equal(status, 409, "a writer beside readers")
    w.detach(v, "node1")
    w.detach(v, "node2")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    nothing_is_left(w)


def test_one_session_for_two_vms(w):
    """Two VMs of one node share its session, which ends with the last."""
    v = w.create("two VMs")
    w.attach(v, "node2", "ro", "vm1")
    w.attach(v, "node2", "ro", "vm2")
    equal(w.machines.sh("node2", "ls /sys/class/iscsi_session | wc -l"), "1", "sessions")
    w.detach(v, "node2", "vm1")
    equal(w.machines.sh("node2", "ls /sys/class/iscsi_session | wc -l"), "1", "sessions while one VM has it")
    w.detach(v, "node2", "vm2")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    nothing_is_left(w)


def test_snapshot_and_extend_in_use(w):
    """A snapshot of a volume in use, a volume of it, and growth that the guest and the other node see."""
    v = w.create("source")
    w.attach(v, "node1")
    w.write_here(v, "before")
    s = w.operator.change("POST", "/v1/snapshots", {"volume_id": v, "name": "s"})["snapshot"]["id"]
    w.write_here(v, "after")
    clone = w.operator.change("POST", "/v1/volumes", {"name": "clone", "snapshot_id": s})["volume"]["id"]
    w.attach(clone, "node2")
    equal(w.read_there(clone), "before", "the clone on node2")
    for volume in (v, clone):
        w.operator.change("POST", f"/v1/volumes/{volume}/extend", {"size_bytes": 96 << 20})
    equal(w.guests.sh(f"d=$(disk {v}) && cat /sys/block/${{d#/dev/}}/size"), str((96 << 20) // 512), "sectors in the guest")
    equal(w.machines.sh("node2", f"blockdev --getsize64 {w.device(clone)}"), str(96 << 20), "bytes on node2")
    equal(w.read_here(v), "after", "the source in the guest")
    w.detach(clone, "node2")
    w.detach(v, "node1")
    for path in (f"/v1/volumes/{clone}", f"/v1/snapshots/{s}", f"/v1/volumes/{v}"):
        w.operator.change("DELETE", path)
    nothing_is_left(w)


def test_reboot_of_the_volume_server(w):
    """The volume server is rebooted under attached volumes: a guest's I/O waits and goes on; the exports come back."""
    v = w.create("rebooted")
    w.attach(v, "node1")
    w.write_here(v, "before-the-reboot")
    w.machines.ok(w.machines.lab("reboot", "vs1"), "reboot")
    w.machines.sh("vs1", "vgchange -ay vg0 >/dev/null; true")
    w.start_delegate("vs1")
    w.until("the guest reads again", lambda: w.read_here(v) == "before-the-reboot", 90)
    w.write_here(v, "after-the-reboot")
    w.detach(v, "node1")
    w.attach(v, "node2")
    equal(w.read_there(v), "after-the-reboot", "on node2")
    w.detach(v, "node2")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    nothing_is_left(w)


def test_stop(w):
    """vbsd stops in time."""
    w.service.stop()
