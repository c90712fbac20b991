"""adapters/vbs/openapi.yaml as a judge: every answer of every test is held against it; what was asked is remembered."""
import datetime
import json
import re
import threading
import uuid

import jsonschema
import yaml

from suite import Unexpected, check

METHODS = ("get", "put", "post", "patch", "delete")
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("uuid", raises=ValueError)
def _uuid(text):
    return not isinstance(text, str) or str(uuid.UUID(text)) == text


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(text):
    if not isinstance(text, str):
        return True
    datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ")
    return True


@FORMATS.checks("int64")
def _int64(value):
    return not isinstance(value, int) or -(2**63) <= value < 2**63


class Contract:
    def __init__(self, file):
        self.document = yaml.safe_load(file.read_text())
        self.seen = {}  # (method, template) -> set of statuses
        self._lock = threading.Lock()
        self._templates = [(re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", t) + "$"), t) for t in self.document["paths"]]
        self._templates.sort(key=lambda pair: "{" in pair[1])  # a literal segment wins
        self._validators = {}
        self.error = self._validator(self._expand(self.document["components"]["responses"]["Error"]))

    def operations(self):
        """Every (METHOD, template) of the document."""
        return [(m.upper(), t) for t, item in self.document["paths"].items() for m in METHODS if m in item]

    def template(self, target):
        path = target.split("?")[0]
        return next((t for pattern, t in self._templates if pattern.match(path)), None)

    def operation(self, method, template):
        return self._expand(self.document["paths"].get(template, {})).get(method.lower()) if template else None

    def parameters(self, method, template, where):
        item = self._expand(self.document["paths"][template])
        found = item.get("parameters", []) + item[method.lower()].get("parameters", [])
        return {p["name"] for p in found if p["in"] == where}

    def judge(self, method, target, body, answer):
        """Raises Unexpected if the answer is not one that the document declares for this request."""
        said = f"{method} {target[:120]} -> {answer.status}"
        check(answer.headers.get("x-request-id"), f"{said}: no X-Request-Id")
        template = self.template(target)
        operation = self.operation(method, template)
        declared = operation["responses"] if operation else {}
        sent = (answer.headers.get("content-type") or "").split(";")[0]
        types = declared.get(str(answer.status), {}).get("content", {"application/json": {}})
        check(sent in types, f"{said}: Content-Type is {answer.headers.get('content-type')}")
        if method == "HEAD":
            return
        if operation:
            with self._lock:
                self.seen.setdefault((method, template), set()).add(answer.status)
        if answer.status >= 400 and str(answer.status) not in declared:
            check(not operation or "default" in declared or answer.status == 401, f"{said}: not declared")
            self._validate(self.error, answer.json, said)
            error = answer.json["error"]
            check(error["request_id"] == answer.headers["x-request-id"], f"{said}: another request id in the body")
            check(error["message"], f"{said}: the error has no message")
            return
        check(operation, f"{said}: the document has no such operation")
        check(str(answer.status) in declared, f"{said}: this status is not declared")
        if "application/json" in types:
            self._validate(self._of_response(method, template, str(answer.status), declared), answer.json, said)
        if answer.status < 300:
            self._accepted(method, template, operation, target, body, said)

    def _accepted(self, method, template, operation, target, body, said):
        """What was accepted must be what the document lets one send."""
        query = {p.split("=")[0] for p in target.partition("?")[2].split("&") if p}
        extra = query - self.parameters(method, template, "query")
        check(not extra, f"{said}: accepted the parameters {extra}, which the document does not have")
        wanted = operation.get("requestBody")
        if wanted and body is not None:
            schema = wanted["content"]["application/json"]["schema"]
            sent = json.loads(body) if isinstance(body, bytes) else body
            self._validate(self._validator_of_schema(schema), sent, said + ": accepted a request that")

    def _of_response(self, method, template, status, declared):
        key = (method, template, status)
        if key not in self._validators:
            self._validators[key] = self._validator(declared[status])
        return self._validators[key]

    def _validator(self, response):
        content = response.get("content", {}).get("application/json", {})
        return self._validator_of_schema(content.get("schema", {"type": "object"}))

    @staticmethod
    def _validator_of_schema(schema):
        return jsonschema.Draft7Validator(schema, format_checker=FORMATS)

    @staticmethod
    def _validate(validator, value, said):
        problems = [f"{'/'.join(map(str, e.path)) or 'it'}: {e.message[:200]}" for e in validator.iter_errors(value)]
        if problems:
            raise Unexpected(f"{said} breaks the schema: {'; '.join(problems[:3])}")

    def _expand(self, node):
        """With each $ref replaced by what it names, and OpenAPI's nullable said in JSON Schema's way."""
        if isinstance(node, list):
            return [self._expand(n) for n in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return self._expand(target)
        out = {k: self._expand(v) for k, v in node.items()}
        if out.pop("nullable", None) is True:
            out["type"] = [out["type"], "null"]
        return out
