#!/usr/bin/env python3
"""The settings of a server: `blastloom config`, the file, and the table of the operator guide. Usage: as service_test.py"""
import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import support as st

GUIDE = Path(__file__).resolve().parent.parent.parent / "doc" / "operator-guide.md"


def config(*flags, **variables):
    return subprocess.run([st.BINARY, "config", *flags], capture_output=True, text=True, timeout=st.PATIENCE,
                          env={**os.environ, **variables})


class ConfigTest(unittest.TestCase):
    def setUp(self):
        self.folder = st.SCRATCH / self._testMethodName
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.file = self.folder / "blastloom.toml"

    def test_each_value_and_where_it_comes_from(self):
        self.file.write_text('cores = 2\n[redis]\npassword = "hunter2"\n')
        self.file.chmod(0o600)
        run = config("--config", self.file, "--json", "--memory", "1G", BLASTLOOM_LOG_LEVEL="debug")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("hunter2", run.stdout)
        settings = {one["name"]: one for one in json.loads(run.stdout)}
        shown = {name: (one["value"], one["origin"], one["place"]) for name, one in settings.items()}
        self.assertEqual(shown["cores"], ("2", "file", f"{self.file}:1"))
        self.assertEqual(shown["memory"], ("1G", "flag", "--memory"))
        self.assertEqual(shown["log-level"], ("debug", "environment", "BLASTLOOM_LOG_LEVEL"))
        self.assertEqual(shown["redis-password"], ("(secret, set)", "file", f"{self.file}:3"))
        self.assertEqual(shown["listen"], ("127.0.0.1:8765", "default", ""))
        text = config("--config", self.file).stdout
        self.assertRegex(text, rf"(?m)^cores +2 +{re.escape(str(self.file))}:1$")
        self.assertRegex(text, r"(?m)^listen +127\.0\.0\.1:8765 +default$")

    def test_no_url_shows_a_secret(self):
        run = config("--mirror", "https://ann:hunter2@host/db?sig=hunter3")
        self.assertIn("https://…@host/db?…", run.stdout)
        self.assertNotIn("hunter", run.stdout + config("--json", "--mirror", "https://ann:hunter2@host/db?sig=hunter3").stdout)

    def test_what_serve_refuses_is_refused(self):
        for flags in (["--slurm-partition", "main"], ["--redis", "foo"], ["--objects", "azure:AB"],
                      ["--slurm", "--slurm-stage", "here"], ["--slurm", "--slurm-option", "comment=x"]):
            with self.subTest(flags):
                here = config(*flags)
                there = subprocess.run([st.BINARY, "serve", "--data", self.folder / "data", *flags], capture_output=True,
                                       text=True, timeout=st.PATIENCE)
                self.assertEqual((here.returncode, here.stderr), (1, there.stderr))
        self.assertIn("did you mean BLASTLOOM_CORES?", config(BLASTLOOM_CORS="2").stderr)

    def test_a_worker_takes_a_token_and_a_number(self):
        objects = self.folder / "objects"
        objects.mkdir()
        for token, number, said in (("../../x", "0", "32 hexadecimal digits"), ("0" * 32, "12abc", "holds no number")):
            run = subprocess.run([st.BINARY, "worker", "--objects", f"files:{objects}", token], capture_output=True, text=True,
                                 timeout=st.PATIENCE, env={**os.environ, "SLURM_ARRAY_TASK_ID": number})
            self.assertEqual(run.returncode, 1)
            self.assertIn(said, run.stderr)

    def test_a_server_without_programs_or_folders_says_so(self):
        empty = self.folder / "empty"
        empty.mkdir()
        path = os.environ["PATH"]
        ready = []
        for folders, programs in ((f"{empty}:{self.folder}/none", path), (f"{empty}", str(empty))):
            os.environ["PATH"] = programs
            server = st.Server(self.folder / "data", "--db-path", folders)
            try:
                server.start()
            finally:
                os.environ["PATH"] = path
            try:
                status, _, data = server.call("GET", "/readyz", check=False)
                ready.append((status, data.decode()))
            finally:
                server.stop()
        self.assertEqual(ready[0][0], 200)
        self.assertIn(f"cannot read {self.folder}/none", ready[0][1])
        self.assertEqual(ready[1][0], 503)
        self.assertIn("BLAST+", ready[1][1])
        log = (self.folder / "data.log").read_text()
        self.assertIn("BLAST+ was not found on PATH", log)

    def test_what_a_server_keeps_is_its_owners(self):
        data, objects = self.folder / "data", self.folder / "objects"
        subprocess.run([st.BINARY, "token", "create", "ann", "--data", data], check=True, capture_output=True)
        self.assertEqual([(place.stat().st_mode & 0o077) for place in (data, data / "tokens.json")], [0, 0])
        server = st.Server(data, "--objects", f"files:{objects}").start()
        self.assertEqual(server.stop(), 0)
        for place in [objects, data, *data.rglob("*")]:
            self.assertEqual(place.stat().st_mode & 0o077, 0, place)

    def test_a_wrong_value_is_named_with_its_line(self):
        self.file.write_text("\ncores = \"many\"\n")
        for command in ("config", "serve"):
            run = subprocess.run([st.BINARY, command, "--config", self.file], capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (
                1, f"blastloom: {self.file}:2: cores: a number from 1 to 4096 is needed, not 'many'\n"))

    def test_a_server_runs_by_its_file_and_gives_its_children_no_secret(self):
        self.file.write_text(f'data = "{self.folder}/data"\nlisten = "127.0.0.1:0"\n[log]\nlevel = "debug"\n')
        environment = {**os.environ, "BLASTLOOM_CONFIG": str(self.file), "AZURE_STORAGE_KEY": "hunter2"}
        server = subprocess.Popen([st.BINARY, "serve", "--cores", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=environment)
        try:
            self.assertRegex(server.stdout.readline(), r"^http://127\.0\.0\.1:\d+$")
        finally:
            server.terminate()
            _, log = server.communicate(timeout=st.PATIENCE)
        self.assertEqual(server.returncode, 0, log)
        self.assertNotIn("hunter2", log)

    def test_the_guide_has_the_table(self):
        table = config("--markdown").stdout
        self.assertGreater(table.count("\n"), 20)
        self.assertIn(table, GUIDE.read_text(), "put the output of 'blastloom config --markdown' into doc/operator-guide.md")

    def test_the_help_names_every_flag(self):
        text = subprocess.run([st.BINARY, "serve", "--help"], capture_output=True, text=True).stdout
        for setting in json.loads(config("--json").stdout):
            with self.subTest(setting["name"]):
                self.assertEqual(setting["secret"], not re.search(rf"(?m)^  --(no-)?{setting['name']}\b", text))


if __name__ == "__main__":
    unittest.main(argv=[st.sys.argv[0], *st.sys.argv[4:]], verbosity=2)
