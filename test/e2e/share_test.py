#!/usr/bin/env python3
"""Two servers on one data folder: each job is run by one of them, and both tell of it. Usage: as service_test.py"""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import service_test as st

OPTIONS = {"outfmt": "6"}


def wait_until(holds, what):
    until = time.monotonic() + st.PATIENCE
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.02)


class ShareTest(unittest.TestCase):
    def setUp(self):
        self.folder = st.SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *flags):
        server = st.Server(self.folder / "data", "--share", "--cores", "1", *flags).start()
        self.servers.append(server)
        return server

    def listen(self, server, events):
        """Collects what `server` tells of all jobs, on a thread of its own."""
        def follow():
            with subprocess.Popen(["curl", "-sN", f"{server.url}/api/blast/events"], stdout=subprocess.PIPE, text=True) as curl:
                self.addCleanup(curl.kill)
                for line in curl.stdout:
                    if line.startswith("data: "):
                        events.append(json.loads(line[6:]))
        threading.Thread(target=follow, daemon=True).start()

    def story(self, job):
        """The kinds of a job's events, as the store has them."""
        store = sqlite3.connect(f"file:{self.folder}/data/jobs.sqlite?mode=ro", uri=True)
        rows = store.execute("SELECT kind, events.state FROM events JOIN jobs ON jobs.number = events.job "
                             "WHERE jobs.id = ? ORDER BY seq", (job,)).fetchall()
        store.close()
        return rows

    def runners(self):
        """Who did tasks."""
        store = sqlite3.connect(f"file:{self.folder}/data/jobs.sqlite?mode=ro", uri=True)
        names = {name for (name,) in store.execute("SELECT DISTINCT lease_owner FROM tasks WHERE state = 'leased'")}
        store.close()
        return names

    def check(self, job, server, program, database, text, options=OPTIONS):
        done = server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(server.output(job), st.blast(program, database, text, options))
        story = self.story(job)
        self.assertEqual([state for kind, state in story if kind == "moved"].count("completed"), 1, story)
        self.assertEqual(sum(kind == "task_done" for kind, _ in story), done["progress"]["tasks_total"], story)

    def test_each_job_is_run_once_and_both_tell_of_it(self):
        one, two = self.start(), self.start()
        told = []
        self.listen(two, told)
        text, read = st.query("proteins_100.fa"), st.query("protein_1.fa")
        jobs = []
        seen = set()
        for i in range(6):
            jobs.append((one.submit("blastp", "proteins_2k", text, OPTIONS), text))
            jobs.append((two.submit("blastp", "proteins_2k", read, OPTIONS), read))
        while any(one.job(job)["status"] not in ("completed", "failed") for job, _ in jobs):
            seen |= self.runners()
        self.assertEqual(len(seen), 2, "both work")
        for job, query in jobs:
            self.check(job, two, "blastp", "proteins_2k", query)
        ended = lambda: {event["job"] for event in told if event["status"] == "completed"}
        wait_until(lambda: ended() >= {job for job, _ in jobs[::2]}, "two tells of what was submitted to one")
        self.assertEqual(*(json.loads(server.call("GET", "/api/blast/jobs?limit=50")[2])["jobs"] for server in (one, two)))
        system = json.loads(one.call("GET", "/api/blast/system")[2])
        self.assertEqual({server["address"] for server in system["servers"]}, {one.url, two.url})
        # What one removes, the other does not show.
        gone = jobs[0][0]
        self.assertEqual(one.call("DELETE", f"/api/blast/jobs/{gone}")[0], 204)
        listed = lambda: [job["id"] for job in json.loads(two.call("GET", "/api/blast/jobs?limit=50")[2])["jobs"]]
        wait_until(lambda: gone not in listed(), "a removed job is gone for both")
        self.assertEqual([server.stop() for server in (one, two)], [0, 0])
        self.assertEqual(list((self.folder / "data" / "servers").iterdir()), [])

    def test_killed_in_the_middle_its_jobs_are_gone_on_with_by_the_other(self):
        one, two = self.start(), self.start()
        text, read = st.query("proteins_100.fa"), st.query("protein_1.fa")
        jobs = []
        for i in range(4):
            for server in (one, two):
                jobs.append((server.submit("blastp", "proteins_2k", text, OPTIONS), text))
                jobs.append((server.submit("blastp", "proteins_2k", read, OPTIONS), read))
        wait_until(lambda: len(self.runners()) == 2, "both work")
        one.kill()
        for job, query in jobs:
            self.check(job, two, "blastp", "proteins_2k", query)
        # One that comes later joins in, and goes on alone.
        three = self.start()
        job = two.submit("blastp", "proteins", st.query("proteins_500.fa"), OPTIONS)
        wait_until(lambda: two.job(job)["status"] == "running", "it runs")
        two.kill()
        self.check(job, three, "blastp", "proteins", st.query("proteins_500.fa"))

    def test_cancel_and_retry_by_the_one_that_does_not_run_it(self):
        one, two = self.start(), self.start()
        job = one.submit("blastp", "proteins", st.query("proteins_500.fa"), OPTIONS)
        wait_until(lambda: two.job(job)["status"] == "running", "it runs")
        for server in (one, two):
            self.assertEqual(server.call("POST", f"/api/blast/jobs/{job}/cancel")[0], 200)
            self.assertEqual(two.job(job)["status"], "cancelled")
            busy = lambda: any(f"blastloom_cores_busy {n}" in each.call("GET", "/metrics")[2].decode()
                               for each in (one, two) for n in (1, 2))
            wait_until(lambda: not busy(), "its search ends, whoever runs it")
            self.assertEqual(two.call("POST", f"/api/blast/jobs/{job}/retry")[0], 200)
            wait_until(lambda: one.job(job)["status"] == "running", "it runs again")
        self.check(job, one, "blastp", "proteins", st.query("proteins_500.fa"))

    def test_who_does_not_share_is_refused(self):
        self.start()
        run = subprocess.run([st.BINARY, "serve", "--data", self.folder / "data", "--listen", "127.0.0.1:0"],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, 1)
        self.assertIn("start both with --share", run.stderr)

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_redis_says_at_once_what_the_other_did(self):
        place = tempfile.mkdtemp()
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", f"{place}/s", "--save", ""],
                                 cwd=place, stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: os.path.exists(f"{place}/s"), "redis starts")
            one, two = (self.start("--redis", f"unix:{place}/s") for _ in range(2))
            works = lambda server: [link["works"] for link in json.loads(server.call("GET", "/api/blast/system")[2])["redis"]]
            wait_until(lambda: all(works(one)) and all(works(two)), "all links work")
            text = st.query("proteins_20.fa")
            job = one.submit("blastp", "proteins_2k", text, OPTIONS)
            self.check(job, two, "blastp", "proteins_2k", text)
            # Metadata that one forgets, the other reads again.
            shown = "/api/blast/databases/proteins_2k/metadata"
            forget = "/api/blast/metadata-cache?database=proteins_2k"

            def left_with_two():
                self.assertEqual(two.call("GET", shown)[0], 200)
                self.assertEqual(one.call("DELETE", forget)[0], 200)
                time.sleep(0.1)  # on its way; too short is no failure, as it is tried again
                return json.loads(two.call("DELETE", forget)[2])["removed"]
            wait_until(lambda: left_with_two() == 0, "two has forgotten it before it was asked to")
        finally:
            redis.kill()
            redis.wait()
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(argv=[st.sys.argv[0], *st.sys.argv[4:]], verbosity=2)
