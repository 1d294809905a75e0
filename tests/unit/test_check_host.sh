#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What "make demo" and "make check" say where they cannot run.
. "$(dirname "$0")/../lib/tap.sh"

scripts=$(cd "$(dirname "$0")/../../scripts" && pwd)

# on NAME ID VERSION COMMAND...: on a machine that says it is this
on() {
	printf 'PRETTY_NAME="%s"\nID=%s\nVERSION_ID="%s"\n' "$1" "$2" "$3" > "$work/os-release"
	REWIRE_OS_RELEASE=$work/os-release "${@:4}"
}

# Without root, where this can be had
as_nobody() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

chmod 755 "$work"
[ "$(id -u)" != 0 ] || check "root on Debian 12 lacks nothing" \
	on "Debian GNU/Linux 12 (bookworm)" debian 12 "$scripts/check-host"
refuse "Debian 11 is named" 1 "needs Debian 12; this is Debian GNU/Linux 11" \
	on "Debian GNU/Linux 11 (bullseye)" debian 11 "$scripts/check-host"
refuse "Debian 13 is named" 1 "needs Debian 12; this is Debian GNU/Linux 13" \
	on "Debian GNU/Linux 13 (trixie)" debian 13 "$scripts/check-host"
refuse "another system is named" 1 "needs Debian 12; this is Ubuntu 24.04" \
	on "Ubuntu 24.04" ubuntu 24.04 "$scripts/check-host"
refuse "who is not root is told" 1 "needs root, to install packages" \
	on "Debian GNU/Linux 12 (bookworm)" debian 12 as_nobody bash < "$scripts/check-host"
test_end
