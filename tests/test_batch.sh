#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets that a device delivers without a pause go their way together: in order, none lost, none
# left over when the device or the module goes.
. "$(dirname "$0")/lib/lib.sh"

bursts=50 burst=40
packets=$((bursts * burst))
parameter=/sys/module/rewire/parameters/batch_flows
room=/sys/module/rewire/parameters/flow_room

# send_bursts ADDRESS
send_bursts() {
	in_ns t1 /usr/bin/python3 -B "$tests/lib/bursts.py" send 4500 "$1" 9 $bursts
}

# arrive NAMESPACE ADDRESS: what NAMESPACE gets of the bursts that t1 sends to ADDRESS
arrive() {
	local receiver

	in_ns "$1" /usr/bin/python3 -B "$tests/lib/bursts.py" receive 9 $packets > "$work/arrived" &
	receiver=$!

	wait_for 30 listens "$1" -u 9 && send_bursts "$2"
	wait "$receiver"
	cat "$work/arrived"
}

no_rules() {
	rewire -j rule show | jq -r '.[].id' | while read -r id; do rewire rule del id "$id"; done
}

# 0: each packet that has come was sent, passed or dropped.
books() {
	echo $(($(figure received) - $(figure translated) - $(figure passed) - $(drops)))
}

# few_flows [WHERE]
few_flows() {
	local where=${1-}

	equal "packets of a few flows go one by one, and arrive$where" "$(arrive out "$out4")" "$packets in order"
	equal "none waits for another$where" "$(figure batched)" 0
}

bursts_are_batched() {
	send_bursts "$out4"
	test "$(figure batched)" -gt 0
}

# In KiB, of the kernel
memory() {
	echo 1 > /proc/sys/vm/stat_refresh
	awk '/^(SUnreclaim|VmallocUsed):/ { sum += $2 } END { print sum }' /proc/meminfo
}

get_large() {
	local before

	before=$(memory)
	in_ns host ip link add spare type dummy && rewire attach add dev spare vni 99 &&
		[ $(($(memory) - before)) -ge 1500 ]
}

# A table that was made large has few flows, until it has as many as make others large.
large_table() {
	at_exit "echo $(< $room) > $room"
	echo 100000 > $room
	check "a device makes the table large" get_large
	echo 0 > $room
	few_flows ", in a table with room for many, too"
	echo 1 > $parameter
	check "with more of them they go in batches" wait_for 10 bursts_are_batched
}

counted() {
	rewire -j -s flow get vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" | jq '."orig-counters".packets'
}

translated() {
	local before counted_before

	before=$(figure batched)
	counted_before=$(counted)
	equal "packets of a burst arrive in their order" "$(arrive out "$out4")" "$packets in order"
	check "they went in batches" test $(($(figure batched) - before)) -ge $((packets / 2))
	equal "the flow has counted each" $(($(counted) - counted_before)) $packets
}

# After a burst that was seen to in batches; by the processor that bursts come from
alone() {
	local before

	before=$(figure batched)
	in_ns t1 taskset -c 0 bash -c "echo x > /dev/udp/$out4/10"
	in_ns t1 /usr/bin/python3 -B "$tests/lib/bursts.py" send 4500 "$out4" 9 1
	equal "behind a packet that came alone the next ones do not wait" "$(figure batched)" "$before"
}

passed() {
	local before

	before=$(figure batched)
	equal "what is passed reaches the host in its order" "$(arrive host 10.0.0.1)" "$packets in order"
	check "in batches, too" test $(($(figure batched) - before)) -ge $((packets / 2))
}

dropped() {
	local all

	rewire rule add vni 10 dst 10.0.0.1 drop
	all=$(($(reason drop-rule) + packets))
	send_bursts 10.0.0.1
	check "what a rule drops is dropped" wait_for 10 eval '[ "$(reason drop-rule)" = '$all' ]'
	no_rules
}

# wall_has PACKETS: dropped by a firewall
wall_has() {
	[ "$(in_ns host nft -j list chain netdev wall ingress |
		jq '[.. | .counter? // empty | .packets][0]')" = "$1" ]
}

# With hooks of a firewall on the device, which are to see what is passed
other_hooks() {
	local before

	in_ns host nft -f - <<-'END' || not_ok "a firewall is there"
		table netdev wall {
			chain ingress {
				type filter hook ingress device t1 priority 100;
				udp dport 9 counter drop
			}
		}
	END
	before=$(figure batched)
	send_bursts 10.0.0.1
	check "a firewall behind on the same device sees all that is passed" wait_for 10 wall_has $packets
	equal "for which packets go one by one" "$(figure batched)" "$before"
	in_ns host nft delete table netdev wall
}

# There is room for a few while a flow is decided.
held() {
	local before arrived

	rewire flow flush
	rewire rule add vni 10 punt orphan hold
	write_config && start_rewired
	before=$(drops) arrived=$(arrive out "$out4")
	equal "packets of a new flow arrive, but for those that there is no room for meanwhile" \
		$((${arrived%% *} + $(drops) - before)) $packets
	equal "each was sent, passed or dropped" "$(books)" 0
	stop_rewired
	no_rules
	rewire flow flush
}

# They have begun when this returns, and end by themselves after ten minutes.
endless_bursts() {
	local before

	before=$(figure batched)
	spawn t1 timeout 600 /usr/bin/python3 -B "$tests/lib/bursts.py" send 4500 "$out4" 9 1000000000
	wait_for 30 eval '[ "$(figure batched)" -gt "$before" ]'
}

# The device is detached and attached, and flows come and go, in the midst of bursts.
churn() {
	local i before

	before=$(figure batched)
	endless_bursts
	for i in $(seq 30); do
		rewire attach del dev t1
		rewire attach add dev t1 vni 10
		rewire flow flush
		rewire flow add vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" to vni 0 src "$nat4:900"
	done
	check "a device comes and goes in the midst of bursts" \
		eval 'kill "$spawned" && [ "$(figure batched)" -gt $((before + packets)) ]'
	check "each packet was sent, passed or dropped" wait_for 10 eval '[ "$(books)" = 0 ]'
	# The host has an ingress hook all the time: without any the kernel patches the way of packets that
	# run, and an emulated processor may for ever see the breakpoint that it does this by.
	in_ns host nft 'table netdev stays { chain ingress { type filter hook ingress device lo priority 0; }; }'
	endless_bursts
	check "the module goes in the midst of bursts" eval 'unload_module && kill "$spawned"'
	check "and is loaded again" insmod "$REWIRE_MODULE"
	in_ns host nft delete table netdev stays
}

topology && attach_all || exit 1
sysctl -qw net.core.netdev_max_backlog=10000	# of a slow machine, a whole burst
in_ns t1 ethtool -K eth0 tx-udp-segmentation off > /dev/null || exit 1
rewire flow add vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" to vni 0 src "$nat4:900"
in_ns host ping -q -c 1 "$out4" > /dev/null	# what waits for a neighbour is overtaken
as_before=$(< $parameter)
at_exit "echo $as_before > $parameter"
few_flows
large_table
echo 0 > $parameter
translated
alone
passed
dropped
if in_ns host nft list ruleset > /dev/null 2>&1; then
	other_hooks
else
	lacking "hooks of a firewall"
fi
held
churn
test_end
