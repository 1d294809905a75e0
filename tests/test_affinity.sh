#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A client's connections go to one backend, for a time, unless that is taken out of service.
. "$(dirname "$0")/lib/lib.sh"

other4=198.51.100.10 other6=2001:db8:1::10
families=("4 $web4 $out4 $other4" "6 $web6 $out6 $other6")
sticky='.services[2].destination = { scheduler: "round-robin", affinity: 600, client6: 128 }'

# who VIRTUAL CLIENT: the backend that answers
who() {
	who_answers out "$1" 1 --interface "$2"
}

# several VIRTUAL CLIENT: who answers four connections
several() {
	who_answers out "$1" 4 --interface "$2"
}

clients() {
	status clients
}

# set_state BACKEND STATE
set_state() {
	rewire backend set id "3${1#b}" state "$2"
}

stays() {
	local family version web client other first second

	for family in "${families[@]}"; do
		read -r version web client other <<< "$family"
		first=$(who "$web" "$client")
		second=$(who "$web" "$other")
		equal "two clients have a backend each, by turns, IPv$version" \
			"$(printf '%s\n' "$first" "$second" | sort | xargs)" "b1 b2"
		equal "all connections of one go to its backend, IPv$version" \
			"$(several "$web" "$client")" "$first"
		equal "and those of the other to the other one, IPv$version" \
			"$(several "$web" "$other")" "$second"
	done
	equal "they are four clients" "$(clients)" 4
}

restarts() {
	local first

	first=$(who "$web4" "$out4")
	stop_rewired KILL
	start_rewired
	equal "a daemon that was killed and starts again learns the clients from their flows" \
		"$(clients)" 4
	equal "and a client's new connections go where its old ones went" \
		"$(several "$web4" "$out4")" "$first"
}

drains() {
	local first rest

	hold_connection old out "$web4"
	first=$(ask_on old | cut -d ' ' -f 1)
	set_state "$first" draining
	rest=$(several "$web4" "$out4")
	match "a draining backend's client goes elsewhere at once with new connections" \
		"$rest" "^b[12]\$"
	check "which is not the one that drains" [ "$rest" != "$first" ]
	match "its connection of before goes on" "$(ask_on old)" "^$first "
	set_state "$first" active
	equal "it stays where it has come to" "$(several "$web4" "$out4")" "$rest"
	match "and its old connection, which goes on, does not take it back" "$(ask_on old)" "^$first "
	equal "though the daemon has seen that" "$(several "$web4" "$out4")" "$rest"
	release_connection old
}

expires() {
	stop_rewired
	rewire flow flush
	write_config "$sticky | .services[2].destination.affinity = 8"
	start_rewired
	check "a connection makes a client" wait_for 60 eval 'who "$web4" "$out4"; [ "$(clients)" = 1 ]'
	check "that is forgotten when its time is over" wait_for 60 eval '[ "$(clients)" = 0 ]'
}

# The negative control: turns are taken connection by connection.
without() {
	stop_rewired
	write_config '.services[2].destination.scheduler = "round-robin"'
	start_rewired
	equal "without affinity a client's connections go to all backends" \
		"$(several "$web4" "$out4")" "b1 b2"
}

rewired_options=(--period 300)
set_up "$sticky"
ip -n out address add $other4/24 dev eth0 && ip -n out address add $other6/64 dev eth0 nodad
for backend in b1 b2; do
	start_http $backend 8080 || exit 1
done
stays
restarts
drains
expires
without
test_end
