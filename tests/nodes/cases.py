"""Each sentence is one test; they share one world, in this order."""
import time

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


def test_reboot_of_the_node(w):
    """A VMM node is rebooted: its sessions are made again before anything else, and its VM finds its volume."""
    v = w.create("rebooted node")
    w.attach(v, "node2")
    w.write_there(v, "still-here")
    w.machines.sh("node2", "sync")
    w.machines.ok(w.machines.lab("reboot", "node2"), "reboot")
    equal(w.machines.sh("node2", "ls /sys/class/iscsi_session 2>/dev/null | wc -l"), "0", "sessions after the reboot")
    w.start_delegate("node2")
    w.until("the node has its session again", lambda: not w.machines.fails("node2", f"test -b {w.device(v)}"), 60)
    equal(w.read_there(v), "still-here", "on node2")
    w.detach(v, "node2")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    nothing_is_left(w)


def test_network_cut(w):
    """The network of the volume server is cut for 30 s: an attach and a delete wait for it and end well; a guest's
    I/O goes on after it."""
    v, new, gone = w.create("cut off"), w.create("attached meanwhile"), w.create("deleted meanwhile")
    w.attach(v, "node1")
    w.write_here(v, "before-the-cut")
    for link in ("0", "1"):
        w.machines.ok(w.machines.lab("link", "vs1", link, "off"), "the cable")
    begun = [w.begin("POST", f"/v1/volumes/{new}/attach", {"host": "node2", "vm": "vm1", "mode": "rw"}),
             w.begin("DELETE", f"/v1/volumes/{gone}", None)]
    time.sleep(30)
    for link in ("0", "1"):
        w.machines.ok(w.machines.lab("link", "vs1", link, "on"), "the cable")
    for operation in begun:
        ended = w.until("it ends", lambda o=operation: w.ended(o), 120)
        equal(ended["state"], "done", ended["kind"])
    equal(w.read_here(v), "before-the-cut", "in the guest")
    w.write_here(v, "after-the-cut")
    w.detach(v, "node1")
    w.detach(new, "node2")
    for volume in (v, new):
        w.operator.change("DELETE", f"/v1/volumes/{volume}")
    nothing_is_left(w)


def test_dead_node(w):
    """A node dies with a volume: a forced detach cuts it off at the target, and the volume goes on elsewhere."""
    v = w.create("of a dead node")
    w.attach(v, "node2")
    w.write_there(v, "last-words")
    w.machines.ok(w.machines.lab("stop", "node2"), "the death of node2")
    status, _ = w.operator.request("POST", f"/v1/volumes/{v}/attach", {"host": "node1", "vm": "vbs-vm1", "mode": "rw"})
    equal(status, 409, "a second writer while nobody has said that the node is dead")
    w.operator.change("POST", f"/v1/volumes/{v}/detach", {"host": "node2", "vm": "vm1", "force": True})
    equal(w.machines.sh("vs1", "ls /sys/kernel/config/target/iscsi 2>/dev/null | grep -c ^iqn || true"), "0", "targets")
    w.attach(v, "node1")
    equal(w.read_here(v), "last-words", "in the guest")
    w.detach(v, "node1")
    w.operator.change("DELETE", f"/v1/volumes/{v}")
    equal(w.machines.sh("vs1", "lvs --noheadings -o lv_name vg0").split(), ["pool"], "logical volumes")


def test_stop(w):
    """vbsd stops in time."""
    w.service.stop()
