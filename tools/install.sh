# Installs what the other tools need, only what is missing. To be sourced, with $top set to the project's directory.
# shellcheck shell=bash
: "${top:?}"

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages GROUP...: the groups of tools/packages.
need_packages() {
    local group name missing=()
    command -v dpkg-query >/dev/null || {
        say "This is not Debian: install the packages of tools/packages (groups: $*) yourself if the build misses one."
        return 0
    }
    for group in "$@"; do
        while read -r name; do
            [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
        done < <(sed -n "s/^$group  *//p" "$top/tools/packages" | tr ' ' '\n')
    done
    [ ${#missing[@]} = 0 ] && return 0
    say "Installing ${missing[*]}"
    install_packages "${missing[@]}" && return 0
    # The package lists are old or were never fetched.
    as_root apt-get update -q >&2 || die "apt-get update failed: is there a way to Debian's packages?"
    install_packages "${missing[@]}" || die "These packages could not be installed: ${missing[*]}"
}

install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 </dev/null
}

# Any Node that runs npm: the tests use the one that npm brings, see test_node.
need_npm() {
    if ! { command -v node && command -v npm; } >/dev/null; then need_packages node; fi
}

# The clients that the tests use, as locked in tests/interop.
need_interop() {
    need_npm
    local dir=$top/tests/interop
    if [ ! -e "$dir/node_modules/.package-lock.json" ] || [ "$dir/package-lock.json" -nt "$dir/node_modules/.package-lock.json" ]; then
        say "Installing the tests' npm packages"
        (cd "$dir" && npm ci --no-progress --loglevel=error >&2 && touch node_modules/.package-lock.json) ||
            die "npm ci failed in tests/interop"
    fi
}

# Node 24 out of tests/interop.
test_node() {
    local node
    node=$top/tests/interop/node_modules/node-linux-$(npm_architecture)/bin/node
    [ -x "$node" ] && { printf '%s' "$node"; return; }
    die "tests/interop has no Node for this machine: run npm ci there and look at what it says."
}

# The claude program under a directory where npm installed it.
claude_in() { printf '%s' "$1/node_modules/@anthropic-ai/claude-code-linux-$(npm_architecture)/claude"; }

npm_architecture() {
    case $(uname -m) in
        x86_64) printf x64 ;;
        aarch64) printf arm64 ;;
        *) die "CodeZ runs on x86-64 and arm64, this is $(uname -m)." ;;
    esac
}

# The claude program: $CLAUDE_BIN, the PATH, the tests' own, else it is installed by npm into the user's cache.
need_claude() {
    local version cache dir
    if [ -n "${CLAUDE_BIN:-}" ]; then
        [ -x "$CLAUDE_BIN" ] || die "CLAUDE_BIN is $CLAUDE_BIN, but there is no program."
        printf '%s' "$CLAUDE_BIN"
        return
    fi
    command -v claude && return
    version=$(sed -n 's/.*"@anthropic-ai\/claude-code-linux-x64": "\(.*\)".*/\1/p' "$top/tests/interop/package.json")
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/codez/claude-$version
    for dir in "$top/tests/interop" "$cache"; do
        [ -x "$(claude_in "$dir")" ] && { claude_in "$dir"; return; }
    done
    need_npm
    say "Installing Claude Code $version into $cache"
    mkdir -p "$cache"
    npm install --prefix "$cache" --ignore-scripts --no-progress --loglevel=error "@anthropic-ai/claude-code-linux-$(npm_architecture)@$version" >&2 ||
        die "npm could not install Claude Code. Install it yourself and set CLAUDE_BIN."
    claude_in "$cache"
}

# build PRESET [TARGET...]: configures when needed, builds what changed.
build() {
    local preset=$1 dir=$top/build/$1
    shift
    # A build tree remembers the directory it was made for; a copied one must be made anew.
    if [ -e "$dir/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$top" "$dir/CMakeCache.txt"; then rm -rf "$dir"; fi
    if [ ! -e "$dir/build.ninja" ]; then (cd "$top" && cmake --preset "$preset" >&2) || die "CMake could not configure the build."; fi
    (cd "$top" && cmake --build --preset "$preset" ${1:+--target "$@"} >&2) || die "The build failed."
}
