#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test bed itself: a command's status and output come through as they are, and
# no run passes when the guest, its kernel or the module failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kernel=${KERNEL:-6.1}
module=$("$here/build-module" -d "$here/planted" "$kernel") || { echo "Bail out! no module"; exit 1; }
output=$(mktemp -d) || exit 1
trap 'rm -rf "$output"' EXIT
count=0 failed=0

# check NAME STATUS STDOUT STDERR-PATTERN OPTION... -- COMMAND...
check() {
	local name=$1 status=$2 stdout=$3 stderr=$4 result=ok got
	shift 4

	"$here/run" -k "$kernel" -t 120 ${module:+-M "$module"} "$@" > "$output/stdout" 2> "$output/stderr"
	got=$?
	[ "$got" = "$status" ] && [ "$(< "$output/stdout")" = "$stdout" ] &&
		cat "$output/stderr" <(echo) | grep -q -- "$stderr" || result="not ok"
	count=$((count + 1))
	echo "$result $count $name"
	if [ "$result" != ok ]; then
		failed=$((failed + 1))
		echo "# status $got, not $status, or other output than wanted"
		tail -n 20 "$output/stdout" "$output/stderr" | sed 's/^/# /'
	fi
}

# planted NAME WHAT OUTPUT: a test that says it is content
planted() {
	check "$2 is a failed point" 0 "not ok - vm/planted/$1.sh$3" "" \
		-- sh -c "'$here/../run-tests' --inside vm/planted/$1.sh | grep '^not ok'"
}

echo "TAP version 13"
echo "1..12"
check "status, output and working folder come through" 7 "$PWD" "^error$" \
	-- sh -c 'pwd; echo error >&2; exit 7'
check "the guest has the module, modules of its own and a writable root" 0 planted "" \
	-- sh -c 'modprobe veth && grep -q . /proc/version && touch /usr/here && lsmod | grep -o "^planted"'
check "a warning of the kernel fails the run" 1 "" "WARNING: .*planted" -p bug=warn -- true
check "leaked objects fail the run" 1 "" "rewire: .*leaked" -p bug=report -- true
check "a module that stays fails the run" 125 "" "cannot unload planted" -p bug=busy -- true
check "a module that does not load fails the run" 125 "" "cannot load" -p bug=unknown -- echo ran
module='' check "a guest without a module ends well" 0 "" "" -n -- test ! -e /sys/module/rewire
check "a run that takes too long is ended" 124 begun "after 30 seconds" \
	-t 30 -- sh -c 'echo begun; exec sleep 1000'
planted dies "a program that a signal has ended" ": sh.11 did not end by itself"
planted ends "a test that ends early" " did not get to its end: 2 points planned, 1 seen"
planted plans "a test without a number of points" " did not get to its end: no number of points planned, 1 seen"
planted fails "a test that fails without one" " ended with status 3"
[ "$failed" = 0 ]
