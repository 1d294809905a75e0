#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel must catch what it is there for: a module with one bug of each
# kind fails the run with the right report, and the same module without one passes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
module=$("$here/build-module" -d "$here/planted" debug) || { echo "Bail out! no module"; exit 1; }
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
count=0 failed=0

# check NAME BUG STATUS [REPORT [COMMAND]]
check() {
	local name=$1 bug=$2 status=$3 report=${4:-} command=${5:-true} result=ok got

	"$here/run" -k debug -t 120 -M "$module" -p "bug=$bug" -- sh -c "$command" > "$output" 2>&1
	got=$?
	[ "$got" = "$status" ] && cat "$output" <(echo) | grep -q -- "$report" || result="not ok"
	count=$((count + 1))
	echo "$result $count $name"
	if [ "$result" != ok ]; then
		failed=$((failed + 1))
		echo "# status $got, not $status, or no report of: $report"
		tail -30 "$output" | sed 's/^/# /'
	fi
}

echo "TAP version 13"
echo "1..6"
check "no bug passes" none 0
check "use after free is caught" uaf 1 "BUG: KASAN: slab-use-after-free in .*planted"
check "lock inversion is caught" lockinv 1 "possible circular locking dependency"
check "leak is caught" leak 1 "unreferenced object.*size 64"
check "what is lost with the module is caught" late 1 "unreferenced object.*size 64"
check "a leak detector that is off is no good news" leak 125 "leak detector disabled" \
	"echo off > /sys/kernel/debug/kmemleak; sleep 1"
[ "$failed" = 0 ]
