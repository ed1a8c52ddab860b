#!/usr/bin/env python3
"""Checks doc/openapi.yaml itself, and that validate.py notices what it must."""
import re
import unittest

import jsonschema

from validate import Mismatch, check_schema, find_operation, load, operations, resolve, validate

SPEC = load()
REQUEST_ID = {"X-Request-Id": "r1"}


def nodes(node, place="#"):
    """Every object of the tree with its place."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            yield from nodes(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{place}/{index}")


def examples(media):
    if "example" in media:
        yield media["example"]
    for one in media.get("examples", {}).values():
        yield one["value"]


class Description(unittest.TestCase):
    def test_references_lead_somewhere(self):
        for place, node in nodes(SPEC):
            if isinstance(node.get("$ref"), str):
                with self.subTest(place):
                    resolve(SPEC, node)

    def test_all_components_are_used(self):
        used = {node["$ref"] for _, node in nodes(SPEC) if isinstance(node.get("$ref"), str)}
        for kind, members in SPEC["components"].items():
            if kind != "securitySchemes":
                for name in members:
                    self.assertIn(f"#/components/{kind}/{name}", used)

    def test_schemas_are_schemas(self):
        for name, schema in SPEC["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_operations_are_whole(self):
        ids = []
        for method, path, operation in operations(SPEC):
            with self.subTest(f"{method} {path}"):
                ids.append(operation["operationId"])
                self.assertTrue(operation["summary"])
                self.assertTrue(operation["tags"])
                self.assertTrue(any(status.startswith("2") for status in operation["responses"]))
                for status, response in operation["responses"].items():
                    self.assertRegex(status, "^[2345][0-9][0-9]$")
                    self.assertTrue(resolve(SPEC, response)["description"])
        self.assertEqual(len(ids), len(set(ids)), "operationIds must differ")

    def test_names_in_paths_are_parameters(self):
        for path, item in SPEC["paths"].items():
            for method in ("get", "post", "delete"):
                if method not in item:
                    continue
                declared = [resolve(SPEC, parameter) for parameter in
                            item.get("parameters", []) + item[method].get("parameters", [])]
                names = {parameter["name"] for parameter in declared if parameter["in"] == "path"}
                self.assertEqual(set(re.findall(r"{(\w+)}", path)), names, path)

    def test_errors_are_problems_and_successes_have_examples(self):
        for method, path, operation in operations(SPEC):
            for status, response in operation["responses"].items():
                with self.subTest(f"{method} {path} {status}"):
                    content = resolve(SPEC, response).get("content", {})
                    # NCBI's interface has pages with its own marks, which programs look for.
                    page = path == "/Blast.cgi" and status in ("404", "409")
                    if status >= "400":
                        self.assertIn("text/html" if page else "application/problem+json", content)
                    for media_type, media in content.items():
                        if media_type in ("application/json", "text/event-stream"):
                            self.assertTrue(list(examples(media)), f"{media_type} has no example")
            body = operation.get("requestBody")
            for media in resolve(SPEC, body)["content"].values() if body else ():
                self.assertTrue(list(examples(media)))

    def test_examples_are_as_their_schemas_say(self):
        count = 0
        for place, node in nodes(SPEC):
            schema = node.get("schema")
            if schema is None:
                continue
            for example in examples(node):
                with self.subTest(place):
                    check_schema(SPEC, schema, example, place)
                    count += 1
        self.assertGreater(count, 40)

    def test_a_problem_of_each_status_says_that_status(self):
        for name, response in SPEC["components"]["responses"].items():
            for media in response.get("content", {}).values():
                for example in examples(media):
                    statuses = {status for _, _, operation in operations(SPEC)
                                for status, used in operation["responses"].items()
                                if used == {"$ref": f"#/components/responses/{name}"}}
                    self.assertEqual(statuses, {str(example["status"])}, name)


class Validate(unittest.TestCase):
    def check(self, method, path, status, headers, body):
        validate(SPEC, method, path, status, {**REQUEST_ID, **headers}, body)

    def test_the_most_exact_path_wins(self):
        self.assertEqual(find_operation(SPEC, "get", "/api/blast/jobs/x/results/output?outfmt=6")[1]["operationId"],
                         "getOutput")
        self.assertEqual(find_operation(SPEC, "get", "/api/blast/jobs/x/results/files/output")[1]["operationId"],
                         "getFile")
        self.assertEqual(find_operation(SPEC, "get", "/nowhere"), (None, None))

    def test_what_is_right_passes(self):
        json_type = {"Content-Type": "application/json"}
        self.check("GET", "/healthz", 200, json_type, b'{"status":"ok"}')
        self.check("HEAD", "/healthz", 200, json_type, b"")
        self.check("GET", "/api/blast/jobs", 304, {"ETag": 'W/"x"'}, b"")
        self.check("DELETE", "/api/blast/jobs/x", 204, {}, b"")
        self.check("GET", "/nowhere", 404, {"Content-Type": "application/problem+json"},
                   b'{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"no"}')

    def test_what_is_wrong_is_noticed(self):
        json_type = {"Content-Type": "application/json"}
        problem = b'{"type":"about:blank","title":"x","status":404,"code":"not_found","detail":"no"}'
        wrong = {
            "another value": ("GET", "/healthz", 200, json_type, b'{"status":"fine"}'),
            "an unknown member": ("GET", "/healthz", 200, json_type, b'{"status":"ok","more":1}'),
            "another type": ("GET", "/healthz", 200, {"Content-Type": "text/html"}, b"ok"),
            "another status": ("GET", "/healthz", 302, {}, b""),
            "no ETag": ("GET", "/api/blast/jobs", 304, {}, b""),
            "a body of 204": ("DELETE", "/api/blast/jobs/x", 204, json_type, b"{}"),
            "a problem of another status": ("GET", "/nowhere", 400, {"Content-Type": "application/problem+json"}, problem),
            "no login hint": ("GET", "/metrics", 401, {"Content-Type": "application/problem+json"},
                              problem.replace(b"404", b"401")),
        }
        for name, response in wrong.items():
            with self.subTest(name):
                self.assertRaises(Mismatch, self.check, *response)
        self.assertRaises(Mismatch, validate, SPEC, "GET", "/healthz", 200, json_type, b'{"status":"ok"}')


if __name__ == "__main__":
    unittest.main()
