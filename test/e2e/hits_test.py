#!/usr/bin/env python3
"""The hits of jobs in pages and exports: equal to what BLAST+ itself prints, for each program; made once, kept over a
restart, gone with the job. With the real binary and real BLAST+. Usage: as service_test.py."""
import concurrent.futures
import csv
import gzip
import io
import json
import shutil
import signal
import subprocess
import sys
import time
import unittest
from urllib.parse import urlencode

import support as st

# All that every job answers; the title is last.
COLUMNS = "std qlen slen score nident positive ppos gaps qframe sframe frames staxids sscinames qseq sseq stitle"
# program, database, query, options
SEARCHES = [
    ("blastp", "proteins_2k_tax", "proteins_20.fa", {"evalue": "10"}),
    ("blastn", "nucleotides_500", "reads_50.fa", {"max_target_seqs": "20"}),
    ("blastx", "proteins_2k", "contigs_10.fa", {"evalue": "10"}),
    ("tblastn", "nucleotides_500", "dolphin_proteins_71.fa", {"evalue": "1"}),
    ("tblastx", "nucleotides_500", "contigs_10.fa", {"evalue": "1e-5", "max_target_seqs": "50"}),
    ("psiblast", "proteins_2k", "protein_1.fa", {"num_iterations": "2"}),
    ("rpsblast", "profiles", "proteins_20.fa", {"evalue": "1"}),
    ("deltablast", "proteins_2k", "proteins_20.fa", {"rpsdb": "domains", "evalue": "1e-3"}),
]


def blast(program, *rest):
    return st.blast("rpsblast+" if program == "rpsblast" and shutil.which("rpsblast+") else program, *rest)


def stripped(text):
    """BLAST+ pads scores under 10 with spaces; the index does not."""
    return "\n".join("\t".join(cell.strip() for cell in line.split("\t")) for line in text.splitlines()
                     if line and line != "Search has CONVERGED!")


class HitsTest(st.ServerTest):
    def get(self, job, what, want=200, **parameters):
        path = f"/api/blast/jobs/{job}/results/{what}" + ("?" + urlencode(parameters) if parameters else "")
        while True:
            status, _, data = self.server.call("GET", path)
            if status != 202:
                self.assertEqual(status, want, data)
                return data
            time.sleep(0.02)

    def ask(self, job, what, want=200, **parameters):
        return json.loads(self.get(job, what, want, **parameters))

    def all(self, job, what, **parameters):
        """The rows of all pages."""
        rows, cursor = [], {}
        while True:
            page = self.ask(job, what, **parameters, **cursor)
            rows += page[what]
            if page["next_cursor"] is None:
                return rows
            cursor = {"cursor": page["next_cursor"]}

    def finished(self, program, database, text, options):
        job = self.server.submit(program, database, text, options)
        done = self.server.wait(job)
        self.assertEqual(done["status"], "completed", done)
        return job

    def test_deltablast_names_the_domains_that_a_server_lacks(self):
        for options, why in [({}, "no domain database 'cdd_delta'"), ({"rpsdb": "none"}, "no domain database 'none'"),
                             ({"rpsdb": "../db/domains"}, "a name without folders is needed")]:
            body = {"program": "deltablast", "database": "proteins_2k", "query": "MKVLAAGIVGLCAKAY", "options": options}
            status, _, said = self.server.call("POST", "/api/blast/jobs", body)
            self.assertEqual(status, 400, said)
            self.assertIn(why, json.loads(said)["detail"])

    def test_every_value_is_that_of_blast(self):
        jobs = []
        for program, database, name, options in SEARCHES:
            jobs.append(self.server.submit(program, database, st.query(name), options))
        for job, (program, database, name, options) in zip(jobs, SEARCHES):
            with self.subTest(program):
                self.assertEqual(self.server.wait(job)["status"], "completed")
                text = st.query(name)
                own = blast(program, database, text, {**options, "outfmt": f"6 {COLUMNS}"}).decode()
                self.assertEqual(stripped(self.get(job, "export", columns=COLUMNS).decode()), stripped(own))
                covers = {}
                for line in blast(program, database, text, {**options, "outfmt": "6 qaccver saccver qcovs"}).decode().splitlines():
                    if "\t" in line:
                        query, subject, cover = line.split("\t")
                        covers.setdefault((query, subject), set()).add(int(cover))
                hits = self.all(job, "hits", limit=1000, hsps=0)
                self.assertEqual({(hit["query_name"], hit["accession"]) for hit in hits}, covers.keys())
                for hit in hits:
                    self.assertIn(hit["cover"], covers[hit["query_name"], hit["accession"]], hit)
                self.assertEqual(sum(hit["hsps_total"] for hit in hits), len(stripped(own).splitlines()))

    def test_columns_are_answered_as_blast_prints_them_or_refused(self):
        text, more = st.query("proteins_20.fa"), "qseqid sseqid sacc sallseqid staxid btop qcovs qcovhsp sstrand"
        for options in ({"outfmt": f"6 std {more}"}, {"outfmt": f"10 {more} evalue salltitles"}):
            with self.subTest(str(options)):
                job = self.finished("blastp", "proteins_2k_tax", text, options)
                own = blast("blastp", "proteins_2k_tax", text, {"outfmt": f"6 {COLUMNS} {more}"}).decode()
                self.assertEqual(stripped(self.get(job, "export", columns=f"{COLUMNS} {more}").decode()), stripped(own))
        job = self.finished("blastp", "proteins_2k_tax", text, {"outfmt": "6"})
        for name in more.split() + ["salltitles"]:
            said = self.ask(job, "export", 400, columns=f"std {name}")
            self.assertEqual(said["field"], "columns")
            self.assertIn(f"'{name}' is not in this result; it has qaccver,", said["detail"])

    def test_queries_without_hits_are_listed(self):
        text = st.query("proteins_20.fa") + ">nobody knows it\n" + "WCHM" * 12 + "\n"
        job = self.finished("blastp", "proteins_2k", text, {"evalue": "1e-30", "outfmt": "5"})
        page = self.ask(job, "queries")
        self.assertEqual(page["total"], 21)
        last = page["queries"][20]
        self.assertEqual((last["title"], last["hits"], last["evalue"]), ("nobody knows it", 0, ""))
        self.assertEqual(page["with_hits"], sum(one["hits"] > 0 for one in page["queries"]))
        self.assertEqual(self.ask(job, "queries", find="NOBODY")["total"], 1)
        best = next(one for one in page["queries"] if one["hits"])
        hits = self.ask(job, "hits", query=best["index"])
        self.assertEqual(hits["total"], best["hits"])
        self.assertEqual(hits["hits"][0]["accession"], best["best"]["accession"])
        summary = self.ask(job, "summary", query=best["index"])
        self.assertEqual(summary["queries"], 21)
        self.assertGreater(max(summary["depth"]), 0)
        self.assertEqual(sum(one["hsps"] for one in summary["histograms"]["pident"]), summary["hsps"])

    def test_a_query_s_hits_are_counted_all_and_filtered(self):
        job = self.finished("blastp", "proteins_2k", st.query("proteins_20.fa"), {"evalue": "10"})
        most = self.ask(job, "queries", sort="hits", limit=1)["queries"][0]
        where = "pident>=30 and length<200"
        passed = self.ask(job, "hits", query=most["index"], where=where, words="protein", limit=0)["total"]
        self.assertTrue(0 < passed < most["hits"], (passed, most))
        spread = self.ask(job, "summary", query=most["index"], where=where, words="protein")["distributions"]
        self.assertEqual(set(spread), {"evalue", "pident", "length", "coverage"})
        for name, one in spread.items():
            self.assertEqual((sum(one["hits"]), sum(one["passed"])), (most["hits"], passed), name)
        long = spread["length"]
        every = [hit["length"] for hit in self.all(job, "hits", query=most["index"], limit=1000, hsps=0)]
        self.assertEqual(long["hits"][-1], sum(n >= long["from"] + long["step"] * (len(long["hits"]) - 1) for n in every))
        self.assertEqual(self.ask(job, "summary", 400, where=where)["field"], "where")
        self.assertEqual(self.ask(job, "summary", 400, query=most["index"], where="pident>>3")["field"], "where")
        kinds = {one["name"]: one["kind"] for one in json.loads(self.server.call("GET", "/api/blast/databases")[2])["databases"]}
        self.assertEqual((kinds["profiles"], kinds["proteins_2k"]), ("profiles", "sequences"))

    def test_filters_sorts_and_exports(self):
        job = self.finished("blastp", "proteins_2k_tax", st.query("proteins_20.fa"), {"evalue": "10"})
        every = self.all(job, "hsps", limit=300)
        for where, keep in [("evalue<1e-10 and pident>60", lambda h: float(h["evalue"]) < 1e-10 and float(h["pident"]) > 60),
                            ("not (length>=100 or gaps>0)", lambda h: not (h["length"] >= 100 or h["gaps"] > 0)),
                            ("title contains 'protein'", lambda h: "protein" in h["title"].lower())]:
            with self.subTest(where):
                wanted = [h["id"] for h in every if keep(h)]
                self.assertTrue(wanted)
                self.assertEqual([h["id"] for h in self.all(job, "hsps", where=where, limit=7)][:100], wanted[:100])
                self.assertEqual(self.ask(job, "hsps", where=where, limit=0)["total"], len(wanted))
        with_taxid = [h for h in every if h["taxids"]]
        self.assertTrue(with_taxid)
        taxid = with_taxid[0]["taxids"].split(";")[0]
        self.assertEqual([h["id"] for h in self.all(job, "hsps", taxid=taxid)],
                         [h["id"] for h in every if taxid in h["taxids"].split(";")])
        keys = {"evalue": lambda h: float(h["evalue"]), "bitscore": lambda h: -float(h["bits"]),
                "pident": lambda h: -float(h["pident"]), "length": lambda h: -h["length"], "coverage": lambda h: -h["cover"]}
        for sort, key in keys.items():
            self.assertEqual([h["id"] for h in self.all(job, "hsps", sort=sort, limit=100)],
                             [h["id"] for h in sorted(every, key=key)], sort)
        hit = self.ask(job, "hits", sort="bitscore", limit=1, alignments="true")["hits"][0]
        self.assertTrue(hit["hsps"][0]["qseq"])
        rows = list(csv.DictReader(io.StringIO(self.get(job, "export", format="csv", columns="qaccver,saccver,evalue,stitle",
                                                        select=hit["id"]).decode())))
        self.assertEqual({row["saccver"] for row in rows}, {hit["accession"]})
        self.assertEqual(len(rows), hit["hsps_total"])
        lines = self.get(job, "export", format="jsonl", identity_min=95).decode().splitlines()
        self.assertTrue(all(json.loads(line)["pident"] >= 95 for line in lines))
        subjects = self.ask(job, "subjects", sort="hits")["subjects"]
        self.assertEqual([s["queries"] for s in subjects], sorted((s["queries"] for s in subjects), reverse=True))

    def test_wrong_requests_name_the_parameter(self):
        job = self.finished("blastp", "proteins_2k", st.query("protein_1.fa"), {})
        for what, parameters, field in [("hsps", {"where": "pidnt>90"}, "where"), ("hits", {"where": "gaps=0"}, "where"),
                                        ("hits", {"sort": "name"}, "sort"), ("hits", {"query": "7"}, "query"),
                                        ("queries", {"sort": "pident"}, "sort"), ("hits", {"cursor": "x"}, "cursor"),
                                        ("export", {"columns": "colour"}, "columns"), ("export", {"format": "xls"}, "format"),
                                        ("export", {"select": "999999"}, "select"), ("hits", {"colour": "red"}, "colour")]:
            with self.subTest(str(parameters)):
                self.assertEqual(self.ask(job, what, 400, **parameters)["field"], field)
        self.assertIn("column 1: 'pidnt' is no field, did you mean 'pident'?",
                      self.ask(job, "hsps", 400, where="pidnt>90")["detail"])
        running = self.server.submit("blastp", "proteins", st.query("proteins_500.fa"), {})
        self.ask(running, "hits", 409)

    def index_files(self):
        return [path for path in (self.data / "objects").rglob("*") if path.is_file() and path.parent.name == "hits"]

    def test_an_index_is_made_once_and_lives_as_long_as_its_job(self):
        job = self.finished("blastn", "nucleotides_500", st.query("reads_50.fa"), {"outfmt": "6", "max_target_seqs": "5"})
        self.assertEqual(self.index_files(), [])
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.get(job, "hits", sort="evalue", limit=20), range(24)))
        self.assertEqual(len(set(answers)), 1)
        made = self.index_files()
        self.assertEqual([path.name for path in made], ["index"], "what it was made from is gone")
        when = made[0].stat().st_mtime_ns
        self.server.kill()
        self.server.start()
        self.assertEqual(self.get(job, "hits", sort="evalue", limit=20), answers[0])
        self.assertEqual(self.index_files()[0].stat().st_mtime_ns, when, "it was not made again")
        made[0].write_bytes(b"no index at all" * 100)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.get(job, "hits", sort="evalue", limit=20), answers[0], "a damaged one is made again")
        self.server.call("DELETE", f"/api/blast/jobs/{job}")
        self.assertEqual(self.index_files(), [])
        self.ask(job, "hits", 404)
        self.assertEqual(list((self.data / "hits").iterdir()), [])

    def test_the_pages_own_format_needs_no_second_search(self):
        outfmt = ("7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq stitle")
        job = self.finished("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": outfmt})
        before = self.server.metric("blastloom_engine_runs_total")
        self.assertTrue(self.ask(job, "hits")["hits"])
        self.assertEqual(self.server.metric("blastloom_engine_runs_total"), before)

    def test_the_command_line_shows_and_saves_hits(self):
        text, options = st.query("proteins_20.fa"), {"outfmt": "6", "evalue": "10"}
        job = self.finished("blastp", "proteins_2k", text, options)
        own = st.blast("blastp", "proteins_2k", text, options).decode()
        self.assertEqual(stripped(self.cli("results", job, "--export", "tsv")), stripped(own))
        self.assertEqual(stripped(self.cli("view", "-", "--export", "tsv", text=own)), stripped(own))
        where = "evalue<1e-10 and pident>60"
        kept = [line for line in own.splitlines() if float(line.split("\t")[10]) < 1e-10 and float(line.split("\t")[2]) > 60]
        self.assertTrue(kept)
        self.assertEqual(stripped(self.cli("results", job, "--export", "tsv", "--where", where)), stripped("\n".join(kept)))
        half = len(own) // 2
        packed = gzip.compress(own[:half].encode()) + gzip.compress(own[half:].encode())
        (self.folder / "hits.gz").write_bytes(packed)
        for file, data in (("-", own.encode()), ("-", packed), (str(self.folder / "hits.gz"), None)):
            self.assertEqual(self.cli("view", file, "--where", where, "--columns", "saccver", text=data).split(),
                             [line.split("\t")[1] for line in kept])
        self.assertIn("-: the gzip data is cut short", self.cli("view", "-", text=packed[:-20], code=1))
        best = json.loads(self.cli("results", job, "--top", "3", "--sort", "bitscore", "--json"))["hits"]
        local = json.loads(self.cli("view", "-", "--top", "3", "--sort", "bitscore", "--json", text=own))["hits"]
        self.assertEqual([(h["accession"], h["evalue"]) for h in best], [(h["accession"], h["evalue"]) for h in local])
        table = self.cli("results", job, "--top", "2").splitlines()
        self.assertEqual(table[0].split(), ["query", "subject", "identity", "length", "cover", "evalue", "bits", "title"])
        self.assertTrue(table[3].startswith("2 of "), table)
        self.assertIn("where, column 1: 'pidnt' is no field", self.cli("results", job, "--where", "pidnt>3", code=1))
        self.assertIn("where, column 1: 'pidnt' is no field", self.cli("view", "-", "--where", "pidnt>3", code=1, text=b""))
        self.assertIn("-: line 1: this is no row of tabular output", self.cli("view", "-", code=1, text=b"BLASTP 2.12.0+\n"))
        self.assertIn("No such file", self.cli("view", "/nowhere", code=1))

    def test_a_file_tells_no_more_than_its_columns(self):
        text = st.query("proteins_20.fa")
        own = st.blast("blastp", "proteins_2k", text, {"outfmt": "6", "evalue": "10"})
        self.assertTrue(all(h["cover"] is None for h in json.loads(self.cli("view", "-", "--json", text=own))["hits"]))
        self.assertEqual(self.cli("view", "-", "--top", "1", text=own).splitlines()[1].split()[4], "-")
        for flags in (["--where", "coverage>50"], ["--sort", "coverage"]):
            self.assertIn("search with it: -outfmt '6 std qlen'", self.cli("view", "-", *flags, code=1, text=own))
        by_score = b"".join(sorted(own.splitlines(True), key=lambda line: -float(line.split(b"\t")[11])))
        self.assertIn("are not together; sort them (sort -s -k1,1)", self.cli("view", "-", code=1, text=by_score))

    def test_view_writes_where_it_is_told_and_leaves_nothing(self):
        own = st.blast("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        job = self.finished("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "6"})
        file = self.folder / "top.txt"
        for command in (["view", "-"], ["results", job]):
            self.assertEqual(self.cli(*command, "--top", "2", "-out", str(file), text=own), "")
            self.assertEqual(len(file.read_text().splitlines()), 4)
            file.unlink()
        self.assertEqual(self.cli("view", "-", "--query", "0", "--columns", "qaccver", "--top", "1", text=b"\xef\xbb\xbf" + own),
                         own.decode().split("\t")[0] + "\n")
        run = subprocess.run([st.BINARY, "view", "-", "--export", "sam"], input=own, capture_output=True)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertIn(b"sam needs the column slen", run.stderr)
        self.assertIn("archives (11)", self.cli("view", "-", code=1, text=b"Blast4-archive ::= {\n"))
        self.assertIn("or fasta", self.cli("results", job, "--export", "xls", code=1))
        scratch = self.folder / "scratch"
        scratch.mkdir()
        view = subprocess.Popen([st.BINARY, "view", "-"], stdin=subprocess.PIPE, env={**st.os.environ, "TMPDIR": str(scratch)})
        view.stdin.write(own)
        view.stdin.flush()
        while not list(scratch.glob("*/hits.part")):
            time.sleep(0.01)
        view.send_signal(signal.SIGINT)
        self.assertEqual(view.wait(st.PATIENCE), -signal.SIGINT)
        view.stdin.close()
        self.assertEqual(list(scratch.iterdir()), [])

    def test_others_do_not_see_them(self):
        self.server.stop()
        tokens = {name: self.token(name) for name in ("ada", "bob")}
        self.server.start()
        auth = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        job = self.server.submit("blastp", "proteins_2k", st.query("protein_1.fa"), {}, headers=auth["ada"])
        for what in ("queries", "hits", "hsps", "subjects", "summary", "export"):
            self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}/results/{what}", headers=auth["bob"])[0], 404, what)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
