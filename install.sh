#!/bin/sh
# Installs KVStore: fetches the executable for this system, verifies its checksum, and puts it where it can be run.
#
#   curl -fsSL https://github.com/kvstore/kvstore/releases/latest/download/install.sh | sh
#
# KVSTORE_VERSION   a version such as 0.1.0 instead of the latest
# KVSTORE_BIN_DIR   where to put it instead of ~/.local/bin (or /usr/local/bin for root)
# KVSTORE_URL       where the files are instead of the releases on GitHub
set -eu

releases=https://github.com/kvstore/kvstore/releases

main() {
  target=$(find_target)
  file=kvstore-$target.gz
  base=$(find_base)
  directory=$(find_directory)

  work=$(mktemp -d)
  # In the directory itself, since programs may not be allowed to run in the one for temporary files.
  new=$directory/.kvstore.$$
  trap 'rm -rf "$work" "$new"' EXIT
  trap 'exit 1' HUP INT TERM

  say "Fetching $file"
  fetch "$base/SHA256SUMS" "$work/SHA256SUMS" || fail "Cannot fetch $base/SHA256SUMS"
  fetch "$base/$file" "$work/$file" || fail "Cannot fetch $base/$file"
  verify "$work" "$file"
  gzip -dc "$work/$file" >"$new" || fail "Cannot unpack $file in $directory; KVSTORE_BIN_DIR names another directory"
  chmod 755 "$new"
  # What does not run here is not put in the place of something that does.
  version=$("$new" version) || fail "The executable does not run on this system (it needs glibc 2.27 or later on Linux)"

  # Renamed when whole, and not written into, so that a kvstore that runs goes on.
  mv -f "$new" "$directory/kvstore" || fail "Cannot replace $directory/kvstore; KVSTORE_BIN_DIR names another directory"
  say "Installed $version"
  say "  as $directory/kvstore"
  tell_next "$directory"
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

find_target() {
  case "$(uname -s)" in
    Linux) system=linux ;;
    Darwin) system=macos ;;
    *) fail "There is no executable for $(uname -s); on Windows download kvstore-windows-x64.exe from $releases, elsewhere run it from its source" ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "There is no executable for $(uname -m); run it from its source, see $releases" ;;
  esac
  printf '%s-%s\n' "$system" "$machine"
}

find_base() {
  if [ -n "${KVSTORE_URL:-}" ]; then
    printf '%s\n' "${KVSTORE_URL%/}"
  elif [ -n "${KVSTORE_VERSION:-}" ]; then
    printf '%s\n' "$releases/download/v${KVSTORE_VERSION#v}"
  else
    printf '%s\n' "$releases/latest/download"
  fi
}

# A directory that can be written to, made if need be.
find_directory() {
  if [ -n "${KVSTORE_BIN_DIR:-}" ]; then
    wanted=$KVSTORE_BIN_DIR
  elif [ "$(id -u)" -eq 0 ]; then
    wanted=/usr/local/bin
  else
    wanted=${HOME:?install.sh: HOME is not set; KVSTORE_BIN_DIR names the directory}/.local/bin
  fi
  mkdir -p "$wanted" 2>/dev/null || fail "Cannot create $wanted; KVSTORE_BIN_DIR names another directory"
  [ -w "$wanted" ] || fail "Cannot write to $wanted; KVSTORE_BIN_DIR names another directory"
  printf '%s\n' "$wanted"
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 2 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    fail "curl or wget is needed"
  fi
}

verify() {
  wanted=$(awk -v file="$2" '$2 == file || $2 == "*" file { print $1 }' "$1/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS has no checksum for $2; nothing was installed"
  if command -v sha256sum >/dev/null 2>&1; then
    found=$(sha256sum "$1/$2" | cut -d ' ' -f 1)
  elif command -v shasum >/dev/null 2>&1; then
    found=$(shasum -a 256 "$1/$2" | cut -d ' ' -f 1)
  else
    fail "sha256sum or shasum is needed to verify the download"
  fi
  [ "$found" = "$wanted" ] || fail "The checksum of $2 is $found, not $wanted; nothing was installed"
}

tell_next() {
  case ":$PATH:" in
    *":$1:"*) command=kvstore ;;
    *)
      command=$1/kvstore
      say "$1 is not in PATH; add it, or type the whole path."
      ;;
  esac
  say ""
  say "Now type:"
  say "  $command          # a local three-node cluster, data in ./kvstore-data"
  say "  $command cli      # a shell, in another terminal"
}

# All of it is read before anything is done: a download that breaks off does nothing.
main "$@"
