#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The daemon follows the flows that the kernel has, and decides by them.
. "$(dirname "$0")/lib/lib.sh"

# used PROTOCOL: ports in use of all pools
used() {
	rewire -j pool show | jq "[.[].addresses[].$1.used] | add"
}

used_is() {
	[ "$(used "$1")" = "$2" ]
}

# python [ARGUMENT...]: a program from standard input, in the host's namespace
python() {
	in_ns host env PYTHONPATH="$tests/lib" /usr/bin/python3 - "$@"
}

# S3.10: ends are read from the log, not found missing in lists.
log_is_followed() {
	local lists

	lists=$(status lists)
	send_from t1 5000 5099
	check "100 flows have 100 ports" wait_for 60 used_is udp 100
	looks_again 2
	equal "which they keep while they are there" "$(used udp)" 100
	rewire flow flush protocol udp src 10.0.0.2:5000-5049
	check "S3.10: those that end give theirs back, without a message for each" wait_for 60 used_is udp 50
	looks_again 2
	equal "and the others keep theirs" "$(used udp)" 50
	equal "S1.12: none of this took a list of all flows" "$(status lists)" "$lists"
	rewire flow flush
	check "the rest gives back its ports, too" wait_for 60 used_is udp 0
}

# Of one moment: the daemon goes on looking.
each_look_is_a_list() {
	rewire -j daemon show | jq -e '.lists == .looks'
}

# Another process has the log: lists do, until it is gone.
without_the_log() {
	stop_rewired
	python "$work/reader" <<-'END' &
		import os, sys, time
		from netlink import Rewire, u32
		rewire = Rewire()
		rewire.command("CHANGE_GET", u32(Rewire.c["A_CHANGE_VERSION"], 1))
		with open(sys.argv[1], "w") as file:
		    print(os.getpid(), file=file)
		time.sleep(600)
	END
	reader=$!
	wait_for 20 test -s "$work/reader"
	start_rewired
	send_from t1 5100 5119
	looks_again 2
	check "while another process reads the log each look is a list" wait_for 5 each_look_is_a_list
	equal "which shows the same" "$(used udp)" 20
	rewire flow flush
	check "and what has ended" wait_for 60 used_is udp 0
	kill "$(< "$work/reader")"
	wait "$reader" 2>/dev/null
	looks_again 3
	lists=$(status lists)
	looks_again 2
	equal "when it is gone the log is enough again" "$(status lists)" "$lists"
}

# More changes than the log keeps, while the daemon rests.
overflow() {
	local flows=$((131072 + 4096))

	send_from t1 5200 5249
	looks_again 2
	kill -STOP "$rewired_pid"
	rewire flow flush
	python "$flows" <<-'END'
		import sys
		import flows
		from flows import Maker
		from netlink import Rewire
		flows.VNI, flows.OUTER = 10, 0
		rewire = Rewire()
		maker = Maker(rewire)
		for start in range(0, int(sys.argv[1]), 4096):
		    maker.make(range(start, start + 4096))
		    rewire.command("FLOW_FLUSH")
	END
	kill -CONT "$rewired_pid"
	check "a log that has overflowed is noticed" wait_for 200 more_than overflows 0
	check "and ports of flows whose ends got lost come back" wait_for 60 used_is udp 0
	looks_again	# the daemon rests for long after that
	send_from t1 5300 5309
	lists=$(status lists)
	looks_again 2
	equal "then the log does again" "$(used udp) $(status lists)" "10 $lists"
	rewire flow flush
	looks_again 2
	check "for ends, too" wait_for 300 used_is udp 0
}

rewired_options=(--period 300)
set_up
log_is_followed
without_the_log
overflow
note "$(rewire -j daemon show)"
note "$(< "$work/rewired.log")"
stop_rewired
test_end
