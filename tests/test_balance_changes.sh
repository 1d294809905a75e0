#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What becomes of connections, live and new ones, when backends come and go.
. "$(dirname "$0")/lib/lib.sh"

clients=${REWIRE_TEST_CLIENTS:-100}	# at a time
flows=${REWIRE_TEST_FLOWS:-2000}
curls=10				# each has its part of the clients

# A third backend, beside those of the usual network.
add_b3() {
	namespaces+=" b3"
	ip netns add b3 &&
	{ guest_link b3 b3; guest_address b3 10.1.0 fd00:30 13; } | ip -n host -batch - &&
	set_up_guest b3 10.1.0 fd00:30 13 &&
	rewire attach add dev b3 vni 30
}

# client_address NUMBER
client_address() {
	echo "198.18.$(($1 / 250)).$((1 + $1 % 250))"
}

# wishes FIRST PATH: a configuration of curl, for a part of the clients
wishes() {
	local client

	for ((client = $1; client < clients; client += curls)); do
		[ "$client" = "$1" ] || echo next
		printf '%s\n' "url = \"http://$web4/$2\"" "interface = \"$(client_address "$client")\"" \
			silent show-error http1.0 "connect-timeout = 60" "max-time = 500"
	done
}

# wave NAME PATH: each client asks, all at once
wave() {
	local first pids=()

	for ((first = 0; first < curls; first++)); do
		wishes $first "$2" > "$work/$1.$first.wishes"
		in_ns out curl --no-progress-meter --parallel --parallel-immediate --parallel-max "$clients" \
			--config "$work/$1.$first.wishes" > "$work/$1.$first" 2> "$work/$1.$first.err" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# answers NAME: each client's address and its backend
answers() {
	cat "$work/$1".? | awk '/^b[123] / { print $2, $1 }' | sort
}

# answered NAME: how many clients
answered() {
	answers "$1" | cut -d ' ' -f 1 | uniq | wc -l
}

# pairs NAME NAME: how many clients had which two backends
pairs() {
	join <(answers "$1") <(answers "$2") | cut -d ' ' -f 2- | sort | uniq -c | awk '{ print $2 $3 ":" $1 }' | xargs
}

# backends NAME: who has answered
backends() {
	answers "$1" | cut -d ' ' -f 2 | sort -u | xargs
}

# targets PORT: of each flow to it, by its client
targets() {
	flows "[.[] | select(.orig.dport == $1) | [.orig.src, .orig.sport, .target]] | sort[]"
}

established() {
	[ "$(rewire -j flow count policy 3 state established | jq .flows)" = "$1" ]
}

# A backend drains and another comes while all clients are at it.
drains_under_load() {
	local before client during

	write_config '.services[2].destination = { scheduler: "round-robin", affinity: 600 }'
	start_rewired && add_b3 || exit 1
	for ((client = 0; client < clients; client++)); do
		echo "address add $(client_address $client)/32 dev eth0"
	done | ip -n out -batch -
	ip -n host route add 198.18.0.0/15 via 198.51.100.9
	for backend in b1 b2 b3; do
		start_http $backend 8080 "$work/gate" || exit 1
	done
	wave first held &
	check "$clients clients have a connection at a time" wait_for 120 established "$clients"
	before=$(targets 80)
	write_config '.services[2].destination = { scheduler: "round-robin", affinity: 600 } |
		.services[2].backends[0].state = "draining" | .services[2].backends += [
			{ name: "b3", id: 33, vni: 30, addresses: ["10.1.0.13", "fd00:30::13"], port: 8080 }]'
	wave during whoami & during=$!
	check "one of two backends drains, and another is added" rewire apply "$config"
	wait $during
	equal "of as many connections that begin just then none fails" "$(answered during)" "$clients"
	wave second whoami
	wave third whoami
	equal "nor of as many that begin then, or after" "$(answered second) $(answered third)" "$clients $clients"
	equal "they reach the one that stayed and the one that came" "$(backends second)" "b2 b3"
	note "second and third: $(pairs second third)"
	match "a client keeps to its backend" "$(pairs second third)" "^b2b2:[0-9]+ b3b3:[0-9]+$"
	equal "no live connection has moved" \
		"$(comm -23 <(sort <<< "$before") <(targets 80 | sort) | wc -l)" 0
	touch "$work/gate.open"
	wait
	equal "and none has failed" "$(answered first)" "$clients"
	equal "they were of the two backends of before" "$(backends first)" "b1 b2"
	match "clients of the one that stayed have stayed" "$(pairs first second)" "^(b1b2:[0-9]+ )?(b1b3:[0-9]+ )?b2b2:[0-9]+$"
	equal "and what has chosen since stays, too" "$(pairs during second | grep -oE 'b2b3|b3b2')" ""
	equal "nothing went wrong" "$(cat "$work"/*.err)" ""
	stop_rewired
	rewire flow flush
}

# A datagram from each of the outside's ports; whether all have a flow.
send_once() {
	send_from out 20000 $((20000 + flows - 1)) "$web4" 53
	wait_for 3 eval '[ "$(rewire -j flow count policy 4 | jq .flows)" = "$flows" ]'
}

# A busy machine may be too late for some, which are lost.
send() {
	wait_for 60 send_once
}

# No flow is left, nor the memory of one: what comes is decided anew.
forget() {
	rewire flow flush
	looks_again
}

# use COUNT [WITHOUT]: as many equal backends; of the other service the first stays away
use() {
	write_config ".services[2].backends |= [.[1]] | .services[3].destination.scheduler = \"${scheduler:-maglev}\" |
		.services[3].backends = [range($1) | select(. != ${2:--1}) |
			{ name: \"b\(.)\", id: (400 + .), vni: 30, addresses: [\"10.1.0.\(20 + .)\"] }]"
}

# moved BEFORE AFTER
moved() {
	comm -23 <(sort <<< "$1") <(sort <<< "$2") | wc -l
}

# few NAME MOVED SHARES: of new flows at most 1.2 times the share that has to move
few() {
	note "$2 of $flows moved; ideally $((flows / $3))"
	check "$1" test $(($2 * 10)) -le $((flows * 12 / $3))
	check "though not much less" test $(($2 * 10)) -ge $((flows * 7 / $3))
}

# changes WHAT SHARES USE-ARGUMENT...: from ten backends, and back
changes() {
	local what=$1 shares=$2
	shift 2

	use "$@"
	rewire apply "$config" > /dev/null
	send
	equal "when $what, no live flow moves" "$(moved "$before" "$(targets 53)")" 0
	forget
	send
	few "of new flows at most 1.2 times the share moves" "$(moved "$before" "$(targets 53)")" "$shares"
	use 10
	rewire apply "$config" > /dev/null
	forget
	send
	equal "and when that is taken back, all are as before" "$(moved "$before" "$(targets 53)")" 0
}

# target_state ID: or nothing
target_state() {
	rewire -j target show | jq -r --argjson id "$1" '.[] | select(.id == $id) | .state'
}

# A backend leaves the configuration under a connection.
removed_under_a_connection() {
	write_config '.services[2].backends |= [.[1]]'
	start_rewired
	rewire target del id 31
	rewire save "$work/before" 2> /dev/null
	rewire target set id 77 state draining
	write_config '.services[2].backends |= [.[0]]'
	rewire apply "$config" > /dev/null
	hold_connection r out "$web4"
	match "a connection has a backend" "$(ask_on r)" "^b1 "
	write_config '.services[2].backends |= [.[1]]'
	check "which leaves the configuration, and another comes" rewire apply "$config"
	match "the connection goes on" "$(ask_on r)" "^b1 "
	match "new ones go to the other" "$(fetch out "$web4" whoami)" "^b2 "
	equal "the target drains" "$(target_state 31)" draining
	equal "as the daemon knows" "$(rewire -j daemon show | jq -c .retired)" "[31]"
	looks_again
	match "for as long as the connection is there" "$(target_state 31) $(ask_on r)" "^draining b1 "
	check "and it stays when what was saved before is restored" rewire restore "$work/before"
	match "with its connection" "$(target_state 31) $(ask_on r)" "^draining b1 "
	equal "though what nobody retired does not" "$(target_state 77)" ""
	rewire target set id 77 state draining
	release_connection r
	rewire flow flush
	looks_again
	equal "without it, too, for half a minute, in which it might be restored" "$(target_state 31)" draining
}

removed_is_deleted() {
	check "half a minute after its last flow the target is deleted" wait_for 90 eval '[ -z "$(target_state 31)" ]'
	equal "those of others are not" "$(target_state 32) $(target_state 77)" "active draining"
}

ten_backends() {
	local n before

	for ((n = 0; n < 11; n++)); do
		ip -n host route add 10.1.0.$((20 + n))/32 dev b1
		ip -n b1 address add 10.1.0.$((20 + n))/32 dev eth0
	done
	use 10
	rewire apply "$config" > /dev/null
	rewire flow flush
	check "$flows flows go to ten backends" send
	before=$(targets 53)
	changes "an eleventh is added" 11 11
	changes "one of ten is removed" 10 10 1
}

rewired_options=(--period 300)
topology && attach_all || exit 1
drains_under_load
removed_under_a_connection
ten_backends
removed_is_deleted
test_end
