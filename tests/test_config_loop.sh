#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The stored configuration is put in force every period, at the same cost whatever has changed (H1).
. "$(dirname "$0")/lib/lib.sh"

loop() {
	rewire -j daemon show | jq ".loop.$1"
}

loads_more() {
	[ "$(loop loads)" -ge "$1" ]
}

# store JQ-FILTER: a configuration, in the place of the one before in one step
store() {
	local path=$config

	config=$work/next.json
	write_config "$1"
	config=$path
	mv "$work/next.json" "$config"
}

# cost LOADS: bytes, objects and requests of each of so many loads, which are all the same
cost() {
	local first last

	first=$(rewire -j daemon show | jq -c .loop)
	wait_for 60 loads_more $(($(jq .loads <<< "$first") + $1))
	last=$(rewire -j daemon show | jq -c .loop)
	jq -nc --argjson a "$first" --argjson b "$last" \
		'($b.loads - $a.loads) as $n | [($b.bytes - $a.bytes) / $n, ($b.objects - $a.objects) / $n, ($b.requests - $a.requests) / $n]'
}

# Weights that change all the time, in a file of one size
storm() {
	local n=1

	while :; do
		store ".services[2].backends[0].weight = $n | .services[2].backends[1].weight = $((10 - n))"
		n=$((n % 9 + 1))
		sleep 0.05
	done
}

weights() {
	rewire -j backend show | jq -c '[.[] | select(.service == "web") | .weight]'
}

has_weights() {
	[ "$(weights)" = "$1" ]
}

rewired_options=(--period 300 --reload 200)
set_up '.services[2].backends[0].weight = 1 | .services[2].backends[1].weight = 9'
start_http out 80 && start_http b1 8080 && start_http b2 8080 || exit 1
idle=$(cost 5)
note "bytes, objects and requests of a load: $idle"
match "H1: loads happen without a change" "$idle" '^\[[1-9][0-9]*,[1-9][0-9]*,[1-9]'
storm & storm=$!
equal "H1: in a storm of changes a load costs the same" "$(cost 5)" "$idle"
kill $storm
wait $storm 2> /dev/null
check "and connections go on" fetch out "$web4" whoami
store '.services[2].backends[0].weight = 7 | .services[2].backends[1].weight = 3'
check "what is stored is in force a period later" wait_for 20 has_weights '[7,3]'

for n in 1 2 3 4; do
	fetch out "$web4" whoami
done > /dev/null
equal "round robin goes on over loads" "$(store '.services[3].name = "dns2"'; for n in 1 2 3 4; do
		in_ns out dig +short +time=5 +tries=3 "@$web4" name.rewire.test > /dev/null
		wait_for 20 loads_more $(($(loop loads) + 1))
	done; flows '[.[] | select(.orig.dport == 53) | .target] | unique')" '[41,42]'

before=$(rewire -j config show)
store '.services[0].id = 3'
check "a bad one is refused, and said so once" wait_for 20 grep -q "both have the id 3" "$work/rewired.log"
refusals=$(loop refused)
wait_for 20 eval "[ \"\$(loop refused)\" -gt $((refusals + 2)) ]"
equal "not each time" "$(grep -c "both have the id 3" "$work/rewired.log")" 1
equal "what was in force stays" "$(rewire -j config show)" "$before"
rm "$config"
check "one that is gone is refused" wait_for 20 grep -q "No such file" "$work/rewired.log"
equal "and what was in force stays" "$(rewire -j config show)" "$before"
store .
check "when it is back, it is taken" wait_for 20 eval '[ "$(rewire -j config show | jq ".services[3].name")" = \"dns\" ]'

several_loads() {
	wait_for 20 loads_more $(($(loop loads) + 3))
}

target_state() {
	rewire -j target show | jq -r ".[] | select(.id == $1) | .state"
}

target_is() {
	[ "$(target_state "$1")" = "$2" ]
}

refused_flows() {
	rewire -j pool show | jq '.[0].exhausted'
}

rewire target set id 41 state draining
several_loads
equal "a target's state that somebody set stays" "$(target_state 41)" draining
store '.services[3].backends[0].state = "down"'
check "but not when the configuration has a new one" wait_for 20 target_is 41 down
store '.pools[0].ports = "2000-2001" | .pools[0].mapping = "endpoint-dependent"'
check "and another" wait_for 20 target_is 41 active
in_ns t1 /usr/bin/python3 - "$out4" <<-'END'
	import socket, sys
	for _ in range(6):
	    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[1], 9))
END
check "what a pool has no port for is counted" wait_for 20 eval '[ "$(refused_flows)" = 4 ]'
several_loads
equal "and stays so over loads" "$(refused_flows)" 4
store .

rewire backend set id 31 state draining
loads=$(loop loads)
wait_for 20 loads_more $((loads + 2))
equal "what is changed by command stays, for it is saved" "$(rewire -j backend show | jq -r '.[] | select(.id == 31) | .state')" draining
stop_rewired
rewired_options=(--period 300)
start_rewired
store '.services[2].backends[0].weight = 5'
sleep 1
equal "the negative control: without the loop nothing is taken" "$(loop loads) $(weights)" "0 [1,1]"
stop_rewired
test_end
