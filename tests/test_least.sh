#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Least connections: new flows go by the flows that the kernel has (S1.7).
. "$(dirname "$0")/lib/lib.sh"

least='.services[2].destination.scheduler = "least"'

# connect NAME FIRST COUNT: connections of the outside from these ports, which stay until they are closed
connect() {
	rm -f "$work/$1.up"
	in_ns out /usr/bin/python3 - "$web4" "$2" "$3" "$work/$1.up" <<-'END' &
		import os, socket, sys, time
		address, first, count, up = sys.argv[1:]
		sockets = []
		for port in range(int(first), int(first) + int(count)):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("", port))
		    s.settimeout(20)
		    s.connect((address, 80))
		    sockets.append(s)
		with open(up, "w") as file:
		    print(os.getpid(), file=file)
		time.sleep(600)
	END
	disown
	wait_for 60 test -s "$work/$1.up"
}

close_all() {
	kill "$(< "$work/$1.up")"
	wait_for 10 eval "! kill -0 $(< "$work/$1.up")"
} 2>/dev/null

# shares FIRST COUNT: how many of the connections from these ports each backend has
shares() {
	flows "[.[] | select(.orig.dport == 80 and .orig.sport >= $1 and .orig.sport < $1 + $2) | .target] |
		[(map(select(. == 31)) | length), (map(select(. == 32)) | length)]"
}

# by_hand FIRST COUNT BACKEND: flows that the daemon did not decide
by_hand() {
	local port

	for ((port = $1; port < $1 + $2; port++)); do
		echo "flow add vni 0 protocol tcp src $out4:$port dst $web4:80 to vni 30 dst 10.1.0.1$(($3 % 10)):8080 target $3"
	done | rewire -batch -
}

balance_follows() {
	rewire backend set id 32 state draining
	connect few 19990 10
	connect long 20000 90
	equal "100 connections have only one backend to go to" "$(shares 19990 100)" "[100,0]"
	rewire backend set id 32 state active
	connect more 21000 40
	equal "S1.7: those that come then go to the other one, which has none" "$(shares 21000 40)" "[0,40]"
	close_all long
	looks_again
	check "their flows are there for some time after their end" test "$(flows '[.[] | select(.target == 31)] | length')" -ge 100
	connect again 22000 20
	equal "S1.7: two periods after 90 of the first one's have ended, new ones go there" "$(shares 22000 20)" "[20,0]"
	close_all few
	close_all more
	close_all again
	rewire flow flush
}

# Flows by other hands are known from the kernel alone: the negative control is a daemon that does not look.
frozen_does_not() {
	local options=("${rewired_options[@]}")

	stop_rewired
	start_rewired
	by_hand 30000 40 31
	looks_again
	connect known 23000 30
	equal "S1.7: flows that the daemon has not decided count, too" "$(shares 23000 30)" "[0,30]"
	close_all known
	rewire flow flush
	stop_rewired
	rewired_options+=(--freeze)
	start_rewired
	by_hand 31000 40 31
	connect blind 24000 30
	equal "a daemon that looks at no flows spreads alike" "$(shares 24000 30)" "[15,15]"
	close_all blind
	stop_rewired
	rewire flow flush
	rewired_options=("${options[@]}")
}

# Between two looks what was decided counts: a burst does not go all to one backend.
burst_spreads() {
	rewired_options=(--period 600000)
	write_config "$least | .services[2].backends[1].weight = 2"
	start_rewired
	connect burst 25000 60
	equal "a burst between two looks spreads by weight" "$(shares 25000 60)" "[20,40]"
	close_all burst
	stop_rewired
}

rewired_options=(--period 300)
set_up "$least"
for backend in b1 b2; do
	start_http $backend 8080 || exit 1
done
balance_follows
frozen_does_not
burst_spreads
note "$(< "$work/rewired.log")"
test_end
