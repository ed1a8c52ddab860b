"""Holds responses of a real server to doc/openapi.yaml.

    spec = load()
    validate(spec, "GET", "/api/blast/jobs?limit=5", status, headers, body)

raises Mismatch, which says what differs. Tests call it on every response they get.
"""
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import yaml

SPEC_FILE = Path(__file__).resolve().parents[2] / "doc" / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
# What the HTTP server itself answers, before it knows or asks the operation; always a problem.
OF_EVERY_OPERATION = {"400", "404", "405", "408", "413", "431", "500", "501", "503", "505"}


class Mismatch(AssertionError):
    """A response that the description does not allow."""


def load(file=SPEC_FILE):
    return yaml.safe_load(file.read_text())


def resolve(spec, node):
    """`node`, or what its $ref leads to."""
    while isinstance(node, dict) and "$ref" in node:
        place = node["$ref"]
        if not place.startswith("#/"):
            raise Mismatch(f"$ref {place} leads out of the description")
        node = spec
        for word in place[2:].split("/"):
            word = word.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or word not in node:
                raise Mismatch(f"$ref {place} leads nowhere")
            node = node[word]
    return node


def operations(spec):
    """(method, path, operation) of all."""
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def check_schema(spec, schema, value, what):
    """Raises Mismatch unless `value` is as `schema`, whose $refs are places in `spec`."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": spec["components"],
             "allOf": [schema]}
    errors = sorted(jsonschema.Draft202012Validator(whole).iter_errors(value), key=lambda error: list(error.path))
    if errors:
        first = errors[0]
        place = "/".join(str(part) for part in first.absolute_path) or "(whole)"
        raise Mismatch(f"{what}: {place}: {first.message}")


def find_operation(spec, method, path):
    """(pattern, operation) for a request's path; (None, None) if there is none."""
    plain = urlsplit(path).path
    # A path without names comes before one that has some: results/output before results/{name}.
    for pattern in sorted(spec["paths"], key=lambda text: text.count("{")):
        regex = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in pattern.split("/"))
        if re.fullmatch(regex, plain):
            return pattern, spec["paths"][pattern].get(method)
    return None, None


def check_headers(spec, described, headers, what):
    for name, header in described.items():
        header = resolve(spec, header)
        value = headers.get(name.lower())
        if value is None:
            if header.get("required"):
                raise Mismatch(f"{what}: header {name} is missing")
            continue
        check_schema(spec, header["schema"], value, f"{what}: header {name}")


def check_body(spec, described, headers, body, what):
    if not described:
        if body:
            raise Mismatch(f"{what}: a body where none is described: {body[:80]!r}")
        return
    media_type = headers.get("content-type", "").split(";")[0].strip()
    if media_type not in described:
        raise Mismatch(f"{what}: Content-Type {media_type!r} is none of {', '.join(described)}")
    schema = described[media_type].get("schema")
    if schema is None:
        return
    text = body.decode() if isinstance(body, bytes) else body
    if media_type == "application/json" or media_type.endswith("+json"):
        # A file that happens to be JSON is described as a string.
        if resolve(spec, schema).get("type") != "string":
            check_schema(spec, schema, json.loads(text), what)


def validate(spec, method, path, status, headers, body):
    """Raises Mismatch unless the response is one that `spec` describes for the request. `headers` is a mapping or a
    list of pairs; `body` is bytes or text as the handler wrote it (not gzipped)."""
    head = method.upper() == "HEAD"
    method = "get" if head else method.lower()
    headers = {name.lower(): value for name, value in (headers.items() if hasattr(headers, "items") else headers)}
    what = f"{method.upper()} {path} -> {status}"
    if "x-request-id" not in headers:
        raise Mismatch(f"{what}: header X-Request-Id is missing")
    _, operation = find_operation(spec, method, path)
    response = operation and operation["responses"].get(str(status))
    if response is None:
        if str(status) not in OF_EVERY_OPERATION or (operation is None and status < 400):
            raise Mismatch(f"{what}: the description has no such response")
        response = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    response = resolve(spec, response)
    check_headers(spec, response.get("headers", {}), headers, what)
    if not head:
        check_body(spec, response.get("content", {}), headers, body, what)
    if status >= 400 and not head:
        problem = json.loads(body)
        if problem["status"] != status:
            raise Mismatch(f"{what}: the problem says {problem['status']}")
