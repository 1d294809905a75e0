#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What becomes of connections, live and new ones, when backends come and go.
. "$(dirname "$0")/lib/lib.sh"

connections=${REWIRE_TEST_CONNECTIONS:-100}	# at a time
flows=${REWIRE_TEST_FLOWS:-2000}
clients=10
each=$((connections / clients))

# A third backend, beside those of the usual network.
add_b3() {
	namespaces+=" b3"
	ip netns add b3 &&
	{ guest_link b3 b3; guest_address b3 10.1.0 fd00:30 13; } | ip -n host -batch - &&
	set_up_guest b3 10.1.0 fd00:30 13 &&
	rewire attach add dev b3 vni 30
}

# wave NAME PATH: each client asks as often as its connections allow, all at once
wave() {
	local client n urls pids=()

	for ((client = 0; client < clients; client++)); do
		urls=$(for ((n = 0; n < each; n++)); do printf 'url = "http://%s/%s"\n' "$web4" "$2"; done)
		in_ns out curl -sS --interface "198.51.100.$((100 + client))" --no-progress-meter -0 \
			--parallel --parallel-immediate --parallel-max $each --connect-timeout 60 \
			--max-time 500 --config - <<< "$urls" > "$work/$1.$client" 2> "$work/$1.$client.err" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# answers NAME: how many, of all clients
answers() {
	cat "$work/$1".? | grep -cE '^b[123] '
}

# kept NAME: how many clients have answers of one backend alone
kept() {
	local client

	for ((client = 0; client < clients; client++)); do
		cut -d ' ' -f 1 "$work/$1.$client" | sort -u | xargs
	done | grep -cx 'b[123]'
}

# backends NAME: who has answered
backends() {
	cut -d ' ' -f 1 "$work/$1".? | sort -u | xargs
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
		echo "address add 198.51.100.$((100 + client))/24 dev eth0"
	done | ip -n out -batch -
	for backend in b1 b2 b3; do
		start_http $backend 8080 "$work/gate" || exit 1
	done
	wave first held &
	check "$connections connections of $clients clients are there at a time" \
		wait_for 120 established $((each * clients))
	before=$(targets 80)
	write_config '.services[2].destination = { scheduler: "round-robin", affinity: 600 } |
		.services[2].backends[0].state = "draining" | .services[2].backends += [
			{ name: "b3", id: 33, vni: 30, addresses: ["10.1.0.13", "fd00:30::13"], port: 8080 }]'
	wave during whoami & during=$!
	check "one of two backends drains, and another is added" rewire apply "$config"
	wait $during
	equal "of as many that begin just then none fails" "$(answers during)" $((each * clients))
	wave second whoami
	equal "no new connection of as many fails" "$(answers second)" $((each * clients))
	equal "they reach the one that stayed and the one that came" "$(backends second)" "b2 b3"
	equal "those of a client, one backend" "$(kept second)" $clients
	equal "no live connection has moved" \
		"$(comm -23 <(sort <<< "$before") <(targets 80 | sort) | wc -l)" 0
	touch "$work/gate.open"
	wait
	equal "and none has failed" "$(answers first)" $((each * clients))
	equal "they were of the two backends of before" "$(backends first)" "b1 b2"
	equal "those of a client, of one" "$(kept first)" $clients
	equal "clients of the one that stayed have stayed" \
		"$(for ((client = 0; client < clients; client++)); do
			paste -d ' ' <(cut -d ' ' -f 1 "$work/first.$client") <(cut -d ' ' -f 1 "$work/second.$client")
		done | grep -c '^b2 b3')" 0
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

looks() {
	rewire -j daemon show | jq .looks
}

looks_again() {
	local before

	before=$(looks)
	wait_for 60 eval "[ \"\$(looks)\" -gt $((before + 1)) ]"
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
