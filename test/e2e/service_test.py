#!/usr/bin/env python3
"""The job service as its users meet it: the real binary on a free port, with real BLAST+. Every answer of the
server is checked against doc/openapi.yaml. Usage: service_test.py BINARY TESTDATA SCRATCH [unittest arguments]"""
import concurrent.futures
import hashlib
import http.client
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import zipfile
from pathlib import Path

import support
from support import BINARY, LEVEL, PATIENCE, TESTDATA, blast, query


class LosingProxy:
    """Hands on what comes to a server, and keeps the answers on the first `lost` connections to itself: they break off."""

    def __init__(self, host, lost):
        self.host, self.lost = host, lost
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                down, _ = self.listener.accept()
            except OSError:
                return  # closed
            lose, self.lost = self.lost > 0, self.lost - 1
            threading.Thread(target=self.serve, args=(down, lose), daemon=True).start()

    def serve(self, down, lose):
        name, port = self.host.split(":")
        with down, socket.create_connection((name, int(port))) as up:
            threading.Thread(target=self.pump, args=(down, up), daemon=True).start()
            while data := up.recv(65536):
                if lose:
                    down.shutdown(socket.SHUT_RDWR)
                    return
                down.sendall(data)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass  # either side has gone

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class ServiceTest(support.ServerTest):
    def test_a_job_gives_the_bytes_of_blast_in_every_format(self):
        text, options = query("proteins_20.fa"), {"outfmt": "6", "evalue": "1e-3"}
        job = self.server.submit("blastp", "proteins_2k", text, options, title="twenty")
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(self.server.output(job), blast("blastp", "proteins_2k", text, options))
        for outfmt in ("0", "5", "7", "15"):
            self.assertEqual(self.server.output(job, outfmt),
                             blast("blastp", "proteins_2k", text, {**options, "outfmt": outfmt}), outfmt)
        columns = "qseqid sseqid pident length mismatch gapopen qstart qend sstart send"
        alike = ["6 delim=@ qseqid sseqid", "6 delim=# qseqid sseqid", f"6 {columns} evalue", f"6 {columns} bitscore"]
        for outfmt in alike:
            self.assertEqual(self.server.output(job, urllib.parse.quote(outfmt)),
                             blast("blastp", "proteins_2k", text, {**options, "outfmt": outfmt}), outfmt)
        files = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/results")[2])["files"]
        self.assertEqual(len({f["name"] for f in files}), len(files), files)
        self.assertEqual({f["kind"] for f in files}, {"query", "output", "messages", "rendered"})
        for what in ("tasks", "explain", "events"):
            self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}/{what}")[0], 200)
        status, headers, data = self.server.call("GET", f"/api/blast/jobs/{job}/results/output",
                                                 headers={"Range": "bytes=10-19"})
        self.assertEqual((status, data), (206, blast("blastp", "proteins_2k", text, options)[10:20]))

    def test_a_submit_whose_answer_is_lost_makes_one_job(self):
        source = TESTDATA / "query" / "reads_50.fa"
        submit = [BINARY, "submit", "blastn", "-db", "nucleotides_500", "-outfmt", "6", "--title", "lossy"]
        jobs = lambda: [job["id"] for job in json.loads(self.server.call("GET", "/api/blast/jobs?text=lossy")[2])["jobs"]]
        with LosingProxy(self.server.host, lost=2) as proxy:
            run = subprocess.run([*submit, "-query", source, "--server", proxy.url], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("trying again", run.stderr)
        self.assertEqual(jobs(), [run.stdout.strip()])
        # A pipe is read once, so it is for the user to repeat it.
        with LosingProxy(self.server.host, lost=1) as proxy:
            run = subprocess.run([*submit, "--server", proxy.url], capture_output=True, text=True, input=source.read_text())
        self.assertEqual((run.returncode, run.stdout), (3, ""), run.stderr)
        key = re.search(r"--idempotency-key (\S+)", run.stderr)[1]
        self.assertEqual(len(jobs()), 2, "the server had it")
        again = subprocess.run([*submit, "--server", self.server.url, "--idempotency-key", key], capture_output=True, text=True,
                               input=source.read_text(), check=True)
        self.assertEqual(len(jobs()), 2)
        self.assertIn(again.stdout.strip(), jobs())

    def test_the_server_and_the_token_may_be_in_a_file(self):
        home = self.folder / "config"
        file = home / "blastloom" / "client.toml"
        file.parent.mkdir(parents=True)
        plain = {key: value for key, value in os.environ.items() if not key.startswith("BLASTLOOM_")}

        def ask(text, mode=0o600, **more):
            file.write_text(text)
            file.chmod(mode)
            run = subprocess.run([BINARY, "list"], capture_output=True, text=True, env={**plain, "XDG_CONFIG_HOME": str(home), **more})
            return run.returncode, run.stderr

        here = f'server = "{self.server.url}"\n'
        self.assertEqual(ask(here), (0, ""))
        mine = f'token = "{self.token("ann", "user")}"\n'
        until = time.monotonic() + PATIENCE
        while ask(here)[0] != 1:  # the server notices that there are tokens now
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        self.assertEqual(ask(here + mine), (0, ""))
        self.assertEqual(ask('server = "http://127.0.0.1:1"\n' + mine, BLASTLOOM_SERVER=self.server.url)[0], 1,
                         "a token goes to its own server")
        code, said = ask(here + 'token = "of nobody"\n', mode=0o644)
        self.assertEqual(code, 1)
        self.assertIn(f"{file}:2", said)
        self.assertIn("chmod 600", said)
        self.assertNotIn("of nobody", said)
        code, said = ask(here + "tokken = 1\n")
        self.assertEqual(code, 1)
        self.assertIn(f"{file}:2: tokken", said)

    def test_a_failed_job_keeps_what_blast_said(self):
        job = self.server.submit("blastp", "proteins_2k", query("protein_1.fa"), {"taxids": "4"})
        self.assertEqual(self.server.wait(job)["status"], "failed")
        files = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/results")[2])["files"]
        self.assertEqual([f["kind"] for f in files], ["query", "messages"])
        said = self.server.call("GET", files[1]["href"])[2].decode()
        self.assertIn("Taxonomy ID(s) not found", said)
        self.assertNotIn(str(self.folder), said)

    def test_a_list_is_read_page_by_page(self):
        text = query("protein_1.fa")
        jobs = {self.server.submit("blastp", "proteins_2k", text, {"outfmt": "6"}, title="paged") for _ in range(5)}
        rows = self.cli("list", "--text", "paged", "--limit", "2", "--all", "--json").splitlines()
        self.assertEqual(len(rows), 5)
        self.assertEqual({json.loads(row)["id"] for row in rows}, jobs)
        first = json.loads(self.cli("list", "--text", "paged", "--limit", "3", "--json"))
        rest = json.loads(self.cli("list", "--text", "paged", "--limit", "3", "--cursor", first["next_cursor"], "--json"))
        self.assertEqual([job["id"] for job in first["jobs"] + rest["jobs"]], [json.loads(row)["id"] for row in rows])
        self.assertEqual(len(self.cli("list", "--text", "paged", "--all").splitlines()), 5)

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
        self.assertIn(job, self.cli("list", "--program", "blastn", "--database", "nucleotides_500"))
        self.assertNotIn(job, self.cli("list", "--program", "blastp"))
        for wrong, words in ((["results", job, "-oufmt", "6"], "-oufmt"), (["results", job, "-outfmt"], "value"),
                             (["results", job, job], "one job"), (["list", "foo"], "foo"), (["list", "--title", "x"], "--title"),
                             (["status", "-x", job], "-x"), (["wait", job, "--top", "3"], "--top")):
            self.assertIn(words, self.cli(*wrong, code=1), wrong)
        self.cli("delete", job)
        self.cli("status", job, code=1)

    def test_the_command_line_says_when_it_could_not_say_something(self):
        words = ["-query", str(TESTDATA / "query" / "protein_1.fa"), "-db", "proteins_2k", "--title", "x\x1b]0;own\a\x1b[31m\nforged  completed"]
        with open("/dev/full", "w") as full:
            run = subprocess.run([BINARY, "submit", "blastp", *words, "--server", self.server.url], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 255)
        self.assertIn(b"No space left", run.stderr)
        row, = self.cli("list").splitlines()
        self.assertTrue(row.endswith("x ]0;own  [31m forged  completed"), row)

    def test_a_parameter_that_a_route_does_not_take_is_refused_by_name(self):
        job = self.server.submit("blastp", "proteins_2k", query("protein_1.fa"), {"outfmt": "6"})
        self.server.wait(job)
        for method, path in (("GET", ""), ("GET", "/results"), ("GET", "/results/archive.zip"), ("GET", "/results/files/query.fasta"),
                             ("GET", "/explain"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
            status, _, data = self.server.call(method, f"/api/blast/jobs/{job}{path}?x=1")
            self.assertEqual(status, 400, (method, path))
            self.assertIn("unknown parameter 'x'", json.loads(data)["detail"])
        for method, path in (("GET", "/api/blast/databases"), ("GET", "/api/blast/programs"), ("POST", "/api/blast/databases/proteins_2k/fetch")):
            self.assertEqual(self.server.call(method, f"{path}?from=file:///etc")[0], 400, path)

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
        status, _, data = self.server.call("POST", f"/api/blast/jobs/{job}/retry")
        self.assertEqual(status, 409)
        self.assertIn("only a failed or cancelled one can be retried", json.loads(data)["detail"])
        self.assertEqual(self.server.call("DELETE", f"/api/blast/jobs/{job}")[0], 409)
        self.server.call("POST", f"/api/blast/jobs/{job}/cancel")
        self.assertEqual(self.server.call("DELETE", f"/api/blast/jobs/{job}")[0], 204)
        self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}")[0], 404)

    def test_who_waits_for_a_job_that_was_retried_waits_for_its_end(self):
        job = self.server.submit("blastp", "proteins_2k", query("proteins_500.fa"), {"outfmt": "6"})
        self.cli("cancel", job)
        self.cli("wait", job, code=2)
        self.cli("retry", job)
        self.assertIn("completed", self.cli("wait", job))
        self.assertIn("completed", self.cli("watch", job))

    def watch(self, job):
        """`watch` of a job, once it has said how the job stands."""
        watch = subprocess.Popen([BINARY, "watch", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "BLASTLOOM_SERVER": self.server.url})
        self.assertIn("tasks", watch.stderr.readline())
        return watch

    def test_watch_outlives_the_server_and_ends_by_a_signal(self):
        job = self.server.submit("blastp", "proteins", query("proteins_500.fa"), {"outfmt": "6"})
        stopped = self.watch(job)
        stopped.send_signal(signal.SIGINT)
        self.assertNotIn("blastloom:", stopped.communicate(timeout=PATIENCE)[1])
        self.assertEqual(stopped.returncode, -signal.SIGINT)
        watch = self.watch(job)
        self.server.flags = ("--listen", self.server.host)
        self.server.kill()
        while "waiting for the server" not in (line := watch.stderr.readline()):
            self.assertTrue(line, "it ended")
        self.server.start()
        self.assertIn("tasks", watch.stderr.readline(), "it follows again")
        self.cli("cancel", job)
        self.assertIn("cancelled", watch.communicate(timeout=PATIENCE)[0])
        self.assertEqual(watch.returncode, 2)

    def test_a_server_without_blast_does_not_blame_the_query(self):
        self.server.stop()
        path = os.environ["PATH"]
        os.environ["PATH"] = str(self.folder)
        try:
            self.server.start()
        finally:
            os.environ["PATH"] = path
        job = self.server.submit("blastp", "proteins_2k", query("protein_1.fa"), {"outfmt": "6"})
        self.assertEqual(self.server.wait(job)["failure"]["kind"], "engine")
        said = self.cli("explain", job)
        self.assertIn("Install", said)
        self.assertIn("Retry", said)
        self.server.stop()
        self.server.start()
        self.cli("retry", job)
        self.assertIn("completed", self.cli("wait", job))

    def test_one_key_is_one_job_however_often_it_is_sent(self):
        text = query("protein_1.fa")
        send = lambda: self.server.submit("blastp", "proteins_2k", text, {}, headers={"Idempotency-Key": "k1"})
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(len(set(pool.map(lambda _: send(), range(32)))), 1)
        other = {"program": "blastp", "database": "proteins_2k", "query": text, "options": {"evalue": "1"}}
        self.assertEqual(self.server.call("POST", "/api/blast/jobs", other, {"Idempotency-Key": "k1"})[0], 409)
        job = send()
        self.server.wait(job)
        sums = self.server.call("GET", f"/api/blast/jobs/{job}/results/provenance")[2].decode()
        self.assertIn(hashlib.sha256(text.encode()).hexdigest(), sums)

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

    def test_what_is_past_a_limit_names_the_limit_and_the_setting_that_raises_it(self):
        self.restart("--limit-header", "4K", "--limit-body", "64K", "--limit-upload", "20K", "--limit-queries", "30",
                     "--limit-letters", "30000", "--limit-jobs-per-caller", "2")
        wish = {"program": "blastp", "database": "proteins_2k"}
        record = ">q\n" + "MKVLAAGIVGLCAKAY" * 20 + "\n"

        def refused(status, limit, setting, path="/api/blast/jobs", body=None, headers=None):
            got, _, data = self.server.call("POST", path, body, headers)
            self.assertEqual(got, status, data)
            detail = json.loads(data)["detail"]
            self.assertIn(f"(the operator's setting {setting} raises that)", detail)
            self.assertIn(limit, detail)

        refused(413, "30 in a job", "limit-queries", body={**wish, "query": ">q\nMKVLAAGIVGLCAKAY\n" * 31})
        refused(413, "20480 bytes", "limit-upload", body={**wish, "query": record * 80})
        refused(413, "65536 are taken", "limit-body", body={**wish, "query": record * 250})
        refused(413, "20480 are taken", "limit-upload", "/api/blast/imports?outfmt=6", "x" * 20_481)
        refused(431, "4096 bytes", "limit-header", body={**wish, "query": record}, headers={"X-Long": "x" * 5000})
        self.restart("--limit-letters", "3000", "--limit-jobs-per-caller", "2")
        refused(413, "3000 in a job", "limit-letters", body={**wish, "query": record * 10})
        # A search that takes long, so that it is there when the last one comes.
        self.restart("--limit-jobs-per-caller", "2")
        held = [self.server.submit("blastp", "proteins", query("proteins_500.fa"), {"outfmt": "6", "evalue": value})
                for value in ("1", "2")]
        refused(429, "takes 2 of one caller", "limit-jobs-per-caller", body={**wish, "query": record})
        for job in held:
            self.server.call("POST", f"/api/blast/jobs/{job}/cancel")
        self.assertEqual(self.server.call("POST", "/api/blast/jobs", {**wish, "query": record})[0], 201)

    def test_what_only_blast_can_judge_is_refused_before_it_fails_a_job(self):
        protein, reads = query("protein_1.fa"), query("reads_500.fa")
        ask = lambda where, program, text, options: self.server.call("POST", f"/api/blast/{where}", {
            "program": program, "database": "proteins_2k" if program != "blastn" else "nucleotides_500", "query": text, "options": options})
        for program, text, options, blamed, words in (
                ("blastp", protein, {"matrix": "BLOSUM99"}, "matrix", "BLOSUM90"),
                ("blastp", protein, {"gapopen": "1", "gapextend": "99"}, "gapopen", "11, 1"),
                ("blastp", protein, {"word_size": "9"}, "word_size", "less than 8"),
                ("blastx", reads, {"seg": "nonsense"}, "seg", "filtering"),
                ("psiblast", protein, {"matrix": "PAM30", "gapopen": "11", "gapextend": "1"}, "gapopen", "PAM30"),
                ("blastp", protein, {"query_loc": "abc"}, "query_loc", "1-100"),
                ("blastp", protein, {"query_loc": "9-3"}, "query_loc", "1-100"),
                ("blastp", protein, {"query_loc": "5-5"}, "query_loc", "1-100"),
                ("blastp", protein, {"query_loc": "50000-60000"}, "query_loc", "the longest has"),
                ("blastp", protein, {"taxids": "x"}, "taxids", "9606"),
                ("blastp", protein, {"evalue": "-1"}, "evalue", "greater than zero"),
                ("blastp", protein, {"ungapped": True}, "ungapped", "comp_based_stats"),
                ("blastp", protein, {"ungapped": True, "word_size": "3"}, "ungapped", "comp_based_stats"),
                ("blastn", reads, {"evalue": "0"}, "evalue", "greater than zero")):
            for where in ("preflight", "jobs", "preflight"):
                with self.subTest(program=program, options=options, where=where):
                    status, _, data = ask(where, program, text, options)
                    self.assertEqual(status, 400, data)
                    problem = json.loads(data)
                    self.assertEqual(problem["field"], f"options.{blamed}")
                    self.assertIn(words, problem["detail"])
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/jobs")[2])["jobs"], [])
        for program, text, options in (
                ("blastp", protein, {"matrix": "PAM30", "gapopen": "9", "gapextend": "1", "evalue": "1e-3"}),
                ("blastp", protein, {"task": "blastp-short", "word_size": "2", "comp_based_stats": "0", "ungapped": True}),
                ("blastn", reads, {"task": "megablast", "reward": "1", "penalty": "-2", "gapopen": "0", "gapextend": "0"}),
                ("blastn", reads, {"task": "dc-megablast", "template_type": "coding", "template_length": "18", "dust": "no"}),
                ("blastx", reads, {"query_gencode": "11", "query_loc": "1-100"})):
            with self.subTest(program=program, options=options):
                status, _, data = ask("preflight", program, text, options)
                self.assertEqual(status, 200, data)
                plan = json.loads(data)
                self.assertGreaterEqual(plan["workers"], 1)
                self.assertGreater(plan["wall_seconds"], 0)
                self.assertLessEqual(plan["wall_seconds"], plan["cpu_seconds"] + 1e-9)

    def test_a_range_is_refused_when_blast_would_refuse_it(self):
        """BLAST+ itself says which ranges leave nothing to search: the server refuses those, and no other."""
        short, long = "MKVLAAGIVGLCAKAYMKLVWW", "MKVLAAGIVGLCAKAYMKLVWWRSTPLDEQHNFY" * 3
        file = self.folder / "two.fa"
        for text in (f">a\n{short}\n>b\n{long}\n", f">b\n{long}\n>a\n{short}\n", f">a\n{short}\n"):
            file.write_text(text)
            for where in ("1-5", "10-500", f"{len(short)}-{len(short) + 1}", f"{len(short) + 1}-40", f"{len(long)}-200",
                          f"{len(long) + 1}-200", "5-5", "500-600"):
                with self.subTest(text=text, where=where):
                    blast = subprocess.run(["blastp", "-query", file, "-subject", file, "-query_loc", where], capture_output=True)
                    status, _, data = self.server.call("POST", "/api/blast/preflight", {
                        "program": "blastp", "database": "proteins_2k", "query": text, "options": {"query_loc": where}})
                    self.assertEqual(status == 200, blast.returncode == 0, data)

    def test_taxids_that_a_database_lacks_are_told_before(self):
        def warnings(database, options):
            status, _, data = self.server.call("POST", "/api/blast/preflight", {
                "program": "blastp", "database": database, "query": query("protein_1.fa"), "options": options})
            self.assertEqual(status, 200, data)
            return [one for one in json.loads(data)["warnings"] if "taxids" in one]
        self.assertEqual(warnings("proteins_2k_tax", {"taxids": "9606,3702"}), [])
        self.assertEqual(warnings("proteins_2k_tax", {}), [])
        [some] = warnings("proteins_2k_tax", {"taxids": "4,9606"})
        self.assertIn("option taxids: proteins_2k_tax has no sequence of 4; BLAST+ passes over them", some)
        [none] = warnings("proteins_2k_tax", {"negative_taxids": "4, 5"})
        self.assertIn("no sequence of 4, 5; with none of them there, BLAST+ fails", none)
        self.assertEqual(len(warnings("proteins_2k", {"taxids": "9606"})), 1, "it was made without taxids")

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
        self.cli("wait", job, token=secrets[0])
        none = "0" * 32
        hidden, missing = (self.server.call("GET", f"/api/blast/jobs/{name}", headers=bob) for name in (job, none))
        self.assertEqual((hidden[0], missing[0]), (404, 404))
        self.assertEqual(json.loads(hidden[2])["detail"], json.loads(missing[2])["detail"].replace(none, job))
        self.assertEqual(self.server.call("POST", f"/api/blast/jobs/{job}/cancel", headers=bob)[0], 404)
        body = {"program": "blastp", "database": "proteins_2k", "query": query("protein_1.fa")}
        self.assertEqual(self.server.call("POST", "/api/blast/jobs", body, eve)[0], 403)

    def answered(self, status, path, headers=None):
        """The body, once `path` is answered with `status`: the server notices changed tokens within a second."""
        until = time.monotonic() + PATIENCE
        while (got := self.server.call("GET", path, headers=headers))[0] != status:
            self.assertLess(time.monotonic(), until, got)
            time.sleep(0.02)
        return got[2]

    def test_a_stream_ends_with_its_token(self):
        bearers = {name: {"Authorization": f"Bearer {self.token(name)}"} for name in ("ann", "bob")}
        self.answered(401, "/api/blast/jobs")
        connections, streams = [], {}
        for name, headers in bearers.items():
            self.answered(200, "/api/blast/jobs", headers)
            connections.append(http.client.HTTPConnection(self.server.host, timeout=PATIENCE))
            connections[-1].request("GET", "/api/blast/events", headers=headers)
            streams[name] = connections[-1].getresponse()
            self.assertEqual(streams[name].status, 200)
        tokens = self.cli("token", "list", "--data", str(self.data))
        [ann] = [line.split()[0] for line in tokens.splitlines() if line.split()[1] == "ann"]
        self.cli("token", "remove", ann, "--data", str(self.data))
        until = time.monotonic() + PATIENCE
        while streams["ann"].readline():  # a heartbeat now and then
            self.assertLess(time.monotonic(), until)
        job = self.server.submit("blastp", "proteins_2k", query("protein_1.fa"), {}, headers=bearers["bob"])
        while not (line := streams["bob"].readline()).startswith(b"id: "):
            self.assertTrue(line, "the stream of a token that is there goes on")
        self.assertIn(job, streams["bob"].readline().decode() + streams["bob"].readline().decode())
        for connection in connections:
            connection.close()

    def test_a_link_opens_one_download_without_the_token(self):
        self.restart("--log-level", "debug")
        text = query("proteins_20.fa")
        job = self.server.submit("blastp", "proteins_2k", text, {"outfmt": "6"})
        self.server.wait(job)
        wanted = blast("blastp", "proteins_2k", text, {"outfmt": "6"})
        mine, others = ({"Authorization": f"Bearer {self.token(name)}"} for name in ("local", "ann"))
        results = f"/api/blast/jobs/{job}/results"
        self.answered(401, results)

        def link(path, headers=mine, status=201):
            got, _, data = self.server.call("POST", "/api/blast/download-links", {"path": path}, headers)
            self.assertEqual(got, status, data)
            return json.loads(data).get("href")

        output = link(f"{results}/output?outfmt=6")
        self.assertEqual(self.server.call("GET", output)[::2], (200, wanted))
        self.assertEqual(self.server.call("GET", output, headers={"Range": "bytes=10-"})[::2], (206, wanted[10:]))
        self.assertEqual(self.server.call("HEAD", output)[::2], (200, b""))
        self.assertEqual(self.server.call("GET", link(f"{results}/files/query.fasta"))[2], text.encode())
        self.answered(200, f"{results}/export", mine)
        subject = urllib.parse.quote(wanted.split()[1].decode())
        for path in (f"{results}/export?format=csv", f"{results}/provenance?format=methods",
                     f"/api/blast/databases/proteins_2k/sequences?ids={subject}"):
            self.assertEqual(self.server.call("GET", link(path))[2], self.answered(200, path, mine), path)
        with zipfile.ZipFile(io.BytesIO(self.server.call("GET", link(f"{results}/archive.zip"))[2])) as archive:
            self.assertIsNone(archive.testzip())
        # Nobody else's, for nothing else, and no longer than its token.
        link(f"{results}/output", others, status=404)
        link(results, status=400)
        ticket = output.partition("&")[2]
        for path in (f"{results}/output?outfmt=7&{ticket}", f"{results}?{ticket}", f"/api/blast/jobs?{ticket}", output[:-1]):
            self.assertEqual(self.server.call("GET", path)[0], 401, path)
        self.restart("--log-level", "debug")
        self.assertEqual(self.server.call("GET", output)[::2], (200, wanted))
        tokens = self.cli("token", "list", "--data", str(self.data))
        [own] = [line.split()[0] for line in tokens.splitlines() if line.split()[1] == "local"]
        self.cli("token", "remove", own, "--data", str(self.data))
        self.assertIn("its token was removed", json.loads(self.answered(401, output))["detail"])
        log = Path(f"{self.data}.log").read_text()
        self.assertIn(f"{results}/output", log)
        self.assertNotIn("ticket", log)
        self.assertNotIn(output[-64:], log)

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
