"""Each sentence is one test; they share one world, in this order."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import stat
import subprocess
import time

from service import Broken, require
from suite import equal

KILLED_SECONDS = 30
ENDED = ("done", "failed")


def tests(world):
    yield from ordinary(world)
    yield from strangers(world)
    yield from faults(world)
    yield from takeover(world)
    yield from beside(world)
    yield from enrollment(world)
    yield "delegates and vbsd stop without a complaint of a sanitizer", lambda: stop(world)


def ordinary(w):
    c = w.operator

    def whole_life(backend, root):
        v = w.create(backend, f"life-{backend}")["id"]
        require(list((w.home / root).rglob(f"*{v}*")), f"nothing of {v} lies in {root}")
        s = c.change("POST", "/v1/snapshots", {"volume_id": v, "name": "s"})["snapshot"]["id"]
        clone = c.change("POST", "/v1/volumes", {"name": "clone", "snapshot_id": s})["volume"]["id"]
        c.change("POST", f"/v1/volumes/{v}/extend", {"size_bytes": 2 << 20})
        equal(w.volume(v)["size_bytes"], 2 << 20, "its size")
        c.change("DELETE", f"/v1/volumes/{clone}")
        c.change("DELETE", f"/v1/snapshots/{s}")
        c.change("DELETE", f"/v1/volumes/{v}")
        equal(list((w.home / root).rglob(f"*{v}*")), [], "what is left of it")

    yield "a volume lives and dies on a back-end behind mutual TLS", lambda: whole_life("far", "files")
    yield "a volume lives and dies on a back-end behind a UNIX socket", lambda: whole_life("near", "near")

    def socket_is_private():
        mode = os.stat(w.home / "local.sock").st_mode
        require(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, f"mode {oct(mode)}")

    yield "the UNIX socket is for its owner alone", socket_is_private

    def attach():
        v = w.create("far", "attached")["id"]
        a = c.change("POST", f"/v1/volumes/{v}/attach", {"host": "node1", "vm": "vm1"})["attachment"]
        equal(a["state"], "attached", "the attachment")
        require((w.home / "faulty/plugs").iterdir(), "the VM has no disk")
        c.change("POST", f"/v1/volumes/{v}/detach", {"host": "node1", "vm": "vm1"})
        c.change("DELETE", f"/v1/volumes/{v}")

    yield "connector and hypervisor of a host run in its delegate", attach

    def logs():
        v = w.create("bad", "logged")
        status, document = c.request("DELETE", f"/v1/volumes/{v['id']}", wait=30)
        equal(status, 202, "delete")
        operation = document["operation"]["id"]
        w.faults("create:1 delay before; ms 10")
        operation = w.begin_create("bad", "logged-2")
        w.until(operation, lambda o: o["state"] == "done", "its end")
        for log in (w.stor.log, w.home / "vbsd.log"):
            lines = [x for x in log.read_text().splitlines() if f"operation={operation}" in x and "faulty" in x]
            require(lines and all("request=" in x for x in lines), f"{log.name} has {lines}")
        w.faults("off")

    yield "a plugin's log lines carry request and operation on both sides", logs

    def refusal():
        status, document = c.request("POST", "/v1/volumes", {"name": "big", "size_bytes": 64 << 40, "backend": "bad"},
                                     wait=30)
        require(status in (202, 400, 507), f"{status}")
        w.faults("create:1 fail before")
        o = w.until(w.begin_create("bad", "refused"), lambda o: o["state"] in ENDED, "its end")
        equal(o["state"], "failed", "the operation")
        require("faulty" in o["error"]["message"] or "fault" in o["error"]["message"], f"the plugin's words: {o}")
        w.faults("off")
        del document

    yield "an error of the plugin is told in its own words", refusal

    def cancel():
        w.faults("create:1 hang before; ms 0")
        o = w.begin_create("bad", "cancelled")
        w.until(o, lambda x: x["state"] == "running", "its step")
        time.sleep(0.5)
        began = time.monotonic()
        c.request("POST", f"/v1/operations/{o}/cancel", {})
        w.until(o, lambda x: x["state"] in ENDED, "its end", 20)
        require(time.monotonic() - began < 15, "it took too long")
        w.faults("off")

    yield "a cancel crosses to the delegate", cancel


def strangers(w):
    def tls_answer(prefix):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{w.tcp}", "-CAfile", w.home / "ca/ca.pem", "-alpn", "h2",
                   "-ign_eof", "-brief"]
        if prefix:
            command += ["-cert", w.home / f"{prefix}-cert.pem", "-key", w.home / f"{prefix}-key.pem"]
        try:
            done = subprocess.run(command, input=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5),
                                  capture_output=True, timeout=5, check=False)
            return done.stdout + b"\n" + done.stderr, True
        except subprocess.TimeoutExpired as e:
            return (e.stdout or b"") + b"\n" + (e.stderr or b""), False

    def refused(prefix):
        def check():
            before = w.stor.log.read_text().count("delegate connection refused")
            said, closed = tls_answer(prefix)
            require(closed, f"the connection stays open: {said[-500:]}")
            if prefix:
                after = w.stor.log.read_text().count("delegate connection refused")
                require(after > before, f"the delegate's log does not say that it refused: {said[-500:]}")
        return check

    yield "a delegate refuses a client without a certificate", refused(None)
    yield "a delegate refuses a user's certificate of the same CA", refused("operator")
    yield "a delegate refuses another delegate", refused("other")

    def taken():
        _, closed = tls_answer("vbsd")
        require(not closed, "the service's own certificate was refused")

    yield "it takes the service's certificate", taken

    def impostor():
        w.stor.kill()
        try:
            w.stor.configure("other").start()
            operation = w.begin_create("far", "for-the-impostor")
            o = w.until(operation, lambda x: x["state"] == "waiting", "the refusal")
            require("does not answer" in o["waits_for"], f"it waits for {o['waits_for']}")
            end = time.monotonic() + 20
            while "vbs:delegate:other, vbs:delegate:stor was expected" not in (w.home / "vbsd.log").read_text():
                require(time.monotonic() < end, "the log does not say what the certificate was")
                time.sleep(0.1)
        finally:
            w.stor.kill()
            w.stor.configure().start()
        w.until(operation, lambda x: x["state"] == "done", "its end by itself", 40)

    yield "vbsd takes no other delegate's certificate, waits with the reason, and goes on by itself", impostor


def faults(w):
    c = w.operator

    def killed_at(step, point, prepare, change):
        def check():
            thing = prepare()
            w.stor.point.write_text(f"delegate.{step}.{point}\n")
            method, path, body = change(thing)
            status, document = c.request(method, path, body)
            require(status == 202, f"{path} answered {status}: {document}")
            operation = (document["operation"] if "operation" in document else document["operations"][0])["id"]
            try:
                status = w.stor.process.wait(KILLED_SECONDS)
            except subprocess.TimeoutExpired:
                raise Broken(f"the delegate lives on: {w.operation(operation)}") from None
            finally:
                w.stor.point.unlink()
            equal(status, -signal.SIGKILL, "how the delegate ended")
            w.stor.start()
            o = w.until(operation, lambda x: x["state"] in ENDED, "its end by itself", 60)
            equal(o["state"], "done", f"the operation {o}")
        return check

    def volume():
        return w.create("far", "victim")["id"]

    def attached():
        v = volume()
        c.change("POST", f"/v1/volumes/{v}/attach", {"host": "node1", "vm": "vm2"})
        return v

    def attach(v):
        return "POST", f"/v1/volumes/{v}/attach", {"host": "node1", "vm": "vm2"}

    def detach(v):
        return "POST", f"/v1/volumes/{v}/detach", {"host": "node1", "vm": "vm2"}

    steps = (
        ("create", lambda: None, lambda _: ("POST", "/v1/volumes", {"name": "x", "size_bytes": 1 << 20, "backend": "far"})),
        ("take", volume, lambda v: ("POST", "/v1/snapshots", {"volume_id": v, "name": "s"})),
        ("extend", volume, lambda v: ("POST", f"/v1/volumes/{v}/extend", {"size_bytes": 2 << 20})),
        ("export", volume, attach),
        ("plug", volume, attach),
        ("unplug", attached, detach),
        ("unexport", attached, detach),
        ("remove", volume, lambda v: ("DELETE", f"/v1/volumes/{v}", None)),
    )
    for step, prepare, change in steps:
        for point, when in (("before", "before"), ("ran", "after")):
            def one(step=step, point=point, prepare=prepare, change=change):
                killed_at(step, point, prepare, change)()
                for a in c.get("/v1/attachments")["attachments"]:
                    c.change("POST", f"/v1/volumes/{a['volume_id']}/detach", {"all": True})
            yield f"a delegate killed {when} the work of step '{step}' is asked again, and the operation ends done", one

    def away():
        w.stor.kill()
        operation = w.begin_create("far", "pending")
        o = w.until(operation, lambda x: x["state"] == "waiting", "the wait")
        require("delegate stor" in o["waits_for"], f"it waits for {o['waits_for']}")
        near = w.create("near", "meanwhile")
        c.change("DELETE", f"/v1/volumes/{near['id']}")
        w.stor.start()
        w.until(operation, lambda x: x["state"] == "done", "its end by itself", 40)

    yield "without its delegate an operation waits with the reason, all else goes on, and so does it in the end", away

    def partitioned():
        w.faults("create:1 hang before; ms 0")
        operation = w.begin_create("bad", "partitioned")
        w.until(operation, lambda x: x["state"] == "running", "its step")
        time.sleep(1)
        w.stor.process.send_signal(signal.SIGSTOP)
        o = w.until(operation, lambda x: x["state"] == "waiting", "that nothing is heard", 40)
        require("not known" in o["waits_for"] or "does not answer" in o["waits_for"], f"it waits for {o}")
        time.sleep(2)
        w.stor.process.send_signal(signal.SIGCONT)
        w.until(operation, lambda x: x["state"] == "done", "its end by itself", 60)
        require("vbsd has not renewed the lease: 1 running calls are told to end" in w.stor.log.read_text(),
                "the delegate went on without a lease")
        equal(w.breaches(), [], "what the core must not do")
        w.faults("off")

    yield "a delegate that wakes up after its lease ran out ends what it was doing", partitioned

    def short_stop():
        w.faults("create:1 delay before; ms 9000")
        operation = w.begin_create("bad", "short")
        w.until(operation, lambda x: x["state"] == "running", "its step")
        time.sleep(1)
        w.stor.process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        w.stor.process.send_signal(signal.SIGCONT)
        o = w.until(operation, lambda x: x["state"] == "done", "its end", 40)
        equal([x.split()[3] for x in (w.home / "faulty/calls").read_text().splitlines()
               if x.split()[1:2] == ["create"]][-1:], ["1"], f"the attempt of the only create ({o})")
        w.faults("off")

    yield "a call outlives a silence that is shorter than the lease", short_stop

    def restart_of_vbsd():
        w.faults("create:1 hang before; ms 0")
        operation = w.begin_create("bad", "restarted")
        w.until(operation, lambda x: x["state"] == "running", "its step")
        time.sleep(1)
        w.service.process.kill()
        w.service.process.wait()
        w.service.start()
        w.until(operation, lambda x: x["state"] == "done", "its end by itself", 60)
        equal(w.breaches(), [], "what the core must not do")
        w.faults("off")

    yield "a new vbsd takes the delegate over; the former one's call is ended first", restart_of_vbsd

    def agreement():
        status, report = c.request("POST", "/v1/reconcile", {})
        equal(status, 200, "reconcile")
        left = [f for f in report["findings"] if f["what"] != "leftover-file"]
        equal(left, [], "what reconcile finds")
        # The volumes in memory have no list.
        equal([x for x in report["unreachable"] if not x.startswith("back-end foreign")], [], "what it does not reach")

    yield "reconcile finds store and nodes in agreement", agreement


def takeover(w):
    def other_node():
        # What was killed before may have moved it: with only one alive it is there.
        w.two.kill()
        w.until(w.begin_create("shared", "to-the-first"), lambda x: x["state"] == "done", "its end", 60)
        w.two.start()
        w.until_up("two")
        first = w.create("shared", "by-the-first")
        opened = w.two.log.read_text().count("back-end shared is open")
        w.stor.kill()
        operation = w.begin_create("shared", "by-the-second")
        w.until(operation, lambda x: x["state"] == "done", "the takeover", 60)
        require(w.two.log.read_text().count("back-end shared is open") > opened, "the second delegate has not opened it")
        status, document = w.operator.request("DELETE", f"/v1/volumes/{first['id']}")
        equal(status, 202, f"delete: {document}")
        o = w.until(document["operation"]["id"], lambda x: x["state"] == "waiting", "the wait of a change in place")
        require("has not said that nothing of it runs any more" in o["waits_for"], f"it waits for {o['waits_for']}")
        w.stor.start()
        w.until(document["operation"]["id"], lambda x: x["state"] == "done", "its end by itself", 60)

    yield "another delegate takes over for new files; a change in place waits for word from the first", other_node

    def after_a_restart():
        w.stor.kill()
        w.service.stop()
        w.service.start()
        try:
            body = {"name": "after-a-restart", "size_bytes": 1 << 20, "backend": "shared"}
            status, document = w.operator.request("POST", "/v1/volumes", body)
            equal(status, 503, "create before the lease is over")
            require("may still work for an earlier vbsd" in str(document), f"it says {document}")
            end = time.monotonic() + 40
            while status == 503 and time.monotonic() < end:
                time.sleep(0.5)
                status, document = w.operator.request("POST", "/v1/volumes", body)
            equal(status, 202, f"create after it: {document}")
            w.until(document["operation"]["id"], lambda x: x["state"] == "done", "its end", 30)
        finally:
            w.stor.start()
        w.create_at_last("far", "all-is-well")

    yield "after a restart of vbsd, too, nobody takes over before the lease of the silent one is over", after_a_restart


def beside(w):
    def apart():
        v = w.create("foreign", "in-another-process")
        maps = pathlib.Path(f"/proc/{w.service.process.pid}/maps").read_text()
        require("/memory.so" not in maps and "/storage_lustre.so" in maps, "what vbsd has loaded")
        equal(len(w.beside()), 1, "processes beside vbsd")
        w.operator.change("DELETE", f"/v1/volumes/{v['id']}")

    yield "a plugin that did not come with VBS runs in a process of its own", apart

    def died():
        before = w.beside()
        os.kill(before[0], signal.SIGKILL)
        w.create("far", "meanwhile")
        operation = w.begin_create("foreign", "after-its-death")
        w.until(operation, lambda x: x["state"] == "done", "its end by itself", 40)
        after = w.beside()
        require(len(after) == 1 and after != before, f"processes beside vbsd: {before}, then {after}")

    yield "when it dies, it is started again, and all else goes on", died

    def with_vbsd():
        pid = w.beside()[0]
        w.service.process.kill()
        w.service.process.wait()
        end = time.monotonic() + 10
        while pathlib.Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.05)
        require(not pathlib.Path(f"/proc/{pid}").exists(), "it outlives a vbsd that was killed")
        w.service.start()
        w.create_at_last("foreign", "by-the-next")

    yield "it ends with vbsd, however that ends", with_vbsd


def enrollment(w):
    c = w.operator
    issued = {}

    def enroll(token, out):
        return subprocess.run([w.build / "bin/vbs-delegate", "enroll", "--server", f"https://127.0.0.1:{w.port}", "--token",
                               token, "--out", w.home / out], capture_output=True, text=True, check=False)

    def token():
        status, document = c.request("POST", "/v1/delegates/stor/tokens", {})
        equal(status, 201, f"the token: {document}")
        return document["token"]

    def whole():
        issued["used"] = token()
        kept = "".join(p.name + p.read_text() for p in (w.home / "data/enrollments").iterdir())
        require(issued["used"].split(".")[0] not in kept, "the store keeps the secret itself")
        done = enroll(issued["used"], "enrolled")
        equal(done.returncode, 0, f"enroll: {done.stderr}")
        equal(stat.S_IMODE((w.home / "enrolled/key.pem").stat().st_mode), 0o600, "the key's mode")
        for part, name in (("key", "stor-key"), ("cert", "stor-cert")):
            shutil.copy(w.home / f"enrolled/{part}.pem", w.home / f"{name}.pem")
        w.stor.stop()
        w.stor.start()
        w.create_at_last("far", "with-the-new-certificate", 40)

    yield "a node enrolls with a token, and its delegate works with that certificate", whole

    def refused(words, make):
        def check():
            done = enroll(*make())
            require(done.returncode == 1 and words in done.stderr, f"{done.returncode}: {done.stderr}")
        return check

    yield "a token is good for one use", refused("good for an hour and for one use",
                                                 lambda: (issued["used"], "again"))
    yield "a key that is there is not overwritten", refused("is not overwritten", lambda: (token(), "enrolled"))
    yield "a node does not give its token to somebody else", refused(
        "is not the service that made the token", lambda: (token().split(".")[0] + "." + "0" * 64, "else"))

    def no_stranger():
        context = ssl.create_default_context(cafile=str(w.home / "ca/ca.pem"))
        for method, path, expected in (("POST", "/v1/enroll", 401), ("GET", "/v1/health", 401),
                                       ("POST", "/v1/enroll?x=1", 401), ("GET", "/v1/enroll", 405)):
            connection = http.client.HTTPSConnection("localhost", w.port, context=context, timeout=20)
            body = json.dumps({"token": "0" * 64, "request": "x"}) if method == "POST" else None
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            equal(connection.getresponse().status, expected, f"{method} {path} without a certificate")
            connection.close()

    yield "without a certificate nothing but an enrollment is heard, and that needs a token", no_stranger


def stop(w):
    w.service.stop()
    for d in w.delegates:
        d.stop()
    for log in w.home.glob("*.log"):
        require("Sanitizer" not in log.read_text(), f"{log}: " + log.read_text()[-3000:])
