#!/usr/bin/env bash
# Reviews a bundle in a repository, for CI: check, lint, test and prove it, and compare it with a base revision.
#
#   deploy/policy_review.sh BUNDLE [SUITES] [BASE] [FAIL_ON_DIFFERENCE]
#
# BUNDLE and SUITES are folders of the repository one stands in; without SUITES, the bundle's own are run, if it has any.
# BASE is a branch or a revision; without it nothing is compared. A difference fails only where the last word is `true`.
# REVIEW_OUTPUT (a folder; .kinguard-review without it) receives check.sarif or lint.sarif, and junit.xml, and
# GITHUB_STEP_SUMMARY, or summary.md there, what a reader should see.
set -uo pipefail

bundle=${1:?the folder of the bundle}
suites=${2:-}
base=${3:-}
fail_on_difference=${4:-false}
output=${REVIEW_OUTPUT:-.kinguard-review}
kinguard=$(cd "$(dirname "$0")" && pwd)/kinguard.sh
mkdir -p "$output"
rm -f "$output"/*.sarif
summary=${GITHUB_STEP_SUMMARY:-$output/summary.md}
failed=0

say() { # What was done, with which status; what it printed follows for whoever unfolds it.
    local what=$1 status=$2 text=$3 outcome="fine"
    if [ "$status" -ne 0 ]; then
        outcome="**needs a reader**"
        failed=1
    fi
    echo "$what: status $status"
    cat "$text"
    {
        echo "### \`policy $what\`: $outcome"
        echo
        echo "<details><summary>$(tail -n 1 "$text" | sed 's/&/\&amp;/g; s/</\&lt;/g')</summary>"
        echo
        echo '```text'
        cat "$text"
        echo '```'
        echo
        echo "</details>"
        echo
    } >>"$summary"
}

run() { # One command; its output is shown, and kept for the summary.
    local what=$1 status=0
    shift
    "$kinguard" policy "$what" --bundle "$bundle" "$@" >"$output/$what.txt" 2>&1 || status=$?
    say "$what" "$status" "$output/$what.txt"
    return "$status"
}

compare() { # Against the base: the revision as it is here, or as the remote has it.
    local revision= candidate status=0
    for candidate in "origin/$base" "$base"; do
        if git rev-parse --verify --quiet --end-of-options "$candidate^{commit}" >/dev/null; then
            revision=$candidate
            break
        fi
    done
    if [ -z "$revision" ] && git fetch --quiet --depth=1 origin "$base"; then
        revision=$(git rev-parse FETCH_HEAD)
    fi
    if [ -z "$revision" ]; then
        echo "there is no revision $base to compare with; fetch it, or name another" >"$output/diff.txt"
        say diff 2 "$output/diff.txt"
    elif ! git cat-file -e "$revision:$bundle" 2>/dev/null; then
        echo "$base has no folder $bundle: the bundle is new" | tee -a "$summary"
    else
        "$kinguard" policy diff "$revision:$bundle" "$bundle" --format markdown >"$output/diff.md" 2>"$output/diff.txt" || status=$?
        if [ "$status" -gt 1 ]; then
            say diff "$status" "$output/diff.txt"
        else
            cat "$output/diff.md"
            cat "$output/diff.md" >>"$summary"
            if [ "$status" -eq 1 ] && [ "$fail_on_difference" = true ]; then
                failed=1
            fi
        fi
    fi
}

if ! run check; then
    "$kinguard" policy check --bundle "$bundle" --format sarif >"$output/check.sarif" 2>/dev/null
else
    [ -n "$suites" ] || [ ! -d "$bundle/suites" ] || suites=$bundle/suites
    "$kinguard" policy lint --bundle "$bundle" ${suites:+--suites "$suites"} --format sarif >"$output/lint.sarif" 2>/dev/null
    [ -s "$output/lint.sarif" ] || rm "$output/lint.sarif"
    run lint ${suites:+--suites "$suites"}
    [ -z "$suites" ] || run test --suites "$suites" --junit "$output/junit.xml"
    run prove
    [ -z "$base" ] || compare
fi
if [ -n "${GITHUB_OUTPUT:-}" ] && [ -n "$(find "$output" -name '*.sarif')" ]; then
    echo "sarif=true" >>"$GITHUB_OUTPUT"
fi
exit "$failed"
