#!/usr/bin/env python3
"""Measures the hit index at 1,000,000 HSPs (--hsps for another number): making it, pages of it in every sort, and an
export; and pages of ten times as many beside them. The HSPs are real ones of one blastp search of 20 queries, repeated under new query names, for no search here
finds so many. What one core does counts by its time: other programs take nothing away from it, but waiting for
the disk is left out; the wall time stands beside it. Pages are of 50 rows, one in five of 500; the worse of hits and HSPs counts."""
import json
import statistics
import subprocess
import zlib

import harness
from harness import ROOT

BUILD = ROOT / "build" / "release"
DATA = ROOT / "build" / "testdata"
OUTFMT = "7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq stitle"
SEARCH = ["-query", DATA / "query/proteins_20.fa", "-db", DATA / "db/proteins", "-evalue", "1000", "-max_target_seqs", "5000"]
MIB = 1 << 20


def bench(*arguments):
    """What `results_bench ARGUMENTS` prints."""
    out = harness.OUT / "results_bench.json"
    harness.run([BUILD / "results_bench", *arguments], stdout=out)
    return json.loads(out.read_text())


def search(outfmt, path):
    if not path.exists():
        part = path.with_suffix(".part")
        subprocess.run(["blastp", *SEARCH, "-num_threads", str(harness.CORES), "-outfmt", outfmt, "-out", part], check=True,
                       stderr=subprocess.DEVNULL)
        part.rename(path)
    return path


def with_taxid(line):
    """The row with a taxid in it: man for nearly all subjects."""
    cells = line.split(b"\t")
    if len(cells) > 20:
        cells[20] = b"83333" if zlib.crc32(cells[1]) % 50 == 0 else b"9606"
    return b"\t".join(cells)


def repeated(hsps):
    """Tabular output of `hsps` rows."""
    path = harness.OUT / f"rows_{hsps}.tsv"
    if path.exists():
        return path
    lines = [with_taxid(line) for line in search(OUTFMT, harness.OUT / "hits_once.tsv").read_bytes().splitlines(keepends=True)]
    rows = round_number = 0
    with open(path.with_suffix(".part"), "wb") as out:
        while rows < hsps:
            round_number += 1
            name = b"c%d_" % round_number
            for line in lines:
                if line.startswith(b"# "):
                    out.write(line.replace(b"# Query: ", b"# Query: " + name))
                elif line.strip() and rows < hsps:
                    out.write(name + line)
                    rows += 1
    path.with_suffix(".part").rename(path)
    return path


def name_of(hsps):
    return f"{hsps:,} HSPs"


def prepare(hsps):
    """The output of that many rows, and where the index of it lies."""
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "results_bench"], check=True, stdout=subprocess.DEVNULL)
    return repeated(hsps), harness.OUT / f"hits_{hsps}.index"


def indexed(hsps):
    """The index of that many rows."""
    output, place = prepare(hsps)
    if not place.exists():
        bench("build", output, place)
    return place


def index(report, options):
    output, place = prepare(options.hsps)
    runs = sorted((bench("build", output, place) for _ in range(options.rounds)), key=lambda run: run["cpu_seconds"])
    run = runs[len(runs) // 2]
    rate, what = run["hsps"] / run["cpu_seconds"], name_of(options.hsps)
    report.add(f"index {what}, one core, with all sorts", rate / 1000, "thousand HSP/s", "≥ 80", rate >= 80_000,
               f"processor time; {run['hsps'] / run['seconds'] / 1000:.0f} by the wall")
    report.add(f"index {what}: memory", run["peak_bytes"] / MIB, "MiB", "≤ 150", run["peak_bytes"] <= 150 * MIB, "above idle")
    report.add(f"index {what}: size", place.stat().st_size / options.hsps, "bytes/HSP", None, None,
               f"output: {output.stat().st_size / options.hsps:.0f}")


def pages_of(place):
    return bench("page", place, ROOT / "src/taxonomy/testdata/excerpt")


def middle(rounds, which):
    return statistics.median(which(one) for one in rounds)


def pages(report, options):
    """The median of the rounds counts: the first of them may find the file on disk only."""
    rounds = [pages_of(indexed(options.hsps)) for _ in range(options.rounds)]
    kinds = list(enumerate(rounds[0]["pages"]))
    for case in dict.fromkeys(kind["case"] for _, kind in kinds):
        for sort in ("blast", "evalue", "bitscore", "pident", "length", "coverage"):
            of_sort = [i for i, kind in kinds if (kind["case"], kind["sort"]) == (case, sort)]

            def worst(figure):
                return max(middle(rounds, lambda one: one["pages"][i][figure]) for i in of_sort)

            p99 = worst("p99_ms")
            first = max(rounds[0]["pages"][i]["p99_ms"] for i in of_sort)
            report.add(f"pages, {case}, by {sort}: p99", p99, "ms", "≤ 30", p99 <= 30,
                       f"median {worst('p50_ms'):.2f}, slowest {worst('max_ms'):.0f}; first round's p99 {first:.0f}; "
                       f"p99 by the wall {worst('wall_p99_ms'):.0f}")
    peak = max(one["peak_bytes"] for one in rounds)
    report.add("pages: memory of the whole program", peak / MIB, "MiB", "≤ 150", peak <= 150 * MIB, "absolute")


def growth(report, options):
    """Rounds alternate, and the median of them counts."""
    few, many = [], []
    for _ in range(options.rounds):
        few.append(pages_of(indexed(options.hsps)))
        many.append(pages_of(indexed(10 * options.hsps)))

    what = f"pages of {name_of(10 * options.hsps)}"
    for name, figure in (("median", "p50_ms"), ("p99", "p99_ms")):
        small, large = (middle(rounds, lambda one: one["all"][figure]) for rounds in (few, many))
        report.add(f"{what}, all kinds together: {name}", large, "ms", "≤ 30", large <= 30)
        report.add(f"{what}, all kinds together: {name} / of {name_of(options.hsps)}", large / small, "×", "≤ 1.5", large / small <= 1.5,
                   f"{small:.2f} ms")
    slow = []
    for i, kind in enumerate(many[0]["pages"]):
        small, large = (middle(rounds, lambda one: one["pages"][i]["p99_ms"]) for rounds in (few, many))
        if large > 30 or large > 1.5 * small:
            slow.append((large / small, f"{kind['case']} by {kind['sort']}: {large:.1f} ms, {large / small:.1f} ×"))
    kinds = len(many[0]["pages"])
    report.add(f"{what}: kinds of {kinds} within 30 ms and 1.5 × of {name_of(options.hsps)} at the 99th percentile", kinds - len(slow), "",
               f"{kinds}", not slow, "; ".join(text for _, text in sorted(slow, reverse=True)))


def exports(report, options):
    ours = bench("export", indexed(options.hsps))
    archive = search("11", harness.OUT / "hits_once.asn")
    once = sum(1 for line in open(harness.OUT / "hits_once.tsv", "rb") if not line.startswith(b"#"))
    theirs = harness.run(["blast_formatter", "-archive", archive, "-outfmt", "6", "-max_target_seqs", "5000"])
    report.add("export as TSV, std", ours["hsps"] / ours["seconds"] / 1000, "thousand HSP/s", None, None,
               f"blast_formatter -outfmt 6: {once / theirs.wall_s / 1000:.3g}")


if __name__ == "__main__":
    harness.main("results", __doc__, {"index": index, "pages": pages, "growth": growth, "exports": exports},
                 lambda parser: parser.add_argument("--hsps", type=int, default=1_000_000))
