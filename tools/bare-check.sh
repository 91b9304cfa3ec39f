# Runs inside the bare root of `tools/dev bare`: the demo twice, then what a person does with it.
# shellcheck shell=bash
set -euo pipefail
cd /src
fail() {
    echo "NOT WELL: $*" >&2
    exit 1
}
nothing_left() {
    local left
    left=$(grep -lE 'codez|claude|fake-api' /proc/[0-9]*/cmdline 2>/dev/null | grep -vE "/proc/($$|self)/" | xargs -r -n 1 cat 2>/dev/null | tr '\0' ' ' || true)
    [ -z "$left" ] || fail "processes are left: $left"
}
data=/root/.local/state/codez-up-demo

echo "== first start: installs and builds everything"
SECONDS=0
./tools/up --demo --once
echo "== first start took $SECONDS s"
[ -s "$data"/work/hello/hello.txt ] || fail "the session's file does not exist"
nothing_left

echo "== second start: keeps the session, ends on Ctrl-C"
SECONDS=0
set -m # a job of its own, else it would ignore Ctrl-C
./tools/up --demo >/tmp/up.out 2>&1 &
up=$!
set +m
until grep -q 'Ctrl-C ends it' /tmp/up.out; do
    kill -0 $up 2>/dev/null || { cat /tmp/up.out; fail "the second start ended"; }
    [ $SECONDS -lt 120 ] || fail "the second start took too long"
    sleep 0.2
done
echo "== second start took $SECONDS s"
grep -q 'kept from before: [1-9]' /tmp/up.out || fail "the second start does not know the first one's session"

echo "== the printed client configuration, pasted"
claude=$(echo /root/.cache/codez/claude-*/node_modules/@anthropic-ai/claude-code-linux-*/claude)
claude() { "$claude" "$@"; }
eval "$(sed -n 's/^  \(claude mcp add .*\)/\1/p' /tmp/up.out)"
claude mcp get codez | grep -i connected || fail "the pasted configuration does not connect"

kill -INT $up
wait $up || fail "tools/up did not end well"
nothing_left
echo "== all well"
