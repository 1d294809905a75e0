#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The daemon decides for the virtual networks of its configuration, and the kernel holds it to that (S2.8).
. "$(dirname "$0")/lib/lib.sh"

flows=${REWIRE_TEST_FIRSTS:-200} rate=100 services=${REWIRE_TEST_SERVICES:-1000}

networks() {
	rewire -j punt networks | jq -c 'map(.vni)'
}

networks_are() {
	[ "$(networks)" = "$1" ]
}

apply() {
	write_config "$1"
	rewire apply "$config" > /dev/null
}

# begin NAMESPACE: new flows, in the background
begin() {
	in_ns "$1" /usr/bin/python3 "$tests/lib/firsts.py" "$out4" 7 "$flows" $rate > "$work/echoed-$1" & firsts[$1]=$!
}

# all_echoed NAMESPACE TIMEOUTS: but for those that waited for a second, on a slow machine
all_echoed() {
	wait "${firsts[$1]}"
	note "of $flows new flows of $1, $(< "$work/echoed-$1") had an answer to their first packet"
	test $(($(< "$work/echoed-$1") + $(reason drop-hold-timeout) - $2)) -ge "$flows"
}

declare -A firsts
without_t2='del(.services[1])'

is_declared() {
	equal "the daemon names the networks of its configuration" "$(networks)" "[0,10,20,30]"
	check "a network leaves the configuration" apply "$without_t2"
	equal "and the daemon decides for it no more" "$(networks)" "[0,10,30]"
}

# What it was told to ask about by other hands, no daemon answers
is_not_asked() {
	local before punts

	before=$(reason drop-no-daemon) punts=$(figure punts)
	check "somebody adds a rule for a network that is nobody's" \
		rewire rule add vni 20 protocol udp dst "$out4" punt policy 2
	in_ns t2 /usr/bin/python3 "$tests/lib/firsts.py" "$out4" 7 3 $rate > "$work/echoed-t2"
	equal "its packets have no answer" "$(< "$work/echoed-t2")" 0
	equal "they meet a host without a daemon" $(($(reason drop-no-daemon) - before)) 3
	equal "which is asked nothing" "$(figure punts)" "$punts"
	check "it is deleted" rewire rule del id "$(rewire -j rule show | jq '.[] | select(.vni == 20 and .policy == 2) | .id')"
	check "other processes install flows of any network" rewire flow add vni 20 protocol udp src 10.0.0.2:9 \
		dst "$out4:7" to vni 0 src "$nat4:9" dst "$out4:7"
	equal "nothing of that was forbidden" "$(figure verdicts-forbidden)" 0
}

# Its rule is among the first of many: from then on the daemon has to decide for it.
comes_back() {
	local before failures timeouts

	failures=$(figure verdict-failures)
	timeouts=$(reason drop-hold-timeout)
	before="$(figure verdict-failures) $(reason drop-no-daemon)"
	begin t1
	begin t2
	sleep 0.5
	check "the network is configured again, while flows of it and another begin" apply ".services += [range($services) |
		{ name: \"s\(.)\", id: (100 + .), vni: 30, protocol: \"tcp\", dport: (1000 + .), dst: \"192.0.2.1\", source: { pool: \"public\" } }]"
	equal "the daemon decides for it again" "$(networks)" "[0,10,20,30]"
	check "the other's first packets are all answered" all_echoed t1 "$timeouts"
	wait "${firsts[t2]}"
	equal "no verdict failed, and no packet met a host without a daemon" \
		"$(figure verdict-failures) $(reason drop-no-daemon)" "$before"
	timeouts=$(reason drop-hold-timeout)
	begin t2
	check "its flows' first packets are answered from the start" all_echoed t2 "$timeouts"
	equal "the kernel has refused nothing" "$(figure verdicts-forbidden) $(figure verdict-failures)" "0 $failures"
}

# The kernel refuses a flow into a network without a device. Its packets do not wait for another answer.
without_device() {
	local dropped failures timeouts

	check "a service has its backend in a network without a device" apply '.services += [{ name: "lost", id: 99, vni: 10,
		protocol: "udp", dport: 4242, dst: "192.0.2.7", destination: { scheduler: "maglev" },
		backends: [{ name: "away", id: 991, vni: 41, addresses: "10.9.9.9" }] }]'
	dropped=$(reason drop-verdict) failures=$(figure verdict-failures) timeouts=$(reason drop-hold-timeout)
	in_ns t1 /usr/bin/python3 "$tests/lib/firsts.py" 192.0.2.7 4242 3 $rate > "$work/echoed-t1"
	equal "what the kernel refuses is dropped" "$(< "$work/echoed-t1") of 3, $(($(reason drop-verdict) - dropped))" "0 of 3, 3"
	equal "after one answer each, none of which was forbidden" \
		"$(($(figure verdict-failures) - failures)) $(figure verdicts-forbidden)" "3 0"
	equal "and does not wait for another one" "$(reason drop-hold-timeout)" "$timeouts"
	failures=$(figure verdict-failures)
	in_ns t1 /usr/bin/python3 -c "
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for _ in range(20):
        s.sendto(b'x', ('192.0.2.7', 4242))
        time.sleep(0.01)"
	check "who goes on sending is not asked about each time" test $(($(figure verdict-failures) - failures)) -le 5
	check "the service goes" apply .
}

# A flow is remembered, but its backend has gone to another network
moved_backend() {
	local who

	rewire attach add local vni 40
	hold_connection a out "$one4" 30001
	who=$(ask_on a)
	match "a connection to a backend" "$who" "^b1 "
	check "its backend goes to another network" apply '.services[4].backends[0].vni = 10 | .services[2,3].backends[].vni = 10'
	equal "the old one is the daemon's no more" "$(networks)" "[0,10,20]"
	rewire flow flush
	(printf 'GET /whoami HTTP/1.1\r\n\r\n' >&"${connection_fd[a]}") 2> /dev/null
	check "what was remembered of it is not tried, but decided anew" wait_for 20 eval \
		'[ "$(flows "[.[] | select(.orig.sport == 30001) | .reply.vni] | unique")" = "[10]" ]'
	equal "and nothing was forbidden" "$(figure verdicts-forbidden)" 0
	release_connection a
	check "all is as it was" apply .
}

checks() {
	check "backends are checked from the host's own network" apply '.services[2].destination = { scheduler: "maglev",
		health: { type: "tcp", interval: 200, timeout: 2000, fall: 2, rise: 1, damping: 0 } }'
	check "which is among the daemon's then" wait_for 20 networks_are "[0,10,20,30,40]"
	check "so its flows are installed" wait_for 20 eval \
		'rewire -j backend show name b1 | jq -e "any(.[]; .service == \"web\" and .health.state == \"up\")"'
	equal "and none was forbidden" "$(figure verdicts-forbidden)" 0
}

taken_over() {
	local old=$rewired_pid

	write_config "$without_t2"
	rewired_options=(--period 300 --takeover)
	check "a daemon takes the place of another, with another configuration" start_rewired
	check "the other ends" wait_for 20 eval "! kill -0 $old 2>/dev/null"
	equal "its networks are those in force" "$(networks)" "[0,10,30]"
	match "it decides for them" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	check "and changes them" apply .
	equal "by its own name" "$(networks)" "[0,10,20,30]"
}

module_returns() {
	check "the module is unloaded and loaded under the daemon" eval \
		'unload_module && insmod "$REWIRE_MODULE" && attach_all'
	check "each handler that listens names them again" wait_for 20 networks_are "[0,10,20,30]"
	check "and new flows are decided" wait_for 20 eval 'fetch t1 "$out4" whoami > /dev/null'
}

rewired_options=(--period 300)
set_up
start_http out 80 && start_http b1 80 && start_http b1 8080 && start_http b2 8080 || exit 1
spawn out /usr/bin/python3 "$tests/lib/datagrams.py" serve udp 7
wait_for 30 listens out -u 7 || exit 1
is_declared
is_not_asked
comes_back
without_device
moved_backend
checks
taken_over
module_returns
stop_rewired
equal "nobody's networks are limited without a daemon" "$(networks)" "[]"
test_end
