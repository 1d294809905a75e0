# SPDX-License-Identifier: GPL-2.0
# What every test script that needs the module sources.
# shellcheck shell=bash

if [ "$(hostname)" != guest ]; then
	echo "Bail out!  ${0##*/} needs a virtual machine: tests/run-tests ${0##*/}"
	exit 1
fi
. "${BASH_SOURCE[0]%/*}/tap.sh"
. "$tests/lib/topology.sh"
. "$tests/lib/traffic.sh"
. "$tests/lib/daemon.sh"

# While somebody reads a list of flows, which the daemon does now and then, the module is in use.
unload_module() {
	wait_for 20 rmmod rewire
}
