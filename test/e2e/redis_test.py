#!/usr/bin/env python3
"""A server that tells its job events to a real redis-server, which goes away meanwhile. Usage: as service_test.py; exit
code 77: there is no redis-server."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import support as st


class RedisTest(st.ServerTest):
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

    def ready(self):
        status, _, body = self.server.call("GET", "/readyz")
        return status, json.loads(body)

    def wait_for_degraded(self, words):
        """Until /readyz says so; it stays ready, as jobs go on."""
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until:
            status, body = self.ready()
            self.assertEqual((status, body["status"]), (200, "ready"))
            if any(words in clause for clause in body["degraded"]) if words else not body["degraded"]:
                return
            time.sleep(0.02)
        raise AssertionError(f"never {words!r}: {body}")

    def run_job(self):
        job = self.server.submit("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        self.assertEqual(self.server.wait(job)["status"], "completed")
        return job

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

    def cli(self, *words):
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
        self.cli("CONFIG", "SET", "maxmemory", "1")  # full
        self.run_job()
        self.wait_for_degraded("OOM")
        self.cli("CONFIG", "SET", "maxmemory", "0")
        self.wait_for_degraded("")
        self.cli("CONFIG", "SET", "requirepass", "other")  # another password
        self.cli_with("other", "CLIENT", "KILL", "TYPE", "normal")
        last = self.run_job()
        self.wait_for_degraded("check the password")
        self.cli_with("other", "CONFIG", "SET", "requirepass", "right")
        self.wait_for_degraded("")
        self.wait_for_end_of(last)
        self.assertNotIn("right", (self.folder / "data.log").read_text().replace("rights", ""))
        # What was counted reaches the one that leads.
        until = time.monotonic() + st.PATIENCE
        while not json.loads(self.server.call("GET", "/api/blast/system")[2])["counters"]["requests"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)

    def cli_with(self, password, *words):
        subprocess.run(["redis-cli", "-s", self.socket, "--no-auth-warning", "-a", password, *words],
                       capture_output=True, check=True)

    def test_a_wrong_url_is_named_without_its_password(self):
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / "data", "--redis", "redis://me:hunter2@host"],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("--redis", run.stderr)
        self.assertNotIn("hunter2", run.stderr)


if __name__ == "__main__":
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        print("skipped: redis-server is not installed; ./dev setup installs it")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
