#!/usr/bin/env python3
"""Databases fetched from a mirror of NCBI's that cuts connections, lies about checksums and changes files midway. The
mirror is a real HTTP server with real volumes. Usage: as service_test.py."""
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import unittest
from pathlib import Path

import support as st

NAME = "mirrored"


class Mirror:
    """Serves a folder, with ranges and ETags, and does to a file what `faults` says: a list by name, of which each request
    for it takes the first."""

    def __init__(self, folder):
        self.folder, self.faults, self.asked, self.lock = folder, {}, [], threading.Lock()
        self.holding = threading.Event()  # set when a request is held
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.answer(False)

            def do_GET(self):
                self.answer(True)

            def answer(self, with_body):
                file = mirror.folder / self.path.lstrip("/")
                with mirror.lock:
                    mirror.asked.append((self.command, file.name, self.headers.get("Range")))
                    queue = mirror.faults.get(file.name, []) if with_body else []
                    fault = queue.pop(0) if queue else None
                if fault == "500":
                    return self.send(500, b"", {})
                if not file.is_file():
                    return self.send(404, b"", {})
                if callable(fault):
                    fault()
                body = file.read_bytes()
                tag = f'"{hashlib.sha1(body).hexdigest()}"'
                status, headers, start = 200, {"ETag": tag, "Content-Length": str(len(body))}, 0
                wanted = self.headers.get("Range")
                if wanted and self.headers.get("If-Range") == tag:
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    status = 206
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                    headers["Content-Length"] = str(len(body) - start)
                rest = body[start:] if with_body else b""
                if fault == "cut":  # in the middle of what is left
                    self.send(status, rest[:len(rest) // 2], headers)
                    self.close_connection = True
                    return self.connection.close()
                if fault == "hold":  # some bytes come, the others never do
                    self.send(status, rest[:len(rest) // 2], headers)
                    self.wfile.flush()
                    mirror.holding.set()
                    return mirror.released.wait()
                if fault == "damage":
                    rest = rest[:-1] + bytes([rest[-1] ^ 1])
                self.send(status, rest, headers)

            def send(self, status, body, headers):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        self.released = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # clients that are killed
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def make_volumes(folder, fasta):
    """A protein database of several volumes; its files."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["makeblastdb", "-in", fasta, "-dbtype", "prot", "-parse_seqids", "-title", "a mirrored one", "-out",
                    folder / NAME, "-max_file_sz", "60000B"], check=True, capture_output=True)
    return sorted(folder.glob(f"{NAME}.*"))


def count(fasta):
    return sum(line.startswith(">") for line in fasta.read_text().splitlines())


class MirrorTest(st.ServerTest):
    started = False

    def setUp(self):
        super().setUp()
        self.mirror = Mirror(self.folder / "mirror")
        self.addCleanup(self.mirror.close)

    def publish(self, fasta, updated, metadata=True):
        """Puts a database there as NCBI does: an archive for each volume, its checksum, and what is known of it."""
        files = make_volumes(self.folder / f"made-{updated}", fasta)
        self.mirror.folder.mkdir(exist_ok=True)
        volumes = sorted({file.name.split(".")[1] for file in files if file.name.split(".")[1].isdigit()})
        self.assertGreaterEqual(len(volumes), 3)
        shared = [file for file in files if not file.name.split(".")[1].isdigit()]
        self.archives = []
        for volume in volumes:
            archive = self.mirror.folder / f"{NAME}.{volume}.tar.gz"
            with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
                for file in [*(one for one in files if one.name.split(".")[1] == volume), *shared]:
                    tar.add(file, file.name)
                taxdb = self.folder / "taxdb.btd"
                taxdb.write_bytes(b"not of this database")
                tar.add(taxdb, "../taxdb.btd")
            self.write_checksum(archive)
            self.archives.append(archive)
        if metadata:
            self.write_metadata(self.mirror.folder / f"{NAME}-prot-metadata.json", fasta, updated,
                                [f"ftp://ftp.ncbi.nlm.nih.gov/blast/db/{one.name}" for one in self.archives])
        return count(fasta)

    def write_checksum(self, archive):
        Path(f"{archive}.md5").write_text(f"{hashlib.md5(archive.read_bytes()).hexdigest()}  {archive.name}\n")

    def about(self, fasta, updated, files):
        return {"version": "1.2", "dbname": NAME, "dbtype": "Protein", "db-version": 5, "description": "a mirrored one",
                "number-of-letters": 1, "number-of-sequences": count(fasta), "last-updated": updated,
                "number-of-volumes": 3, "bytes-total": 3_000_000, "bytes-to-cache": 3_000_000, "files": files}

    def write_metadata(self, path, *about):
        path.write_text(json.dumps(self.about(*about)))

    def fetch(self, code=0, url=None):
        run = subprocess.run([st.BINARY, "db", "fetch", NAME, "--data", self.data, "--from", url or self.mirror.url],
                             capture_output=True, text=True, timeout=st.PATIENCE)
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout if code == 0 else run.stderr

    def snapshots(self):
        run = subprocess.run([st.BINARY, "db", "list", "--json", "--data", self.data], capture_output=True, check=True)
        return json.loads(run.stdout)

    def assert_searches_as(self, fasta, snapshots=1):
        """The current snapshot is whole, and its search gives what BLAST+ gives on a database of the same sequences."""
        self.assertEqual(len(self.snapshots()), snapshots)
        now = next(one for one in self.snapshots() if one["current"])
        own = self.folder / "own"
        own.mkdir(exist_ok=True)
        make_volumes(own, fasta)
        said = {}
        for place in (now["folder"], own):
            said[place] = subprocess.run(["blastp", "-db", NAME, "-query", st.TESTDATA / "query/proteins_20.fa", "-outfmt", "6"],
                                         env={**os.environ, "BLASTDB": str(place)}, capture_output=True, check=True).stdout
        self.assertEqual(said[now["folder"]], said[own])
        self.assertGreater(len(said[own]), 0)
        self.assertEqual([one.name for one in Path(now["folder"]).glob("taxdb*")], [])
        return now

    def ranges(self):
        return [wanted for _, _, wanted in self.mirror.asked if wanted]

    PROTEINS = st.TESTDATA / "proteins_2k_a.fa"
    FEWER = st.TESTDATA / "query/proteins_500.fa"

    def test_it_comes_whole_through_cuts_and_errors(self):
        sequences = self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        self.mirror.faults = {f"{NAME}.00.tar.gz": ["500", "cut", "cut", "cut"], f"{NAME}.01.tar.gz": ["cut"],
                              f"{NAME}.00.tar.gz.md5": ["500"]}
        self.assertIn(f"fetched, {sequences} sequences", self.fetch())
        self.assertGreaterEqual(len(self.ranges()), 4, "what had come was not fetched again")
        now = self.assert_searches_as(self.PROTEINS)
        self.assertTrue(now["source"].endswith(", 2026-01-01T00:00:00"), now)
        self.assertEqual(list((self.data / "databases/.downloads").glob("*/*")), [])
        self.mirror.asked.clear()
        self.assertIn("up to date", self.fetch())
        self.assertEqual([name for _, name, _ in self.mirror.asked if name.endswith(".gz")], [])

    def test_an_update_is_a_new_snapshot_and_the_old_one_stays(self):
        self.publish(self.FEWER, "2026-01-01T00:00:00")
        self.fetch()
        old = self.snapshots()[0]
        for file in self.mirror.folder.iterdir():
            file.unlink()
        self.publish(self.PROTEINS, "2026-02-01T00:00:00")
        self.assertIn("fetched", self.fetch())
        now = self.assert_searches_as(self.PROTEINS, snapshots=2)
        self.assertNotEqual(now["id"], old["id"])
        self.assertTrue(Path(old["folder"]).is_dir())

    def test_a_wrong_checksum_is_tried_once_more_and_then_told(self):
        self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        first = f"{NAME}.00.tar.gz"
        self.mirror.faults = {first: ["damage"]}
        self.fetch()
        self.assert_searches_as(self.PROTEINS)
        shutil.rmtree(self.data)
        Path(f"{self.archives[0]}.md5").write_text("0" * 32 + f"  {first}\n")
        said = self.fetch(code=2)
        self.assertIn(first, said)
        self.assertIn("MD5", said)
        self.assertEqual(self.snapshots(), [], "nothing half there")
        # A mirror that is mended serves what is missing only.
        self.write_checksum(self.archives[0])
        self.mirror.asked.clear()
        self.fetch()
        self.assert_searches_as(self.PROTEINS)
        fetched = [name for _, name, _ in self.mirror.asked if name.endswith(".gz")]
        self.assertIn(first, fetched)

    def test_a_file_that_changes_midway_is_fetched_anew(self):
        self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        archive = self.archives[0]

        def change():
            # The same content, packed another way.
            with tarfile.open(archive) as old:
                old.extractall(self.folder / "again")
            with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
                for file in sorted((self.folder / "again").iterdir()):
                    tar.add(file, file.name)
            self.write_checksum(archive)

        self.mirror.faults = {archive.name: ["cut", change]}
        self.fetch()
        self.assert_searches_as(self.PROTEINS)

    def has_content(self, part):
        """Whether a file is part fetched; another that is whole loses its .part between the listing and the look."""
        for one in part.glob("*/*.part"):
            with contextlib.suppress(FileNotFoundError):
                if one.stat().st_size > 0:
                    return True
        return False

    def test_killed_it_goes_on_where_it_was(self):
        self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        self.mirror.faults = {archive.name: ["hold"] for archive in self.archives[:1]}
        process = subprocess.Popen([st.BINARY, "db", "fetch", NAME, "--data", self.data, "--from", self.mirror.url],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(self.mirror.holding.wait(st.PATIENCE))
        part = self.data / "databases/.downloads" / NAME
        until = time.monotonic() + st.PATIENCE
        while not self.has_content(part):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        process.kill()
        process.wait()
        self.mirror.released.set()
        self.assertEqual(self.snapshots(), [])
        self.mirror.asked.clear()
        self.fetch()
        self.assertGreaterEqual(len(self.ranges()), 1)
        self.assert_searches_as(self.PROTEINS)

    def test_killed_at_any_moment_the_catalogue_opens_and_is_right(self):
        self.publish(self.FEWER, "2026-01-01T00:00:00")
        began = time.monotonic()
        self.fetch()
        usual = time.monotonic() - began
        old = self.snapshots()[0]["id"]
        for file in self.mirror.folder.iterdir():
            file.unlink()
        self.publish(self.PROTEINS, "2026-02-01T00:00:00")
        rounds = {"quick": 4, "default": 10, "full": 60}[st.LEVEL]
        for number in range(rounds):
            process = subprocess.Popen([st.BINARY, "db", "fetch", NAME, "--data", self.data, "--from", self.mirror.url],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(usual * 1.2 * number / rounds)  # where the kill falls is what is tested
            process.kill()
            process.wait()
            now = self.snapshots()
            self.assertEqual(sum(one["current"] for one in now), 1, f"round {number}")
            self.assertIn(old, [one["id"] for one in now])
            verdict = subprocess.run([st.BINARY, "db", "verify", NAME, "--data", self.data], capture_output=True, text=True)
            self.assertEqual((verdict.returncode, "whole" in verdict.stdout), (0, True), f"round {number}: {verdict}")
            if len(now) > 1:  # it was done already, or as good as: once more
                for one in now:
                    if one["id"] != old:
                        subprocess.run([st.BINARY, "db", "rollback", NAME, old, "--data", self.data], check=True, capture_output=True)
                        subprocess.run([st.BINARY, "db", "remove", NAME, one["id"], "--data", self.data], check=True, capture_output=True)
        self.fetch()
        self.assert_searches_as(self.PROTEINS, snapshots=2)
        self.assertEqual(list((self.data / "databases/.staging").iterdir()), [])

    def test_a_bucket_and_a_folder_without_metadata_are_found_too(self):
        files = make_volumes(self.folder / "made", self.PROTEINS)
        bucket = self.mirror.folder / "2026-01-02-03-04-05"
        bucket.mkdir(parents=True)
        for file in files:
            shutil.copy(file, bucket)
        (self.mirror.folder / "latest-dir").write_text(f"{bucket.name}\n")
        about = self.about(self.PROTEINS, "2026-01-02T00:00:00", [f"gs://blast-db/{bucket.name}/{one.name}" for one in files])
        (bucket / "blastdb-metadata-1-1.json").write_text(json.dumps([{"dbname": "other"}, about]))
        self.mirror.faults = {f"{NAME}.00.psq": ["cut"]}
        self.fetch()
        self.assertEqual(len(self.ranges()), 1)
        self.assert_searches_as(self.PROTEINS)
        shutil.rmtree(self.data)
        shutil.rmtree(self.mirror.folder)
        self.publish(self.PROTEINS, "2026-01-01T00:00:00", metadata=False)
        self.fetch()
        self.assert_searches_as(self.PROTEINS)

    def test_what_is_not_there_or_not_whole_is_named(self):
        self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        run = subprocess.run([st.BINARY, "db", "fetch", "nothing", "--data", self.data, "--from", self.mirror.url],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("has no database nothing", run.stderr)
        self.assertIn("http", self.fetch(code=1, url="file:///etc"))
        metadata = self.mirror.folder / f"{NAME}-prot-metadata.json"
        about = json.loads(metadata.read_text())
        metadata.write_text(json.dumps({**about, "number-of-sequences": 7}))
        self.assertIn("the mirror says 7", self.fetch(code=2))
        metadata.write_text(json.dumps({**about, "files": about["files"][:1]}))
        self.assertNotEqual(self.fetch(code=2), "")
        metadata.write_text("<html>")
        self.assertIn("no JSON", self.fetch(code=2))
        metadata.write_text(json.dumps({**about, "bytes-total": 10**15}))
        self.assertIn("make room", self.fetch(code=255))
        self.assertEqual(self.snapshots(), [])
        metadata.write_text(json.dumps(about))
        self.fetch()
        self.assert_searches_as(self.PROTEINS)

    def test_the_server_fetches_for_admins_and_can_be_told_to_stop(self):
        self.publish(self.PROTEINS, "2026-01-01T00:00:00")
        server = self.server = st.Server(self.data, "--mirror", self.mirror.url).start()
        path = f"/api/blast/databases/{NAME}/fetch"
        self.mirror.faults = {self.archives[0].name: ["hold"]}
        status, headers, body = server.call("POST", path)
        self.assertEqual(status, 202, body)
        self.assertTrue(self.mirror.holding.wait(st.PATIENCE))
        self.assertEqual(server.call("POST", headers["Location"] + "/cancel")[0], 200)

        self.assertEqual(server.ended(json.loads(body))["status"], "cancelled")
        self.mirror.released.set()
        work = server.ended(json.loads(server.call("POST", path)[2]))
        self.assertEqual((work["status"], work["kind"]), ("completed", "fetch"), work)
        self.assertIn("fetched", work["message"])
        work = server.ended(json.loads(server.call("POST", path)[2]))
        self.assertIn("up to date", work["message"])
        self.assertEqual(server.call("POST", "/api/blast/databases/-x/fetch")[0], 400)
        text = st.query("proteins_20.fa")
        job = server.submit("blastp", NAME, text, {"outfmt": "6"})
        self.assertEqual(server.wait(job)["status"], "completed")


if __name__ == "__main__":
    unittest.main(argv=[st.sys.argv[0], *st.sys.argv[4:]], verbosity=2)
