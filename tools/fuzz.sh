# Runs the fuzz targets (tests/fuzz). To be sourced after tools/install.sh.
# shellcheck shell=bash
: "${top:?}"

# fuzz SECONDS [NAME...]: each target for so long, as many at once as there are processors. New inputs that reach new code
# go to build/fuzz/corpus/NAME; those that fail to build/fuzz/failed. Copy what is worth keeping to tests/fuzz/corpus/NAME.
# $fuzz_seed: the same seed tries the same inputs in the same order, as far as the target itself repeats (sealing takes random
# bytes). That takes more than a seed: no random addresses, which comparisons of pointers would feed into the inputs, and a
# corpus in one order. Without it, each run tries others.
fuzz() {
    local seconds=$1 name names=()
    shift
    names=("$@")
    if [ ${#names[@]} = 0 ]; then
        for name in "$top"/tests/fuzz/corpus/*/; do names+=("$(basename "$name")"); done
    fi
    build fuzz "${names[@]/#/fuzz_}"
    mkdir -p "$top/build/fuzz/failed"
    # shellcheck disable=SC2016 # the inner shell's variables
    printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c '
        name=$1 top=$2
        mkdir -p "$top/build/fuzz/corpus/$name"
        log=$top/build/fuzz/$name.log
        run=() seeds=("$top/build/fuzz/corpus/$name" "$top/tests/fuzz/corpus/$name")
        if [ "$4" != 0 ]; then
            if setarch -R true 2>/dev/null; then run=(setarch -R); fi # some containers do not let it
            seeds=(-reload=0 -seed_inputs="$(printf "%s\n" "$top/tests/fuzz/corpus/$name"/* | LC_ALL=C sort | paste -sd,)")
        fi
        if "${run[@]}" "$top/build/fuzz/tests/fuzz/fuzz_$name" -seed="$4" -max_total_time="$3" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
            -print_final_stats=1 -artifact_prefix="$top/build/fuzz/failed/$name-" \
            "${seeds[@]}" >"$log" 2>&1; then
            runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$log")
            echo "fuzz $name: $runs runs, nothing found" >&2
        else
            tail -n 60 "$log" >&2
            echo "fuzz $name: FAILED, see build/fuzz/failed" >&2
            exit 1
        fi' - {} "$top" "$seconds" "${fuzz_seed:-0}"
}
