#!/usr/bin/env python3
"""What earlier searches found answers later ones, with the bytes of BLAST+. Usage: reuse_test.py BINARY TESTDATA SCRATCH
[unittest arguments]"""
import concurrent.futures
import json
import os
import shutil
import sys
import time
import unittest

import support
from support import TESTDATA, blast, query


class ReuseTest(support.ServerTest):
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
            before = self.server.metric("blastloom_engine_runs_total")
            for (text, options), bytes_ in zip(searches, want):
                again = ask(text, dict(reversed(options.items())))
                self.assertEqual((again["status"], again.get("reused")), ("completed", True))
                self.assertEqual(self.server.output(again["id"]), bytes_)
            self.assertEqual(self.server.metric("blastloom_engine_runs_total"), before)
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

    def test_queries_that_were_searched_among_others_are_not_searched_again(self):
        self.restart("--cores", "1")  # so that what one search found is kept when the next begins
        proteins = [">" + record for record in query("proteins_500.fa").split(">")[1:]]
        reads = [">" + record for record in query("reads_500.fa").split(">")[1:]]
        other_names = lambda records: [f">sp|P{i}.1|OTHER_{i} of  name \n" + record.split("\n", 1)[1] for i, record in enumerate(records)]
        ask = lambda program, database, records, options: self.server.wait(
            self.server.submit(program, database, "".join(records), options))
        for program, database, records, first, options in (
                ("blastp", "proteins_2k_a", proteins[:120], 80, {"outfmt": "7 std qlen stitle"}),
                ("blastp", "proteins_2k_a", proteins[:60], 40, {"outfmt": "6", "max_target_seqs": "5"}),
                ("blastn", "nucleotides_500", reads, 300, {"outfmt": "10", "task": "megablast"}),
                ("tblastn", "nucleotides_500", proteins[:80], 60, {"outfmt": "6", "evalue": "1e-3"})):
            with self.subTest(program=program, options=options):
                ask(program, database, other_names(records[:first]), options)
                before = self.server.metric("blastloom_reused_queries_total")
                job = ask(program, database, records, options)
                self.assertEqual(self.server.output(job["id"]), blast(program, database, "".join(records), options))
                self.assertNotIn("reused", job)
                self.assertGreater(self.server.metric("blastloom_reused_queries_total"), before)
                self.assertRegex(self.cli("explain", job["id"]), r"of \d+ queries are answered by what earlier searches found")
                runs = self.server.metric("blastloom_engine_runs_total")
                again = ask(program, database, other_names(records), options)
                self.assertEqual(self.server.output(again["id"]), blast(program, database, "".join(other_names(records)), options))
                self.assertEqual((self.server.metric("blastloom_engine_runs_total"), again["reused"]), (runs, True))
        one = reads[:1]
        options = {"outfmt": "6"}
        ask("blastn", "nucleotides_500", one, options)
        again = ask("blastn", "nucleotides_500", other_names(one), options)
        self.assertTrue(again["reused"])
        self.assertEqual(self.server.output(again["id"]), blast("blastn", "nucleotides_500", "".join(other_names(one)), options))

    def test_a_job_with_known_queries_goes_on_after_a_kill(self):
        self.restart("--cores", "1")
        proteins = [">" + record for record in query("proteins_500.fa").split(">")[1:]]
        ask = lambda records: self.server.submit("blastp", "proteins_2k", "".join(records), {"outfmt": "6"})
        self.server.wait(ask(proteins[100:200]))
        self.server.wait(ask(proteins[:10]))  # the one before has been kept
        job = ask(proteins[100:200] + proteins[:100])
        while self.server.job(job)["status"] == "queued":
            time.sleep(0.01)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.server.wait(job)["status"], "completed")
        self.assertEqual(self.server.output(job), blast("blastp", "proteins_2k", "".join(proteins[100:200] + proteins[:100]), {"outfmt": "6"}))
        self.assertIn("answered by what earlier searches found", self.cli("explain", job))

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
            self.assertEqual(self.server.metric("blastloom_engine_runs_total"), number)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
