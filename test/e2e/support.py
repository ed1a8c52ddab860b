"""What the tests of the program share: the server, BLAST+'s own answers, a folder for each case. Those who import this are
called as PROGRAM BINARY TESTDATA SCRATCH [more]."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "api"))
import validate  # noqa: E402

BINARY, TESTDATA, SCRATCH = (Path(word).resolve() for word in sys.argv[1:4])
LEVEL = os.environ.get("LOOM_TEST_LEVEL", "default")
PATIENCE = 240  # seconds; guards against a hang only
SPEC = validate.load(Path(__file__).resolve().parent.parent.parent / "doc" / "openapi.yaml")
os.environ["BLASTDB"] = str(TESTDATA / "db")


signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a script has it ignored, and so its children


def query(name):
    return (TESTDATA / "query" / name).read_text()


def blast(program, database, text, options):
    """What BLAST+ itself writes."""
    argv = [program, "-db", database, "-query", "-"]
    for name, value in options.items():
        argv += [f"-{name}", str(value)]
    return subprocess.run(argv, input=text.encode(), capture_output=True, check=True).stdout


def processes_in(folder):
    """Command lines of the processes that name `folder` or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = os.readlink(process / "cwd")
        except OSError:
            continue  # it has ended
        if str(folder) in words or place.startswith(str(folder)):
            found.append(words)
    return found


class Server:
    """`blastloom serve` on a folder; may be killed and started again."""

    def __init__(self, folder, *flags):
        self.folder, self.flags, self.process = folder, flags, None

    def start(self):
        self.log = open(str(self.folder) + ".log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", "--data", self.folder, "--listen", "127.0.0.1:0", *self.flags],
                                        stdout=subprocess.PIPE, stderr=self.log)
        first = self.process.stdout.readline().decode().strip()
        assert first.startswith("http://127.0.0.1:"), f"no address: {first!r}"
        self.url = first
        self.host = first.removeprefix("http://")
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.log.close()
        return code

    def call(self, method, path, body=None, headers=None, check=True):
        """(status, headers, bytes) of an answer that fits the specification."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=body, headers=headers)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        if check:
            validate.validate(SPEC, method, path, reply.status, dict(reply.getheaders()), data)
        return reply.status, dict(reply.getheaders()), data

    def metric(self, name):
        """The value of a metric that has no labels."""
        return float(re.search(rf"(?m)^{name} (\S+)$", self.call("GET", "/metrics")[2].decode())[1])

    def submit(self, program, database, text, options, **more):
        headers = more.pop("headers", {})
        body = {"program": program, "database": database, "query": text, "options": options, **more}
        status, _, data = self.call("POST", "/api/blast/jobs", body, headers)
        assert status in (200, 201), data
        return json.loads(data)["id"]

    def job(self, job):
        return json.loads(self.call("GET", f"/api/blast/jobs/{job}")[2])

    def wait(self, job):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            now = self.job(job)
            if now["status"] in ("completed", "failed", "cancelled"):
                return now
            time.sleep(0.02)
        why = self.call("GET", f"/api/blast/jobs/{job}/explain")[2].decode()
        raise AssertionError(f"job {job} did not end: {now}\n{why}\n{self.log_end()}")

    def log_end(self):
        return Path(self.log.name).read_text()[-4000:]

    def output(self, job, outfmt=None):
        path = f"/api/blast/jobs/{job}/results/output"
        if outfmt is not None:
            path += f"?outfmt={outfmt}"
        while True:
            status, _, data = self.call("GET", path)
            if status != 202:
                assert status == 200, data
                return data
            time.sleep(0.02)

    def ended(self, work):
        """A work on a database when it has ended; `work` is what was said of it before."""
        until = time.monotonic() + PATIENCE
        while work["status"] in ("queued", "running"):
            assert time.monotonic() < until, f"{work} did not end"
            time.sleep(0.02)
            work = json.loads(self.call("GET", f"/api/blast/database-works/{work['id']}")[2])
        return work


class ServerTest(unittest.TestCase):
    """Each case has `self.folder` for itself, and `self.server` on `self.data`, which runs if `started` says so."""

    flags = ()
    started = True

    def setUp(self):
        self.folder = SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.data = self.folder / "data"
        self.server = Server(self.data, *self.flags)
        if self.started:
            self.server.start()

    def tearDown(self):
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, *flags):
        """The server with these flags, on the same data."""
        self.assertEqual(self.server.stop(), 0)
        self.server = Server(self.data, *flags).start()

    def cli(self, *args, code=0, text=None, token=""):
        """What the program writes to stdout, or else to stderr, with this server named in its environment."""
        run = subprocess.run([BINARY, *args], input=text.encode() if isinstance(text, str) else text, capture_output=True,
                             env={**os.environ, "BLASTLOOM_SERVER": self.server.url, "BLASTLOOM_TOKEN": token})
        self.assertEqual(run.returncode, code, run.stderr)
        return (run.stdout or run.stderr).decode()

    def token(self, name, role="user"):
        """The secret of a new one."""
        return subprocess.run([BINARY, "token", "create", name, "--role", role, "--data", self.data], capture_output=True,
                              text=True, check=True).stdout.strip()
