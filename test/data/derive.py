#!/usr/bin/env python3
"""Derives the test and bench sequence sets from real sequences; README.md lists them and their origins.

    derive.py sets PACKAGES OUT     every FASTA file of the test data, from the unpacked packages
    derive.py domain PROFILE OUT    a domain for deltablast from a profile of psiblast
    derive.py reads FASTA OUT COUNT LENGTH [DISTINCT]
                                    COUNT reads of LENGTH letters cut from FASTA, of DISTINCT places, 1 in 50
                                    letters changed

The same input gives the same bytes on every machine: all chance comes from random.Random(seed).random(), whose
sequence Python guarantees.
"""
import gzip
import random
import re
import sys
from pathlib import Path

# A few of the species in the protein set, with their NCBI taxonomy ids; the others stay without.
TAXIDS = {
    "Arabidopsis thaliana": 3702, "Bos taurus": 9913, "Caenorhabditis elegans": 6239, "Danio rerio": 7955,
    "Drosophila melanogaster": 7227, "Gallus gallus": 9031, "Homo sapiens": 9606, "Mus musculus": 10090,
    "Oryza sativa subsp. japonica": 39947, "Pan troglodytes": 9598, "Rattus norvegicus": 10116,
    "Sus scrofa": 9823, "Xenopus laevis": 8355, "Xenopus tropicalis": 8364,
}


def read_fasta(path):
    """The (defline, letters) of every sequence in a plain or gzipped file."""
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    with opened as lines:
        defline, parts = None, []
        for line in lines:
            if line.startswith(">"):
                if defline is not None:
                    yield defline, "".join(parts)
                defline, parts = line[1:].rstrip("\n"), []
            else:
                parts.append(line.strip())
        if defline is not None:
            yield defline, "".join(parts)


def write_fasta(path, records):
    with open(path, "w") as out:
        for defline, letters in records:
            out.write(f">{defline}\n")
            out.writelines(letters[i:i + 60] + "\n" for i in range(0, len(letters), 60))


def below(chance, limit):
    """An int in [0, limit)."""
    return int(chance.random() * limit)


def mutate(chance, letters, alphabet="ACGT", one_in=50):
    return "".join(alphabet[below(chance, len(alphabet))] if below(chance, one_in) == 0 else letter
                   for letter in letters)


def cut_reads(records, count, length, distinct=None, seed=1):
    """`count` reads of `distinct` places, in mixed order; repeats of one place have equal letters."""
    chance = random.Random(seed)
    sources = [letters for _, letters in records if len(letters) >= length]
    places = []
    for _ in range(distinct or count):
        source = sources[below(chance, len(sources))]
        at = below(chance, len(source) - length + 1)
        places.append(mutate(chance, source[at:at + length]))
    for n in range(count):
        place = below(chance, distinct) if distinct else n
        yield f"read{n + 1:05d}", places[place]


def pieces(records, name, length):
    """Each record cut into pieces of `length` letters; the last is shorter."""
    number = 0
    for defline, letters in records:
        for at in range(0, len(letters), length):
            number += 1
            piece = letters[at:at + length]
            yield f"{name}_{number:04d} {at + 1}-{at + len(piece)} of {defline}", piece


def peptides(records, count, seed=1):
    """`count` pieces of 20 to 30 residues, each from another protein."""
    chance = random.Random(seed)
    long_enough = [(d, s) for d, s in records if len(s) >= 40]
    for n in range(count):
        defline, letters = long_enough[n * len(long_enough) // count]
        length = 20 + below(chance, 11)
        at = below(chance, len(letters) - length + 1)
        yield f"peptide{n + 1:04d} {at + 1}-{at + length} of {defline.split()[0]}", letters[at:at + length]


def taxid_map(proteins):
    for defline, _ in proteins:
        species = re.search(r" OS=(.*?)(?: \(|(?: [A-Z]{2}=| Split=)|$)", defline)
        if species and species[1] in TAXIDS:
            yield f"{defline.split()[0]} {TAXIDS[species[1]]}\n"


def write_proteins(packages, out):
    examples = packages / "mmseqs2-examples/usr/share/doc/mmseqs2/example-data"
    proteins = list(read_fasta(examples / "DB.fasta.gz"))
    small = proteins[::10]
    write_fasta(out / "proteins.fa", proteins)
    write_fasta(out / "proteins_2k.fa", small)
    write_fasta(out / "proteins_2k_a.fa", small[:700])
    write_fasta(out / "proteins_2k_b.fa", small[700:])
    (out / "proteins_2k.taxids").write_text("".join(taxid_map(small)))
    (out / "proteins_subset.ids").write_text("".join(d.split()[0] + "\n" for d, _ in small[::4]))

    queries = list(read_fasta(examples / "QUERY.fasta.gz"))
    write_fasta(out / "q_proteins_500.fa", queries)
    write_fasta(out / "q_proteins_100.fa", queries[::5])
    write_fasta(out / "q_proteins_20.fa", queries[::25])
    write_fasta(out / "q_proteins_10.fa", queries[::50])
    write_fasta(out / "q_protein_1.fa", [max(queries[:100], key=lambda record: len(record[1]))])
    write_fasta(out / "q_peptides_1000.fa", peptides(proteins, 1000))
    write_fasta(out / "q_peptides_50.fa", peptides(proteins, 50, seed=2))
    # Every protein of a small set several times, as a metagenome's predicted proteins would have it.
    repeats = [(f"copy{n + 1:03d} {queries[(n * 7) % 11][0]}", queries[(n * 7) % 11][1]) for n in range(60)]
    write_fasta(out / "q_proteins_repeats.fa", repeats)


def write_nucleotides(packages, out):
    gold = packages / "microbiomeutil-data/usr/share/microbiomeutil-data/RESOURCES/rRNA16S.gold.fasta"
    rrna = [("S" + defline, letters) for defline, letters in read_fasta(gold)]
    genome = next((packages / "bowtie-examples").glob("**/NC_008253.fna.gz"))
    ecoli = list(read_fasta(genome))
    examples = packages / "plast-example/usr/share/doc/plast-example/db"
    human = [(f"human_{n + 1:02d} {defline}", letters)
             for n, (defline, letters) in enumerate(read_fasta(examples / "sapiens_1Mo.fa.gz"))]
    coding = list(pieces(ecoli, "ecoli", 5000))
    write_fasta(out / "nucleotides.fa", rrna + coding + human)
    write_fasta(out / "nucleotides_500.fa", rrna[::13] + coding[::10] + human[:2])

    contigs = list(pieces(ecoli, "contig", 1500))
    write_fasta(out / "q_contigs_100.fa", contigs[::31][:100])
    write_fasta(out / "q_contigs_10.fa", contigs[::320][:10])
    write_fasta(out / "q_rrna_5.fa", rrna[7::1036])
    reads = list(cut_reads(rrna + coding, 500, 150))
    write_fasta(out / "q_reads_500.fa", reads)
    write_fasta(out / "q_reads_50.fa", reads[:50])
    repeats = list(cut_reads(rrna, 2000, 250, distinct=50))
    write_fasta(out / "q_reads_repeats.fa", repeats)
    write_fasta(out / "q_reads_repeats_200.fa", repeats[:200])
    write_fasta(out / "q_dolphin_proteins_71.fa", read_fasta(examples / "query.fa.gz"))


def domain(profile):
    """A profile of psiblast with what deltablast asks of a domain: the frequencies of residues in each column, from the
    profile's own estimates, and a number of independent observations (12, above makeprofiledb's least)."""
    letters = bytes.fromhex("".join(re.search(r"ncbistdaa '([0-9A-F\s]+)'H", profile)[1].split()))
    begin = profile.index("freqRatios {")
    end = re.compile(r"\n +}").search(profile, begin).end()
    estimates = [int(digits) * 10.0 ** int(power) for digits, power in
                 re.findall(r"\{ (-?\d+), 10, (-?\d+) \}", profile[begin:end])]
    rows = len(estimates) // len(letters)
    frequencies = []
    for column, letter in enumerate(letters):
        shares = estimates[column * rows:(column + 1) * rows]
        if not any(shares):  # nothing was aligned there
            shares[letter] = 1
        frequencies += [round(share / sum(shares) * 1e9) for share in shares]
    reals = lambda values, power: ",\n".join(f"{{ {value}, 10, {power} }}" for value in values)
    return (f"{profile[:begin]}weightedResFreqsPerPos {{\n{reals(frequencies, -9)}\n}},\n{profile[begin:end]},\n"
            f"numIndeptObsr {{\n{reals([12] * len(letters), 0)}\n}}{profile[end:]}")


def main(args):
    if len(args) == 3 and args[0] == "sets":
        packages, out = Path(args[1]), Path(args[2])
        write_proteins(packages, out)
        write_nucleotides(packages, out)
    elif len(args) in (5, 6) and args[0] == "reads":
        write_fasta(args[2], cut_reads(read_fasta(args[1]), *map(int, args[3:])))
    elif len(args) == 3 and args[0] == "domain":
        Path(args[2]).write_text(domain(Path(args[1]).read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
