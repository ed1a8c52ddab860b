#!/usr/bin/env python3
"""The job service as its users meet it: the real binary on a free port, with real BLAST+. Every answer of the
server is checked against doc/openapi.yaml. Usage: service_test.py BINARY TESTDATA SCRATCH [unittest arguments]"""
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import time
import unittest

import support
from support import BINARY, LEVEL, PATIENCE, TESTDATA, blast, query


class ServiceTest(support.ServerTest):
    def cli(self, *args, code=0, text=None):
        run = subprocess.run([BINARY, *args], input=text, capture_output=True, text=True,
                             env={**os.environ, "BLASTLOOM_SERVER": self.server.url})
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout

    def test_a_job_gives_the_bytes_of_blast_in_every_format(self):
        text, options = query("proteins_20.fa"), {"outfmt": "6", "evalue": "1e-3"}
        job = self.server.submit("blastp", "proteins_2k", text, options, title="twenty")
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(self.server.output(job), blast("blastp", "proteins_2k", text, options))
        for outfmt in ("0", "5", "7", "15"):
            self.assertEqual(self.server.output(job, outfmt),
                             blast("blastp", "proteins_2k", text, {**options, "outfmt": outfmt}), outfmt)
        files = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/results")[2])["files"]
        self.assertEqual({f["kind"] for f in files}, {"query", "output", "messages", "rendered"})
        for what in ("tasks", "explain", "events"):
            self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}/{what}")[0], 200)
        status, headers, data = self.server.call("GET", f"/api/blast/jobs/{job}/results/output",
                                                 headers={"Range": "bytes=10-19"})
        self.assertEqual((status, data), (206, blast("blastp", "proteins_2k", text, options)[10:20]))

    def test_the_command_line_does_the_same(self):
        source = TESTDATA / "query" / "reads_50.fa"
        job = self.cli("submit", "blastn", "-query", str(source), "-db", "nucleotides_500", "-outfmt", "6").strip()
        self.cli("wait", job)
        out = self.folder / "cli.out"
        self.cli("results", job, "-out", str(out))
        self.assertEqual(out.read_bytes(), blast("blastn", "nucleotides_500", source.read_text(), {"outfmt": "6"}))
        self.assertIn(job, self.cli("list"))
        self.assertEqual(json.loads(self.cli("status", job, "--json"))["status"], "completed")
        self.assertIn("completed", self.cli("explain", job))
        piped = self.cli("submit", "blastn", "-db", "nucleotides_500", "-outfmt", "6", "--json", "--title", "piped",
                         text=source.read_text())
        self.assertEqual(json.loads(piped)["title"], "piped")
        again = self.server.wait(json.loads(piped)["id"])
        self.assertTrue(again["reused"])
        fresh = self.cli("submit", "blastn", "-query", str(source), "-db", "nucleotides_500", "-outfmt", "6", "--fresh").strip()
        self.assertNotIn("reused", self.server.wait(fresh))
        self.cli("delete", job)
        self.cli("status", job, code=1)

    def test_small_searches_of_many_jobs_share_runs_and_keep_their_bytes(self):
        self.restart("--cores", "1")
        first = self.server.submit("blastp", "proteins_2k", query("proteins_20.fa"), {})
        while self.server.job(first)["status"] == "queued":  # once it runs, the others have to wait for the core
            time.sleep(0.01)
        reads = [">" + record for record in query("reads_50.fa").split(">")[1:31]]
        options = {"outfmt": "7 std qlen", "task": "megablast"}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = list(pool.map(lambda read: self.server.submit("blastn", "nucleotides_500", read, options), reads))
        for job, read in zip(jobs, reads):
            self.assertEqual(self.server.wait(job)["status"], "completed")
            self.assertEqual(self.server.output(job), blast("blastn", "nucleotides_500", read, options))
        metrics = self.server.call("GET", "/metrics")[2].decode()
        ridden = next(float(line.split()[-1]) for line in metrics.splitlines()
                      if line.startswith("blastloom_") and "coalesced" in line)
        self.assertGreater(ridden, 0)

    def engine_runs(self):
        metrics = self.server.call("GET", "/metrics")[2].decode()
        return int(float(next(line for line in metrics.splitlines() if line.startswith("blastloom_engine_runs_total")).split()[-1]))

    def test_a_search_asked_again_is_answered_without_blast(self):
        databases = self.folder / "databases"
        databases.mkdir()
        for file in (TESTDATA / "db").glob("proteins_2k.*"):
            shutil.copy(file, databases)
        self.restart("--db-path", str(databases))
        ask = lambda text, options, **more: self.server.wait(self.server.submit("blastp", "proteins_2k", text, options, **more))
        searches = [(query("proteins_20.fa"), {"outfmt": "6", "evalue": "1e-3"}), (query("proteins_20.fa"), {"outfmt": "0"})]
        want = [blast("blastp", "proteins_2k", *search) for search in searches]
        self.assertGreater(len(want[1]), 1 << 16)  # so it is kept in the object store
        for search in searches:
            self.assertNotIn("reused", ask(*search))
        for restart in (False, True):
            if restart:
                self.server.kill()
                self.server.start()
            before = self.engine_runs()
            for (text, options), bytes_ in zip(searches, want):
                again = ask(text, dict(reversed(options.items())))
                self.assertEqual((again["status"], again.get("reused")), ("completed", True))
                self.assertEqual(self.server.output(again["id"]), bytes_)
            self.assertEqual(self.engine_runs(), before)
        kinds = [event["kind"] for event in json.loads(self.server.call("GET", f"/api/blast/jobs/{again['id']}/events")[2])["events"]]
        self.assertIn("reused", kinds)
        self.assertIn("Nothing was searched", self.cli("explain", again["id"]))
        text, options = searches[0]
        body = {"program": "blastp", "database": "proteins_2k", "query": text, "options": options}
        plan = json.loads(self.server.call("POST", "/api/blast/preflight", body)[2])
        self.assertIn("Nothing will be searched", plan["reasons"][0])
        for other in ({**options, "evalue": "1e-4"}, {**options, "outfmt": "7"}):
            self.assertNotIn("reused", ask(text, other))
        fresh = ask(text, options, fresh=True)
        self.assertNotIn("reused", fresh)
        self.assertEqual(self.server.output(fresh["id"]), want[0])
        os.utime(databases / "proteins_2k.psq")
        self.assertNotIn("reused", ask(text, options))

    def test_equal_searches_at_once_are_one_search(self):
        self.restart("--cores", "2")
        searches = [("blastp", "proteins_2k", query("proteins_20.fa"), {"outfmt": "6"}),
                    ("blastn", "nucleotides_500", ">" + query("reads_50.fa").split(">")[1], {"outfmt": "6"})]
        for number, search in enumerate(searches, 1):
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                jobs = list(pool.map(lambda _: self.server.submit(*search), range(16)))
            want = blast(*search)
            for job in jobs:
                self.assertEqual(self.server.wait(job)["status"], "completed")
                self.assertEqual(self.server.output(job), want)
            tasks = [json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/tasks")[2])["tasks"][0] for job in jobs]
            searched = sum("metrics" in task and task["metrics"]["cpu_seconds"] > 0 for task in tasks)
            self.assertEqual(searched, 1)
            self.assertEqual(self.engine_runs(), number)

    def test_killed_at_any_moment_every_job_ends_once_with_the_right_bytes(self):
        text, options = query("proteins_100.fa"), {"outfmt": "6", "evalue": "1e-5"}
        read, read_options = query("reads_50.fa"), {"outfmt": "6"}
        want = {"blastp": blast("blastp", "proteins_2k", text, options),
                "blastn": blast("blastn", "nucleotides_500", read, read_options)}
        jobs = []
        for round_number in range({"quick": 3, "full": 200}.get(LEVEL, 8)):
            # Fresh, but for every fourth round: there is nothing to kill in what is known.
            fresh = round_number % 4 != 3
            jobs.append((self.server.submit("blastp", "proteins_2k", text, options, fresh=fresh), "blastp"))
            jobs.append((self.server.submit("blastn", "nucleotides_500", read, read_options, fresh=fresh), "blastn"))
            time.sleep(random.Random(round_number).uniform(0, 1.2))  # the moment of the kill
            self.server.kill()
            self.server.start()
        for job, kind in jobs:
            done = self.server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            self.assertEqual(self.server.output(job), want[kind])
            events = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/events?limit=500")[2])["events"]
            finished = [event["task"] for event in events if event["kind"] == "task_done"]
            self.assertEqual(len(finished), len(set(finished)), "a finished task was repeated")
            self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(support.processes_in(self.data), [], "no process of any of these servers is left")

    def test_cancel_ends_and_retry_goes_on(self):
        job = self.server.submit("blastp", "proteins", query("proteins_500.fa"), {"outfmt": "6"})
        while self.server.job(job)["status"] == "queued":
            time.sleep(0.01)
        status, _, data = self.server.call("POST", f"/api/blast/jobs/{job}/cancel")
        self.assertEqual((status, json.loads(data)["status"]), (200, "cancelled"))
        self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}/results/output")[0], 409)
        status, _, data = self.server.call("POST", f"/api/blast/jobs/{job}/retry")
        self.assertEqual((status, json.loads(data)["status"]), (200, "queued"))
        self.assertEqual(self.server.call("DELETE", f"/api/blast/jobs/{job}")[0], 409)
        self.server.call("POST", f"/api/blast/jobs/{job}/cancel")
        self.assertEqual(self.server.call("DELETE", f"/api/blast/jobs/{job}")[0], 204)
        self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}")[0], 404)

    def test_one_key_is_one_job_however_often_it_is_sent(self):
        text = query("protein_1.fa")
        send = lambda: self.server.submit("blastp", "proteins_2k", text, {}, headers={"Idempotency-Key": "k1"})
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(len(set(pool.map(lambda _: send(), range(32)))), 1)
        other = {"program": "blastp", "database": "proteins_2k", "query": text, "options": {"evalue": "1"}}
        self.assertEqual(self.server.call("POST", "/api/blast/jobs", other, {"Idempotency-Key": "k1"})[0], 409)

    def test_what_is_wrong_is_named(self):
        good = {"program": "blastp", "database": "proteins_2k", "query": query("protein_1.fa")}
        for change, status, words in (
                ({"program": "blastq"}, 400, "blastq"), ({"database": "proteins_3k"}, 404, "proteins_2k"),
                ({"database": "../proteins_2k"}, 400, "folders"), ({"query": ""}, 400, "query"),
                ({"query": "@read1\nACGT\n+\nIIII\n"}, 400, "FASTQ"), ({"options": {"evalu": "1"}}, 400, "evalue"),
                ({"options": {"word_size": "0"}}, 400, "word_size"), ({"options": {"seqidlist": "/etc/passwd"}}, 400, "seqidlist"),
                ({"options": {"outfmt": "99"}}, 400, "99"), ({"surprise": 1}, 400, "surprise")):
            got, _, data = self.server.call("POST", "/api/blast/jobs", {**good, **change})
            self.assertEqual(got, status, data)
            self.assertIn(words, json.loads(data)["detail"], change)
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/jobs")[2])["jobs"], [])

    def test_other_sites_and_strangers_stay_out(self):
        self.assertEqual(self.server.call("GET", "/api/blast/jobs", headers={"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(self.server.call("GET", "/api/blast/jobs", headers={"Host": "evil.example"})[0], 403)
        secrets = [self.token(name, role) for name, role in (("ann", "user"), ("bob", "user"), ("eve", "viewer"))]
        ann, bob, eve = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
        until = time.monotonic() + PATIENCE
        while self.server.call("GET", "/api/blast/jobs")[0] != 401:  # the server notices the new file
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        job = self.server.submit("blastp", "proteins_2k", query("protein_1.fa"), {}, headers=ann)
        self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}", headers=ann)[0], 200)
        self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}", headers=bob)[0], 404)
        self.assertEqual(self.server.call("POST", f"/api/blast/jobs/{job}/cancel", headers=bob)[0], 404)
        body = {"program": "blastp", "database": "proteins_2k", "query": query("protein_1.fa")}
        self.assertEqual(self.server.call("POST", "/api/blast/jobs", body, eve)[0], 403)

    def test_a_graceful_stop_loses_nothing(self):
        job = self.server.submit("blastp", "proteins_2k", query("proteins_100.fa"), {"outfmt": "6", "evalue": "1e-5"})
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertEqual(self.server.wait(job)["status"], "completed")
        second = subprocess.run([BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0"],
                                capture_output=True, text=True)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another server", second.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
