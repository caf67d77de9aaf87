# Functions that the other scripts share; to be sourced, by bash.
# shellcheck shell=bash

# say MESSAGE…: one line for the person who waits; standard output stays free for results.
say() {
    printf '%s\n' "$*" >&2
}

# die MESSAGE…: the same, and the end.
die() {
    say "error: $*"
    exit 1
}

# as_root COMMAND…: runs it as root, through sudo where one is not root already.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# install_packages NAME…: installs those of the Debian packages that are absent.
install_packages() {
    local name absent=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        die "this is no Debian-like system, and these scripts set up no other;" \
            "install what Debian calls $*, and use swift itself:" \
            "swift run --configuration release --static-swift-stdlib berth serve"
    fi
    for name in "$@"; do
        if [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) != installed ]]; then
            absent+=("$name")
        fi
    done
    if ((${#absent[@]} == 0)); then
        return
    fi
    if ((EUID == 0)); then
        say "installing ${absent[*]}"
    elif command -v sudo >/dev/null; then
        say "installing ${absent[*]} through sudo"
    else
        die "neither root nor sudo here; have someone run: apt-get install ${absent[*]}"
    fi
    local log
    log=$(mktemp)
    if ! as_root apt-get update -qq >"$log" 2>&1 \
        || ! as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --quiet --no-install-recommends "${absent[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install ${absent[*]}"
    fi
    rm -f "$log"
}

# What the Swift package itself is built with.
# shellcheck disable=SC2034  # for those who source this file
build_packages=(zlib1g-dev libzstd-dev libsqlite3-dev ca-certificates)

# require_swift: makes sure that `swift` is there and new enough for Package.swift.
require_swift() {
    local folder=/opt/swift/usr/bin version
    if ! command -v swift >/dev/null && [[ -x $folder/swift ]]; then
        export PATH=$folder:$PATH
    fi
    if ! command -v swift >/dev/null; then
        die "Swift 6.2 or newer is needed, and there is none on PATH or in $folder;" \
            "get it from https://www.swift.org/install, unpack it, and put its usr/bin on PATH"
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
    if [[ ! $version =~ ^([0-9]+)\.([0-9]+)$ ]]; then
        die "$(command -v swift) does not tell its version; Swift 6.2 or newer is needed"
    fi
    if ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 6002)); then
        die "Swift 6.2 or newer is needed, and $(command -v swift) is $version;" \
            "get a newer one from https://www.swift.org/install, and put its usr/bin first on PATH"
    fi
}

# How the program is linked for release: with the Swift library in it, so that it runs where there is no Swift, and
# without symbols.
release_flags=(--static-swift-stdlib -Xlinker -s)

# build_release ROOT: builds the program of that checkout for release; what the build says is kept.
build_release() {
    local log=$1/.build/serve-build.log
    mkdir -p "$1/.build"
    if [[ -x $1/.build/release/berth ]]; then
        say "building…"
    else
        say "building (the first time takes some minutes)…"
    fi
    if ! swift build --package-path "$1" --configuration release "${release_flags[@]}" --product berth \
        >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "the build failed; above is the end of $log"
    fi
}

# python_clients: prints the folder with the Python packages of python-clients.txt, for PYTHONPATH. What is not there yet
# is fetched from PyPI into a cache folder, once for each list and each Python.
python_clients() {
    local list cache key root scratch
    list=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/python-clients.txt
    cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/berth
    # One of the packages is compiled, for one Python and one architecture.
    key=$({ cat "$list"; python3 --version; uname -m; } | sha256sum)
    root=$cache/python-clients-${key:0:12}
    if [[ ! -d $root ]]; then
        say "fetching Python packages (40 MB) from PyPI into $root"
        mkdir -p "$cache"
        scratch=$(mktemp -d "$cache/fetch.XXXXXX")
        # A virtual environment brings its own pip. It is given up again: only the packages' files are kept.
        if ! python3 -m venv "$scratch/venv" >"$scratch/log" 2>&1 \
            || ! "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
                --target "$scratch/packages" --requirement "$list" >>"$scratch/log" 2>&1; then
            tail -n 20 "$scratch/log" >&2
            rm -rf "$scratch"
            die "the Python clients could not be fetched"
        fi
        # Renamed into place only when whole; another run may have been faster.
        if ! mv -T "$scratch/packages" "$root" 2>/dev/null && [[ ! -d $root ]]; then
            rm -rf "$scratch"
            die "$root is in the way; remove it"
        fi
        rm -rf "$scratch"
    fi
    printf '%s\n' "$root"
}

# static_executable FOLDER: makes a small static program there, and prints its path.
static_executable() {
    printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' >"$1/program.c"
    gcc -static -O1 -o "$1/program" "$1/program.c"
    printf '%s\n' "$1/program"
}
