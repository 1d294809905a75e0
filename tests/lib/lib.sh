# SPDX-License-Identifier: GPL-2.0
# What every test script sources: test points, topology, daemon, traffic.
# shellcheck shell=bash
set -u

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$tests/../build/bin

if [ "$(hostname)" != guest ]; then
	echo "Bail out!  ${0##*/} needs a virtual machine: tests/run-tests ${0##*/}"
	exit 1
fi
. "$tests/lib/tap.sh"
. "$tests/lib/topology.sh"
. "$tests/lib/traffic.sh"
. "$tests/lib/daemon.sh"
