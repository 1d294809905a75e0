#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel's own unit test framework says of the parts that need no packets:
# a module that runs its suites when it is loaded.
. "$(dirname "$0")/lib/lib.sh"

suites=/sys/kernel/debug/kunit
module=$tests/../build/module/$KERNEL/rewire/rewire_kunit.ko

if [ ! -d $suites ] && [ "$KERNEL" != debug ]; then
	echo "ok 1 - unit tests in the kernel # SKIP kernel $KERNEL has no KUnit"
	echo "1..1"
	tap_ended=yes
	exit
fi

# Suites that did not run by themselves are told to.
run_suite() {
	grep -q "^    ok\|^    not ok" "$1/results" || echo run > "$1/run"
}

# The results of one suite: its cases are indented by four.
cases() {
	local result name log

	run_suite "$1"
	log=$(grep -E '^ +#' "$1/results")
	while read -r result name; do
		if [ "$result" = ok ]; then
			ok "$name"
		else
			not_ok "$name" "$log"
		fi
	done < <(sed -nE "s/^    (not )?ok [0-9]+ ([^ ]+).*/\1ok ${1##*/}:\2/p" "$1/results" |
		sed 's/^not ok/not_ok/')
}

check "the module of unit tests is loaded" insmod "$module"
for suite in $suites/rewire_*; do
	cases "$suite"
done
check "and unloaded" rmmod rewire_kunit
check "there were many" test $tap_points -gt 20
test_end
