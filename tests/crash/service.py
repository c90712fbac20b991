"""vbsd as a child process, and its API over HTTPS with a client certificate."""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import uuid

# The promise under test: from the start of vbsd after a crash until no operation is live.
AGREEMENT_SECONDS = 10
START_SECONDS = 30  # until the port answers; a sanitizer build on a busy machine is slow
DEATH_SECONDS = 30  # until the crash point is reached


class Broken(Exception):
    """What a test found wrong; its text goes into the report."""


def require(condition, message):
    if not condition:
        raise Broken(message)


class Lost(Exception):
    """The connection ended without an answer: the service died, or was not there."""


class Client:
    """One user. Requests go over one connection, which is opened anew after a restart."""

    def __init__(self, port, ca, cert, key):
        self.context = ssl.create_default_context(cafile=ca)
        self.context.load_cert_chain(cert, key)
        self.port = port
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, key=None, wait=0):
        """Answers (status, document). Raises Lost."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        if wait:
            headers["Prefer"] = f"wait={wait}"
        try:
            if not self.connection:
                self.connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=60)
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost(f"{method} {path}: {error!r}") from error
        return answer.status, json.loads(text) if text else {}

    def get(self, path):
        status, document = self.request("GET", path)
        require(status == 200, f"GET {path} answered {status}: {document}")
        return document

    def change(self, method, path, body=None):
        """A change that must succeed; answers the document at its end."""
        status, document = self.request(method, path, body, key=str(uuid.uuid4()), wait=60)
        require(status == 202, f"{method} {path} answered {status}: {document}")
        for operation in [document["operation"]] if "operation" in document else document["operations"]:
            require(operation["state"] == "done", f"{method} {path} ended as {operation}")
        return document


class Service:
    """One vbsd at a time; every start appends to the same log."""

    def __init__(self, program, config, port, log):
        self.program, self.config, self.port, self.log = program, config, port, log
        # Read at each crash point, so that the same process serves first for preparing a crash and then for dying.
        self.point, self.trace = config + ".point", config + ".trace"
        self.process = None
        self.started = 0.0
        self.clients = []

    def die_at(self, point):
        with open(self.point, "w", encoding="ascii") as f:
            f.write(point + "\n")

    def live_on(self):
        if os.path.exists(self.point):
            os.unlink(self.point)

    def places_passed(self):
        """Those since the last call."""
        if not os.path.exists(self.trace):
            return []
        with open(self.trace, encoding="ascii") as f:
            places = f.read().splitlines()
        os.unlink(self.trace)
        return places

    def start(self, must_answer=True):
        environment = {**os.environ, "VBS_CRASH_AT": "@" + self.point, "VBS_CRASH_TRACE": self.trace}
        for client in self.clients:
            client.close()
        self.started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], env=environment, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        if must_answer:
            self.wait_until_it_answers()

    def wait_until_it_answers(self):
        while time.monotonic() < self.started + START_SECONDS:
            status = self.process.poll()
            require(status is None, f"vbsd ended with {status} while it started: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Broken(f"vbsd does not answer on port {self.port} {START_SECONDS} s after its start")

    def must_die(self, point):
        try:
            status = self.process.wait(DEATH_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"vbsd lives {DEATH_SECONDS} s on: it did not pass {point}") from None
        require(status == -signal.SIGKILL, f"vbsd ended with {status}, not by SIGKILL at {point}: {self.last_words()}")

    def stop(self):
        """As a service manager would; a vbsd that does not obey, or dies of it, is a failure."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken("vbsd does not stop within 30 s of SIGTERM") from None
        require(status == 0, f"vbsd ended with {status} on SIGTERM: {self.last_words()}")

    def last_words(self):
        with open(self.log, "rb") as log:
            return " | ".join(log.read()[-1500:].decode(errors="replace").splitlines()[-3:])

    def wait_for_agreement(self, operator):
        """Until no operation is live; answers the seconds since the start."""
        while True:
            operations = operator.get("/v1/operations?all_projects=true&limit=20")["operations"]
            live = [o for o in operations if o["state"] not in ("done", "failed")]
            seconds = time.monotonic() - self.started
            if not live:
                return seconds
            require(seconds < AGREEMENT_SECONDS, f"{seconds:.1f} s after the restart there is still {live}")
            time.sleep(0.02)
