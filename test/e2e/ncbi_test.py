#!/usr/bin/env python3
"""NCBI's URL API on the real server: an unmodified Biopython submits, polls and parses, and curl's users find what
NCBI's pages promise. Usage: as service_test.py."""
import io
import json
import re
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import support as st

# Debian's own Python has its Biopython.
from Bio.Blast import NCBIWWW, NCBIXML


def same_records(a, b):
    """Whether two readers of BLAST XML see the same, alignment by alignment."""
    def plain(handle):
        for record in NCBIXML.parse(handle):
            yield (record.query, record.query_length,
                   [(one.hit_id, one.hit_def, one.length, [vars(hsp) for hsp in one.hsps]) for one in record.alignments])
    return list(plain(a)) == list(plain(b))


class NcbiTest(st.ServerTest):
    def setUp(self):
        super().setUp()
        self.url = self.server.url + "/Blast.cgi"

    def ask(self, post=True, **parameters):
        text = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(self.url, text.encode()) if post else urllib.request.urlopen(f"{self.url}?{text}") as reply:
            return reply.read().decode()

    def put(self, **parameters):
        said = self.ask(CMD="Put", **parameters)
        found = re.search(r"^    RID = (\S+)\n    RTOE = (\d+)\n", said, re.M)
        self.assertTrue(found, said)
        return found[1]

    def get(self, rid, **parameters):
        """What CMD=Get says once the search is no longer waited for."""
        until = time.monotonic() + st.PATIENCE
        while time.monotonic() < until:
            said = self.ask(post=False, CMD="Get", RID=rid, **parameters)
            if "Status=WAITING" not in said:
                return said
            time.sleep(0.02)
        raise AssertionError(f"{rid} did not end")

    def refused(self, **parameters):
        said = self.ask(CMD="Put", **{"PROGRAM": "blastp", "DATABASE": "proteins_2k", "QUERY": "MKVLAA", **parameters})
        found = re.search(r'<p class="error">(.*)</p>', said)
        self.assertTrue(found, said)
        return found[1]

    def test_biopython_searches_here_as_it_does_there(self):
        text = st.query("proteins_20.fa")
        NCBIWWW.qblast._previous = 0  # its own pause is for NCBI's server
        with NCBIWWW.qblast("blastp", "proteins_2k", text, url_base=self.url, expect=0.001, hitlist_size=20,
                            gapcosts="11 1", matrix_name="BLOSUM62", composition_based_statistics="2") as handle:
            got = handle.read()
        own = st.blast("blastp", "proteins_2k", text, {
            "outfmt": "5", "evalue": "0.001", "max_target_seqs": "20", "gapopen": "11", "gapextend": "1",
            "matrix": "BLOSUM62", "comp_based_stats": "2"}).decode()
        self.assertTrue(same_records(io.StringIO(got), io.StringIO(own)))
        self.assertEqual(got, own)
        with self.assertRaisesRegex(ValueError, "no_such"):
            NCBIWWW.qblast("blastp", "no_such", text, url_base=self.url)

    def test_biopython_is_told_that_no_result_will_come(self):
        NCBIWWW.qblast._previous = 0
        failures = []

        def search():
            try:
                NCBIWWW.qblast("blastp", "proteins_2k", st.query("proteins_500.fa"), url_base=self.url)
            except urllib.error.HTTPError as error:
                failures.append((error.code, error.read().decode()))

        thread = threading.Thread(target=search)
        thread.start()
        jobs = []
        until = time.monotonic() + st.PATIENCE
        while not jobs and time.monotonic() < until:
            jobs = json.loads(self.server.call("GET", "/api/blast/jobs")[2])["jobs"]
        self.assertEqual(self.server.call("POST", f"/api/blast/jobs/{jobs[0]['id']}/cancel")[0], 200)
        thread.join()
        [(code, page)] = failures
        self.assertEqual(code, 409)
        self.assertIn("Status=FAILED", page)
        self.assertIn("The search was cancelled.", page)
        self.assertIn("Status=FAILED", self.ask(CMD="Get", RID=jobs[0]["id"], FORMAT_OBJECT="SearchInfo"))
        with self.assertRaisesRegex(urllib.error.HTTPError, "404"):
            self.ask(CMD="Get", RID="0" * 32, FORMAT_TYPE="XML")

    def test_every_format_type_is_the_format_of_blast(self):
        text = st.query("proteins_20.fa")
        rid = self.put(PROGRAM="blastp", DATABASE="proteins_2k", QUERY=text, EXPECT="1e-5")
        for form, outfmt in [("XML", "5"), ("Text", "0"), ("Tabular", "7"), ("CSV", "10"), ("JSON2_S", "15"), ("XML2_S", "16"),
                             ("ASN.1", "8")]:
            with self.subTest(form):
                own = st.blast("blastp", "proteins_2k", text, {"outfmt": outfmt, "evalue": "1e-5"})
                self.assertEqual(self.get(rid, FORMAT_TYPE=form), own.decode())
        own = st.blast("blastp", "proteins_2k", text, {"outfmt": "3", "evalue": "1e-5"})
        self.assertEqual(self.get(rid, FORMAT_TYPE="Text", ALIGNMENT_VIEW="FlatQueryAnchored"), own.decode())
        rid = self.put(PROGRAM="blastp", DATABASE="proteins_2k", QUERY=text, FORMAT_TYPE="Text", DESCRIPTIONS="7", ALIGNMENTS="3")
        own = st.blast("blastp", "proteins_2k", text, {"outfmt": "0", "num_descriptions": "7", "num_alignments": "3"}).decode()
        self.assertEqual(self.get(rid, FORMAT_TYPE="Text", DESCRIPTIONS="7", ALIGNMENTS="3"), own)
        self.assertIn("DESCRIPTIONS=9: the search was made for 7", self.get(rid, FORMAT_TYPE="Text", DESCRIPTIONS="9"))
        self.assertIn("EXPECT_LOW is not supported", self.get(rid, FORMAT_TYPE="Text", EXPECT_LOW="1"))
        page = self.get(rid)
        self.assertIn("Status=READY", page)
        self.assertIn(f"Blast.cgi?CMD=Get&amp;RID={rid}&amp;FORMAT_TYPE=XML", page)

    def test_nucleotide_options_mean_what_they_mean_at_ncbi(self):
        text = (st.TESTDATA / "nucleotides_500.fa").read_text().partition("\n>")[0] + "\n"
        for asked, meant in [({"MEGABLAST": "on"}, {"task": "megablast"}),
                             ({"WORD_SIZE": "7", "FILTER": "F", "NUCL_REWARD": "1", "NUCL_PENALTY": "-3", "GAPCOSTS": "5 2"},
                              {"task": "blastn", "word_size": "7", "dust": "no", "reward": "1", "penalty": "-3",
                               "gapopen": "5", "gapextend": "2"}),
                             ({"FILTER": "L;m", "PERC_IDENT": "90", "QUERY_FROM": "11", "QUERY_TO": "100"},
                              {"task": "blastn", "dust": "yes", "soft_masking": "true", "perc_identity": "90",
                               "query_loc": "11-100"})]:
            with self.subTest(asked):
                rid = self.put(PROGRAM="blastn", DATABASE="nucleotides", QUERY=text, **asked)
                own = st.blast("blastn", "nucleotides", text, {"outfmt": "5", **meant})
                self.assertEqual(self.get(rid, FORMAT_TYPE="XML"), own.decode())

    def test_what_has_no_meaning_here_is_refused_by_name(self):
        self.assertIn("PROGRAM must be", self.refused(PROGRAM="fasta"))
        self.assertIn("'biomol_mrna[prop]' needs NCBI's Entrez", self.refused(ENTREZ_QUERY="biomol_mrna[prop]"))
        self.assertIn("no taxonomy yet", self.refused(ENTREZ_QUERY="txid9606[ORGN]"))
        self.assertIn("GAPCOSTS must be two numbers", self.refused(GAPCOSTS="11"))
        self.assertIn("PHI_PATTERN is not supported", self.refused(PHI_PATTERN="[LIVMF]-G"))
        self.assertIn("&lt;b&gt;", self.refused(DATABASE="<b>"), "nothing of the request becomes markup")
        self.assertIn("word_size", self.refused(WORD_SIZE="1"))
        self.assertIn("FORMAT_TYPE=Word", self.refused(FORMAT_TYPE="Word"))
        self.assertIn("P01308' looks like an accession", self.refused(QUERY="P01308"))
        self.assertIn("CMD must be", self.ask(CMD="Web"))

    def test_a_form_may_come_in_parts(self):
        fields = {"CMD": "Put", "PROGRAM": "blastp", "DATABASE": "proteins_2k", "QUERY": st.query("protein_1.fa")}
        body = "".join(f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()) + "--XX--\r\n"
        request = urllib.request.Request(self.url, body.encode(), {"Content-Type": "multipart/form-data; boundary=XX"})
        with urllib.request.urlopen(request) as reply:
            rid = re.search(r"^    RID = (\S+)\n", reply.read().decode(), re.M)[1]
        own = st.blast("blastp", "proteins_2k", fields["QUERY"], {"outfmt": "5"})
        self.assertEqual(self.get(rid, FORMAT_TYPE="XML"), own.decode())

    def test_a_search_can_be_asked_for_and_removed(self):
        self.assertIn("Status=UNKNOWN", self.ask(CMD="Get", RID="0" * 32, FORMAT_OBJECT="SearchInfo"))
        self.assertIn("Status=UNKNOWN", self.ask(CMD="Get", RID="NONE", FORMAT_OBJECT="SearchInfo"))
        rid = self.put(PROGRAM="blastp", DATABASE="proteins_2k", QUERY=st.query("proteins_20.fa"))
        self.assertIn("Status=READY\n    ThereAreHits=yes\n", self.get(rid, FORMAT_OBJECT="SearchInfo"))
        none = self.put(PROGRAM="blastp", DATABASE="proteins_2k", QUERY="WCHM" * 12, EXPECT="1e-30")
        self.assertIn("Status=READY\n    ThereAreHits=no\n", self.get(none, FORMAT_OBJECT="SearchInfo"))
        self.assertIn("ThereAreHits=no\n", self.get(none))
        self.assertIn("removed", self.ask(CMD="Delete", RID=rid))
        self.assertIn("Status=UNKNOWN", self.get(rid, FORMAT_OBJECT="SearchInfo"))
        bare = self.put(PROGRAM="blastp", DATABASE="proteins_2k", QUERY="MKVLAAGIVGLPNVGKSTLFNALTKAGA")
        own = st.blast("blastp", "proteins_2k", "MKVLAAGIVGLPNVGKSTLFNALTKAGA\n", {"outfmt": "5"})
        self.assertEqual(self.get(bare, FORMAT_TYPE="XML"), own.decode(), "letters without a header are a query")


if __name__ == "__main__":
    unittest.main(argv=[st.sys.argv[0], *st.sys.argv[4:]], verbosity=2)
