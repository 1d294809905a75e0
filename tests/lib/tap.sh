# SPDX-License-Identifier: GPL-2.0
# Test points in the Test Anything Protocol, bounded waiting, and cleaning up;
# sourced by lib.sh, and by tests that need no virtual machine.
# shellcheck shell=bash
set -u

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(realpath "$tests/../build/bin")
helpers=${bin%/*}/helpers
tap_points=0 tap_failures=0 tap_ended='' tap_started=$EPOCHREALTIME
tap_cleanups=()
work=$(mktemp -d /tmp/rewire-test.XXXXXX) || exit 1

# Clean-ups run in the reverse order when the test ends, however it ends.
at_exit() {
	tap_cleanups=("$*" "${tap_cleanups[@]}")
}

tap_clean_up() {
	local command

	for command in "${tap_cleanups[@]}"; do
		eval "$command"
	done > /dev/null 2>&1
	tap_cleanups=()
}

tap_exit() {
	local status=$?

	trap - EXIT
	tap_clean_up
	rm -rf "$work"
	[ -n "$tap_ended" ] || echo "Bail out!  ${0##*/} ended before its last test point (status $status)"
	[ -n "$tap_ended" ] && [ "$tap_failures" = 0 ]
	exit $?		# without it, the status from before the trap counts
}
trap tap_exit EXIT
trap 'exit 130' INT TERM

note() {
	local text="$*"

	printf '# %s\n' "${text//$'\n'/$'\n# '}"
}

tap_point() {
	local now=$EPOCHREALTIME millis

	tap_points=$((tap_points + 1))
	millis=$(((${now/./} - ${tap_started/./}) / 1000))
	printf '%s %d - %s (%d.%d s)\n' "$1" "$tap_points" "$2" $((millis / 1000)) $((millis % 1000 / 100))
	tap_started=$EPOCHREALTIME
}

# lacking NAME: what this kernel has not got. Only kernels built for tests may do without.
lacking() {
	case ${KERNEL:-} in
	fast | debug) tap_point ok "$1 # SKIP kernel $KERNEL has none" ;;
	*) not_ok "$1" "kernel ${KERNEL:-} should have it" ;;
	esac
}

ok() {
	tap_point ok "$1"
}

# not_ok NAME DIAGNOSTICS...
not_ok() {
	tap_failures=$((tap_failures + 1))
	tap_point 'not ok' "$1"
	shift
	[ $# = 0 ] || note "$(printf '%s\n' "$@")"
}

# check NAME COMMAND...: the command must succeed.
check() {
	local name=$1 status
	shift
	if "$@" > "$work/output" 2>&1; then
		ok "$name"
	else
		status=$?
		not_ok "$name" "status $status of: $*" "$(tail -n 30 "$work/output")"
	fi
}

# refuse NAME STATUS REGEX COMMAND...: the command must fail with this status and
# say a sentence that matches.
refuse() {
	local name=$1 wanted=$2 regex=$3 status
	shift 3
	"$@" > "$work/output" 2>&1
	status=$?
	if [ $status = "$wanted" ] && grep -qE -- "$regex" "$work/output"; then
		ok "$name"
	else
		not_ok "$name" "status $status (wanted $wanted, with '$regex') of: $*" \
			"$(tail -n 30 "$work/output")"
	fi
}

# equal NAME GOT WANTED
equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:    $2" "wanted: $3"
	fi
}

# match NAME GOT REGEX
match() {
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" "got: $2" "wanted a match of: $3"
	fi
}

# A word that is misspelt is no test that was passed.
command_not_found_handle() {
	echo "not ok - there is no command $1"
	return 127
}

# wait_for SECONDS COMMAND...: until the command succeeds, but not for ever.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -le "$deadline" ] || return 1
		sleep 0.1
	done
}

# The last command of a test: nothing after it, so a test that dies has no plan.
test_end() {
	tap_clean_up
	if [ -e /sys/module/rewire ]; then
		check "nothing of the module is left over" wait_for 30 no_objects
	fi
	echo "1..$tap_points"
	tap_ended=yes
	exit
}
