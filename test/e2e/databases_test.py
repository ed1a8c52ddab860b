#!/usr/bin/env python3
"""Databases that a server keeps: snapshots made, pinned by jobs, switched, checked and removed, with the real binary
and real BLAST+. Usage: as service_test.py."""
import gzip
import json
import os
import random
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path
from urllib.parse import urlencode

import support as st
from kept_databases import KeptDatabases, blast_at


class DatabasesTest(KeptDatabases):
    def build(self, text, *more, **kwargs):
        return self.db("build", "mine", "--in", "-", "--type", "protein", *more, text=text.encode(), **kwargs)

    def snapshots(self):
        return json.loads(self.db("list", "--json"))

    def current(self):
        return next(one for one in self.snapshots() if one["current"])

    def test_a_job_keeps_the_snapshot_it_was_submitted_with(self):
        small, large = st.query("proteins_100.fa"), st.query("proteins_500.fa")
        text, options = st.query("proteins_20.fa"), {"outfmt": "0"}
        self.server.start()
        self.build(small, "--title", "first")
        first = self.current()
        # Enough of them that some have not begun when the database is updated.
        before = [self.server.submit("blastp", "mine", text, options) for _ in range(6)]
        self.build(large, "--title", "second")
        second = self.current()
        after = self.server.submit("blastp", "mine", text, options)
        self.assertNotEqual(first["id"], second["id"])
        for job, snapshot in [(job, first) for job in before] + [(after, second)]:
            done = self.server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            self.assertIn(snapshot["id"], done["snapshot"])
            self.assertEqual(self.server.output(job), blast_at(snapshot["folder"], text, options))
        # Another format of an old job is that of its own snapshot too.
        self.assertEqual(self.server.output(before[0], "5"), blast_at(first["folder"], text, {"outfmt": "5"}))
        listed = {one["name"]: one for one in json.loads(self.server.call("GET", "/api/blast/databases")[2])["databases"]}
        self.assertEqual((listed["mine"]["snapshot"], listed["mine"]["title"]), (second["id"], "second"))
        self.assertEqual(self.db("rollback", "mine").split(":")[0], f"mine {first['id']}")
        again = self.server.submit("blastp", "mine", text, options)
        self.assertEqual(self.server.wait(again)["status"], "completed")
        self.assertEqual(self.server.output(again), blast_at(first["folder"], text, options))

    def test_a_snapshot_in_use_is_not_removed_and_one_that_is_gone_is_named(self):
        text = st.query("proteins_20.fa")
        self.build(st.query("proteins_100.fa"))
        first = self.current()
        self.build(st.query("proteins_500.fa"))
        self.assertIn("is the current one", self.db("remove", "mine", self.current()["id"], code=1))
        self.db("rollback", "mine", first["id"])
        self.server = st.Server(self.data, "--cores", "1").start()
        jobs = [self.server.submit("blastp", "mine", st.query("proteins_500.fa"), {"outfmt": "6"}) for _ in range(3)]
        self.db("rollback", "mine", self.snapshots()[0]["id"])
        refused = self.db("remove", "mine", first["id"], code=1)
        self.assertTrue(any(job in refused for job in jobs), refused)
        self.assertIn("in use", self.db("remove", "mine", "--all", code=1))
        for job in jobs:
            self.assertEqual(self.server.wait(job)["status"], "completed")
        self.db("remove", "mine", first["id"])
        status, _, data = self.server.call("GET", f"/api/blast/jobs/{jobs[0]}/results/output?outfmt=5")
        self.assertEqual(status, 409)
        self.assertIn(first["id"], json.loads(data)["detail"])
        self.db("remove", "mine", "--all")
        self.assertEqual(self.snapshots(), [])
        status, _, data = self.server.call("POST", "/api/blast/jobs", {"program": "blastp", "database": "mine", "query": text})
        self.assertEqual(status, 404, data)

    def test_what_cannot_be_built_is_named_and_leaves_nothing(self):
        text = st.query("proteins_20.fa")
        self.assertIn("Duplicate seq_ids", self.build(text + text, "--parse-ids", code=1))
        self.assertIn("is empty", self.build("", code=1))
        self.assertIn("--type", self.db("build", "mine", "--in", "-", "--type", "dna", code=1))
        self.assertIn("No such file", self.db("build", "mine", "--in", "/nowhere.fa", "--type", "protein", code=1))
        self.assertIn("cannot be the name", self.db("build", "../mine", "--in", "-", "--type", "protein", code=1))
        cut = gzip.compress(text.encode())[:-20]
        (self.folder / "cut.gz").write_bytes(cut)
        self.assertIn("cut short", self.db("build", "mine", "--in", self.folder / "cut.gz", "--type", "protein", code=2))
        self.assertEqual(self.snapshots(), [])
        self.assertEqual(list((self.data / "databases/.staging").iterdir()), [])

    def post_build(self, text, query="name=mine&molecule=protein", status=202):
        answer = self.server.call("POST", f"/api/blast/databases?{query}", text, {"Content-Type": "application/octet-stream"})
        self.assertEqual(answer[0], status, answer[2])
        return json.loads(answer[2])

    def test_over_http_a_database_is_built_checked_switched_and_removed(self):
        self.server.start()
        text = st.query("proteins_20.fa")
        first = self.server.ended(self.post_build(st.query("proteins_100.fa"), "name=mine&molecule=protein&title=first&taxid=9606"))
        self.assertEqual(first["status"], "completed", first)
        packed = gzip.compress(st.query("proteins_500.fa").encode())
        second = self.server.ended(self.post_build(packed, "name=mine&molecule=protein&title=second&parse_ids=true"))
        self.assertEqual(second["status"], "completed", second)
        kept = json.loads(self.server.call("GET", "/api/blast/databases/mine")[2])["snapshots"]
        self.assertEqual([(one["id"], one["title"], one["sequences"], one["current"]) for one in kept],
                         [(second["snapshot"], "second", 500, True), (first["snapshot"], "first", 100, False)])
        answer = self.server.call("POST", f"/api/blast/databases/mine/snapshots/{first['snapshot']}/current")
        self.assertEqual(answer[0], 200, answer[2])
        job = self.server.submit("blastp", "mine", text, {"outfmt": "6 qseqid sseqid staxid"})
        self.assertEqual(self.server.wait(job)["status"], "completed")
        self.assertIn(b"\t9606\n", self.server.output(job))
        work = self.server.ended(json.loads(self.server.call("POST", "/api/blast/databases/mine/verify")[2]))
        self.assertEqual((work["status"], work["snapshot"], work.get("message")), ("completed", first["snapshot"], None))
        path = "/api/blast/databases/mine/snapshots/"
        self.assertEqual(self.server.call("DELETE", path + first["snapshot"])[0], 409)
        self.assertEqual(self.server.call("DELETE", path + second["snapshot"])[0], 204)
        self.assertEqual(self.server.call("DELETE", path + second["snapshot"])[0], 404)
        works = json.loads(self.server.call("GET", "/api/blast/database-works")[2])["works"]
        self.assertEqual([one["kind"] for one in works], ["verify", "build", "build"])
        self.assertEqual(self.server.call("POST", f"/api/blast/database-works/{work['id']}/cancel")[0], 409)
        self.assertEqual(self.server.call("DELETE", "/api/blast/databases/mine")[0], 204)
        self.assertEqual(self.server.call("GET", "/api/blast/databases/mine")[0], 404)

    def test_over_http_what_is_wrong_is_named(self):
        self.server.start()
        text = st.query("proteins_20.fa")
        for query, field in (("name=a%2Fb&molecule=protein", "name"), ("name=mine&molecule=dna", "molecule"),
                             ("name=mine&molecule=protein&taxid=0", "taxid"), ("name=mine&molecule=protein&x=1", "x"),
                             ("name=mine&molecule=protein&parse_ids=yes", "parse_ids")):
            self.assertEqual(self.post_build(text, query, 400)["field"], field)
        self.post_build("", status=400)
        twice = self.server.ended(self.post_build(text + text, "name=mine&molecule=protein&parse_ids=true"))
        self.assertEqual(twice["status"], "failed")
        self.assertIn("Duplicate seq_ids", twice["message"])
        self.assertEqual(self.server.call("GET", "/api/blast/databases/mine")[0], 404)
        self.assertEqual(list((self.data / "uploads").iterdir()), [])
        secret = self.token("ann")
        self.server.kill()  # started again it knows the token at once
        self.server.start()
        headers = {"Authorization": "Bearer " + secret, "Content-Type": "application/octet-stream"}
        self.assertEqual(self.server.call("POST", "/api/blast/databases?name=mine&molecule=protein", text, headers)[0], 403)
        self.assertEqual(self.server.call("DELETE", "/api/blast/databases/mine", headers=headers)[0], 403)

    def test_damage_is_found(self):
        self.build(st.query("proteins_100.fa"))
        self.assertIn("whole", self.db("verify", "mine"))
        self.assertTrue(self.current()["verified"])
        with open(Path(self.current()["folder"]) / "mine.psq", "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))
        run = subprocess.run([st.BINARY, "db", "verify", "mine", "--data", self.data], capture_output=True, text=True)
        self.assertEqual(run.returncode, 2)
        self.assertIn("not what they were", run.stdout)
        self.assertIn("not what they were", self.current()["fault"])

    def test_killed_at_any_moment_the_catalogue_opens_and_is_right(self):
        text = st.query("proteins_100.fa").encode()
        self.build(text.decode())
        began = time.monotonic()
        self.build(text.decode())
        usual = time.monotonic() - began
        rounds = {"quick": 10, "default": 20, "full": 100}[st.LEVEL]
        draw = random.Random(7)
        for number in range(rounds):
            known = {one["id"] for one in self.snapshots()}
            kind = draw.choice(["build", "build", "rollback", "remove"])
            if kind == "build":
                argv, wait = ["build", "mine", "--in", "-", "--type", "protein"], draw.uniform(0, usual * 1.1)
            elif kind == "rollback":
                argv, wait = ["rollback", "mine", draw.choice(sorted(known))], draw.uniform(0, 0.02)
            else:
                others = sorted(known - {self.current()["id"]})
                if not others:
                    continue
                argv, wait = ["remove", "mine", others[0]], draw.uniform(0, 0.02)
            process = subprocess.Popen([st.BINARY, "db", *argv, "--data", self.data], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            process.stdin.write(text)
            process.stdin.close()
            time.sleep(wait)  # where the kill falls is what is tested
            process.kill()
            process.wait()
            now = self.snapshots()
            self.assertEqual(sum(one["current"] for one in now), 1, f"round {number}, {argv}")
            self.assertLessEqual(len({one["id"] for one in now} ^ known), 1)
            self.assertIn("whole", self.db("verify", "mine"), f"round {number}, {argv}")
        self.build(text.decode())
        self.assertEqual(list((self.data / "databases/.staging").iterdir()), [], "what was begun and killed is gone")

    def blastdbcmd(self, *args):
        return subprocess.run(["blastdbcmd", "-db", "proteins_2k", "-dbtype", "prot", *args], capture_output=True,
                              check=True).stdout

    def test_sequences_come_out_as_blastdbcmd_writes_them(self):
        self.server.start()
        ids = self.blastdbcmd("-entry", "all", "-outfmt", "%a").decode().split()[:300]
        path = "/api/blast/databases/proteins_2k/sequences"
        whole = self.blastdbcmd("-entry", ",".join(ids[:3]))
        status, headers, body = self.server.call("GET", f"{path}?ids={','.join(ids[:3])}")
        self.assertEqual((status, body), (200, whole))
        self.assertEqual(self.db("sequences", "proteins_2k", "--ids", ",".join(ids[:3])).encode(), whole)
        part = self.blastdbcmd("-entry", ids[0], "-range", "11-20")
        self.assertEqual(self.server.call("GET", f"{path}?ids={ids[0]}&range=11-20")[2], part)
        self.assertEqual(self.server.call("GET", f"{path}?ids={ids[0]}&range=14-17&flank=3")[2], part)
        # Flanks end where the sequence does.
        self.assertEqual(self.server.call("GET", f"{path}?ids={ids[0]}&range=14-17&flank=2000000000")[2],
                         self.blastdbcmd("-entry", ids[0]))
        batch = "".join(f"{one} 1-5\n" for one in ids)
        (self.folder / "batch").write_text(batch)
        many = self.blastdbcmd("-entry_batch", self.folder / "batch")
        self.assertEqual(self.server.call("POST", path, batch, {"Content-Type": "text/plain"})[2], many)
        self.assertEqual(self.db("sequences", "proteins_2k", "--in", "-", text=batch.encode()).encode(), many)

    def test_what_is_missing_is_said_and_nothing_is_made_up(self):
        self.server.start()
        known = self.blastdbcmd("-entry", "all", "-outfmt", "%a").decode().split()[0]
        path = "/api/blast/databases/proteins_2k/sequences"
        status, _, body = self.server.call("GET", f"{path}?ids={known},NO_1,sp|NO_2|X")
        self.assertEqual(status, 404)
        self.assertIn("NO_1, sp|NO_2|X", json.loads(body)["detail"])
        status, headers, body = self.server.call("GET", f"{path}?ids={known},NO_1,sp|NO_2|X&missing=skip")
        self.assertEqual((status, body), (200, self.blastdbcmd("-entry", known)))
        self.assertEqual((headers["Blastloom-Missing-Count"], headers["Blastloom-Missing"]), ("2", "NO_1 sp|NO_2|X"))
        # blastdbcmd itself gives the whole sequence then.
        for wrong in ["range=900000-900001", "range=5-3", "range=0-3", "range=x", "strand=minus", "strand=up"]:
            status, _, body = self.server.call("GET", f"{path}?ids={known}&{wrong}")
            self.assertEqual(status, 400, wrong)
        self.assertEqual(self.server.call("GET", path)[0], 400)
        self.assertEqual(self.server.call("GET", path.replace("2k", "9k") + "?ids=A")[0], 404)
        self.assertEqual(self.server.call("GET", path.replace("2k", "2k_noids") + "?ids=A")[0], 404)
        self.assertIn("NO_1", self.db("sequences", "proteins_2k", "--ids", "NO_1", code=1))

    def test_sequences_are_those_of_the_snapshot_asked_for(self):
        self.server.start()
        self.build(">one first\nMKVLAA\n", "--parse-ids")
        first = self.current()["id"]
        self.build(">one second\nMKVLAAGG\n", "--parse-ids")
        path = "/api/blast/databases/mine/sequences?ids=one"
        self.assertEqual(self.server.call("GET", path)[2], b">one second\nMKVLAAGG\n")
        self.assertEqual(self.server.call("GET", f"{path}&snapshot={first}")[2], b">one first\nMKVLAA\n")
        self.assertEqual(self.server.call("GET", f"{path}&snapshot=20000101T000000-aaaa")[0], 404)

    def test_a_database_is_read_into_memory_and_its_metadata_follow_its_files(self):
        folder = self.folder / "own"
        folder.mkdir()
        def make(text):
            subprocess.run(["makeblastdb", "-in", "-", "-dbtype", "prot", "-title", "own", "-out", folder / "own"],
                           input=text.encode(), check=True, capture_output=True)
        make(">a\nMKV\n")
        self.server.flags = ("--db-path", f"{folder}:{os.environ['BLASTDB']}")
        self.server.start()
        path = "/api/blast/databases/own"
        said = json.loads(self.server.call("GET", f"{path}/metadata")[2])
        self.assertEqual((said["sequences"], said["letters"], said["title"], said["source"]), (1, 3, "own", "local"))
        self.assertEqual(json.loads(self.server.call("DELETE", "/api/blast/metadata-cache?database=own")[2]), {"removed": 1})
        self.assertEqual(json.loads(self.server.call("DELETE", "/api/blast/metadata-cache")[2]), {"removed": 0})
        bytes_ = json.loads(self.server.call("GET", f"{path}/residency")[2])["bytes"]
        work = self.server.ended(json.loads(self.server.call("POST", f"{path}/warm")[2]))
        self.assertEqual((work["status"], work["kind"]), ("completed", "warm"), work)
        self.assertIn(f"{bytes_} of {bytes_} bytes", work["message"])
        now = json.loads(self.server.call("GET", f"{path}/residency")[2])
        self.assertEqual(now["resident_bytes"], now["bytes"])
        self.assertIn("bytes are in memory", self.db("warm", "proteins_2k"))
        self.assertEqual(json.loads(self.db("metadata", "proteins_2k"))["sequences"], 2000)
        self.assertEqual(self.server.call("GET", "/api/blast/databases/none/metadata")[0], 404)
        # A kept one's metadata are its snapshot's.
        self.build(">a\nMKV\n")
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/databases/mine/metadata")[2])["sequences"], 1)
        self.build(">a\nMKV\n>b\nMKV\n")
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/databases/mine/metadata")[2])["sequences"], 2)

    def test_a_search_is_limited_to_organisms_with_all_below_them(self):
        excerpt = Path(__file__).resolve().parents[2] / "src/taxonomy/testdata/excerpt"
        records = st.query("proteins_100.fa").split("\n>")
        ids = [one.split()[0].lstrip(">") for one in records]
        # Escherichia coli K-12, Homo sapiens, its subspecies, Mus musculus, Bacillus subtilis.
        species = [83333, 9606, 63221, 10090, 1423]
        (self.folder / "map").write_text("".join(f"{one} {species[i % 5]}\n" for i, one in enumerate(ids)))
        self.build(st.query("proteins_100.fa"), "--parse-ids", "--taxid-map", self.folder / "map")
        self.server.start()
        body = {"program": "blastp", "database": "mine", "query": st.query("proteins_20.fa"),
                "options": {"outfmt": "6 qaccver saccver evalue"}}

        def submit(**organisms):
            status, _, reply = self.server.call("POST", "/api/blast/jobs", {**body, "organisms": organisms})
            return status, json.loads(reply)

        self.assertEqual(submit(include=[9606])[0], 404, "no taxonomy yet")
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/taxonomy?text=homo")[2]), {"imported": False, "taxa": []})
        self.assertIn("43 taxa", self.db("taxonomy", excerpt))
        found = json.loads(self.server.call("GET", "/api/blast/taxonomy?text=homo")[2])["taxa"]
        self.assertEqual([one["taxid"] for one in found][:1], [9605])
        taxon = json.loads(self.server.call("GET", "/api/blast/taxonomy/63221")[2])
        self.assertEqual(([one["taxid"] for one in taxon["lineage"]][-2:], taxon["rank"]), ([9606, 63221], "subspecies"))
        self.assertEqual(self.server.call("GET", "/api/blast/taxonomy/4")[0], 404)
        self.assertEqual(self.server.call("GET", "/api/blast/taxonomy/x")[0], 404)
        self.assertEqual(self.server.call("GET", "/api/blast/taxonomy")[0], 400)
        folder = self.current()["folder"]
        for organisms, options in [({"include": [9605]}, {"taxids": "9606,63221"}),
                                   ({"include": [40674, 2], "exclude": [9606]}, {"taxids": "10090,1423,83333"}),
                                   ({"exclude": [2, 10090]}, {"negative_taxids": "10090,1423,83333"}),
                                   ({"exclude": [10239]}, {})]:
            with self.subTest(organisms):
                status, job = submit(**organisms)
                self.assertEqual(status, 201, job)
                self.assertEqual(self.server.wait(job["id"])["status"], "completed")
                own = blast_at(folder, body["query"], {**body["options"], **options})
                self.assertEqual(self.server.output(job["id"]), own)
                self.assertGreater(len(own), 0)
        for entrez, options in [("txid9605[ORGN]", {"taxids": "9606,63221"}),
                                ("txid9605[ORGN] NOT txid63221[ORGN]", {"taxids": "9606"}),
                                ("txid40674[ORGN] OR txid2[Organism:exp] NOT txid9606[orgn]", {"taxids": "10090,1423,83333"}),
                                ("all[filter] NOT (txid2[ORGN] OR txid10090[ORGN])", {"negative_taxids": "10090,1423,83333"})]:
            with self.subTest(entrez):
                form = {"CMD": "Put", "PROGRAM": "blastp", "DATABASE": "mine", "QUERY": body["query"], "FORMAT_TYPE": "Tabular"}
                status, _, page = self.server.call("POST", "/Blast.cgi", urlencode({**form, "ENTREZ_QUERY": entrez}),
                                                   {"Content-Type": "application/x-www-form-urlencoded"}, check=False)
                rid = re.search(r"RID = (\S+)", page.decode())[1]
                self.assertEqual(self.server.wait(rid)["status"], "completed")
                self.assertEqual(self.server.output(rid), blast_at(folder, body["query"], {"outfmt": "7", **options}))
        for organisms, words in [({"include": [10239]}, "no sequence"), ({"include": [4]}, "taxid 4"),
                                 ({"include": ["Homo"]}, "object of taxids"), ({"only": [9606]}, "object of taxids")]:
            status, reply = submit(**organisms)
            self.assertEqual(status, 400, reply)
            self.assertIn(words, reply["detail"])
        status, _, reply = self.server.call("POST", "/api/blast/jobs", {**body, "organisms": {"include": [9606]},
                                                                         "options": {"taxids": "9606"}})
        self.assertEqual(status, 400)
        self.assertIn("not together", json.loads(reply)["detail"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
