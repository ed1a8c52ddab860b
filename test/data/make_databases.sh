#!/usr/bin/env bash
# Makes the test databases and query sets (README.md lists them) in a folder, from the packages unpacked
# under a second one. Does nothing when that folder is up to date; whole or not there at all, however it ends.
#   make_databases.sh OUT PACKAGES
set -euo pipefail
[ $# = 2 ] || { sed -n '2,4s/^# *//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "$1")
packages=$(realpath "$2")

version=$(cat "$here/derive.py" "$here/make_databases.sh" <(makeblastdb -version) | sha256sum)
up_to_date() { [ "$(cat "$out/version" 2>/dev/null)" = "$version" ]; }
up_to_date && exit 0
mkdir -p "$(dirname "$out")"
exec 9>"$out.lock"
flock 9
up_to_date && exit 0 # another run made it while this one waited

part=$(mktemp -d "$out.part.XXXXXX")
trap 'rm -rf "$part"' EXIT
chmod 755 "$part"
cd "$part"
mkdir db query profile
python3 "$here/derive.py" sets "$packages" .
for query in q_*.fa; do mv "$query" "query/${query#q_}"; done

# database NAME FASTA prot|nucl [makeblastdb's flags]
database() {
  local name=$1 fasta=$2 type=$3
  shift 3
  makeblastdb -in "$fasta" -dbtype "$type" -title "$name" -out "db/$name" "$@" >>log 2>&1 ||
    { cat log >&2; echo "error: makeblastdb could not make $name" >&2; exit 1; }
}

database proteins proteins.fa prot -parse_seqids
database proteins_2k proteins_2k.fa prot -parse_seqids
database proteins_2k_noids proteins_2k.fa prot
database proteins_2k_v4 proteins_2k.fa prot -parse_seqids -blastdb_version 4
database proteins_2k_v4_noids proteins_2k.fa prot -blastdb_version 4
database proteins_2k_vols proteins_2k.fa prot -parse_seqids -max_file_sz 300000
database proteins_2k_tax proteins_2k.fa prot -parse_seqids -taxid_map proteins_2k.taxids
database proteins_2k_a proteins_2k_a.fa prot -parse_seqids
database proteins_2k_b proteins_2k_b.fa prot -parse_seqids
database nucleotides nucleotides.fa nucl -parse_seqids
database nucleotides_500 nucleotides_500.fa nucl -parse_seqids
database nucleotides_500_noids nucleotides_500.fa nucl
database nucleotides_500_v4 nucleotides_500.fa nucl -parse_seqids -blastdb_version 4
database nucleotides_500_vols nucleotides_500.fa nucl -parse_seqids -max_file_sz 100000

# Names inside the alias files are relative to them, so that the folder can be moved.
(
  cd db
  blastdb_aliastool -dblist 'proteins_2k_a proteins_2k_b' -dbtype prot -out proteins_2k_alias \
    -title proteins_2k_alias
  cp ../proteins_subset.ids .
  blastdb_aliastool -seqid_file_in proteins_subset.ids -seqid_file_out proteins_subset.bsl
  blastdb_aliastool -db proteins_2k -dbtype prot -seqidlist proteins_subset.bsl -out proteins_2k_subset \
    -title proteins_2k_subset
) >>log 2>&1

# Profiles for rpsblast: one PSSM for each of 20 queries, from two rounds over the 20,000 proteins.
awk '/^>/ {close(file); file = sprintf("profile/p%02d.fa", ++n)} {print > file}' query/proteins_20.fa
for fasta in profile/p*.fa; do
  name=$(basename "$fasta" .fa)
  psiblast -query "$fasta" -db db/proteins -num_iterations 2 -out /dev/null \
    -out_pssm "profile/$name.raw" -save_pssm_after_last_round >>log 2>&1
  # psiblast calls every query Query_1, and a database needs distinct ids.
  [ ! -s "profile/$name.raw" ] || sed "s/local str \"Query_1\"/local str \"$name\"/" "profile/$name.raw" >"profile/$name.smp"
done
(cd profile && ls ./*.smp >list && makeprofiledb -in list -title profiles -out ../db/profiles) >>log 2>&1

# Domains for deltablast, from the same profiles.
for smp in profile/*.smp; do
  python3 "$here/derive.py" domain "$smp" "${smp%.smp}.delta"
done
(cd profile && ls ./*.delta >list && makeprofiledb -in list -dbtype delta -title domains -out ../db/domains) >>log 2>&1

printf '%s\n' "$version" >version
# A rename replaces no folder that holds something: the old one steps aside first.
[ ! -e "$out" ] || mv "$out" "$part.old"
mv "$part" "$out"
rm -rf "$part.old"
