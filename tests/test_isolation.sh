#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets go where they belong or nowhere: past no firewall, by no detached device,
# with no broken checksum.
. "$(dirname "$0")/lib/lib.sh"

# send_udp NAMESPACE SPORT [OPTIONS]: one datagram to the outside's port 9
send_udp() {
	in_ns "$1" /usr/bin/python3 - "$2" "${3:-}" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", int(sys.argv[1])))
		s.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, bytes.fromhex(sys.argv[2]))
		s.sendto(b"x", ("198.51.100.9", 9))
	END
}

# What the outside receives, by netfilter's counters.
watch_outside() {
	in_ns out nft -f - <<-'END'
		table inet watch {
			counter discard { }
			counter vxlan { }
			counter vxlan_sum { }
			chain input {
				type filter hook prerouting priority -300;
				udp dport 9 counter name discard
				udp dport 4789 udp checksum 0 counter name vxlan
				udp dport 4789 udp checksum != 0 counter name vxlan_sum
			}
		}
	END
}

seen() {
	in_ns out nft -j list counter inet watch "$1" | jq '.nftables[1].counter.packets'
}

seen_is() {
	[ "$(seen "$1")" = "$2" ]
}

add_flow() {
	rewire flow add vni 10 protocol udp src "10.0.0.2:$1" dst "$out4:${2:-9}" to vni 0 src "$nat4:$1"
}

detached_device() {
	check "one virtual network has two devices" rewire attach add dev b1 vni 0
	check "a flow into it" add_flow 5001
	send_udp t1 5001
	check "finds its way out by routing" wait_for 5 seen_is discard 1
	check "the device that it took is detached" rewire attach del dev u0
	equal "the flow has ended" "$(figure flows)" 0
	check "another is made" add_flow 5001
	check "the device joins another virtual network" rewire attach add dev u0 vni 77
	send_udp t1 5001
	equal "which no packet enters" "$(seen discard)" 1
	check "all is as it was" eval "rewire attach del dev u0 && rewire attach add dev u0 vni 0 &&
		rewire attach del dev b1 && rewire flow flush"
}

holds_some() {
	[ "$(figure held-packets)" -ge 1 ]
}

# The source port of what is held, into $port
find_port() {
	port=$(rewire -j punt show | jq '.[0].tuple.sport // empty')
	[ -n "$port" ]
}

firewall_has_dropped() {
	[ "$(in_ns host nft -j list counter inet firewall dropped |
		jq '.nftables[1].counter.packets')" -ge 1 ]
}

firewall() {
	local port

	check "the host's own output is attached" rewire attach add local vni 5
	check "its packets are held" rewire rule add vni 5 dst "$out4/32" protocol udp punt orphan hold
	in_ns host nft -f - <<-'END'
		table inet firewall {
			counter dropped { }
			chain output {
				type filter hook output priority 0;
				udp dport 9 counter name dropped drop
			}
		}
	END
	# They are held for a second: keep some coming.
	spawn host bash -c "exec 3<>/dev/udp/$out4/9; for i in {1..150}; do echo x >&3; sleep 0.2; done"
	check "some are" wait_for 20 holds_some
	wait_for 20 find_port
	check "they may pass" rewire verdict add pass vni 5 protocol udp src "198.51.100.1:$port" \
		dst "$out4:9" lifetime 60000
	check "but not the firewall" wait_for 20 firewall_has_dropped
	kill "$spawned"
	equal "nothing came out" "$(seen discard)" 1
	in_ns host nft delete table inet firewall
	check "whoever else sends may" rewire verdict add pass vni 5 protocol udp \
		src 198.51.100.1:6000 dst "$out4:9" lifetime 60000
	send_udp host 6000
	check "without a firewall it does" wait_for 5 seen_is discard 2
	check "the host's own output is detached" rewire attach del local
}

tunnel() {
	ip -n t1 link add vx0 type vxlan id 7 remote "$out4" dstport 4789 srcport 40000 40001 noudpcsum
	ip -n t1 address add 172.31.0.1/24 dev vx0
	ip -n t1 link set vx0 up
	ip -n t1 neigh add 172.31.0.2 lladdr 02:00:00:00:00:02 dev vx0
	check "flows of tunnel packets" eval "add_flow 40000 4789 && add_flow 40001 4789"
	in_ns t1 timeout 2 nc -w 1 172.31.0.2 80
	check "with a TCP connection inside gets out" test "$(seen vxlan)" -ge 1
	equal "with no outer checksum, as it came in" "$(seen vxlan_sum)" 0
}

source_route() {
	local before

	check "a tenant's packets are punted" rewire rule add vni 10 punt orphan hold
	before=$(reason drop-unsupported)
	send_udp t1 7000 830704c6336409		# loose source and record route (RFC 791)
	check "one that has been told a way is not translated" \
		wait_for 5 eval "[ \$(reason drop-unsupported) = $((before + 1)) ]"
	equal "nor held" "$(figure held-packets)" 0
}

topology || exit 1
rewire attach add dev t1 vni 10 && rewire attach add dev u0 vni 0 && watch_outside || exit 1
detached_device
firewall
tunnel
source_route
test_end
