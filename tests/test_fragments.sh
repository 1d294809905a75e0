#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Large datagrams, super-packets and SCTP of real programs, through NAT, the balancer and
# the host's own output; and what waits when a device and a namespace go.
. "$(dirname "$0")/lib/lib.sh"

datagrams() {
	in_ns "$1" /usr/bin/python3 "$tests/lib/datagrams.py" "${@:2}"
}

# serve NAMESPACE KIND PORT
serve() {
	spawn "$1" /usr/bin/python3 "$tests/lib/datagrams.py" serve "$2" "$3"
	wait_for 30 listens "$1" "$([ "$2" = udp ] && echo -u || echo -S)" "$3"
}

large_datagrams() {
	local address family size

	for size in 4000 60000; do
		for family in 4 6; do
			address=out$family
			check "T4.4: $size bytes of UDP both ways through NAT, IPv$family" \
				datagrams t1 ask udp "${!address}" 7 $size
			address=one$family
			check "S4.9: $size bytes of UDP both ways through the balancer, IPv$family" \
				datagrams out ask udp "${!address}" 7 $size
			address=out$family
			check "S4.9: $size bytes of UDP both ways by the host itself, IPv$family" \
				datagrams host ask udp "${!address}" 7 $size
		done
	done
}

# average PROTOCOL: bytes a packet that a guest has sent, of the flows of t1
average() {
	rewire -s -j flow show vni 10 | jq --arg protocol "$1" '[.[] | select(.orig.protocol == $protocol)."orig-counters"] |
		(map(.bytes) | add) / (map(.packets) | add) | floor'
}

# A super-packet of UDP is translated once, whole; without offloads, or where its parts
# do not fit, it crosses in parts.
super_datagrams() {
	local address family

	for family in 4 6; do
		address=out$family
		rewire flow flush
		check "G2: 60000 bytes in datagrams of 1200, one super-packet, through NAT, IPv$family" \
			datagrams t1 ask udp-1200 "${!address}" 7 60000
		check "G2: which crosses whole, IPv$family" test "$(average udp)" -gt 50000
		rewire flow flush
		# So few that the first of a flow are all held
		in_ns t1 ethtool -K eth0 tx-udp-segmentation off
		check "G2: without offloads, IPv$family" datagrams t1 ask udp-1200 "${!address}" 7 12000
		check "G2: it crosses in parts, IPv$family" test "$(average udp)" -lt 1300
		in_ns t1 ethtool -K eth0 tx-udp-segmentation on
		address=one$family
		check "G2: a super-packet through the balancer, IPv$family" \
			datagrams out ask udp-1200 "${!address}" 7 30000
		address=out$family
		check "G2: a super-packet of the host itself, IPv$family" \
			datagrams host ask udp-1200 "${!address}" 7 30000
	done
	ip -n host route add "$out4" dev u0 mtu 1300
	check "G2: parts that do not fit the way out are fragmented" datagrams t1 ask udp-1400 "$out4" 7 42000
	ip -n host route del "$out4"
}

sctp() {
	local address public family

	if ! in_ns out /usr/bin/python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)" 2>/dev/null; then
		lacking "RFC 9260: SCTP through NAT"
		return
	fi
	check "RFC 9260: servers of SCTP" eval "serve out sctp 7 && serve b1 sctp 7"
	for family in 4 6; do
		address=out$family
		spawn host tcpdump -i t1 -p -U -c 1 -w "$work/large$family.pcap" "greater 2000 and sctp"
		wait_for 10 test -s "$work/large$family.pcap"
		check "RFC 9260: SCTP through NAT, IPv$family" datagrams t1 ask sctp "${!address}" 7 100000
		public=nat$family
		equal "RFC 9260: by a flow of its protocol, IPv$family" \
			"$(flows '[.[] | select(.orig.protocol == "sctp") | .reply.dst] | unique')" "[\"${!public}\"]"
		check "G2: in super-packets, IPv$family" wait_for 5 eval "! kill -0 $spawned"
		address=one$family
		check "RFC 9260: SCTP through the balancer, IPv$family" \
			datagrams out ask sctp "${!address}" 7 100000
		equal "RFC 9260: to the backend, IPv$family" \
			"$(flows '[.[] | select(.orig.protocol == "sctp" and .target == 51)] | length')" 1
		rewire flow flush
	done
	ip -n host route add "$out4" dev u0 mtu 1000
	check "RFC 9260 6.8: SCTP in fragments, whose checksum a device was to finish" \
		datagrams t1 ask sctp-any-mtu "$out4" 7 20000
	ip -n host route del "$out4"
}

# What waits for more fragments holds on to nothing.
unfinished() {
	in_ns t1 /usr/bin/python3 - <<-'END'
		import socket, struct
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for ident in range(50):
		    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, ident, 0x2000, 64, 17, 0,
		                       socket.inet_aton("10.0.0.2"), socket.inet_aton("198.51.100.9"))
		    raw.sendto(head + bytes(800), ("198.51.100.9", 0))
	END
	match "fragments wait" "$(in_ns host cat /proc/net/sockstat)" 'FRAG: inuse 50'
	check "their device is detached meanwhile" rewire attach del dev t1
	check "and goes" ip -n host link del t1
	check "so does the namespace" ip netns del t1
}

topology && attach_all && rewire attach add local vni 40 || exit 1
write_config '.services += [{ "name": "nat-host", "id": 6, "vni": 40, "source": { "pool": "public" },
	"dst": ["198.51.100.9", "2001:db8:1::9"] }]'
start_rewired && serve out udp 7 && serve b1 udp 7 || exit 1
large_datagrams
super_datagrams
sctp
equal "no checksum was wrong" \
	"$(for ns in out b1 t1; do in_ns $ns nstat -asz "*InCsumErrors"; done |
		awk '$1 ~ /Csum/ { sum += $2 } END { print sum }')" 0
unfinished
test_end
