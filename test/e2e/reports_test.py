#!/usr/bin/env python3
"""What is made of a job's hits: alignments as BLAST+'s report prints them, taxa, features, sequences, provenance; and results
made elsewhere. With the real binary and real BLAST+. Usage: as service_test.py."""
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import unittest
import warnings
from pathlib import Path

import hits_test as ht
import support as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from Bio import SearchIO
    from Bio.Blast import NCBIXML

# program, database, query, options
SEARCHES = [
    ("blastp", "proteins_2k", "proteins_20.fa", {"evalue": "1"}),
    ("blastn", "nucleotides_500", "reads_50.fa", {"max_target_seqs": "20"}),
    ("blastx", "proteins_2k", "contigs_10.fa", {"evalue": "1", "matrix": "BLOSUM80"}),
    ("tblastn", "nucleotides_500", "dolphin_proteins_71.fa", {"evalue": "1"}),
    ("tblastx", "nucleotides_500", "contigs_10.fa", {"evalue": "1e-5", "max_target_seqs": "50"}),
    ("blastn", "nucleotides_500_noids", "reads_50.fa", {"max_target_seqs": "5", "task": "blastn", "dust": "yes"}),
]
PAGE = 60


def report_blocks(report):
    """(lines of the subject, lines of the HSP) of each HSP of -outfmt 0, in its order."""
    blocks = []
    for query in report.split("\nQuery= ")[1:]:
        body = query.partition("\nLambda  ")[0]
        for subject in re.split(r"\n(?=>)", body)[1:]:
            head, _, rest = re.match(r"(.*?\nLength=\d+\n)(\n)(.*)", subject, re.S).groups()
            blocks += [(head, " Score = " + hsp.rstrip("\n") + "\n") for hsp in re.split(r"(?m)^ Score = ", rest)[1:]]
    return blocks


def printed_midline(text):
    """The middle lines of an alignment's text, put together."""
    line, lines = "", text.splitlines()
    for number, row in enumerate(lines):
        if row.startswith("Query "):
            letters = row.split()[2] if len(row.split()) == 4 else row.split()[1]
            at = row.index(letters, 6)
            line += lines[number + 1].ljust(at + len(letters))[at:at + len(letters)]
    return line


class ReportsTest(ht.HitsTest):
    """Uses the server and helpers of HitsTest; its tests are hidden below."""

    def page_of_alignments(self, job, **parameters):
        return self.ask(job, "alignments", limit=PAGE, text="true", **parameters)

    def test_alignments_are_what_the_report_prints(self):
        jobs = [self.server.submit(program, database, st.query(name), options) for program, database, name, options in SEARCHES]
        for job, (program, database, name, options) in zip(jobs, SEARCHES):
            with self.subTest(f"{program} {database}"):
                self.assertEqual(self.server.wait(job)["status"], "completed")
                most = options.get("max_target_seqs", "500")
                own = report_blocks(ht.blast(program, database, st.query(name), {**options, "max_target_seqs": most}).decode())
                self.assertGreater(len(own), 10)
                page = self.page_of_alignments(job)
                got = [(one["subject_text"], one["text"]) for one in page["alignments"]]
                self.assertEqual(got, own[:len(got)])
                self.assertEqual(len(got), min(PAGE, len(own)))
                last = self.ask(job, "alignments", ids=len(own) - 1, text="true")["alignments"]
                self.assertEqual([(one["subject_text"], one["text"]) for one in last], own[-1:])
                for one in page["alignments"]:
                    self.assertEqual(one["midline"].upper(), printed_midline(one["text"]).upper(), one["text"])
                    if program != "blastn":
                        self.assertEqual(sum(c != " " for c in one["midline"]), one["positive"])
                    self.check_segments(one)

    def check_segments(self, one):
        """The runs are the columns without gaps, and their ends are those of the HSP."""
        columns = {c for run in one["segments"] for c in range(run["column"], run["column"] + run["length"])}
        self.assertEqual(columns, {i for i, (q, s) in enumerate(zip(one["qseq"], one["sseq"])) if "-" not in (q, s)})
        first, last = one["segments"][0], one["segments"][-1]
        self.assertEqual([first["qstart"], first["sstart"], last["qend"], last["send"]],
                         [one["qstart"], one["sstart"], one["qend"], one["send"]])

    def test_alignments_of_a_filter_and_of_chosen_ids(self):
        job = self.finished("blastp", "proteins_2k", st.query("proteins_20.fa"), {"evalue": "1"})
        page = self.ask(job, "alignments", where="pident>60", sort="bitscore", limit=3, text="true")
        hsps = self.ask(job, "hsps", where="pident>60", sort="bitscore", limit=3)
        self.assertEqual([one["id"] for one in page["alignments"]], [one["id"] for one in hsps["hsps"]])
        self.assertEqual(page["next_cursor"], hsps["next_cursor"])
        ids = [one["id"] for one in reversed(page["alignments"])]
        chosen = self.ask(job, "alignments", ids=",".join(map(str, ids)), text="true")["alignments"]
        self.assertEqual([one["text"] for one in chosen], [one["text"] for one in reversed(page["alignments"])])
        self.assertNotIn("text", self.ask(job, "alignments", ids=ids[0])["alignments"][0])
        for parameters, field in [({"ids": "999999"}, "ids"), ({"ids": "x"}, "ids"), ({"text": "maybe"}, "text"),
                                  ({"limit": "101"}, "limit"), ({"where": "no"}, "where")]:
            self.assertEqual(self.ask(job, "alignments", 400, **parameters)["field"], field)
        rounds = self.finished("psiblast", "proteins_2k", st.query("protein_1.fa"), {"num_iterations": "2"})
        self.assertIn("rounds", self.ask(rounds, "alignments", 409, text="true")["detail"])
        self.assertTrue(self.ask(rounds, "alignments")["alignments"][0]["midline"])

    def test_taxa_with_and_without_lineages(self):
        job = self.finished("blastp", "proteins_2k_tax", st.query("proteins_20.fa"), {"evalue": "10"})
        hits = self.all(job, "hits", limit=1000, hsps=0)
        with_taxid = [hit for hit in hits if hit["taxids"]]
        flat = self.ask(job, "taxonomy")
        self.assertEqual((flat["lineages"], flat["hits"], flat["unassigned"]),
                         (False, len(hits), len(hits) - len(with_taxid)))
        for taxon in flat["taxa"]:
            mine = [hit for hit in with_taxid if str(taxon["taxid"]) in hit["taxids"].split(";")]
            self.assertEqual((taxon["hits"], taxon["queries"], taxon["subjects"], taxon["own_hits"], taxon["parent"]),
                             (len(mine), len({hit["query"] for hit in mine}), len({hit["accession"] for hit in mine}), len(mine), None))
            self.assertEqual(float(taxon["max_score"]), max(float(hit["max_score"]) for hit in mine))
        for parameters in ({"where": "clade=33208"}, {"clade": 33208}):
            self.assertIn("clade=33208: this server has no taxonomy yet; an admin imports NCBI's taxdump.tar.gz by 'blastloom db taxonomy",
                          self.ask(job, "hits", 409, **parameters)["detail"])
        excerpt = Path(__file__).resolve().parents[2] / "src/taxonomy/testdata/excerpt"
        subprocess.run([st.BINARY, "db", "taxonomy", excerpt, "--data", self.data], check=True, capture_output=True)
        tree = self.ask(job, "taxonomy")
        self.assertTrue(tree["lineages"])
        below = {taxon["taxid"]: taxon for taxon in tree["taxa"]}
        root = below[1]
        self.assertEqual((root["depth"], root["parent"]), (0, None))
        for taxon in tree["taxa"]:
            if taxon["parent"] is not None:
                self.assertLessEqual(taxon["hits"], below[taxon["parent"]]["hits"])
                self.assertEqual(taxon["depth"], below[taxon["parent"]]["depth"] + 1)
        flat_human = next(taxon for taxon in flat["taxa"] if taxon["taxid"] == 9606)
        self.assertEqual((below[9606]["hits"], below[9606]["name"], below[9606]["rank"]), (flat_human["hits"], "Homo sapiens", "species"))
        under_root = [taxon for taxon in flat["taxa"] if taxon["taxid"] in below and below[taxon["taxid"]]["depth"] > 0]
        self.assertEqual(root["hits"], sum(taxon["hits"] for taxon in under_root), "each subject has one taxid here")
        for taxid in (2759, 33208, 40674, 9606):
            members = {taxon["taxid"] for taxon in tree["taxa"] if self.is_below(taxon["taxid"], taxid, below)}
            mine = [hit["id"] for hit in with_taxid if members & set(map(int, hit["taxids"].split(";")))]
            self.assertTrue(mine)
            self.assertEqual([hit["id"] for hit in self.all(job, "hits", limit=1000, hsps=0, clade=taxid)], mine)
            self.assertEqual([hit["id"] for hit in self.all(job, "hits", limit=1000, hsps=0, where=f"clade={taxid}")], mine)
            self.assertEqual(self.ask(job, "subjects", clade=taxid)["total"], below[taxid]["subjects"])
            self.assertEqual(self.ask(job, "taxonomy", clade=taxid)["hits"], below[taxid]["hits"])
            rows = self.get(job, "export", columns="saccver", clade=taxid).decode().split()
            self.assertEqual(sorted(set(rows)), sorted({hit["accession"] for hit in hits if hit["id"] in set(mine)}))
            self.assertEqual(self.cli("results", job, "--columns", "saccver", "--where", f"clade={taxid}").split(), rows)
            file = self.folder / "hits.tsv"
            file.write_bytes(st.blast("blastp", "proteins_2k_tax", st.query("proteins_20.fa"),
                                      {"evalue": "10", "outfmt": "6 std staxids"}))
            local = ["view", str(file), "-outfmt", "6 std staxids", "--columns", "saccver", "--where", f"clade={taxid}"]
            self.assertEqual(self.cli(*local, "--data", str(self.data)).split(), rows)
        self.assertIn("by 'blastloom db taxonomy FILE --data DIR', and name DIR by --data", self.cli(*local, code=1))
        self.assertIn("has no taxonomy", self.cli(*local, "--data", str(self.folder), code=1))
        self.assertEqual(self.ask(job, "hits", 400, where="clade=3")["field"], "where")
        self.assertEqual(self.ask(job, "hits", 400, clade="Bacteria")["field"], "clade")
        self.assertEqual(self.ask(job, "queries", 400, taxid=9606)["field"], "taxid")
        human = self.ask(job, "taxonomy", taxid=9606)
        self.assertEqual(human["hits"], flat_human["hits"])
        least = self.ask(job, "taxonomy", limit=1)
        self.assertEqual((len(least["taxa"]), least["total"]), (1, tree["total"]))
        self.assertEqual(least["taxa"][0]["hits"], max(taxon["hits"] for taxon in tree["taxa"]))
        self.assertEqual(self.ask(job, "queries", with_hits="false")["total"],
                         sum(query["hits"] == 0 for query in self.all(job, "queries", limit=1000)))

    @staticmethod
    def is_below(taxid, clade, taxa):
        while taxid is not None and taxid != clade:
            taxid = taxa[taxid]["parent"]
        return taxid == clade

    def test_the_output_of_chosen_queries_is_that_of_a_search_of_them(self):
        for program, database, name, options in SEARCHES[:3]:
            text = st.query(name)
            records = [">" + record for record in text.split(">")[1:]]
            for outfmt in ("6", "0") if program != "blastp" else ("6 qseqid evalue", "5"):
                job = self.finished(program, database, text, {**options, "outfmt": outfmt})
                wanted = [outfmt, *("0", "5", "6", "7", "8", "9", "10", "11", "12", "15", "16", "17")] if outfmt == "6" else [outfmt, "6"]
                for number in (0, len(records) - 1):
                    for other in wanted:
                        if other == "17" and program != "blastn":
                            continue
                        with self.subTest(f"{program} {other} {number}"):
                            own = ht.blast(program, database, records[number], {**options, "outfmt": other})
                            # SAM names the command line, whose -query is another file.
                            lines = lambda data: [line for line in data.splitlines(True) if not line.startswith(b"@PG\t")]
                            self.assertEqual(lines(self.output(job, other, number)), lines(own))
            some = f"{len(records) - 1},2,0,2"
            own = ht.blast(program, database, records[0] + records[2] + records[-1], {**options, "outfmt": "7"})
            self.assertEqual(self.output(job, "7", some), own)
            self.assertEqual(self.cli("results", job, "--query", some, "-outfmt", "7").encode(), own)
            own = ht.blast(program, database, records[0], {**options, "outfmt": outfmt})
            self.assertEqual(self.cli("results", job, "--query", "0").encode(), own)
        files = json.loads(self.server.call("GET", f"/api/blast/jobs/{job}/results")[2])["files"]
        self.assertFalse([file for file in files if file["name"].startswith("quer") and file["kind"] != "query"], "they fill no list")
        one = [f"/api/blast/jobs/{job}/results/output?outfmt=7&query=1", {"Range": "bytes=0-8"}]
        self.output(job, "7", 1)
        status, headers, data = self.server.call("GET", one[0], headers=one[1])
        self.assertEqual((status, data), (206, b"# " + program.upper().encode() + b" "[:9 - 2 - len(program)]))
        self.assertIn("query-1.outfmt-7-", headers["Content-Disposition"])
        self.assertEqual(self.server.call("GET", one[0], headers={"If-None-Match": headers["ETag"]})[0], 304)
        everything = ",".join(map(str, range(len(records))))
        self.assertEqual(self.output(job, outfmt, everything), self.server.output(job))
        for query, words in [(len(records), f"numbered from 0 to {len(records) - 1}"), ("x", "no id"), ("-1", "no id")]:
            refusal = self.ask(job, "output", 400, outfmt="6", query=query)
            self.assertEqual(refusal["field"], "query")
            self.assertIn(words, refusal["detail"])
        self.assertEqual(self.ask(job, "output", 400, outfmt="99", query="1")["field"], "outfmt")
        self.assertIn("take one of them", self.cli("results", job, "-outfmt", "7", "--top", "3", code=1))
        bare = self.finished("blastp", "proteins_2k", "".join(st.query("protein_1.fa").splitlines()[1:]) + "\n>b\nMKVLAAGIVALLALGGC\n", {})
        self.assertIn("cannot be taken apart", self.ask(bare, "output", 409, outfmt="6", query="1")["detail"])
        self.server.call("DELETE", f"/api/blast/jobs/{job}")
        self.assertEqual([path for path in (self.data / "objects").rglob("*") if path.is_file() and job in str(path)], [])

    def output(self, job, outfmt, query):
        return self.get(job, "output", outfmt=outfmt, query=query)

    def test_features_and_alignments_as_files(self):
        job = self.finished("blastn", "nucleotides_500", st.query("reads_50.fa"), {"max_target_seqs": "5"})
        hsps = self.all(job, "hsps", limit=1000, alignments="true")
        lines = self.get(job, "export", format="gff3").decode().splitlines()
        self.assertEqual(lines[0], "##gff-version 3")
        self.assertEqual(len(lines) - 1, len(hsps))
        for line, hsp in zip(lines[1:], hsps):
            seqid, source, kind, start, end, score, strand, _, rest = line.split("\t")
            self.assertEqual((seqid, source, kind, int(start), int(end), score, strand),
                             (hsp["accession"], "blastn", "nucleotide_match", min(hsp["sstart"], hsp["send"]),
                              max(hsp["sstart"], hsp["send"]), hsp["evalue"], "-" if hsp["sstart"] > hsp["send"] else "+"))
            self.assertIn(f"Target={hsp['query_name']} {hsp['qstart']} {hsp['qend']};", rest)
        bed = self.get(job, "export", format="bed", on="query", where="pident>98").decode().splitlines()
        kept = [hsp for hsp in hsps if float(hsp["pident"]) > 98]
        self.assertEqual([line.split("\t")[:4] for line in bed],
                         [[hsp["query_name"], str(hsp["qstart"] - 1), str(hsp["qend"]), hsp["accession"]] for hsp in kept])
        sam = self.get(job, "export", format="sam").decode().splitlines()
        head, rows = [line for line in sam if line[0] == "@"], [line.split("\t") for line in sam if line[0] != "@"]
        self.assertEqual(sorted(line.split("\t")[1] for line in head if line.startswith("@SQ")),
                         sorted({"SN:" + hsp["accession"] for hsp in hsps}))
        self.assertEqual(len(rows), len(hsps))
        for row, hsp in zip(rows, hsps):
            self.assertEqual((row[0], row[2], int(row[3]), bool(int(row[1]) & 16)),
                             (hsp["query_name"], hsp["accession"], min(hsp["sstart"], hsp["send"]), hsp["sstart"] > hsp["send"]))
            cigar = [(int(count), kind) for count, kind in re.findall(r"(\d+)([MIDH])", row[5])]
            self.assertEqual(sum(c for c, k in cigar if k in "MI"), len(row[9]))
            self.assertEqual(sum(c for c, k in cigar if k in "MIH"), hsp["qlen"])
            self.assertEqual(sum(c for c, k in cigar if k in "MD"), abs(hsp["send"] - hsp["sstart"]) + 1)
        self.assertEqual(sum(not int(row[1]) & 256 for row in rows), len({hsp["query"] for hsp in hsps}))
        self.assertEqual(self.cli("results", job, "--export", "bed", "--on", "query", "--where", "pident>98").splitlines(), bed)

    def test_sequences_of_subjects_and_of_what_is_aligned(self):
        for program, database, name, options in [("blastn", "nucleotides_500", "reads_50.fa", {"max_target_seqs": "3"}),
                                                 ("blastx", "proteins_2k", "contigs_10.fa", {"evalue": "1e-10"})]:
            job = self.finished(program, database, st.query(name), options)
            hsps = self.all(job, "hsps", limit=1000)
            names = list(dict.fromkeys(hsp["accession"] for hsp in hsps))
            self.assertEqual(self.get(job, "export", format="fasta").decode(), self.entries(database, names))
            places = []
            for hsp in hsps:
                start, end = sorted((hsp["sstart"], hsp["send"]))
                minus = program == "blastn" and hsp["sstart"] > hsp["send"]
                line = f"{hsp['accession']} {max(1, start - 7)}-{min(hsp['slen'], end + 7)} {'minus' if minus else 'plus'}"
                whole = not minus and start <= 8 and end + 7 >= hsp["slen"]
                places.append(hsp["accession"] if whole else line)
            places = list(dict.fromkeys(places))
            got = self.get(job, "export", format="fasta", region="aligned", flank=7).decode()
            self.assertEqual(got, self.entries(database, places))
            self.assertEqual(self.cli("results", job, "--export", "fasta", "--region", "aligned", "--flank", "7"), got)
        self.assertEqual(self.ask(job, "export", 400, format="fasta", region="all")["field"], "region")
        self.assertEqual(self.ask(job, "export", 400, format="sam")["field"], "format")
        self.assertEqual(self.ask(job, "export", 400, flank=3)["field"], "flank")
        self.assertEqual(self.ask(job, "export", 400, format="fasta", flank=3)["field"], "flank")

    def test_sequences_of_a_database_without_ids_are_found_by_their_titles(self):
        job = self.finished("blastp", "proteins_2k_noids", st.query("proteins_20.fa"), {"evalue": "1e-5"})
        every = subprocess.run(["blastdbcmd", "-db", "proteins_2k_noids", "-entry", "all", "-outfmt", "%f"], check=True,
                               capture_output=True, text=True).stdout
        by_name = {record.split()[0]: ">" + record for record in every.split(">")[1:]}
        names = list(dict.fromkeys(hsp["accession"] for hsp in self.all(job, "hsps", limit=1000)))
        self.assertGreater(len(names), 10)
        self.assertEqual(self.get(job, "export", format="fasta").decode(), "".join(by_name[name] for name in names))

    def test_sequences_of_profiles_are_found_by_their_ids(self):
        job = self.finished("rpsblast", "profiles", st.query("proteins_20.fa"), {"evalue": "1e-5"})
        names = list(dict.fromkeys(hsp["accession"] for hsp in self.all(job, "hsps", limit=1000)))
        self.assertIn("p01", names)
        self.assertEqual(self.get(job, "export", format="fasta").decode(), self.entries("profiles", names))

    def entries(self, database, lines):
        """What blastdbcmd writes for them."""
        batch = self.folder / "batch"
        batch.write_text("\n".join(lines) + "\n")
        return subprocess.run(["blastdbcmd", "-db", database, "-entry_batch", batch, "-outfmt", "%f"], check=True,
                              capture_output=True).stdout.decode()

    def test_provenance_makes_the_result_again(self):
        text = st.query("proteins_20.fa")
        packed = self.folder / "queries.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        job = self.cli("submit", "blastp", "-db", "proteins_2k", "-query", packed, "-evalue", "1e-3",
                       "-outfmt", "7 std qlen stitle", "-seg", "yes").strip()
        self.assertEqual(self.server.wait(job)["status"], "completed")
        facts = self.ask(job, "provenance")
        version = subprocess.run(["blastp", "-version"], capture_output=True, check=True, text=True).stdout.split()[1]
        self.assertEqual((facts["engine"], facts["program"], facts["query"]["queries"]), (version, "blastp", 20))
        self.assertTrue(facts["exactness"].startswith("identical"))
        again = self.folder / "again"
        again.mkdir()
        kept = self.server.call("GET", f"/api/blast/jobs/{job}/results/files/query.fasta")[2]
        self.assertEqual(kept, text.encode(), "unpacked")
        (again / "query.fasta").write_bytes(kept)
        script = self.get(job, "provenance", format="sh")
        subprocess.run(["sh", "-s"], input=script, cwd=again, check=True)
        self.assertEqual((again / facts["output"]["name"]).read_bytes(), self.server.output(job))
        (again / "query.fasta").write_text(text + "X")
        self.assertNotEqual(subprocess.run(["sh", "-s"], input=script, cwd=again, capture_output=True).returncode, 0,
                            "another query is noticed")
        methods = self.cli("results", job, "--provenance", "methods")
        self.assertIn("--provenance is of the whole result and takes no --where",
                      self.cli("results", job, "--provenance", "sh", "--where", "evalue<1", code=1))
        self.assertIn("20 query sequences", methods)
        self.assertIn(f"BLAST+ {version} (Camacho et al., 2009)", methods)
        self.assertIn("-evalue 1e-3", methods)
        self.assertIn("@article{camacho2009blast,", self.cli("results", job, "--provenance", "bibtex"))
        self.assertIn(facts["command"].replace("'", "\\'"), self.cli("results", job, "--provenance", "nextflow"))
        (again / "query.fasta").write_text(text)
        (again / facts["output"]["name"]).unlink()
        (again / "Snakefile").write_text(self.cli("results", job, "--provenance", "snakemake"))
        subprocess.run(["snakemake", "--cores", "1", "--quiet", "--nolock"], cwd=again, check=True, capture_output=True)
        self.assertEqual((again / facts["output"]["name"]).read_bytes(), self.server.output(job))
        self.assertEqual(self.ask(job, "provenance", 400, format="pdf")["field"], "format")

    def import_bytes(self, data, want=201, **parameters):
        path = "/api/blast/imports?" + ht.urlencode(parameters)
        status, _, said = self.server.call("POST", path, data, {"Content-Type": "application/octet-stream"})
        self.assertEqual(status, want, said)
        return json.loads(said)

    def test_a_search_of_a_profile_is_of_tblastn(self):
        profile = st.TESTDATA / "profile/p02.raw"
        for outfmt in ("5", "7"):
            made = subprocess.run(["tblastn", "-in_pssm", profile, "-db", "nucleotides_500", "-evalue", "10", "-outfmt", outfmt],
                                  check=True, capture_output=True).stdout
            self.assertIn(b"psitblastn", made.lower())
            self.assertEqual(self.import_bytes(made)["program"], "tblastn")

    def test_results_made_elsewhere_become_jobs(self):
        common = "qaccver saccver length mismatch gapopen qstart qend sstart send score nident positive gaps qlen slen"
        for program, database, name, options in SEARCHES[:5]:
            with self.subTest(program):
                # Of proteins the XML has the frame 0, tabular output 1.
                columns = common if program == "blastp" else common + " qframe sframe"
                text = st.query(name)
                xml = ht.blast(program, database, text, {**options, "outfmt": "5"})
                job = self.import_bytes(xml, title="from elsewhere")
                self.assertEqual((job["status"], job["program"], job["imported"]), ("completed", program, "xml"))
                own = ht.blast(program, database, text, {**options, "outfmt": f"6 {columns}"}).decode()
                self.assertEqual(ht.stripped(self.get(job["id"], "export", columns=columns).decode()), ht.stripped(own))
                self.assertEqual(self.server.output(job["id"]), xml)
                self.assertTrue(self.ask(job["id"], "alignments", limit=1)["alignments"][0]["midline"])
        self.assertIn("as tsv, csv, jsonl", self.ask(job["id"], "output", 409, outfmt="6")["detail"])
        self.assertIn("imported", self.ask(job["id"], "alignments", 409, text="true")["detail"])
        self.assertEqual(self.ask(job["id"], "provenance")["imported"], "xml")
        self.assertEqual(self.ask(job["id"], "provenance", 409, format="sh")["code"], "conflict")
        text, options = st.query("proteins_20.fa"), {"evalue": "1"}
        std = ht.stripped(st.blast("blastp", "proteins_2k", text, {**options, "outfmt": "6"}).decode())
        for outfmt, more in [("6", {"program": "blastp"}), ("7", {}), ("11", {}),
                             ("10", {"program": "blastp", "outfmt": "10"})]:
            with self.subTest(outfmt):
                job = self.import_bytes(st.blast("blastp", "proteins_2k", text, {**options, "outfmt": outfmt}), **more)["id"]
                self.assertEqual(ht.stripped(self.get(job, "export").decode()), std)
        self.assertEqual(self.ask(job, "queries")["total"], self.server.job(job)["queries"])
        archive = st.blast("blastp", "proteins_2k", text, {**options, "outfmt": "11"})
        kept = self.import_bytes(archive)
        self.assertEqual((kept["imported"], kept["database"]), ("archive", "proteins_2k"))
        for outfmt in ("7", "18", "6 qaccver stitle btop"):
            own = st.blast("blastp", "proteins_2k", text, {**options, "outfmt": outfmt})
            self.assertEqual(self.server.output(kept["id"], ht.urlencode({"": outfmt})[1:]), own, outfmt)
        self.assertIn(b"Sequences producing significant alignments", self.server.output(kept["id"], "0"))
        for outfmt in ("5", "15", "16"):
            self.assertIn("of the first query", self.ask(kept["id"], "output", 409, outfmt=outfmt)["detail"])
        single = text[:text.index(">", 1)]
        alone = self.import_bytes(st.blast("blastp", "proteins_2k", single, {**options, "outfmt": "11"}))
        for outfmt in ("5", "15", "16"):
            own = st.blast("blastp", "proteins_2k", single, {**options, "outfmt": outfmt})
            self.assertEqual(self.server.output(alone["id"], outfmt), own, outfmt)
        self.assertEqual(self.server.output(kept["id"]), archive)
        self.assertIn("results/export?query=", self.ask(kept["id"], "output", 409, outfmt="7", query=1)["detail"])
        self.ask(kept["id"], "output", 400, outfmt="17")
        elsewhere = archive.replace(b'subject database "proteins_2k"', b'subject database "far_away"')
        self.assertIn("the database 'far_away', which is not on this server", self.import_bytes(elsewhere, 409)["detail"])
        # What the server can open and does not list is not given away to who names its place.
        shutil.copytree(st.TESTDATA / "db", self.folder / "secret")
        secret = str(self.folder / "secret" / "proteins_2k").encode()
        for spelled in (b'subject database "%s"', b'subject\n  database\n"%s"'):
            archive_of_it = archive.replace(b'subject database "proteins_2k"', spelled % secret)
            self.assertIn("names its database by a path", self.import_bytes(archive_of_it, 400)["detail"])
        rows = st.blast("blastp", "proteins_2k", single, {**options, "outfmt": "7"})
        job_of_it = self.import_bytes(rows.replace(b"# Database: proteins_2k", b"# Database: " + secret))
        self.assertNotIn(b">", self.get(job_of_it["id"], "export", 409, format="fasta"))
        self.server.kill()
        self.server.start()
        self.assertEqual(ht.stripped(self.get(job, "export").decode()), std, "it is there after a restart")
        file = self.folder / "hits.xml"
        file.write_bytes(xml)
        job = self.cli("import", str(file), "--title", "by hand").strip()
        self.assertEqual(self.server.job(job)["title"], "by hand")
        half = len(xml) // 2
        packed = gzip.compress(xml[:half]) + gzip.compress(xml[half:])
        (self.folder / "hits.xml.gz").write_bytes(packed)
        again = self.cli("import", str(self.folder / "hits.xml.gz")).strip()
        self.assertEqual(self.server.output(again), xml)
        self.assertEqual(self.get(again, "export"), self.get(job, "export"))
        self.assertEqual(self.cli("view", str(self.folder / "hits.xml.gz"), "--json"), self.cli("view", str(file), "--json"))
        self.assertEqual(self.cli("view", str(file), "--export", "tsv", "--columns", "saccver,qstart"),
                         self.cli("results", job, "--export", "tsv", "--columns", "saccver,qstart"))
        made = [path for path in self.index_files() if job in str(path)]
        self.assertEqual(len(made), 1)
        made[0].write_bytes(b"damaged" * 1000)
        self.server.kill()
        self.server.start()
        self.assertTrue(self.ask(job, "hits")["hits"], "its index is made again")

    def test_files_that_are_no_results_are_refused_with_the_place(self):
        whole = st.blast("blastp", "proteins_2k", st.query("protein_1.fa"), {"outfmt": "5"})
        before = json.loads(self.server.call("GET", "/api/blast/jobs")[2])["jobs"]
        for data, parameters, words in [
                (whole[:len(whole) // 2], {}, "not whole"),
                (b"<html><body>no</body></html>", {}, "no BLAST result of -outfmt 5"),
                (b"", {}, "empty"), (b"\x1f\x8b\x08\x00", {}, "damaged or cut short"),
                (gzip.compress(b""), {}, "empty"), (gzip.compress(whole)[:-1], {}, "damaged or cut short"),
                (gzip.compress(gzip.compress(whole)), {}, "within gzip data"),
                (st.blast("blastp", "proteins_2k", st.query("proteins_20.fa"), {"outfmt": "7"}).rsplit(b"# BLAST proc")[0],
                 {}, "cut short"),
                (b"q\ts\t1\n", {}, "program"),
                (b"q\ts\t1\n", {"program": "blastp"}, "line 1: a row of 3 columns"),
                (b"Blast4-archive ::= { }", {"program": "blastp"}, "the archive: line 1, byte 21: expected a name"),
                (b"BLASTP 2.12.0+\n\n\nReference: ", {"program": "blastp"}, "line 1: this is no row"),
                (b"PK\x03\x04" + bytes(2000), {"program": "blastp"}, "line 1: this is no row"),
                (b'{"BlastOutput2": []}\n', {"program": "blastp"}, "line 1: this is no row"),
                (bytes(100_000), {"program": "blastp"}, "line 1: this is no row"),
                (whole, {"program": "blastn"}, "the file is of blastp, not of blastn"),
                (whole, {"program": "fasta"}, "fasta")]:
            self.assertIn(words, self.import_bytes(data, 400, **parameters)["detail"])
        self.assertEqual(json.loads(self.server.call("GET", "/api/blast/jobs")[2])["jobs"], before, "nothing is left")

    def test_a_large_xml_is_never_in_memory(self):
        megabytes = 500 if st.LEVEL == "full" else 60
        xml = st.blast("blastp", "proteins_2k", st.query("proteins_100.fa"), {"outfmt": "5", "evalue": "10"})
        head, mark, rest = xml.partition(b"<Iteration>")
        body, tail_mark, tail = rest.rpartition(b"</BlastOutput_iterations>")
        file = self.folder / "large.xml"
        rounds = megabytes * 1_000_000 // len(body)
        with open(file, "wb") as out:
            out.write(head)
            for _ in range(rounds):
                out.write(mark + body)
            out.write(tail_mark + tail)
        peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.server.process.pid}/status").read_text())[1])
        before = peak()
        job = self.cli("import", str(file)).strip()
        self.assertLess(peak() - before, 150 * 1024)
        self.assertEqual(self.ask(job, "queries", limit=0)["total"], 100 * rounds)

    def test_biopython_reads_what_is_served(self):
        for program, database, name, options in SEARCHES[:5]:
            with self.subTest(program):
                text = st.query(name)
                job = self.finished(program, database, text, {**options, "outfmt": "5"})
                got, own = self.server.output(job), ht.blast(program, database, text, {**options, "outfmt": "5"})
                plain = lambda data: [[vars(hsp) for one in record.alignments for hsp in one.hsps]
                                      for record in NCBIXML.parse(io.StringIO(data.decode()))]
                self.assertEqual(plain(got), plain(own))
                tab = self.get(job, "export")
                table = lambda data: [(hsp.query_id, hsp.hit_id, hsp.query_range, hsp.hit_range, hsp.evalue, hsp.bitscore)
                                      for query in SearchIO.parse(io.StringIO(data.decode()), "blast-tab")
                                      for hit in query for hsp in hit]
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self.assertEqual(table(tab), table(ht.blast(program, database, text, {**options, "outfmt": "6"})))

    def test_others_do_not_see_them(self):
        self.server.stop()
        tokens = {name: self.token(name) for name in ("ada", "bob")}
        self.server.start()
        auth = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        job = self.server.submit("blastp", "proteins_2k", st.query("protein_1.fa"), {}, headers=auth["ada"])
        for what in ("alignments", "taxonomy", "provenance", "export?format=fasta", "export?format=gff3"):
            self.assertEqual(self.server.call("GET", f"/api/blast/jobs/{job}/results/{what}", headers=auth["bob"])[0], 404, what)


# Those of HitsTest run in its own program.
for inherited in [name for name in dir(ht.HitsTest) if name.startswith("test_")]:
    if inherited not in vars(ReportsTest):
        setattr(ReportsTest, inherited, None)
del ht.HitsTest

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
