#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Forward rules: the host is an edge that sends packets for shared addresses on to
# b1 or b2, by port, untranslated; these have the addresses and answer by it.
. "$(dirname "$0")/lib/lib.sh"

# Ports of the shared addresses: 80 and 2000 to 2999 at b1, 3000 to 3999 at b2.
add_rules() {
	rewire -b - <<-END
		rule add vni 0 dst $nat4/32 protocol udp dport 2000-2999 forward via 10.1.0.11
		rule add vni 0 dst $nat4/32 protocol udp dport 3000-3999 forward via 10.1.0.12 dev b2
		rule add vni 0 dst $nat6/128 protocol udp dport 2000-2999 forward via fd00:30::11 outvni 30
		rule add vni 0 dst $nat6/128 protocol udp dport 3000-3999 forward via fd00:30::12
		rule add vni 0 dst $nat4/32 protocol tcp dport 80 forward via 10.1.0.11
		rule add vni 0 dst $nat6/128 protocol tcp dport 80 forward via fd00:30::11
		rule add vni 30 dst $out4/32 forward outvni 0
		rule add vni 30 dst $out6/128 forward outvni 0 dev u0
	END
}

attach_edge() {
	rewire attach add dev u0 vni 0 && rewire attach add dev b1 vni 30 &&
		rewire attach add dev b2 vni 30
}

# send_udp ADDRESS PORT COUNT: datagrams of different lengths and fields, no two alike
send_udp() {
	in_ns out /usr/bin/python3 - "$@" <<-'END'
		import socket, sys
		address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		six = ":" in address
		s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 7777))
		for i in range(count):
		    s.setsockopt(*((41, 67) if six else (0, 1)), i & 0xfc)          # traffic class
		    s.setsockopt(*((41, 16) if six else (0, 2)), 2 + i * 3)         # hops
		    if not six:
		        s.setsockopt(0, 10, (2, 0)[i % 2])                          # DF or not
		        s.setsockopt(0, 4, bytes.fromhex("01" * (4 * (i % 5))))     # options
		        s.setsockopt(socket.SOL_SOCKET, 11, i % 3 == 0)             # no checksum
		    s.sendto(bytes(range(i % 256)) * (i % 6), (address, port))
	END
}

# send_one ADDRESS PORT BYTES HOPS DF: one datagram
send_one() {
	in_ns out /usr/bin/python3 - "$@" <<-'END'
		import socket, sys
		address, port, length, hops, df = sys.argv[1], *map(int, sys.argv[2:])
		six = ":" in address
		s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(*((41, 16) if six else (0, 2)), hops)
		s.setsockopt(*((41, 23) if six else (0, 10)), 3 if df else 0)
		s.sendto(b"x" * length, (address, port))
	END
}

capture() {
	spawn "$1" tcpdump -i eth0 -U -w "$work/$1.pcap" -Q "$2" "udp and src port 7777"
	wait_for 10 test -s "$work/$1.pcap"
}

# same_bytes COUNT: what out has sent is what the first, the second or none of the
# backends has received, but for one hop less and, of IPv4, its checksum.
same_bytes() {
	/usr/bin/python3 - "$1" "$work"/{out,b1,b2}.pcap <<-'END'
		import struct, sys
		def packets(path):
		    data = open(path, "rb").read()[24:]
		    while data:
		        length = struct.unpack("=I", data[8:12])[0]
		        yield data[16 + 14:16 + length]
		        data = data[16 + length:]
		def hop_less(ip):
		    ip = bytearray(ip)
		    if ip[0] >> 4 == 6:
		        ip[7] -= 1
		        return bytes(ip)
		    ip[8] -= 1
		    ip[10:12] = bytes(2)
		    words = sum(struct.unpack(f">{(ip[0] & 15) * 2}H", ip[:(ip[0] & 15) * 4]))
		    words = (words & 0xffff) + (words >> 16)
		    ip[10:12] = struct.pack(">H", ~(words + (words >> 16)) & 0xffff)
		    return bytes(ip)
		sent, first, second = (list(packets(path)) for path in sys.argv[2:])
		wanted = [[], []]
		for ip in sent:
		    at = (ip[0] & 15) * 4 if ip[0] >> 4 == 4 else 40
		    wanted[struct.unpack(">H", ip[at + 2:at + 4])[0] >= 3000].append(hop_less(ip))
		print(len(sent), len(first), len(second))
		differ = [(a.hex(), b.hex()) for a, b in zip(first + second, wanted[0] + wanted[1]) if a != b]
		print(*differ[:3], sep="\n")
		print(len(wanted[0]), len(wanted[1]), [len(first), len(second)])
		sys.exit(len(sent) != int(sys.argv[1]) or [first, second] != wanted)
	END
}

# rule_figures PORT FIELD: of the IPv4 rule
rule_figure() {
	rewire -s -j rule show | jq --argjson port "$1" --arg field "$2" \
		'.[] | select(.dport == [$port, $port + 999] and .family != "inet6" and (.dst | contains(":") | not)) | .[$field]'
}

identical() {
	set_offloads off
	capture out out
	capture b1 in
	capture b2 in
	send_udp $nat4 2500 80
	send_udp $nat4 3500 40
	send_udp $nat6 2999 40
	send_udp $nat6 3000 40
	wait_for 10 same_bytes 200
	check "S4.1: packets reach the host of their port, identical but for the hop" same_bytes 200
	stop_all_in out; stop_all_in b1; stop_all_in b2
	equal "S4.2: no flow is kept" "$(figure flows) $(figure created) $(figure punts)" "0 0 0"
	check "all are counted as forwarded" test "$(figure forwarded)" -ge 200
	equal "none as translated" "$(figure translated)" 0
	equal "and by rule" "$(rule_figure 2000 hits) $(rule_figure 3000 hits)" "80 40"
	match "with their bytes" "$(rule_figure 3000 bytes)" '^[1-9][0-9]{3,}$'
	set_offloads on
}

# drops_as REASON: of the next packet
drops_as() {
	local name=$1 before
	before=$(reason "$name")
	shift
	"$@"
	wait_for 5 eval "[ \$(reason $name) = $((before + 1)) ]"
}

not_forwarded() {
	local sent

	sent=$(figure forwarded)
	check "no port of a rule is no business of the rules" send_one $nat4 4000 10 9 0
	check "one whose hops run out is dropped (RFC 1812)" drops_as drop-ttl send_one $nat4 2000 10 1 0
	check "and of IPv6 (RFC 8200)" drops_as drop-ttl send_one $nat6 2000 10 1 0
	ip -n host link set b1 mtu 1400
	check "one that does not fit and must not be fragmented, too" \
		drops_as drop-too-big send_one $nat4 2000 1420 9 1
	check "and of IPv6" drops_as drop-too-big send_one $nat6 2000 1400 9 1
	equal "none of them was sent on" "$(figure forwarded)" "$sent"
	check "one that may be fragmented is" eval "spawn b1 tcpdump -U -c 2 -i eth0 -w $work/fragments 'ip[6:2] & 0x3fff != 0' &&
		wait_for 10 test -s $work/fragments && send_one $nat4 2000 1420 9 0 && wait_for 10 eval '! kill -0 $spawned'"
	ip -n host link set b1 mtu 1500
	ip -n host route del 10.1.0.11/32 dev b1
	check "a next hop that is on no link gets nothing" drops_as drop-no-route send_one $nat4 2000 10 9 0
	ip -n host route add 10.1.0.11/32 via 198.51.100.9
	check "nor one behind a router" drops_as drop-no-route send_one $nat4 2000 10 9 0
	ip -n host route replace 10.1.0.11/32 dev b1
	check "a next hop in another virtual network is refused its packets" eval \
		"rewire rule add vni 0 dst $one4/32 forward via 10.0.0.2 outvni 30 && drops_as drop-no-route send_one $one4 9 10 9 0"
	check "the host's own address is no next hop" eval \
		"rewire rule add vni 0 dst $web4/32 forward via 10.1.0.1 && drops_as drop-no-route send_one $web4 9 10 9 0"
}

# refused NAMESPACE ADDRESS PORT REMOTE: a datagram to a closed port comes back as an error
refused() {
	in_ns "$1" /usr/bin/python3 - "${@:2}" <<-'END'
		import socket, sys
		address, port, remote = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(10)
		s.bind((address, port))
		s.connect((remote, 9))
		s.send(b"is anybody there?")
		try:
		    s.recv(1)
		except ConnectionRefusedError:
		    sys.exit(0)
	END
}

errors() {
	check "S4.9: an error finds the host whose packet it quotes by its port" refused b1 $nat4 2500 $out4
	check "and by another's port another, of IPv4" refused b2 $nat4 3500 $out4
	check "of IPv6 the one" refused b1 $nat6 2500 $out6
	check "and the other" refused b2 $nat6 3500 $out6
	refuse "one that quotes a port of no rule finds nobody" 1 "timed out" refused b1 $nat4 4500 $out4
}

connection() {
	data_file 3000000
	spawn b1 /usr/bin/python3 "$tests/lib/httpd.py" out 80 "$data"
	wait_for 30 listens b1 -t 80
	check "transfers with offloads" download out $nat4 "$data_sum"
	check "over IPv6, too" download out $nat6 "$data_sum"
	hold_connection a out $nat4
	check "a connection is open" eval 'ask_on a | grep -q "^out "'
	unload_module && insmod "$REWIRE_MODULE" && attach_edge && add_rules ||
		note "the module cannot be loaded again"
	check "S4.2: it goes on after the edge has been restarted" eval 'ask_on a | grep -q "^out "'
	equal "and is no flow there" "$(figure created)" 0
	release_connection a
}

topology || exit 1
for ns in b1 b2; do
	ip -n $ns address add $nat4/32 dev lo
	ip -n $ns address add $nat6/128 dev lo nodad
done
attach_edge && add_rules || exit 1
identical
not_forwarded
errors
connection
test_end
