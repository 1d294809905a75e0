#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The daemon: its control socket, changes of the configuration, ports, restarts.
. "$(dirname "$0")/lib/lib.sh"

# ask METHOD [PARAMS] [SOCKET]: the result, or the error's message.
ask() {
	printf '{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\n' "$1" "${2:-{\}}" |
		timeout 60 socat -t 50 - "UNIX-CONNECT:${3:-$REWIRE_SOCKET}" |
		jq -c 'if .error then .error.message else .result end'
}

# used PROTOCOL: ports in use of all pools
used() {
	ask pool.show | jq "[.[].addresses[].$1.used] | add"
}

used_is() {
	[ "$(used "$1")" = "$2" ]
}

# apply FILTER [MORE-PARAMS]: the usual configuration, changed
apply() {
	write_config "$1"
	ask config.apply "{\"config\": $(jq -c . "$config")${2:+, $2}}"
}

rules() {
	rewire -j rule show | jq -S 'map(del(.id, .hits))'
}

second_daemon() {
	local before

	before=$(rewire -j rule show; rewire -j target show)
	write_config '.services = []'
	refuse "a second daemon is refused" 2 "rewired: .*listens" \
		in_ns host "$bin/rewired" -c "$config" -s "$work/other.sock"
	equal "and changes nothing" "$(rewire -j rule show; rewire -j target show)" "$before"
	check "nor leaves a socket" test ! -e "$work/other.sock"
	refuse "nor takes the first one's socket elsewhere" 2 "another rewired listens on $REWIRE_SOCKET" \
		in_ns out "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET"
	write_config
}

control_socket() {
	equal "its mode is 0600" "$(stat -c %a "$REWIRE_SOCKET")" 600
	match "an unknown method is named" "$(ask nonsense)" 'no method .*nonsense'
	match "so are parameters" "$(ask status '{"a":1}')" 'unknown key'
	match "garbage is answered" \
		"$(echo '}{' | timeout 5 socat -t 3 - "UNIX-CONNECT:$REWIRE_SOCKET")" '"code":-32700'
	head -c 300000 /dev/urandom | timeout 20 socat -t 1 - "UNIX-CONNECT:$REWIRE_SOCKET" > "$work/answers"
	match "and more garbage" "$(head -n 1 "$work/answers")" '"code":-32700'
	head -c 70000000 /dev/zero | tr '\0' x | timeout 60 socat -t 3 - "UNIX-CONNECT:$REWIRE_SOCKET" \
		> "$work/answers" 2>/dev/null
	match "a line without end, too" "$(head -n 1 "$work/answers")" 'too long'
	match "a client that goes away does no harm" "$(
		for ((i = 0; i < 20; i++)); do
			echo '{"jsonrpc":"2.0","id":1,"method":"pool.show"}' > /dev/null
			timeout 0.02 socat -u OPEN:/dev/null "UNIX-CONNECT:$REWIRE_SOCKET"
		done
		ask status)" '"version"'
}

ports_come_back() {
	rewire flow flush
	wait_for 20 used_is udp 0
	send_from t1 5000 5099
	check "100 flows have 100 ports" wait_for 10 used_is udp 100
	equal "all different" "$(flows '[.[] | select(.orig.dport == 9) | .reply.dport] | unique | length')" 100
	equal "random ones" "$(flows '[.[] | select(.orig.dport == 9) | .reply.dport] |
		(. == sort) or (. == (sort | reverse))')" false
	sleep 5
	equal "which they keep" "$(used udp)" 100
	rewire flow flush
	check "and give back when they end" wait_for 20 used_is udp 0
}

exhaustion() {
	local before

	match "a pool of four ports" "$(apply '.pools[0].ports = "2000-2003"')" '"saved":true'
	before=$(counter exhausted)
	send_from t1 6000 6009
	equal "serves four flows" "$(flows '[.[] | select(.action == "translate")] | length')" 4
	equal "and counts six" $(($(counter exhausted) - before)) 6
	rewire flow flush
	wait_for 20 used_is udp 0
	for port in 2000 2001 2002; do
		rewire flow add vni 20 protocol udp src 10.0.0.2:$port dst "$out4:9" \
			to vni 0 src "$nat4:$port"
	done
	before=$(counter retries)
	send_from t1 6100 6100
	equal "of ports that others use it finds the free one" \
		"$(flows '[.[] | select(.orig.sport == 6100)][0].reply.dport')" 2003
	rewire flow flush
	apply . > /dev/null
}

refused_configurations() {
	local before text

	before=$(rules) text=$(ask config.get)
	match "a duplicate name" "$(apply '.services[1].name = .services[0].name')" 'two services are called'
	match "an unknown pool" "$(apply '.services[0].source.pool = "no"')" 'there is no pool'
	match "a dry run says what it would do" "$(apply '.services = []' '"dry_run": true')" '"rules_deleted":10'
	equal "no rule changes by any of these" "$(rules)" "$before"
	equal "nor the configuration" "$(ask config.get)" "$text"
	apply . > /dev/null
}

changes() {
	local before

	before=$(rewire -j rule show | jq -S 'map(del(.hits))')
	match "the same again changes nothing" "$(apply .)" '"rules_added":0,"rules_deleted":0,.*"targets_set":0'
	equal "not even the rules' numbers" "$(rewire -j rule show | jq -S 'map(del(.hits))')" "$before"
	match "another orphan mode replaces the rules" "$(apply '.services[0].orphan = "hold"')" \
		'"rules_added":2,"rules_deleted":2'
	match "and again" "$(apply '.services[0].orphan = "pass"')" '"rules_added":2,"rules_deleted":2'
	match "back, too" "$(apply .)" '"rules_added":2,"rules_deleted":2'
	match "without a service its rules and targets go" "$(apply 'del(.services[2])')" \
		'"rules_added":0,"rules_deleted":2,.*"targets_deleted":2'
	match "with it they are back" "$(apply .)" '"rules_added":2,"rules_deleted":0,.*"targets_set":2'
	equal "the file is what is in force" "$(jq -S . "$config")" "$(ask config.get | jq -S .)"
}

backends() {
	match "the only backend is drained" "$(ask backend.set '{"id":51,"state":"draining"}')" '"targets_set":1'
	equal "the kernel knows" "$(rewire -j target show | jq -c '[.[] | select(.id == 51) | .state]')" '["draining"]'
	refuse "it gets no new flow" 1 'packet loss' in_ns out ping -c 1 -W 1 "$one4"
	check "which is counted" test "$(counter no_backend)" -ge 1
	ask backend.set '{"id":51,"state":"active"}' > /dev/null
	sleep 1.1
	check "active again, it does" in_ns out ping -c 1 -W 5 "$one4"
	match "an unknown one is named" "$(ask backend.set '{"id":99,"state":"down"}')" 'no backend with the id 99'
	equal "its flow is shown" "$(sleep 3; ask backend.show | jq '.[] | select(.id == 51) | .flows')" 1
	equal "what was set is in the file" "$(jq '.services[4].backends[0].state' "$config")" '"active"'
}

# A flow that a backend has goes to the other one when it is taken down.
failover() {
	local target

	spawn b1 socat -T 60 UDP-LISTEN:53,fork EXEC:cat
	spawn b2 socat -T 60 UDP-LISTEN:53,fork EXEC:cat
	wait_for 10 listens b2 -u 53
	echo a | in_ns out socat -t 1 - "UDP:$web4:53,sourceport=7000" > /dev/null
	target=$(flows '[.[] | select(.orig.sport == 7000)][0].target')
	ask backend.set "{\"id\":$target,\"state\":\"down\"}" > /dev/null
	equal "a flow whose backend goes down is answered by another" \
		"$(echo b | in_ns out socat -t 2 - "UDP:$web4:53,sourceport=7000")" b
	check "and has another target" test "$(flows '[.[] | select(.orig.sport == 7000)][0].target')" != "$target"
	ask backend.set "{\"id\":$target,\"state\":\"active\"}" > /dev/null
}

decided_all() {
	[ "$(flows '[.[] | select(.orig.sport >= 7100 and .orig.sport < 7200)] | length')" = 100 ]
}

restart() {
	local before i

	send_from t1 7100 7199
	wait_for 20 decided_all
	before=$(flows 'map({orig, reply, id, decision}) | sort')
	for i in 1 2 3; do
		stop_rewired KILL
		start_rewired || return
	done
	match "after kill -9 it adopts" "$(< "$work/rewired.log")" 'adopted 1[0-9]* flows; added 0 rules, deleted 0'
	equal "flows stay as they are" "$(flows 'map({orig, reply, id, decision}) | sort')" "$before"
	equal "their ports are in use" "$(used udp)" "$(flows '[.[] | select(.orig.vni == 10 and .orig.protocol == "udp")] | length')"
	send_from t1 7200 7299
	equal "new flows have other ports" \
		"$(flows '[.[] | select(.orig.dport == 9) | .reply.dport] | (length == (unique | length))')" true
	check "and higher numbers" test "$(flows '([.[] | select(.orig.sport >= 7200 and .orig.sport < 7300).decision] | min)
		> ([.[] | select(.orig.sport >= 7100 and .orig.sport < 7200).decision] | max)')" = true
	equal "the kernel refused nothing" "$(counter failed) $(counter retries)" "0 0"
}

reload() {
	write_config 'del(.services[3])'
	kill -HUP "$rewired_pid"
	check "SIGHUP takes the file again" wait_for 10 grep -q 'configuration loaded' "$work/rewired.log"
	equal "with what changed" "$(ask service.show | jq length)" 4
	echo '{ "pools": [' > "$config"
	kill -HUP "$rewired_pid"
	check "a broken file is refused with its place" wait_for 10 grep -q 'line 2' "$work/rewired.log"
	equal "and changes nothing" "$(ask service.show | jq length)" 4
	apply . > /dev/null
}

devices_come_late() {
	local rules

	stop_rewired
	rewire flow flush
	rewire attach del dev t1
	rewire -j rule show | jq -r '.[].id' | while read -r id; do rewire rule del id "$id"; done
	start_rewired
	check "without a device rules wait" test "$(ask status | jq .rules_waiting)" = 2
	rewire attach add dev t1 vni 10
	check "and come with it" wait_for 10 eval '[ "$(ask status | jq .rules_waiting)" = 0 ]'
	check "traffic flows" ping_three t1 "$out4"
	rules=$(rewire -j rule show | jq length)
	rewire -j rule show | jq -r '.[].id' | while read -r id; do rewire rule del id "$id"; done
	check "deleted rules come back" wait_for 10 eval '[ "$(rewire -j rule show | jq length)" = "$rules" ]'
}

# Configurations change all the time while new flows come: none fails.
changes_under_load() {
	local failed late made

	rewire flow flush
	apply . > /dev/null
	failed=$(counter failed) late=$(reason drop-hold-timeout)
	send_from t1 10000 12999 & sender=$!
	while kill -0 $sender 2>/dev/null; do
		apply '.services[2].backends[0].weight = 2 | .pools[0].addresses = ["203.0.113.64/31", "2001:db8:f::64"]' > /dev/null
		apply . > /dev/null
	done
	wait $sender
	note "status: $(ask status)" "$(rewire stats show)"
	# A machine that is busy with something else for a second loses what is held meanwhile
	wait_for 10 figure_is holds 0
	late=$(($(reason drop-hold-timeout) - late))
	made=$(flows '[.[] | select(.orig.dport == 9 and .action == "translate")] | length')
	# A flow that was late for its packet may be made all the same
	check "no flow is lost while configurations change, but what came too late ($late)" \
		test $((made + late)) -ge 3000
	check "most came in time" test "$made" -gt 1500
	equal "no verdict is refused" "$(counter failed)" "$failed"
	equal "no port is there twice" "$(flows '[.[] | select(.orig.dport == 9) | .reply | "\(.dst) \(.dport)"] | unique | length')" "$made"
}

set_up
start_dns b1
second_daemon
control_socket
ports_come_back
exhaustion
refused_configurations
changes
backends
failover
restart
reload
devices_come_late
changes_under_load
note "$(< "$work/rewired.log")"
stop_rewired
test_end
