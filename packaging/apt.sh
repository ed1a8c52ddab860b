#!/usr/bin/env bash
# Brings in Debian packages by the sections of apt-packages.txt.
#   apt.sh install SECTION...   installs what is missing (as root, or through sudo); quick when nothing is
#   apt.sh unpack SECTION...    unpacks the packages' files under build/data/PACKAGE, without installing them
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=$here/../build/data

packages_of() {
  local section
  for section in "$@"; do
    awk -v want="[$section]" '/^\[/ {in_it = ($0 == want); known = known || in_it; next}
      in_it && NF && !/^#/ {print $1}
      END {if (!known) {print "apt-packages.txt has no section " want > "/dev/stderr"; exit 1}}' \
      "$here/apt-packages.txt"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "error: '$*' needs root and this machine has no sudo; run it as root, then try again" >&2
    exit 1
  fi
}

# The given packages that are not installed.
missing() {
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' |
    sort -u | comm -13 - <(printf '%s\n' "$@" | sort -u)
}

install() {
  local names wanted lacking
  names=$(packages_of "$@")
  mapfile -t wanted <<<"$names"
  mapfile -t lacking < <(missing "${wanted[@]}")
  [ "${#lacking[@]}" -gt 0 ] || return 0
  echo "installing: ${lacking[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${lacking[@]}"
}

# In a subshell: its trap removes the half-made folder whatever happens.
unpack_one() (
  package=$1
  [ ! -d "$data/$package" ] || exit 0
  mkdir -p "$data"
  part=$(mktemp -d "$data/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  cd "$part"
  echo "fetching the data of $package"
  # The sandbox user of apt may not write into our folder, so root downloads as itself.
  download=(apt-get -q -o APT::Sandbox::User=root download "$package")
  "${download[@]}" || { as_root apt-get update -q && "${download[@]}"; }
  dpkg-deb -x ./"$package"_*.deb files
  chmod 755 files
  # Another run may have been quicker; its copy is as good.
  mv -T files "$data/$package" 2>/dev/null || [ -d "$data/$package" ]
)

unpack() {
  local names package
  names=$(packages_of "$@")
  for package in $names; do unpack_one "$package"; done
}

case ${1:-} in
  install|unpack) "$@" ;;
  *) sed -n '2,4s/^# *//p' "$0" >&2; exit 2 ;;
esac
