#!/usr/bin/env python3
"""A server behind nginx with the settings of packaging/nginx, which ends TLS: the command line, Biopython and downloads
go through it. Usage: as service_test.py."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import unittest
import urllib.request
from urllib.parse import urljoin

import support as st

SETTINGS = st.Path(__file__).resolve().parents[2] / "packaging" / "nginx" / "blastloom.conf"
QBLAST = """
import sys
from Bio.Blast import NCBIWWW
base, password = sys.argv[1:]
NCBIWWW.qblast._previous = 0  # its own pause is for NCBI's server
print(NCBIWWW.qblast("blastp", "proteins_2k", sys.stdin.read(), url_base=base, username="ann", password=password,
                     format_type="Tabular").read())
"""


class Nginx:
    """With the settings of packaging/nginx, but for the places of this test. Its certificate is for localhost."""

    def __init__(self, folder, server, path="/"):
        self.folder = folder
        self.path = path
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        text = SETTINGS.read_text()
        for there, here in (("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"), ("blast.example.org;", "localhost;"),
                            ("/etc/ssl/certs/blast.example.org.pem", f"{folder}/cert.pem"),
                            ("/etc/ssl/private/blast.example.org.key", f"{folder}/key.pem"),
                            ("/var/log/nginx/blastloom.log", f"{folder}/access.log"), ("http://127.0.0.1:8765", server.url)):
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        if path != "/":
            text = text.replace("location / {", f"location {path} {{\nproxy_redirect / {path};")
            text = text.replace(f"proxy_pass {server.url};", f"proxy_pass {server.url}/;")
        temporary = "".join(f"{what}_temp_path {folder}/{what};\n"
                            for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
                                           f"events {{}}\nhttp {{\n{temporary}{text}}}\n")

    def __enter__(self):
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf"])
        until = time.monotonic() + st.PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, (self.folder / "error.log").read_text()
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=st.PATIENCE)

    @property
    def url(self):
        return f"https://localhost:{self.port}{self.path}".rstrip("/")

    def open(self, path, **headers):
        trusts = ssl.create_default_context(cafile=self.folder / "cert.pem")
        return urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), context=trusts)


@unittest.skipUnless(shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "nginx is not installed; ./dev setup installs it")
class ProxyTest(st.ServerTest):
    def setUp(self):
        os.environ["PATH"] += "" if shutil.which("nginx") else ":/usr/sbin"
        super().setUp()
        (self.folder / "proxy").mkdir()

    def cli_over(self, nginx, *args, server=None, trusts=True, text=None):
        env = {key: value for key, value in os.environ.items() if not key.startswith(("SSL_CERT", "BLASTLOOM_"))}
        env |= {"BLASTLOOM_TOKEN": self.secret} | ({"SSL_CERT_FILE": str(nginx.folder / "cert.pem")} if trusts else {})
        run = subprocess.run([st.BINARY, *args, "--server", server or nginx.url], capture_output=True, text=True, env=env, input=text)
        return run.returncode, run.stdout, run.stderr

    def test_what_speaks_tls_works_through_it(self):
        self.secret = self.token("ann")
        text = st.query("proteins_20.fa")
        wanted = st.blast("blastp", "proteins_2k", text, {"outfmt": "6"})
        with Nginx(self.folder / "proxy", self.server) as nginx:
            search = ["submit", "blastp", "-db", "proteins_2k", "-outfmt", "6"]
            code, job, said = self.cli_over(nginx, *search, text=text)
            self.assertEqual(code, 0, said)
            job = job.strip()
            self.assertEqual(self.cli_over(nginx, "watch", job)[0], 0)
            code, output, said = self.cli_over(nginx, "results", job)
            self.assertEqual((code, output.encode()), (0, wanted), said)

            # More than nginx takes by itself, and than fits into its buffers.
            large = "".join(f">{i}\n" + "MKVLAAGIVGLCAKAY" * 8000 + "\n" for i in range(30))
            code, job_of_large, said = self.cli_over(nginx, *search, text=large)
            self.assertEqual(code, 0, said)
            self.assertEqual(self.cli_over(nginx, "cancel", job_of_large.strip())[0], 0)

            env = {**os.environ, "SSL_CERT_FILE": str(nginx.folder / "cert.pem")}
            run = subprocess.run([sys.executable, "-c", QBLAST, nginx.url + "/Blast.cgi", self.secret], input=text, text=True,
                                 capture_output=True, env=env)
            self.assertEqual(run.returncode, 0, run.stderr)
            rows = [line for line in run.stdout.splitlines() if "\t" in line]
            plain = st.blast("blastp", "proteins_2k", text, {"outfmt": "6", "max_target_seqs": "50"}).decode().splitlines()
            self.assertEqual([row.split("\t")[:2] for row in rows], [row.split("\t")[:2] for row in plain])

            path = f"/api/blast/jobs/{job}/results/output"
            ask = urllib.request.Request(nginx.url + "/api/blast/download-links", method="POST", data=json.dumps({"path": path}).encode(),
                                         headers={"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"})
            trusts = ssl.create_default_context(cafile=nginx.folder / "cert.pem")
            with urllib.request.urlopen(ask, context=trusts) as reply:
                link = json.loads(reply.read())["href"]
            self.assertIn("ticket=", link)
            with nginx.open(link) as reply:
                self.assertEqual(reply.read(), wanted)
            log = (nginx.folder / "access.log").read_text()
            self.assertIn(f'"GET {path}" 200', log)
            self.assertNotIn("ticket", log)

    def test_it_may_lie_below_a_path(self):
        self.secret = self.token("ann")
        text = st.query("proteins_20.fa")
        wanted = st.blast("blastp", "proteins_2k", text, {"outfmt": "6"})
        with Nginx(self.folder / "proxy", self.server, "/blast/") as nginx:
            code, job, said = self.cli_over(nginx, "submit", "blastp", "-db", "proteins_2k", "-outfmt", "6", text=text)
            self.assertEqual(code, 0, said)
            job = job.strip()
            self.assertEqual(self.cli_over(nginx, "watch", job)[0], 0)
            code, output, said = self.cli_over(nginx, "results", job, server=nginx.url + "/")
            self.assertEqual((code, output.encode()), (0, wanted), said)
            with nginx.open("/") as reply:
                page = reply.read().decode()
            found = re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', page)
            self.assertGreater(len(found), 1, page)
            for name in found:
                with urllib.request.urlopen(urllib.request.Request(urljoin(nginx.url + "/", name)),
                                            context=ssl.create_default_context(cafile=nginx.folder / "cert.pem")) as reply:
                    self.assertEqual(reply.status, 200, name)
            code, _, said = self.cli_over(nginx, "list", server=nginx.url[:-len("/blast")] + "/elsewhere")
            self.assertEqual(code, 1, said)

    def test_a_server_that_does_not_prove_its_name_gets_no_token(self):
        self.secret = self.token("ann")
        with Nginx(self.folder / "proxy", self.server) as nginx:
            code, _, said = self.cli_over(nginx, "list", trusts=False)
            self.assertEqual(code, 1)
            self.assertIn(f"cannot talk to {nginx.url}: its certificate is refused: self-signed certificate", said)
            self.assertIn("SSL_CERT_FILE", said)
            code, _, said = self.cli_over(nginx, "list", server=f"https://127.0.0.1:{nginx.port}")
            self.assertEqual(code, 1)
            self.assertIn("IP address mismatch", said)
            code, _, said = self.cli_over(nginx, "list", server=self.server.url.replace("http:", "https:"))
            self.assertEqual(code, 3)
            self.assertIn("it does not speak TLS", said)
            self.assertNotIn("/api/blast/jobs", (nginx.folder / "access.log").read_text())

    def test_without_tokens_a_proxy_is_refused(self):
        with Nginx(self.folder / "proxy", self.server) as nginx:
            with self.assertRaises(urllib.error.HTTPError) as refused:
                nginx.open("/api/blast/jobs")
            self.assertEqual(refused.exception.code, 403)
            with refused.exception as reply:
                self.assertIn("create a token", json.loads(reply.read())["detail"])
            with nginx.open("/healthz") as reply:
                self.assertEqual(reply.status, 200)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
