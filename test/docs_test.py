#!/usr/bin/env python3
"""Runs every command that the documentation shows: those of blastloom as they stand, in a folder with what
they name (`queries.fa`, the database `swissprot`); of `./dev` the words are looked up in `./dev help`.

    docs_test.py BLASTLOOM TESTDATA SCRATCH
"""
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("doc/**/*.md"), *ROOT.glob("test/**/*.md")]
# A line of an indented block, or a span of code.
COMMAND = re.compile(r"^    (?:\$ )?((?:blastloom|\./dev|curl) .*)$|`((?:blastloom|\./dev) [^`]*)`", re.MULTILINE)
# `blastloom search PROGRAM flags…` and `blastloom search` say how to write a command.
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b|…|search$")


def commands(program):
    """Each command of the pages that starts with `program`, once, with the page it is on."""
    found = {}
    for page in PAGES:
        for block, span in COMMAND.findall(page.read_text()):
            command = (block or span).split("  #")[0].strip()
            if command.split()[0] == program and not PLACEHOLDER.search(command):
                found.setdefault(command, page.relative_to(ROOT))
    return found


class Commands(unittest.TestCase):
    def test_of_blastloom_run(self):
        binary, testdata, scratch = sys.argv[1:4]
        here = Path(scratch)
        shutil.rmtree(here, ignore_errors=True)
        (here / "bin").mkdir(parents=True)
        (here / "bin/blastloom").symlink_to(Path(binary).resolve())
        (here / "queries.fa").write_bytes(Path(testdata, "query/proteins_20.fa").read_bytes())
        (here / "swissprot.pal").write_text(f"TITLE swissprot\nDBLIST {testdata}/db/proteins_2k\n")
        environment = {**os.environ, "PATH": f"{here / 'bin'}:{os.environ['PATH']}"}
        (here / "srv/blast").mkdir(parents=True)
        (here / "srv/blast/db").symlink_to(here)
        server = subprocess.Popen([binary, "serve", "--data", here / "data", "--listen", "127.0.0.1:0", "--db-path", here],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        environment["BLASTLOOM_SERVER"] = server.stdout.readline().strip()
        shown = commands("blastloom") | commands("curl")
        self.assertGreaterEqual(len(shown), 5)
        for command, page in shown.items():
            command = command.replace("/srv/", f"{here}/srv/")
            with self.subTest(command=command, page=str(page)):
                if command.startswith("blastloom serve"):
                    self.serve(command + " --listen 127.0.0.1:0", here, environment)
                    continue
                ended = subprocess.run(command, shell=True, cwd=here, env=environment, capture_output=True,
                                       text=True, timeout=120, check=False)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertTrue(ended.stdout or (here / "hits.tsv").stat().st_size > 0)

    def serve(self, command, here, environment):
        """It says where it listens, and ends well when it is told to."""
        server = subprocess.Popen(["bash", "-c", "exec " + command], cwd=here, env=environment, stdout=subprocess.PIPE, text=True)
        self.assertRegex(server.stdout.readline(), r"^http://127\.0\.0\.1:\d+$")
        server.terminate()
        self.assertEqual(server.wait(), 0)
        server.stdout.close()

    def test_of_dev_are_known(self):
        known = subprocess.run(["./dev", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        benches = {path.stem for path in ROOT.glob("bench/*.py")}
        shown = commands("./dev")
        self.assertGreaterEqual(len(shown), 4)
        for command, page in shown.items():
            with self.subTest(command=command, page=str(page)):
                name, *words = command.split()[1:]
                self.assertRegex(known if name != "help" else "./dev help", rf"\./dev {name}\b")
                if name == "bench":
                    self.assertIn(words[0], benches)
                for word in words:
                    if word.startswith("--") and name == "test":
                        self.assertIn(word, known)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
