#!/usr/bin/env python3
"""How databases come into the catalogue and what is said of them: appended, built from forms, files and objects, taken in,
pruned, recommended; with the real binary and real BLAST+. Usage: as service_test.py."""
import gzip
import json
import os
import shutil
import subprocess
import time
import unittest
import uuid

import support as st
from kept_databases import KeptDatabases, blast_at


def form(fields, files):
    """(headers, body) of multipart/form-data; `files`: (name, bytes)."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, value in fields.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, value in files:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'.encode() + value + b"\r\n"
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body + f"--{boundary}--\r\n".encode()


def records(text):
    return [">" + one for one in text.lstrip(">").split("\n>")]


class CatalogueTest(KeptDatabases):
    def get(self, path, status=200):
        answer = self.server.call("GET", path)
        self.assertEqual(answer[0], status, answer[2])
        return json.loads(answer[2])

    def ended(self, answer, status="completed"):
        """The work on databases that `answer` promises, when it has ended."""
        self.assertEqual(answer[0], 202, answer[2])
        work = self.server.ended(self.get(answer[1]["Location"]))
        self.assertEqual(work["status"], status, work)
        return work

    def post(self, path, body=b"", headers=None):
        return self.server.call("POST", path, body, headers or {"Content-Type": "application/octet-stream"})

    def search(self, text, options):
        job = self.server.submit("blastp", "mine", text, options)
        self.assertEqual(self.server.wait(job)["status"], "completed")
        return self.server.output(job)

    def test_what_is_appended_is_found_as_if_it_had_been_there(self):
        self.server.start()
        all_ = records(st.query("proteins_500.fa"))
        text, options = st.query("proteins_20.fa"), {"outfmt": "6"}
        whole = self.folder / "whole"
        whole.mkdir()
        subprocess.run(["makeblastdb", "-in", "-", "-dbtype", "prot", "-title", "mine", "-out", whole / "mine", "-parse_seqids"],
                       input="\n".join(all_).encode(), check=True, capture_output=True)
        first = self.ended(self.post("/api/blast/databases?name=mine&molecule=protein&parse_ids=true&title=ours",
                                     "\n".join(all_[:200])))
        before = self.server.submit("blastp", "mine", text, options)
        packed = gzip.compress("\n".join(all_[200:400]).encode())
        second = self.ended(self.post("/api/blast/databases?name=mine&append=true&source=more", packed))
        self.assertEqual(second["kind"], "append")
        (self.folder / "rest.fa").write_text("\n".join(all_[400:]))
        self.assertIn("500 sequences", self.db("build", "mine", "--append", "--in", self.folder / "rest.fa"))
        kept = self.get("/api/blast/databases/mine")["snapshots"]
        self.assertEqual([(one["sequences"], one["title"]) for one in kept], [(500, "ours"), (400, "ours"), (200, "ours")])
        self.assertEqual(kept[0]["source"], "upload + more + rest.fa")
        # The same sequences in the same order: the same bytes as of one database.
        self.assertEqual(self.search(text, options), blast_at(whole, text, options))
        self.assertEqual(self.search(text, {**options, "max_target_seqs": "5"}),
                         blast_at(whole, text, {**options, "max_target_seqs": "5"}))
        # The job from before gives what there was then.
        self.assertEqual(self.server.wait(before)["status"], "completed")
        self.assertEqual(self.server.output(before),
                         blast_at(self.data / "databases/mine" / first["snapshot"], text, options))
        self.assertIn("whole", self.db("verify", "mine"))
        # Volumes are the same files, not copies.
        folders = [self.data / "databases/mine" / one["id"] for one in kept]
        self.assertEqual(len({(folder / "mine.psq").stat().st_ino for folder in folders}), 1)
        sequence = self.db("sequences", "mine", "--ids", all_[450].split()[0].lstrip(">"))
        self.assertEqual(sequence.split("\n")[1][:60], all_[450].split("\n")[1][:60])
        # What is there already, and what is of the other kind, is refused and leaves nothing.
        self.assertIn("in mine already", self.db("build", "mine", "--append", "--in", "-", code=1, text=all_[3].encode() + b"\n"))
        self.assertIn("is a protein database", self.db("build", "mine", "--append", "--type", "nucleotide", "--in", "-", code=1,
                                                       text=b">x\nACGT\n"))
        self.assertEqual(self.post("/api/blast/databases?name=none&append=true", ">x\nMKV\n")[0], 404)
        self.assertEqual(len(self.get("/api/blast/databases/mine")["snapshots"]), 3)
        # A removed base takes nothing from what was made of it.
        for one in kept[1:]:
            self.db("remove", "mine", one["id"])
        self.assertEqual(self.search(text, options), blast_at(whole, text, options))

    def test_a_form_brings_taxids_and_masks(self):
        self.server.start()
        few = records(st.query("proteins_20.fa"))
        ids = [one.split()[0].lstrip(">") for one in few]
        text = "\n".join(few) + "\n"
        (self.folder / "in.fa").write_text(text)
        masks = []
        for kind in ("maskinfo_asn1_text", "maskinfo_asn1_bin"):
            subprocess.run(["segmasker", "-in", self.folder / "in.fa", "-infmt", "fasta", "-parse_seqids", "-outfmt", kind,
                            "-out", self.folder / kind], check=True, capture_output=True)
            masks.append((self.folder / kind).read_bytes())
        map_ = "".join(f"{one} {9606 if i % 2 else 562}\n" for i, one in enumerate(ids))
        path = "/api/blast/databases"
        headers, body = form({"name": "mine", "molecule": "protein", "parse_ids": "true", "title": "with masks"},
                             [("sequences", gzip.compress(text.encode())), ("taxid_map", map_.encode()), ("masks", masks[0])])
        made = self.ended(self.post(path, body, headers))
        folder = self.data / "databases/mine" / made["snapshot"]
        info = subprocess.run(["blastdbcmd", "-db", folder / "mine", "-info"], capture_output=True, text=True, check=True).stdout
        self.assertIn("seg ", info)
        taxids = subprocess.run(["blastdbcmd", "-db", folder / "mine", "-entry", "all", "-outfmt", "%T"], capture_output=True,
                                text=True, check=True).stdout.split()
        self.assertEqual(taxids, ["9606" if i % 2 else "562" for i in range(len(ids))])
        # By the command line the same.
        (self.folder / "map").write_text(map_)
        self.db("build", "other", "--type", "protein", "--parse-ids", "--taxid-map", self.folder / "map", "--mask",
                self.folder / "maskinfo_asn1_bin", "--in", self.folder / "in.fa")
        # What is wrong is named.
        for fields, files, field in (({"name": "x", "molecule": "protein"}, [("masks", masks[0])], None),
                                     ({"name": "x", "molecule": "protein", "what": "1"}, [("sequences", b">a\nMKV\n")], "what"),
                                     ({"molecule": "protein"}, [("sequences", b">a\nMKV\n")], "name"),
                                     ({"name": "x", "append": "true", "parse_ids": "true"}, [], "parse_ids"),
                                     ({"name": "x", "molecule": "protein"}, [("taxid_map", b"a 1\n")] * 2, "taxid_map")):
            headers, body = form(fields, files)
            answer = self.post(path, body, headers)
            self.assertEqual(answer[0], 400, answer[2])
            self.assertEqual(json.loads(answer[2]).get("field"), field)
        for extra, words in (({}, "parse_ids"), ({"parse_ids": "true"}, "mask")):
            headers, body = form({"name": "x", "molecule": "protein", **extra},
                                 [("sequences", text.encode()), ("masks", b"no masks\n")])
            self.assertIn(words, self.ended(self.post(path, body, headers), "failed")["message"])
        self.assertEqual(self.get("/api/blast/databases/x", 404)["code"], "not_found")
        self.assertEqual(list((self.data / "uploads").iterdir()), [])
        self.assertEqual(list((self.data / "databases/.staging").iterdir()), [])

    def test_ids_that_stand_twice_are_counted_and_shown_with_their_lines(self):
        self.server.start()
        text = ">a one\nMKV\n>b\nMKVL\n>A two\nMKV\n>c\nMKVLL\n>b again\nMKV\n"
        twice = [{"id": "A", "first_line": 1, "line": 5}, {"id": "b", "first_line": 3, "line": 9}]
        work = self.ended(self.post("/api/blast/databases?name=mine&molecule=protein&parse_ids=true", text), "failed")
        self.assertEqual(work["repeated_ids"], {"count": 2, "first": twice})
        self.assertIn("2 ids stand more than once: A (lines 1 and 5), b (lines 3 and 9)", work["message"])
        # Without ids to look up they may; it is said all the same.
        work = self.ended(self.post("/api/blast/databases?name=mine&molecule=protein", text))
        self.assertEqual((work["repeated_ids"]["count"], work["message"].split(":")[0]), (2, "2 ids stand more than once"))
        self.assertIn("lines 3 and 9", self.db("build", "mine", "--type", "protein", "--parse-ids", "--in", "-", code=1,
                                               text=text.encode()))

    def test_files_and_objects_of_the_server_are_taken_in_where_that_is_allowed(self):
        imports = self.folder / "imports"
        (imports / "sub").mkdir(parents=True)
        (imports / "sub/in.fa.gz").write_bytes(gzip.compress(st.query("proteins_20.fa").encode()))
        (self.folder / "secret.fa").write_text(">s\nMKV\n")
        (imports / "link.fa").symlink_to(self.folder / "secret.fa")
        objects = self.data / "objects/imports"
        objects.mkdir(parents=True)
        (objects / "in.fa").write_text(st.query("proteins_100.fa"))
        for file in (st.TESTDATA / "db").glob("proteins_2k_vols.*"):
            shutil.copy(file, imports)
        shutil.copy(st.TESTDATA / "db/proteins_2k_alias.pal", imports)
        path = "/api/blast/databases?name=mine&molecule=protein"
        self.server.start()
        self.assertEqual(self.post(f"{path}&path=sub/in.fa.gz")[0], 403)
        self.assertEqual(self.post("/api/blast/database-imports?path=proteins_2k_vols")[0], 403)
        self.server.stop()
        self.server.flags = ("--import-dir", imports)
        self.server.start()
        made = self.ended(self.post(f"{path}&path=sub/in.fa.gz"))
        self.assertEqual(self.get("/api/blast/databases/mine")["snapshots"][0]["sequences"], 20, made)
        for wrong in ("../secret.fa", str(self.folder / "secret.fa"), "link.fa", "sub/../../secret.fa", ""):
            self.assertEqual(self.post(f"{path}&path={wrong}")[0], 400, wrong)
        self.ended(self.post(f"{path}&path=none.fa"), "failed")
        self.assertEqual(self.post(f"{path}&path=sub/in.fa.gz", ">a\nMKV\n")[0], 400, "two places")
        self.ended(self.post(f"{path}&object=imports/in.fa"))
        self.assertEqual(self.get("/api/blast/databases/mine")["snapshots"][0]["sequences"], 100)
        self.ended(self.post(f"{path}&object=imports/none.fa"), "failed")
        self.ended(self.post(f"{path}&object=jobs/x/output"), "failed")
        # Whole databases, of several volumes too.
        work = self.ended(self.post("/api/blast/database-imports?path=proteins_2k_vols"))
        self.assertEqual((work["kind"], work["database"]), ("add", "proteins_2k_vols"))
        self.assertEqual(self.get("/api/blast/databases/proteins_2k_vols")["snapshots"][0]["sequences"], 2000)
        self.assertIn("whole", self.db("verify", "proteins_2k_vols"))
        self.ended(self.post("/api/blast/database-imports?path=proteins_2k_alias"), "failed")
        self.assertIn("2000 sequences", self.db("add", st.TESTDATA / "db/proteins_2k_v4"))
        listed = {one["database"]: one for one in json.loads(self.db("list", "--all", "--json"))}
        self.assertEqual((listed["proteins"]["source"], listed["proteins"]["sequences"]), ("BLASTDB", 20000))
        self.assertIn("proteins_2k_v4\t20", self.db("list"))
        self.assertIn("there is no BLAST database", self.db("add", st.TESTDATA / "db/none", code=1))
        # And appended to as they are, in their format.
        for name, ids in (("proteins_2k_v4", True), ("proteins_2k_vols", True)):
            self.assertIn("2001 sequences", self.db("build", name, "--append", "--in", "-", text=b">new one\nMKVLAAGGHHWW\n"))
            self.assertIn("MKVLAAGGHHWW", self.db("sequences", name, "--ids", "new"))

    def test_old_snapshots_go_but_not_those_that_are_needed(self):
        for size in (500, 100, 20, 100):
            self.db("build", "mine", "--type", "protein", "--in", "-", text=st.query(f"proteins_{size}.fa").encode())
        ids = [one["id"] for one in json.loads(self.db("list", "--json"))]
        self.db("rollback", "mine", ids[3])
        self.server.flags = ("--cores", "1")
        self.server.start()
        jobs = [self.server.submit("blastp", "mine", st.query("proteins_500.fa"), {"outfmt": "6"}) for _ in range(5)]
        self.db("rollback", "mine", ids[2])
        self.assertIn("--keep", self.db("prune", code=1))
        self.assertIn("there is no database", self.db("prune", "none", "--keep", "1", code=1))
        self.assertEqual(self.db("prune", "mine", "--keep", "1", "--days", "2"), "", "all are young")
        self.assertEqual(self.db("prune", "mine", "--keep", "1").split(), ["mine", ids[1] + ":", "removed"],
                         "the newest, the current one and the one that jobs need stay")
        for job in jobs:
            self.assertEqual(self.server.wait(job)["status"], "completed")
        self.server.stop()
        # A server does it by itself, and its beat tells.
        self.server.flags = ("--keep-snapshots", "1")
        self.server.start()
        until = time.monotonic() + st.PATIENCE
        while True:
            tasks = {one["name"]: one for one in self.get("/api/blast/beat")["tasks"]}
            if tasks["snapshot_retention"]["runs"] > 0:
                break
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertEqual((tasks["snapshot_retention"]["items"], tasks["snapshot_retention"]["failures"]), (1, 0))
        self.assertEqual([one["id"] for one in self.get("/api/blast/databases/mine")["snapshots"]], [ids[0], ids[2]])

    def test_it_is_said_what_to_search_with_and_what_does_not_go_together(self):
        self.server.start()
        protein, reads = st.query("proteins_20.fa"), st.query("contigs_10.fa")
        path = "/api/blast/recommend"
        status, _, data = self.server.call("POST", path, {"query": protein})
        said = json.loads(data)
        self.assertEqual((status, said["molecule"], said["queries"], said["mixed"]), (200, "protein", 20, False))
        best = said["recommendations"][0]
        self.assertEqual((best["program"], best["database"]), ("blastp", "proteins"))
        self.assertIn("the most of those", " ".join(best["reasons"]))
        said = json.loads(self.server.call("POST", path, {"query": reads, "database": "proteins_2k"})[2])
        self.assertEqual([one["program"] for one in said["recommendations"]], ["blastx"])
        said = self.get(f"{path}?molecule=protein&longest=12&database=proteins_2k")
        self.assertEqual(said["recommendations"][0]["task"], "blastp-short")
        for body in ({"query": ""}, {"query": "ACGT"}, {"what": "x"}, {"query": 1}):
            self.assertEqual(self.server.call("POST", path, body)[0], 400, body)
        self.assertEqual(self.server.call("POST", path, {"query": protein, "database": "none"})[0], 404)
        self.assertEqual(self.get(f"{path}?molecule=dna", 400)["field"], "molecule")
        (self.folder / "q.fa").write_text(reads)
        self.assertIn("blastn -db nucleotides\n", self.db("recommend", "--in", self.folder / "q.fa"))

        def preflight(program, database, text, options=None):
            status, _, data = self.server.call("POST", "/api/blast/preflight", {
                "program": program, "database": database, "query": text, "options": options or {}})
            return status, json.loads(data)
        status, plan = preflight("blastp", "proteins_2k", reads)
        self.assertEqual(status, 200, plan)
        self.assertIn("blastx is for such", " ".join(plan["warnings"]))
        self.assertEqual(preflight("blastp", "proteins_2k", protein)[1]["warnings"], [])
        self.assertIn("blastp-short", " ".join(preflight("blastp", "proteins_2k", ">a\nMKVLAAGGHHWW\n")[1]["warnings"]))
        status, plan = preflight("blastp", "nucleotides_500", protein)
        self.assertIn(status, (400, 404))
        self.assertIn("tblastn", plan["detail"])
        self.server.stop()
        self.server.flags = ("--memory", "1M", "--cores", "1")
        self.server.start()
        self.assertIn("do not fit", " ".join(preflight("blastp", "proteins", protein)[1]["warnings"]))

    def blastdbcmd(self, name, *args):
        return subprocess.run(["blastdbcmd", "-db", name, *args], capture_output=True, check=True).stdout

    def test_sequences_come_out_of_databases_without_ids_too(self):
        self.server.start()
        for name, other in (("proteins_2k_noids", "proteins_2k"), ("proteins_2k_v4_noids", "proteins_2k"),
                            ("nucleotides_500_noids", "nucleotides_500")):
            ids = [one.split()[0] for one in self.blastdbcmd(name, "-entry", "all", "-outfmt", "%t").decode().splitlines()]
            names = self.blastdbcmd(other, "-entry", "all", "-outfmt", "%a").decode().split()
            chosen = [100, 3, 477, 100]
            path = f"/api/blast/databases/{name}/sequences"

            def ours(text):
                """Lines, with only the range of a header: of a database with ids those stand before the titles."""
                return [one if not one.startswith(">") else one.split()[0].split(":")[1:] for one in text.splitlines()]

            def theirs(*args):
                return ours(self.blastdbcmd(other, *args).decode())
            asked = ",".join(ids[i] for i in chosen)
            status, _, body = self.server.call("GET", f"{path}?ids={asked}")
            self.assertEqual(status, 200, body)
            self.assertEqual(ours(body.decode()), theirs("-entry", ",".join(names[i] for i in chosen)))
            self.assertEqual([one[1:].split()[0] for one in body.decode().splitlines() if one.startswith(">")],
                             [ids[i] for i in chosen])
            batch = f"{ids[3]} 11-90\n{ids[477]} 5-\n" + (f"{ids[100]} 20-110 minus\n" if "nucl" in name else "")
            batch_other = f"{names[3]} 11-90\n{names[477]} 5-\n" + (f"{names[100]} 20-110 minus\n" if "nucl" in name else "")
            want = []
            for line in batch_other.splitlines():
                strand = ["-strand", "minus"] if "minus" in line else []
                want += theirs("-entry", line.split()[0], "-range", line.split()[1], *strand)
            body = self.server.call("POST", path, batch, {"Content-Type": "text/plain"})[2].decode()
            self.assertEqual(ours(body), want)
            self.assertEqual(self.db("sequences", name, "--in", "-", text=batch.encode()), body)
            # As reports call it, when they call it by number.
            self.assertEqual(self.server.call("GET", f"{path}?ids=gnl|BL_ORD_ID|3&flank=2")[2],
                             self.server.call("GET", f"{path}?ids={ids[3]}")[2])
            status, _, body = self.server.call("GET", f"{path}?ids={ids[3]},none")
            self.assertEqual(status, 404)
            self.assertIn("none", json.loads(body)["detail"])
            status, headers, body = self.server.call("GET", f"{path}?ids={ids[3]},none&missing=skip")
            self.assertEqual((status, headers["Blastloom-Missing"]), (200, "none"))
            self.assertEqual(self.server.call("GET", f"{path}?ids={ids[3]}&range=900000-")[0], 400)

    def test_an_operators_metadata_count_before_those_of_the_files(self):
        self.server.start()
        self.ended(self.post("/api/blast/databases?name=mine&molecule=protein&title=ours", ">a\nMKV\n"))
        path = "/api/blast/databases/mine/metadata"
        said = self.get(path)
        self.assertEqual((said["description"], said["source"], said["source_version"]), ("ours", "upload", None))
        objects = self.data / "objects/databases"
        objects.mkdir(parents=True)
        (objects / "mine-metadata.json").write_text(json.dumps({
            "description": "Proteins of the lab", "source": "UniProt", "source_version": "2026_03", "number-of-sequences": 2,
            "downloaded_at": "2026-11-24T14:14:00Z"}))
        self.assertEqual(self.get(path), said, "kept until it is told to forget")
        self.assertEqual(self.server.call("DELETE", "/api/blast/metadata-cache?database=mine")[0], 200)
        now = self.get(path)
        self.assertEqual((now["description"], now["source"], now["source_version"], now["downloaded"]),
                         ("Proteins of the lab", "UniProt", "2026_03", "2026-11-24T14:14"))
        self.assertEqual(now["sequences"], 1, "counts are the database's own")
        self.assertIn("object storage", now["warnings"][0])

    def test_what_is_in_memory_is_searched_first(self):
        names = ("cold", "warm")
        folder = self.folder / "db"
        folder.mkdir()
        for name in names:
            subprocess.run(["makeblastdb", "-in", st.TESTDATA / "query/proteins_500.fa", "-dbtype", "prot", "-out", folder / name],
                           check=True, capture_output=True)
        os.sync()
        self.server.flags = ("--db-path", f"{folder}:{os.environ['BLASTDB']}", "--cores", "1", "--no-coalesce")
        self.server.start()
        text = st.query("protein_1.fa")
        first = self.server.submit("blastp", "proteins", st.query("proteins_100.fa"), {"outfmt": "6"})  # holds the core
        for file in folder.glob("cold.*"):
            with open(file, "rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        residency = self.get("/api/blast/databases/cold/residency")
        jobs = [self.server.submit("blastp", name, text, {"outfmt": "6"}) for name in names]
        if residency["resident_bytes"] * 2 > residency["bytes"]:
            self.skipTest("the file system here keeps its pages")
        done = [self.server.wait(job) for job in jobs]
        self.assertEqual([one["status"] for one in done], ["completed"] * 2)
        self.assertEqual(self.server.wait(first)["status"], "completed")
        self.assertLess(done[1]["started"], done[0]["started"], "the one in memory went first, though it came later")


if __name__ == "__main__":
    unittest.main(argv=[st.sys.argv[0], *st.sys.argv[4:]], verbosity=2)
