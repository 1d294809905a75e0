#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Decisions that the daemon has left to the kernel: flows begin without a question.
. "$(dirname "$0")/lib/lib.sh"

delegated='.pools[0] += { "mapping": "endpoint-dependent" } | .services[0].delegate = true'

# delegate MEMBER: of the service of t1
delegate() {
	rewire -j delegate show | jq -c ".[] | select(.id == 1) | .$1"
}

delegates() {
	rewire -j delegate show | jq length
}

decided_by_the_kernel() {
	local punts

	equal "what is delegated is shown" "$(rewire -j delegate show | jq -c 'map([.id, .from, .vni, .ports, .addresses])')" \
		'[[1,10,0,[1024,65535],["203.0.113.64","2001:db8:f::64"]]]'
	punts=$(counter punts)
	match "a connection has the public address" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	match "of IPv6, too" "$(fetch t1 "$out6" whoami)" "^out $nat6 "
	equal "and nobody was asked" "$(counter punts)" "$punts"
	check "by two flows of the kernel's" test "$(delegate flows)" -ge 2
	equal "what would become of a packet is explained" \
		"$(rewire -j explain vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" | jq -r .fate)" decide
	kill -STOP "$rewired_pid"
	match "they begin while the daemon does nothing" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	kill -CONT "$rewired_pid"
	match "another virtual network's are asked for" "$(fetch t2 "$out4" whoami)" "^out $nat4 "
	check "so they were" test "$(counter punts)" -gt "$punts"
	punts=$(counter punts)
	check "so is a ping, which is not delegated" in_ns t1 ping -c 1 -W 5 "$out4"
	check "so it was" test "$(counter punts)" -gt "$punts"
}

# configure [JQ-FILTER]: what is delegated, changed by a filter; nothing is left of what was before
configure() {
	write_config "$delegated${1:+ | $1}"
	rewire apply "$config" > /dev/null
	rewire flow flush
	looks_again
}

# What the daemon would turn around, it is asked about.
hairpin() {
	local before

	before=$(delegate flows)
	match "a service behind a public address serves a guest of this host" "$(fetch t1 "$web4" whoami)" "^b[12] "
	equal "the kernel has not decided about it" "$(delegate flows)" "$before"
}

destinations() {
	configure '.services[0] += { "dst": ["192.0.2.7", "2001:db8:7::7"],
		"destination": { "vni": 0, "addresses": ["198.51.100.9", "2001:db8:1::9"], "port": 80 } }'
	equal "what becomes of the destination is shown" "$(delegate '"to", .["to-port"]' | paste -s)" \
		'["198.51.100.9","2001:db8:1::9"]	80'
	match "the destination becomes another" "$(fetch t1 192.0.2.7 whoami)" "^out $nat4 "
	match "of IPv6, too" "$(fetch t1 2001:db8:7::7 whoami)" "^out $nat6 "
	check "by the kernel" test "$(delegate flows)" -ge 2
}

# A flow that is lost is the daemon's to bring back, and its port is kept for it.
flows_come_back() {
	local port before

	configure '.pools[0].ports = 2000'
	hold_connection c t1 "$out4" 30001
	match "a connection of the kernel's" "$(ask_on c)" "^out $nat4 "
	looks_again
	rewire flow del vni 10 protocol tcp src 10.0.0.2:30001 dst "$out4:80"
	looks_again 2
	before=$(counter exhausted)
	refuse "its port is not given away when it is lost" 28 "" fetch t1 "$out4" whoami --connect-timeout 3
	check "not by the daemon either, which was asked" test "$(counter exhausted)" -gt "$before"
	match "the connection goes on" "$(ask_on c)" "^out $nat4 "
	port=$(flows '[.[] | select(.orig.sport == 30001)][0] | [.reply.dport, .decision]')
	equal "with the port and the decision that it had" "$port" "[2000,1]"
	looks_again
	check "the module is unloaded and loaded" eval 'unload_module && insmod "$REWIRE_MODULE" && attach_all'
	check "decisions are delegated again" wait_for 20 eval '[ "$(delegates)" = 1 ]'
	refuse "but not by the port of the connection, which is silent" 28 "" fetch t1 "$out4" whoami --connect-timeout 3
	match "it goes on" "$(ask_on c)" "^out $nat4 "
	equal "as before" "$(flows '[.[] | select(.orig.sport == 30001)][0] | [.reply.dport, .decision]')" "$port"
	release_connection c
}

# Who takes over may want to delegate nothing, and the sockets that listen stay.
takes_over() {
	local old=$rewired_pid

	configure
	hold_connection c t1 "$out4"
	match "a connection of the kernel's" "$(ask_on c)" "^out $nat4 "
	rewired_options+=(--takeover)
	start_rewired
	unset 'rewired_options[-1]'
	check "the daemon before ends" wait_for 20 eval "! kill -0 $old 2> /dev/null"
	equal "who takes over delegates" "$(rewire -j delegate show | jq -c 'map([.id, .flows])')" "[[1,0]]"
	match "the kernel decides" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	check "as it was told last" test "$(delegate flows)" -ge 1
	match "the connection goes on" "$(ask_on c)" "^out $nat4 "
	release_connection c
}

# Whose packets it is about is part of what is delegated: an id may be another service's.
ids_change_hands() {
	configure
	match "it is about one virtual network" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	configure '.services[0].id = 2 | .services[1].id = 1 | .services[0].delegate = false | .services[1].delegate = true'
	equal "then about the other" "$(rewire -j delegate show | jq -c 'map([.id, .from, .flows])')" "[[1,20,0]]"
	match "the other's flows are the kernel's" "$(fetch t2 "$out4" whoami)" "^out $nat4 "
	match "the first one's are not any more" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	equal "so it was" "$(delegate flows)" 1
}

# While packets come through tunnels, the daemon is asked.
tunnels() {
	configure
	ip -n host link add vx0 type vxlan external dstport 4789
	ip -n host link set vx0 up
	check "a tunnel is attached" rewire attach add dev vx0 tunnel
	equal "the kernel decides about nothing then" \
		"$(rewire -j explain vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" | jq -r .fate)" hold
	ip -n host link del vx0
	check "and again when it is gone" wait_for 20 eval \
		'[ "$(rewire -j explain vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" | jq -r .fate)" = decide ]'
}

# A port that is in use towards a far end is nobody else's there.
conflicts() {
	configure '.pools[0].ports = "2000-2003"'
	send_from t1 5000 5003 "$out4" 9
	check "four ports serve four flows to a far end" \
		wait_for 20 eval '[ "$(flows "[.[] | select(.orig.dport == 9) | .reply.dport] | unique | length")" = 4 ]'
	send_from t1 5004 5009 "$out4" 9
	check "a fifth finds none, and the daemon says so" wait_for 20 eval '[ "$(counter exhausted)" -gt 0 ]'
	check "ports that were in use are counted" test "$(delegate conflicts)" -gt 0
	send_from t1 5000 5003 "$out4" 10
	check "towards another port of it they serve others" \
		wait_for 20 eval '[ "$(flows "[.[] | select(.orig.dport == 10)] | length")" = 4 ]'
}

# The rate of a virtual network holds, whoever decides.
limits_hold() {
	local before made

	rewire flow flush
	check "a virtual network may begin five flows a second" rewire limit set vni 10 rate 5 burst 5
	before=$(reason drop-rate) made=$(delegate flows)
	send_from t1 5000 5099 "$out4" 9
	check "of a hundred some are made" test "$(flows '[.[] | select(.orig.dport == 9)] | length')" -ge 5
	check "and most are not" test "$(flows '[.[] | select(.orig.dport == 9)] | length')" -le 50
	check "which is counted" test "$(reason drop-rate)" -ge $((before + 50))
	check "it was the kernel that made them" test "$(delegate flows)" -ge $((made + 5))
	rewire limit del vni 10
	rewire flow flush
	check "it may have three flows" rewire limit set vni 10 flows 3
	send_from t1 5000 5009 "$out4" 9
	equal "and has no more" "$(figure flows)" 3
	rewire limit del vni 10
}

# What the daemon has delegated it can take back, and others cannot keep.
taken_back() {
	local punts

	hold_connection c t1 "$out4"
	match "a connection stands" "$(ask_on c)" "^out $nat4 "
	write_config '.pools[0] += { "mapping": "endpoint-dependent" }'
	check "the service is not delegated any more" rewire apply "$config"
	equal "nor does the kernel decide" "$(delegates)" 0
	match "the connection goes on" "$(ask_on c)" "^out $nat4 "
	punts=$(counter punts)
	match "new ones are asked for" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	check "so they were" test "$(counter punts)" -gt "$punts"
	check "somebody else may delegate" rewire delegate set id 1 from 10 vni 0 ports 5000-5001 address 203.0.113.65
	check "what somebody else delegates is taken back" wait_for 20 eval '[ "$(delegates)" = 0 ]'
	release_connection c
}

# Who watches is told.
told() {
	local watcher

	"$helpers/enter" host "$bin/rewire" -j monitor config > "$work/config_events" 2>&1 < /dev/null & watcher=$!
	wait_for 20 eval 'rewire target set id 9000 state active; rewire target del id 9000; grep -q target "$work/config_events"'
	write_config '.pools[0] += { "mapping": "endpoint-dependent" }'
	rewire apply "$config" > /dev/null
	check "that decisions are not delegated any more is an event" \
		wait_for 20 grep -q '"event":"delete","object":"delegate","id":1,' "$work/config_events"
	write_config "$delegated"
	rewire apply "$config" > /dev/null
	check "and that they are" wait_for 20 grep -q '"event":"new","object":"delegate","id":1,' "$work/config_events"
	check "none of the events is lost" eval '! grep -q lost "$work/config_events"'
	kill $watcher
	wait $watcher 2> /dev/null
}

restarts() {
	configure '.services[0].orphan = "hold"'
	hold_connection c t1 "$out4"
	match "a connection of the kernel's" "$(ask_on c)" "^out $nat4 "
	stop_rewired KILL
	equal "without a daemon nothing is delegated" "$(delegates)" 0
	refuse "and no flow begins" 28 "" fetch t1 "$out4" whoami --connect-timeout 2
	refuse "nor can anything be delegated" 2 "Nobody listens" \
		rewire delegate set id 1 from 10 vni 0 ports 2000 address "$nat4"
	match "but those that there are go on" "$(ask_on c)" "^out $nat4 "
	start_rewired
	match "with one they do" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	check "by the kernel" test "$(delegate flows)" -ge 1
	equal "the connection's port is in use" \
		"$(rewire -j pool find address $nat4 port "$(flows '[.[] | select(.orig.sport != 0 and .state == "established") | .reply.dport][0]')" | jq -r .client)" 10.0.0.2
	release_connection c
}

refusals() {
	write_config '.services[0].delegate = true'
	refuse "endpoint-independent mapping cannot be delegated" 2 "delegate: its pool's mapping is endpoint-independent" \
		rewire apply "$config"
	write_config '.services[2].delegate = true'
	refuse "nor a choice of backends" 2 "delegate: its source is not a pool" rewire apply "$config"
	refuse "no address" 1 "from, vni, ports and address are needed" rewire delegate set id 5 from 10 vni 0 ports 1-2
	refuse "ports the wrong way round" 1 "" rewire delegate set id 5 from 10 vni 0 ports 9-2 address 192.0.2.1
	refuse "an address twice" 2 "twice" rewire delegate set id 5 from 10 vni 0 ports 1-2 address 192.0.2.1 address 192.0.2.1
	refuse "two destinations of a family" 2 "two destinations of a family" \
		rewire delegate set id 5 from 10 vni 0 ports 1-2 address 192.0.2.1 to 192.0.2.2 to 192.0.2.3
	refuse "a user namespace, whose flows would be on nobody's account" 2 "not delegated in a user namespace" \
		unshare -r -n "$bin/rewire" delegate set id 5 from 10 vni 0 ports 1-2 address 192.0.2.1
	refuse "what is not there" 2 "No decisions are delegated" rewire delegate del id 5
}

rewired_options=(--period 300)
set_up "$delegated"
start_http out 80 || exit 1
start_http b1 8080 && start_http b2 8080 || exit 1
decided_by_the_kernel
hairpin
destinations
conflicts
flows_come_back
takes_over
ids_change_hands
tunnels
limits_hold
told
taken_back
restarts
refusals
stop_rewired
test_end
