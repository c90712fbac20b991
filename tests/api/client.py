"""One person's view of the service: a certificate, a kept-alive connection; each answer goes through the contract."""
import http.client
import json
import ssl
import time
import urllib.parse

from suite import Unexpected, check, equal


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as e:
            raise Unexpected(f"status {self.status}, and the body is not JSON ({e}): {self.body[:200]!r}") from e

    @property
    def error(self):
        return self.json.get("error", {}) if self.status >= 400 else {}


class Client:
    """Not for several threads at once: Client.another() gives each its own."""

    def __init__(self, world, name, certificate=None):
        self.world, self.name, self.certificate = world, name, certificate
        self.connection = None
        self.used_at = 0.0

    def another(self):
        return Client(self.world, self.name, self.certificate)

    def _connect(self):
        context = ssl.create_default_context(cafile=str(self.world.ca / "ca.pem"))
        if self.certificate:
            context.load_cert_chain(f"{self.certificate}-cert.pem", f"{self.certificate}-key.pem")
        self.connection = http.client.HTTPSConnection("localhost", self.world.port, context=context, timeout=90)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def raw(self, method, target, body=None, headers=None):
        """body: bytes as they are, None for none at all, anything else as JSON."""
        sent, fields = body, {"Content-Type": "application/json"} if body is not None else {}
        if body is not None and not isinstance(body, bytes):
            sent = json.dumps(body).encode()
        fields.update(headers or {})
        fields = {k: v for k, v in fields.items() if v is not None}
        if time.monotonic() - self.used_at > 20:
            self.close()  # the server closes a connection that is idle for long, perhaps in this very moment
        self.used_at = time.monotonic()
        reused = self.connection is not None
        if not reused:
            self._connect()
        try:
            self.connection.request(method, target, sent, fields)
            response = self.connection.getresponse()
            return Answer(response, response.read())
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self.close()
            if not reused:
                raise
            return self.raw(method, target, body, headers)  # an idle connection that the server had closed
        except Exception:
            self.close()
            raise

    def ask(self, method, target, body=None, headers=None):
        answer = self.raw(method, target, body, headers)
        self.world.contract.judge(method, target, body, answer)
        return answer

    def get(self, target):
        return self.expect(200, "GET", target)

    def expect(self, status, method, target, body=None, headers=None):
        answer = self.ask(method, target, body, headers)
        check(answer.status == status, f"{self.name}: {method} {target[:200]} -> {answer.status} {answer.body[:400]!r}")
        return answer.json

    def refused(self, status, method, target, body=None, headers=None, code=None, field=None, words=()):
        answer = self.ask(method, target, body, headers)
        check(
            answer.status == status,
            f"{self.name}: {method} {target[:200]} -> {answer.status} {answer.body[:400]!r}, " f"expected {status}",
        )
        error = answer.error
        if code:
            equal(error["code"], code, "error.code")
        if field:
            equal(error.get("field"), field, f"error.field of {error['message']!r}")
        for word in words:
            check(str(word) in error["message"], f"the message does not name {word!r}: {error['message']!r}")
        return error

    def change(self, method, target, body=None, headers=None):
        """A change, waited for; its operations must have ended well. Returns the answer's JSON."""
        answer = self.expect(202, method, target, body, {"Prefer": "wait=60", **(headers or {})})
        for operation in answer.get("operations", [answer.get("operation")]):
            check(operation["state"] == "done", f"{method} {target}: {operation}")
        return answer

    # What most tests need first.
    def volume(self, size_mib=1, **more):
        body = {"size_bytes": size_mib << 20, **more} if size_mib else more
        return self.change("POST", "/v1/volumes", body)["volume"]["id"]

    def snapshot(self, volume, **more):
        return self.change("POST", "/v1/snapshots", {"volume_id": volume, **more})["snapshot"]["id"]

    def attach(self, volume, vm, mode="rw", **more):
        return self.change("POST", f"/v1/volumes/{volume}/attach", {"host": "node1", "vm": vm, "mode": mode, **more})

    def detach(self, volume, **which):
        return self.change("POST", f"/v1/volumes/{volume}/detach", which)

    def delete(self, volume):
        return self.change("DELETE", f"/v1/volumes/{volume}")


def quoted(text):
    return urllib.parse.quote(text, safe="")
