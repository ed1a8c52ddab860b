#!/usr/bin/env python3
"""Measures `blastloom search` against BLAST+ on the same real sequences, in alternating runs of one session.

Every comparison also demands equal output bytes. Databases: test/data/README.md, and for the large ones the
markers of the package metaphlan2-data (712 Mbases), made once under build/benchdata.
"""
import filecmp
import subprocess
import sys

import harness
from harness import CORES, ROOT, alternate, median, median_ratio, run

TESTDATA = ROOT / "build" / "testdata"
BENCHDATA = ROOT / "build" / "benchdata"
QUERY = TESTDATA / "query"
MARKERS_FASTA = ROOT / "build/data/metaphlan2-data/var/lib/metaphlan2-data/markers.fasta"
MIB = 1 << 20


def loom(options, program, *flags):
    """The command line of blastloom; with --self, BLAST+'s own, to test this bench against itself."""
    if options.self:
        return [program, *flags, "-num_threads", CORES]
    return [options.binary, "search", program, *flags, "--jobs", CORES]


def blast(program, *flags, threads=CORES, mt_mode=None):
    mode = [] if mt_mode is None else ["-mt_mode", mt_mode]
    return [program, *flags, "-num_threads", threads, *mode]


def markers():
    """The BLAST database of the metaphlan2 markers; made on first use."""
    name = BENCHDATA / "markers"
    if not (BENCHDATA / "markers.ok").exists():
        print("(making the 712-Mbase database once)", file=sys.stderr)
        subprocess.run([ROOT / "packaging" / "apt.sh", "unpack", "data-bench"], check=True)
        BENCHDATA.mkdir(parents=True, exist_ok=True)
        subprocess.run(["makeblastdb", "-in", MARKERS_FASTA, "-dbtype", "nucl", "-title", "markers", "-out", name],
                       check=True, stdout=subprocess.DEVNULL)
        (BENCHDATA / "markers.ok").touch()
    return name


def reads(count):
    """A file of so many reads of 150 bases of the markers; made on first use, after markers()."""
    path = BENCHDATA / f"reads_{count}.fa"
    if not path.exists():
        subprocess.run([sys.executable, ROOT / "test/data/derive.py", "reads", MARKERS_FASTA, path, str(count), "150"],
                       check=True)
    return path


def same_bytes(report, name, against):
    """A row that says whether blastloom and the rival `against` printed the same bytes in the last round."""
    same = filecmp.cmp(harness.OUT / "loom.out", harness.OUT / f"{against}.out", shallow=False)
    report.add(f"{name}: output bytes equal", int(same), "", "equal", same, "BLAST+")


def against_threads(report, options, name, program, *flags):
    """Wall and memory against BLAST+'s two threading modes, and wall against perfect use of the cores."""
    single = blast(program, *flags, threads=1)
    runs = alternate({"loom": loom(options, program, *flags), "one": single,
                      "mt0": blast(program, *flags, mt_mode=0), "mt1": blast(program, *flags, mt_mode=1)},
                     options.rounds)
    same_bytes(report, name, "one")
    report.add(f"{name}: wall", median(runs["loom"]), "s")
    for mode in (0, 1):
        ratio = median_ratio(runs[f"mt{mode}"], runs["loom"])
        report.add(f"{name}: times as fast", ratio, "×", "≥ 1", ratio >= 1,
                   f"BLAST+ -num_threads {CORES} -mt_mode {mode} ({median(runs[f'mt{mode}']):.1f} s)")
    ideal = median(runs["one"], "cpu_s") / CORES
    ratio = median(runs["loom"]) / ideal
    report.add(f"{name}: wall / ideal", ratio, "×", "≤ 1.05", ratio <= 1.05,
               f"CPU seconds of BLAST+ 1 thread / {CORES} cores ({ideal:.1f} s)")
    report.add(f"{name}: CPU seconds", median_ratio(runs["loom"], runs["one"], "cpu_s"), "×", against="BLAST+ 1 thread")
    report.add(f"{name}: peak memory", median(runs["loom"], "peak_bytes") / MIB, "MiB",
               against=f"BLAST+ mt_mode 1: {median(runs['mt1'], 'peak_bytes') / MIB:.0f} MiB")


def proteins(report, options):
    against_threads(report, options, "500 proteins × 20,000 proteins, blastp", "blastp", "-query",
                    QUERY / "proteins_500.fa", "-db", TESTDATA / "db/proteins", "-outfmt", 6)


def megablast(report, options):
    against_threads(report, options, "5,000 reads × 712 Mbases, megablast", "blastn", "-task", "megablast", "-db",
                    markers(), "-query", reads(5000), "-outfmt", 6, "-evalue", "1e-10")


def blastn(report, options):
    against_threads(report, options, "2,000 reads × 712 Mbases, blastn", "blastn", "-task", "blastn", "-db",
                    markers(), "-query", reads(2000), "-outfmt", 6, "-evalue", "1e-10")


def start_up(report, options):
    flags = ["-query", QUERY / "peptides_50.fa", "-db", TESTDATA / "db/proteins_2k_a", "-outfmt", 6]
    one = harness.OUT / "one.fa"
    lines = (QUERY / "peptides_50.fa").read_text().splitlines(keepends=True)
    one.write_text("".join(lines[:2]))
    flags[1] = one
    runs = alternate({"loom": loom(options, "blastp", *flags), "blast": ["blastp", *flags]}, 20)
    extra = (median(runs["loom"]) - median(runs["blast"])) * 1000
    report.add("one query, tiny database: wall over BLAST+", extra, "ms", "≤ 40", extra <= 40,
               f"BLAST+ {median(runs['blast']) * 1000:.0f} ms, medians of 20 alternating runs")


def peptides(report, options):
    against_threads(report, options, "1,000 peptides × 20,000 proteins, blastp-short", "blastp", "-task",
                    "blastp-short", "-query", QUERY / "peptides_1000.fa", "-db", TESTDATA / "db/proteins", "-outfmt", 6)


def repeats(report, options):
    name = "2,000 amplicon reads, 50 distinct, megablast"
    flags = ["-query", QUERY / "reads_repeats.fa", "-db", TESTDATA / "db/nucleotides", "-outfmt", 6,
             "-max_target_seqs", 10, "-evalue", "1e-20"]
    runs = alternate({"loom": loom(options, "blastn", *flags), "mt0": blast("blastn", *flags, mt_mode=0),
                      "mt1": blast("blastn", *flags, mt_mode=1)}, options.rounds)
    same_bytes(report, name, "mt0")
    report.add(f"{name}: wall", median(runs["loom"]), "s")
    for mode in (0, 1):
        ratio = median_ratio(runs[f"mt{mode}"], runs["loom"])
        report.add(f"{name}: times as fast", ratio, "×", "≥ 2", ratio >= 2,
                   f"BLAST+ -num_threads {CORES} -mt_mode {mode} ({median(runs[f'mt{mode}']):.2f} s)")


def beyond_memory(report, options):
    """A database larger than the memory there is for its pages, on a slow disk, and queries of which BLAST+ makes
    several internal batches, each a pass over the database."""
    name = "3,000 reads × 712 Mbases, blastn, 192 MiB of memory, disk 50 MB/s"
    if not harness.can_limit():
        print(f"(skipped: {name}: needs root and the cgroup v1 controllers memory and blkio)", file=sys.stderr)
        return
    database = markers()
    files = sorted(BENCHDATA.glob("markers.n*"))
    searched = sum(f.stat().st_size for f in files if f.suffix in (".nsq", ".nin", ".nhr"))
    limits = harness.Limits(192 * MIB, BENCHDATA, 50_000_000)
    flags = ["-task", "blastn", "-db", database, "-query", reads(3000), "-outfmt", 6, "-evalue", "1e-10"]
    runs = {"loom": [], "blast": []}
    with harness.usual_read_ahead(BENCHDATA):
        for _ in range(max(1, options.rounds // 2)):
            for rival, argv in (("loom", loom(options, "blastn", *flags)), ("blast", blast("blastn", *flags, mt_mode=0))):
                harness.drop_from_page_cache(files)
                runs[rival].append(run(argv, limits=limits, stdout=harness.OUT / rival))
    same = filecmp.cmp(harness.OUT / "loom", harness.OUT / "blast", shallow=False)
    report.add(f"{name}: output bytes equal", int(same), "", "equal", same, f"BLAST+ -num_threads {CORES}")
    share = median(runs["loom"], "read_bytes") / searched
    report.add(f"{name}: read from disk / database", share, "×", "≤ 1.15", share <= 1.15,
               f"BLAST+ {median(runs['blast'], 'read_bytes') / searched:.2f} ×")
    ratio = median_ratio(runs["blast"], runs["loom"])
    report.add(f"{name}: times as fast", ratio, "×", "≥ 1", ratio >= 1,
               f"BLAST+ -num_threads {CORES} ({median(runs['blast']):.0f} s)")


def add_options(parser):
    parser.add_argument("--binary", default=ROOT / "build/release/blastloom", help="the blastloom to measure")
    parser.add_argument("--self", action="store_true", help="put BLAST+ in blastloom's place: shows this bench's noise")


CASES = {"start-up": start_up, "repeats": repeats, "peptides": peptides, "proteins": proteins,
         "megablast": megablast, "blastn": blastn, "beyond-memory": beyond_memory}

if __name__ == "__main__":
    subprocess.run([ROOT / "test/data/make_databases.sh", TESTDATA, ROOT / "build/data"], check=True)
    harness.main("search", __doc__, CASES, add_options)
