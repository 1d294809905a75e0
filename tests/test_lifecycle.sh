#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What ends, and that it ends well: flows, targets, devices, namespaces, the module.
. "$(dirname "$0")/lib/lib.sh"

# send_udp NAMESPACE SPORT ADDRESS DPORT
send_udp() {
	echo x | in_ns "$1" nc -u -q 0 -p "$2" "$3" "$4"
}

# flow_of NAMESPACE-VNI SPORT JQ-FILTER
flow_of() {
	flows "[.[] | select(.orig.vni == $1 and .orig.sport == $2)][0] | $3"
}

flow_state_is() {
	[ "$(flow_of 10 "$1" .state)" = "\"$2\"" ]
}

tcp_states() {
	spawn t1 curl -gsS --local-port 41000 --limit-rate 10k --max-time 60 -o /dev/null \
		"$(url "$out4" data)"
	check "a TCP connection is established" wait_for 20 flow_state_is 41000 established
	check "it lives long while it is" test "$(flow_of 10 41000 .expires)" -gt 7000000
	kill "$spawned"
	check "ended in the middle, it is closed" wait_for 20 flow_state_is 41000 closed
	check "and goes in minutes" test "$(flow_of 10 41000 .expires)" -le 240000
	in_ns t1 curl -gsS --local-port 41001 -o /dev/null "$(url "$out4" whoami)"
	check "ended by both sides, it waits a while" wait_for 20 flow_state_is 41001 time-wait
	in_ns t1 bash -c 'exec 3<>/dev/tcp/198.51.100.9/82' 2>/dev/null
	equal "a refused connection is closed" \
		"$(flows '[.[] | select(.orig.dport == 82)][0].state')" '"closed"'
	in_ns out nft -f - <<-'END'
		table inet mute {
			chain input {
				type filter hook input priority 0;
				tcp dport 83 drop
			}
		}
	END
	in_ns t1 timeout 2 nc "$out4" 83
	equal "an unanswered one stays SYN-SENT" \
		"$(flows '[.[] | select(.orig.dport == 83)][0].state')" '"syn-sent"'
}

expiry() {
	local before scanned began

	before=$(reason close-idle) scanned=$(figure expiry-ns) began=${EPOCHREALTIME/./}
	check "a flow is added by hand" rewire flow add vni 10 protocol udp \
		src 10.0.0.2:4500 dst "$out4:9" to vni 0 src "$nat4:900" timeout 6000
	send_udp t1 4500 "$out4" 9
	equal "it counts its packet" \
		"$(rewire -j -s flow get vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" |
			jq '."orig-counters".packets')" 1
	check "idle for as long as it says, it ends" wait_for 30 no_flow_from 4500
	check "for that reason" wait_for 10 closed_idle_beyond "$before"
	scanned=$(($(figure expiry-ns) - scanned))
	check "what looking for it took is counted ($scanned ns)" \
		test "$scanned" -gt 0 -a "$scanned" -lt $(((${EPOCHREALTIME/./} - began) * 1000 / 20))
}

# A packet every 200 ms, for longer than the flow may be idle, while flows are listed.
in_use() {
	local lists=0 missing=0

	rewire flow add vni 10 protocol udp src 10.0.0.2:4501 dst "$out4:9" \
		to vni 0 src "$nat4:901" timeout 4000
	spawn t1 /usr/bin/python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 4501))
for _ in range(50):
    s.sendto(b'x', ('$out4', 9))
    time.sleep(0.2)"
	while kill -0 "$spawned" 2>/dev/null; do
		no_flow_from 4501 && missing=$((missing + 1))
		lists=$((lists + 1))
	done
	equal "T1.4: a flow in use is in all lists, for more than twice as long" "$missing of $((lists >= 3))" "0 of 1"
	check "T1.4: and in none when it is idle" wait_for 30 no_flow_from 4501
}

# The wall clock may jump.
clock() {
	local left

	rewire flow add vni 10 protocol udp src 10.0.0.2:4502 dst "$out4:9" \
		to vni 0 src "$nat4:902" timeout 6000
	date -s "+1 day" > /dev/null
	left=$(flow_of 10 4502 .expires)
	date -s "-1 day" > /dev/null
	match "G8: a day that the wall clock leaps ends no flow" "$left" '^[1-9]'
	check "G8: and it ends in its time, whatever is done to that clock" wait_for 30 no_flow_from 4502
}

# An idle flow is nobody's any more before the scan of the table gets to it.
closed_idle_beyond() {
	[ "$(reason close-idle)" -gt "$1" ]
}

no_flow_from() {
	[ "$(flows "[.[] | select(.orig.sport == $1)] | length")" = 0 ]
}

flush() {
	local before closed

	fetch t1 "$out4" whoami > /dev/null
	fetch t2 "$out6" whoami > /dev/null
	before=$(figure flows) closed=$(reason close-deleted)
	check "there are flows to flush" test "$before" -ge 2
	check "flush of a virtual network" rewire flow flush vni 10
	equal "leaves none of it" "$(flows '[.[] | select(.orig.vni == 10)] | length')" 0
	check "but those of others" test "$(figure flows)" -ge 1
	check "flush of all" rewire flow flush
	equal "leaves none" "$(figure flows)" 0
	equal "each is counted" $(($(reason close-deleted) - closed)) "$before"
	match "new flows work" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	equal "flows ever made are those there and those closed" "$(figure created)" \
		"$(rewire -j stats show | jq '.flows + ([.counters | to_entries[] |
			select(.key | startswith("close-")) | .value] | add)')"
}

# The backend that a flow of the DNS service from port 4600 has: 41 or 42
backend() {
	flows '[.[] | select(.orig.sport == 4600)][0].target'
}

backend_is() {
	[ "$(backend)" = "$1" ]
}

target_down() {
	local old new before

	send_udp out 4600 "$web4" 53
	wait_for 20 backend_is 41 || wait_for 2 backend_is 42
	old=$(backend) new=$((83 - $(backend))) before=$(reason close-target)
	write_config "(.services[3].backends[] | select(.id == $old)).state = \"down\""
	kill -HUP "$rewired_pid"
	check "a backend is taken down by a new configuration" wait_for 20 target_state_is "$old" down
	send_udp out 4600 "$web4" 53
	check "its flow's next packet goes to the other" wait_for 20 backend_is "$new"
	check "and ends the flow for that reason" test "$(reason close-target)" -gt "$before"
	equal "the target that is down has no flows" \
		"$(rewire -j target show | jq ".[] | select(.id == $old) | .flows")" 0
	write_config
	kill -HUP "$rewired_pid"
	check "it comes back" wait_for 20 target_state_is "$old" active
}

target_state_is() {
	rewire -j target show | jq -e ".[] | select(.id == $1) | .state == \"$2\""
}

detach() {
	local before

	fetch t1 "$out4" whoami > /dev/null
	fetch t2 "$out4" whoami > /dev/null
	rewire verdict add drop vni 10 protocol udp src 10.0.0.2:4504 dst "$out4:9" lifetime 60000
	rewire flow add vni 20 protocol udp src 10.0.0.2:4503 dst "$out4:9" to vni 0 src "$nat4:903"
	before=$(reason close-detached)
	check "a device is detached" rewire attach del dev t2
	equal "its flows are gone, and one without any packet with the last device of its network" "$(flows '[.[] | select(.orig.vni == 20)] | length')" 0
	check "counted" test "$(reason close-detached)" -gt "$before"
	rewire attach del dev u0
	equal "what is dropped of one network is, whatever device another loses" \
		"$(flows '[.[] | select(.orig.sport == 4504)] | length')" 1
	rewire attach add dev u0 vni 0
	rewire flow flush vni 10 src 10.0.0.2:4504
	refuse "its guest reaches nothing" 28 "imeout|imed out" fetch t2 "$out4" whoami --connect-timeout 2
	match "others do" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	refuse "it cannot be detached twice" 2 "rewire: " rewire attach del dev t2
	check "it is attached again" rewire attach add dev t2 vni 20
	match "its guest is back" "$(fetch t2 "$out4" whoami)" "^out $nat4 "
}

device_goes() {
	fetch t2 "$out4" whoami > /dev/null
	kill -STOP "$rewired_pid"
	send_udp t2 4700 "$out4" 9
	ip -n t2 link del eth0
	kill -CONT "$rewired_pid"
	equal "a device that goes away is attached no more" \
		"$(rewire -j attach show | jq '[.[] | select(.vni == 20)] | length')" 0
	equal "its flows are gone" "$(flows '[.[] | select(.orig.vni == 20)] | length')" 0
	check "nothing is held" wait_for 10 figure_is held-packets 0
	match "others go on" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	ip -n host link set u0 down
	refuse "over an uplink that is down nothing comes, and the guest is told" 7 "onnect" \
		fetch t1 "$out4" whoami --connect-timeout 20
	ip -n host link set u0 up
	ip -n host address replace 2001:db8:1::1/64 dev u0 nodad
	match "when it is up again it does" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	add_tenant t2
	check "a new device of the same name is attached" rewire attach add dev t2 vni 20
	match "and its guest reaches the server" "$(fetch t2 "$out4" whoami)" "^out $nat4 "
}

# A namespace that dies while the module holds packets in it.  They come from
# outside of it: its own sockets would keep it alive.
namespace_goes() {
	ip netns add doomed &&
	ip link add d0 type veth peer name d1 netns doomed &&
	ip -n doomed link set d1 up &&
	ip -batch - <<-END
		link set d0 up
		address add 10.8.0.1/24 dev d0
		neighbour add 10.8.0.2 lladdr $(ip -j -n doomed link show d1 | jq -r '.[0].address') dev d0
	END
	in_ns doomed "$bin/rewire" attach add dev d1 vni 8
	in_ns doomed "$bin/rewire" rule add vni 8 punt orphan hold
	while ip link show dev d0 > /dev/null 2>&1; do
		echo x > /dev/udp/10.8.0.2/9
		sleep 0.2
	done &
	check "another namespace holds packets" wait_for 20 doomed_holds
	check "it is deleted while it does" ip netns del doomed
	wait
}

doomed_holds() {
	in_ns doomed "$bin/rewire" -j stats show | jq -e '."held-packets" > 0'
}

holds_packets() {
	[ "$(figure held-packets)" -gt 0 ]
}

# Each is of a flow of its own, which a daemon at rest decides nothing about.
send_to_be_held() {
	while [ -e /sys/module/rewire ]; do
		in_ns t2 bash -c "echo x > /dev/udp/$out4/9"
		sleep 0.2
	done
}

unload() {
	local pid sender

	fetch t1 "$out4" data > "$work/transfer" & pid=$!
	wait_for 20 transfer_begins
	kill -STOP "$rewired_pid"
	send_to_be_held & sender=$!
	check "packets are held" wait_for 20 holds_packets
	check "the module is unloaded under traffic, and while it holds packets" unload_module
	wait $sender
	kill -CONT "$rewired_pid"
	refuse "without it nothing crosses the host" 28 "imeout|imed out" \
		fetch t1 "$out4" whoami --connect-timeout 2
	kill $pid
	wait $pid 2>/dev/null
	check "the daemon ends" stop_rewired
	check "the module is loaded again" insmod "$REWIRE_MODULE"
	equal "it begins with nothing" "$(figure objects)" 0
	attach_all
	check "the daemon starts" start_rewired
	match "new flows work" "$(fetch t2 "$out6" whoami)" "^out $nat6 "
}

transfer_begins() {
	[ "$(wc -c < "$work/transfer")" -gt 1000000 ]
}

set_up
data_file 100000000 && start_http out 80 "$data" || exit 1
start_dns b1 && start_dns b2 || exit 1
tcp_states
expiry
in_use
clock
flush
target_down
detach
device_goes
namespace_goes
unload
test_end
