#!/usr/bin/env python3
"""A server that tells its job events to a real redis-server, which goes away meanwhile, and another that only reads beside
it. Usage: as service_test.py; exit code 77: there is no redis-server."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import support as st
import validate


class WithRedis(st.ServerTest):
    started = False

    def setUp(self):
        super().setUp()
        self.place = tempfile.mkdtemp()  # a socket's path has at most 107 bytes
        self.socket = f"{self.place}/redis.sock"
        self.redis = None
        os.environ["BLASTLOOM_REDIS_PASSWORD"] = "right"
        self.server = st.Server(self.data, "--redis", f"unix:{self.socket}")

    def tearDown(self):
        super().tearDown()
        self.end_redis()
        shutil.rmtree(self.place, ignore_errors=True)

    def start_redis(self):
        self.redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
                                       "--requirepass", "right"], cwd=self.folder, stdout=subprocess.DEVNULL)

    def end_redis(self):
        if self.redis:
            self.redis.kill()
            self.redis.wait()
            self.redis = None

    def wait_for_degraded(self, words, server=None, status="ready"):
        """Until /readyz says so; it stays ready, as jobs go on."""
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until:
            code, _, body = (server or self.server).call("GET", "/readyz")
            body = json.loads(body)
            self.assertEqual((code, body["status"]), (200, status))
            if any(words in clause for clause in body["degraded"]) if words else not body["degraded"]:
                return
            time.sleep(0.02)
        raise AssertionError(f"never {words!r}: {body}")

    def run_job(self):
        job = self.server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        self.assertEqual(self.server.wait(job)["status"], "completed")
        return job


class RedisTest(WithRedis):
    def stream(self):
        """(id, fields) of every entry; none while Redis is not there."""
        run = subprocess.run(["redis-cli", "-s", self.socket, "--no-auth-warning", "-a", "right", "--json",
                              "XRANGE", "blastloom:events", "-", "+"], capture_output=True)
        entries = json.loads(run.stdout) if run.returncode == 0 and run.stdout.startswith(b"[") else []
        return [(one, dict(zip(fields[::2], fields[1::2]))) for one, fields in entries]

    def wait_for_end_of(self, job):
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until:
            entries = self.stream()
            if any(fields["job"] == job and fields["state"] == "completed" for _, fields in entries):
                return entries
            time.sleep(0.02)
        raise AssertionError(f"the stream does not tell the end of {job}: {self.stream()}")

    def test_events_reach_the_stream_in_order_and_once_though_redis_comes_and_goes(self):
        self.server.start()
        jobs = [self.run_job()]  # without Redis
        self.start_redis()
        jobs.append(self.run_job())
        self.wait_for_end_of(jobs[-1])
        self.end_redis()
        jobs.append(self.run_job())
        self.start_redis()
        entries = self.wait_for_end_of(jobs[-1])
        ids = [int(one.removesuffix("-0")) for one, _ in entries]
        self.assertEqual(ids, sorted(set(ids)))
        for job in jobs:
            seqs = [int(fields["seq"]) for _, fields in entries if fields["job"] == job]
            self.assertEqual(seqs[:3], [1, 2, 3])
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertEqual(self.server.stop(), 0)
        log = (self.folder / "data.log").read_text()
        self.assertIn("redis.lost", log)
        self.assertNotIn("right", log)

    def redis_cli(self, *words):
        run = subprocess.run(["redis-cli", "-s", self.socket, "--no-auth-warning", "-a", "right", *words],
                             capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def test_what_is_wrong_with_redis_is_said_and_holds_nobody_up(self):
        self.server.start()
        self.wait_for_degraded("Redis (events): ")  # down
        self.run_job()
        self.start_redis()
        self.wait_for_degraded("")
        self.assertIn("blastloom_degraded 0\n", self.server.call("GET", "/metrics")[2].decode())
        self.redis.send_signal(signal.SIGSTOP)  # hangs
        self.run_job()
        self.wait_for_degraded("no answer in time")
        system = json.loads(self.server.call("GET", "/api/blast/system")[2])
        self.assertTrue(any("no answer in time" in clause for clause in system["degraded"]), system)
        metrics = self.server.call("GET", "/metrics")[2].decode()
        self.assertNotIn("blastloom_degraded 0\n", metrics)
        self.assertIn('blastloom_redis_works{link="events"}', metrics)
        self.redis.send_signal(signal.SIGCONT)
        self.wait_for_degraded("")
        self.redis_cli("CONFIG", "SET", "maxmemory", "1")  # full
        self.run_job()
        self.wait_for_degraded("OOM")
        self.redis_cli("CONFIG", "SET", "maxmemory", "0")
        self.wait_for_degraded("")
        self.redis_cli("CONFIG", "SET", "requirepass", "other")  # another password
        self.redis_cli_with("other", "CLIENT", "KILL", "TYPE", "normal")
        last = self.run_job()
        self.wait_for_degraded("check the password")
        self.redis_cli_with("other", "CONFIG", "SET", "requirepass", "right")
        self.wait_for_degraded("")
        self.wait_for_end_of(last)
        self.assertNotIn("right", (self.folder / "data.log").read_text().replace("rights", ""))
        # What was counted reaches the one that leads.
        until = time.monotonic() + st.PATIENCE
        while not json.loads(self.server.call("GET", "/api/blast/system")[2])["counters"]["requests"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)

    def test_a_listener_hears_that_redis_goes_and_comes_again(self):
        self.start_redis()
        self.server.start()
        listener = Follower(self.server, "/api/blast/events")
        listener.wait_for_degraded("")
        before = self.run_job()
        self.end_redis()
        listener.wait_for_degraded("Redis (events): ")
        late = Follower(self.server, "/api/blast/events")
        late.wait_for_degraded("Redis (events): ")
        during = self.run_job()
        self.start_redis()
        listener.wait_for_degraded("")
        late.wait_for_degraded("")
        # Who comes again after an event of a job misses none, whatever was told of the server since.
        last = next(number for number, one in reversed(listener.events) if one["job"] == before)
        again = Follower(self.server, "/api/blast/events", last=last)
        again.wait_for_degraded("")
        until = time.monotonic() + st.PATIENCE
        while again.events[-1:] != listener.events[-1:]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        self.assertEqual(self.server.stop(), 0)
        heard = listener.ended()
        self.assertEqual([one for one in heard if one[0] > last], again.ended())
        self.assertEqual({one["job"] for _, one in again.events}, {during})
        for follower in (listener, late, again):
            for number, state in follower.states:
                self.assertIsNone(number, "it is no event of the store")
                validate.check_schema(st.SPEC, {"$ref": "#/components/schemas/Ready"}, state, "server event")
        told = [state for _, state in listener.states]
        self.assertTrue(all(one != other for one, other in zip(told, told[1:])), told)

    def redis_cli_with(self, password, *words):
        subprocess.run(["redis-cli", "-s", self.socket, "--no-auth-warning", "-a", password, *words],
                       capture_output=True, check=True)

    def test_a_wrong_url_is_named_without_its_password(self):
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / "data", "--redis", "redis://me:hunter2@host"],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("--redis", run.stderr)
        self.assertNotIn("hunter2", run.stderr)


class Follower(threading.Thread):
    """Reads a stream of events to its end, or until it is left: those of jobs with their ids, and how the server is."""

    def __init__(self, server, path, last=None):
        super().__init__(daemon=True)
        self.events, self.states = [], []
        self.connection = http.client.HTTPConnection(server.host, timeout=st.PATIENCE)
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(last)} if last is not None else {})}
        self.connection.request("GET", path, headers=headers)
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        self.start()

    def run(self):
        number, name = None, None
        try:
            for line in self.reply:
                if line.startswith(b"id: "):
                    number = int(line[4:])
                elif line.startswith(b"event: "):
                    name = line[7:].strip()
                elif line.startswith(b"data: "):
                    data = json.loads(line[6:])
                    if name == b"server":
                        self.states.append((number, data))
                    else:
                        self.events.append((number, data))
                elif not line.strip():
                    number, name = None, None
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # the server ended

    def ended(self):
        self.join(timeout=st.PATIENCE)
        assert not self.is_alive(), self.events
        return self.events

    def wait_for_degraded(self, words):
        """Until the last that was told of the server says so."""
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until:
            clauses = self.states[-1][1]["degraded"] if self.states else None
            if clauses is not None and (any(words in clause for clause in clauses) if words else not clauses):
                return
            time.sleep(0.02)
        raise AssertionError(f"never {words!r}: {self.states}")


class ReaderTest(WithRedis):
    """`serve --read-only` beside the server that owns the data."""

    def start_reader(self, *flags):
        scratch = self.folder / "tmp"
        scratch.mkdir()
        os.environ["TMPDIR"] = str(scratch)
        try:
            self.reader = st.Server(self.data, "--read-only", *flags).start()
        finally:
            del os.environ["TMPDIR"]
        self.addCleanup(lambda: self.reader.process.poll() is None and self.reader.kill())

    def stop_reader(self):
        self.assertEqual(self.reader.stop(), 0)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [])

    def events_of(self, server, job):
        return json.loads(server.call("GET", f"/api/blast/jobs/{job}/events?limit=500")[2])["events"]

    def follow_a_job(self, outfmt="6"):
        """Submitted to the owner, and watched to its end over the reader."""
        job = self.server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": outfmt}, fresh=True)
        events = Follower(self.reader, f"/api/blast/jobs/{job}/events").ended()
        self.assertEqual([number for number, _ in events], list(range(1, len(events) + 1)))
        self.assertEqual([one for _, one in events], self.events_of(self.server, job))
        self.assertEqual(events[-1][1]["status"], "completed")
        self.assertEqual(self.reader.job(job), self.server.job(job))
        return job

    def kept(self):
        """Every file of the data folder, but for what SQLite's readers share with its writer."""
        return {str(one): (one.stat().st_size, one.stat().st_mtime_ns)
                for one in self.data.rglob("*") if one.is_file() and one.name != "jobs.sqlite-shm"}

    def refusal(self, method, path, body=None):
        status, headers, data = self.reader.call(method, path, body)
        self.assertEqual((status, headers["Content-Type"]), (405, "application/problem+json"), data)
        self.assertEqual(headers["Allow"], "GET, HEAD")
        return json.loads(data)["detail"]

    def test_a_reader_tells_each_event_once_though_redis_and_the_owner_go_and_come(self):
        self.server.start()
        self.start_redis()
        self.start_reader("--redis", f"unix:{self.socket}")
        self.wait_for_degraded("", self.reader, "reading")
        everything = Follower(self.reader, "/api/blast/events")
        jobs = [self.follow_a_job()]
        self.end_redis()
        self.wait_for_degraded("Redis (events): ", self.reader, "reading")
        everything.wait_for_degraded("Redis (events): ")
        jobs.append(self.follow_a_job())
        self.start_redis()
        self.wait_for_degraded("", self.reader, "reading")
        jobs.append(self.follow_a_job("5"))
        self.server.kill()
        for job in jobs:
            self.assertEqual(self.reader.job(job)["status"], "completed")
        again = Follower(self.reader, f"/api/blast/jobs/{jobs[0]}/events", last=2).ended()
        self.assertEqual([one for _, one in again], self.events_of(self.reader, jobs[0])[2:])
        self.server = st.Server(self.data, "--redis", f"unix:{self.socket}").start()
        jobs.append(self.follow_a_job())
        self.assertIn(self.server.url, self.refusal("POST", "/api/blast/jobs", {}))
        me = json.loads(self.reader.call("GET", "/api/blast/me")[2])
        self.assertEqual((me["reading"], me["changes_at"]), (True, self.server.url))
        self.stop_reader()
        told = everything.ended()
        self.assertEqual({state["status"] for _, state in everything.states}, {"reading"})
        self.assertEqual([number for number, _ in told], sorted({number for number, _ in told}))
        for job in jobs:
            mine = [one for _, one in told if one["job"] == job]
            self.assertEqual(mine, self.events_of(self.server, job))

    def test_a_reader_shows_all_and_changes_nothing(self):
        self.server.start()
        text = st.query("proteins_20.fa")
        job = self.server.submit("blastp", "proteins_2k", text, {"outfmt": "5"})
        self.assertEqual(self.server.wait(job)["status"], "completed")
        tabular = self.server.submit("blastp", "proteins_2k", text, {"outfmt": "7"})
        self.server.wait(tabular)
        owned = self.server.output(job)
        listed = self.server.call("GET", "/api/blast/jobs")[2]
        databases = self.server.call("GET", "/api/blast/databases")[2]
        self.server.kill()
        before = self.kept()
        self.start_reader()
        self.wait_for_degraded("", self.reader, "reading")
        self.assertEqual(self.reader.call("GET", "/api/blast/jobs")[2], listed)
        self.assertEqual(self.reader.call("GET", "/api/blast/databases")[2], databases)
        self.assertEqual(self.reader.output(job), owned)
        self.assertEqual(owned, st.blast("blastp", "proteins_2k", text, {"outfmt": "5"}))
        # In other formats, of some queries, and as hits: made here.
        self.assertEqual(self.reader.output(job, "6"), st.blast("blastp", "proteins_2k", text, {"outfmt": "6"}))
        for path in (f"/api/blast/jobs/{job}/results/hits", f"/api/blast/jobs/{tabular}/results/hits",
                     f"/api/blast/jobs/{job}/results/output?outfmt=7&query=1,3"):
            until = time.monotonic() + st.PATIENCE
            while (status := self.reader.call("GET", path)[0]) == 202:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.02)
            self.assertEqual(status, 200, path)
        for path in ("results", "results/summary", "results/provenance", "tasks", "explain", "events"):
            self.assertEqual(self.reader.call("GET", f"/api/blast/jobs/{job}/{path}")[0], 200, path)
        for path in ("/metrics", "/api/blast/system", "/api/blast/beat", "/api/blast/me", "/api/blast/database-works"):
            self.assertEqual(self.reader.call("GET", path)[0], 200, path)
        # Whatever changes something is refused.
        asking = ("/api/blast/recommend", "/api/blast/databases/{name}/sequences", "/api/blast/download-links", "/Blast.cgi")
        for pattern, methods in st.SPEC["paths"].items():
            for method in methods:
                if method in ("post", "put", "delete") and pattern not in asking:
                    path = pattern.replace("{id}", job).replace("{name}", "proteins_2k")
                    self.assertIn("this server only reads", self.refusal(method.upper(), path), pattern)
        for command in (f"CMD=Delete&RID={job}", "CMD=Put&PROGRAM=blastp&DATABASE=proteins_2k&QUERY=MKV"):
            self.assertIn("this server only reads", self.refusal("GET", f"/Blast.cgi?{command}"))
        self.assertIn(job.encode(), self.reader.call("GET", f"/Blast.cgi?CMD=Get&RID={job}")[2])
        self.assertEqual(self.kept(), before)
        # The same tokens let in.
        secret = self.token("ann", "viewer")
        until = time.monotonic() + st.PATIENCE
        while self.reader.call("GET", "/api/blast/jobs")[0] != 401:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        hers = {"Authorization": f"Bearer {secret}"}
        self.assertEqual(json.loads(self.reader.call("GET", "/api/blast/jobs", headers=hers)[2])["jobs"], [])
        self.assertEqual(self.reader.call("GET", f"/api/blast/jobs/{job}", headers=hers)[0], 404)
        self.share_links(f"/api/blast/jobs/{job}/results/output", owned)
        self.stop_reader()

    def share_links(self, path, content):
        """A link of the owner opens its download at the reader, and the other way round."""
        mine = {"Authorization": f"Bearer {self.token('local', 'viewer')}"}
        self.server = st.Server(self.data).start()
        for server in (self.server, self.reader):
            until = time.monotonic() + st.PATIENCE
            while server.call("GET", "/api/blast/me", headers=mine)[0] == 401:
                self.assertLess(time.monotonic(), until)  # it has not seen the token yet
                time.sleep(0.05)
        for maker, taker in ((self.server, self.reader), (self.reader, self.server)):
            made = maker.call("POST", "/api/blast/download-links", {"path": path}, mine)
            self.assertEqual(made[0], 201, made[2])
            href = json.loads(made[2])["href"]
            for server in (maker, taker):
                self.assertEqual(server.call("GET", href)[::2], (200, content))
            self.assertEqual(taker.call("GET", path)[0], 401)

    def test_a_reader_makes_no_data_folder(self):
        run = subprocess.run([st.BINARY, "serve", "--read-only", "--data", self.data, "--listen", "127.0.0.1:0"],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("start the server that writes it first", run.stderr)
        self.assertFalse(self.data.exists())


if __name__ == "__main__":
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        print("skipped: redis-server is not installed; ./dev setup installs it")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
