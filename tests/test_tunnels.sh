#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tenants behind VXLAN and Geneve devices with external control: the identifier of the
# tunnel is the virtual network, and replies find their way back.
#
#   t1: tun 10.9.0.2, fd09::2 ── id 10 ─┐               ┌ u0 ── out
#                                       ├─ host: xt0 ───┤
#   t2: tun 10.9.0.2, fd09::2 ── id 20 ─┘  vni tunnel   └ vni 0
. "$(dirname "$0")/lib/lib.sh"

mac=02:00:00:00:10:01 port4=4000
bytes=${REWIRE_TEST_BYTES:-3000000}

# underlay N DEVICE: addresses below the tunnels
underlay() {
	ip -n host address add "172.16.$1.1/24" dev "$2"
	ip -n host address add "fd16:$1::1/64" dev "$2" nodad
	ip -n "$2" address add "172.16.$1.2/24" dev eth0
	ip -n "$2" address add "fd16:$1::2/64" dev eth0 nodad
}

# tenant N NAMESPACE KIND FAMILY: the tenant's end of a tunnel
tenant() {
	local remote=172.16.$1.1 id=$(($1 * 10))

	[ "$4" = 4 ] || remote=fd16:$1::1
	case $3 in
	vxlan)	ip -n "$2" link add tun type vxlan id "$id" remote "$remote" dstport 4789 ;;
	geneve)	ip -n "$2" link add tun type geneve id "$id" remote "$remote" ;;
	esac
	ip -n "$2" -batch - <<-END
		address add 10.9.0.2/24 dev tun
		address add fd09::2/64 dev tun nodad
		link set dev tun mtu 1400 up
		neigh add 10.9.0.1 lladdr $mac dev tun
		neigh add fd09::1 lladdr $mac dev tun
		route add $out4/32 via 10.9.0.1
		route add $out6/128 via fd09::1
	END
}

flows_of() {
	flows "[.[] | select(.orig.vni == $1 and .\"orig-tunnel\".id == $1)] | length"
}

# by KIND FAMILY: the whole way, tunnels over IPv4 or IPv6
by() {
	local name="$1 over IPv$2" family address

	case $1 in
	vxlan)	ip -n host link add xt0 address $mac type vxlan external dstport 4789 ;;
	geneve)	ip -n host link add xt0 address $mac type geneve external ;;
	esac
	ip -n host link set dev xt0 mtu 1400 up
	tenant 1 t1 "$1" "$2"
	tenant 2 t2 "$1" "$2"
	check "$name: the device is attached" rewire attach add dev xt0 tunnel
	for address in $out4 $out6; do
		family=IPv4
		[ $address = $out4 ] || family=IPv6
		check "S2.8: $name: $family: the first tenant's ping is answered" ping_three t1 $address
		check "S2.8: $name: $family: the second's, with the same address" ping_three t2 $address
		check "S2.8: $name: $family: $bytes bytes to the first" download t1 $address "$data_sum"
		check "S2.8: $name: $family: and to the second" download t2 $address "$data_sum"
	done
	equal "$name: the first's flows know its far end" "$(flows_of 10)" 4
	equal "$name: the second's know another" "$(flows_of 20)" 4
	match "$name: it is the right one" "$(flows '[.[] | select(.orig.vni == 20)][0]."orig-tunnel".remote')" \
		"$([ "$2" = 4 ] && echo '172\.16\.2\.2' || echo 'fd16:2::2')"
	both_at_once "$name"
	check "$name: it is detached" rewire attach del dev xt0
	equal "$name: and no flow is left" "$(figure flows)" 0
	ip -n host link del xt0
	ip -n t1 link del tun
	ip -n t2 link del tun
}

both_at_once() {
	local pid

	(download t1 $out4 "$data_sum") > /dev/null &
	pid=$!
	check "S2.8: $1: both tenants at once: the second" download t2 $out4 "$data_sum"
	check "S2.8: $1: both tenants at once: the first" wait "$pid"
}

# A flow that is made by hand, from outside to a tenant, says where to.
by_hand() {
	local lladdr

	ip -n host link add xt0 address $mac type vxlan external dstport 4789
	ip -n host link set dev xt0 mtu 1400 up
	tenant 2 t2 vxlan 4
	lladdr=$(ip -n t2 -j link show tun | jq -r '.[0].address')
	rewire attach add dev xt0 tunnel
	refuse "G13: a tunnel without its device" 2 "needs its device" rewire flow add vni 0 \
		protocol tcp src $out4:$port4 dst $nat4:80 to vni 20 dst 10.9.0.2:80 remote 172.16.2.2
	refuse "G13: a tunnel to another virtual network" 2 "does not lead" rewire flow add vni 0 \
		protocol tcp src $out4:$port4 dst $nat4:80 to vni 20 dst 10.9.0.2:80 \
		remote 172.16.2.2 id 21 outdev xt0
	refuse "G13: a virtual network and a tunnel" 1 "exclude each other" \
		rewire attach add dev xt0 vni 3 tunnel
	refuse "G13: the host's own packets by tunnel" 2 "no tunnel" rewire attach add local tunnel
	check "S2.8: a flow from outside to a tenant behind a tunnel" rewire flow add vni 0 \
		protocol tcp src $out4:$port4 dst $nat4:80 to vni 20 dst 10.9.0.2:80 \
		remote 172.16.2.2 lladdr "$lladdr" outdev xt0
	start_http t2 80 "$data"
	ip -n t2 route del $out4/32
	ip -n t2 route add $out4/32 via 10.9.0.1 dev tun
	check "S2.8: its bytes arrive" eval "[ \"\$(fetch out $nat4 data --local-port $port4 | sha256sum)\" = '$data_sum' ]"
	check "a flow into a tunnel that is narrower" rewire flow add vni 0 protocol icmp src $out4:77 \
		dst $nat4 to vni 20 dst 10.9.0.2 remote 172.16.2.2 lladdr "$lladdr" outdev xt0
	drops=$(reason drop-too-big)
	in_ns out ping -n -c 1 -W 1 -e 77 -M "do" -s 1372 $nat4 > "$work/fits" 2>&1
	check "G5: a packet of the device's MTU goes through" grep -q "1 received" "$work/fits"
	in_ns out ping -n -c 1 -W 1 -e 77 -M "do" -s 1373 $nat4 > /dev/null 2>&1
	equal "G5: a byte more is too big" "$(reason drop-too-big)" $((drops + 1))
	rewire flow flush
}

# parts_seen FILE: how many parts of packets went to the tenant, and how long the longest was
parts_seen() {
	tcpdump -nv -r "$1" "(dst host 10.9.0.2 and ip[6:2] & 0x3fff != 0) or
		(dst host fd09::2 and ip6[6] == 44)" 2> /dev/null | awk '
		match($0, /, length [0-9]+\)|payload length: [0-9]+\)/) {
			part = substr($0, RSTART, RLENGTH)
			gsub(/[^0-9]/, "", part)
			part += /payload/ ? 40 : 0
			longest = part > longest ? part : longest
			parts++
		}
		END { print parts + 0, longest + 0 }'
}

# long_ping FAMILY ADDRESS PARTS: it is more than the tunnel's device takes
long_ping() {
	local capture=$work/$1.pcap

	spawn t2 tcpdump -n -i tun -p -U -w "$capture"
	check "G2: $1: who sees the tenant's packets listens" wait_for 20 test -s "$capture"
	check "G2: $1: a ping of 4000 bytes into a narrow tunnel is answered" \
		wait_for 20 in_ns out ping -n -c 1 -W 5 -e 78 -M dont -s 4000 "$2"
	check "G2: $1: the answer's last part is seen" wait_for 20 eval \
		"tcpdump -nv -r '$capture' src host 10.9.0.2 or src host fd09::2 2>&1 | grep -Eq 'offset 2752|:2704'"
	equal "G2: $1: what the tenant gets are parts of its MTU" "$(parts_seen "$capture")" "$3"
	kill "$spawned"
}

# What does not fit a tunnel's device is split within the tunnel, not around it.
long() {
	local lladdr to="vni 20 remote 172.16.2.2 outdev xt0"

	lladdr=$(ip -n t2 -j link show tun | jq -r '.[0].address')
	ip -n t2 route replace $out6/128 via fd09::1 dev tun
	check "G2: flows into a narrow tunnel" eval "
		rewire flow add vni 0 protocol icmp src $out4:78 dst $nat4 to $to dst 10.9.0.2 lladdr $lladdr
		rewire flow add vni 0 protocol icmpv6 src '[$out6]:78' dst $nat6 to $to dst fd09::2 lladdr $lladdr"
	long_ping IPv4 $nat4 "3 1396"
	# The first tells the sender what is too big
	in_ns out ping -n -c 1 -W 1 -e 78 -M dont -s 4000 $nat6 > /dev/null 2>&1
	long_ping IPv6 $nat6 "3 1400"
	rewire flow flush
}

# What says no virtual network is not let through.
no_tunnel() {
	local before

	rewire attach del dev xt0
	check "G13: a device without external control may be attached, too" rewire attach add dev t2 tunnel
	before=$(reason drop-tunnel)
	in_ns t2 ping -n -c 1 -W 1 10.0.0.1 > /dev/null 2>&1
	check "G4: but its packets say no virtual network, and are dropped" \
		test "$(reason drop-tunnel)" -gt "$before"
	rewire attach add dev t1 vni 60
	check "a flow without any packet in a network with one device" rewire flow add vni 60 protocol udp src 10.6.0.2:9 \
		dst $out4:7 to vni 0 src $nat4:9 dst $out4:7
	rewire attach del dev t1
	equal "ends with it, whatever tunnels there are" "$(flows "[.[] | select(.orig.vni == 60)] | length")" 0
	rewire attach del dev t2
}

topology || exit 1
data_file "$bytes" || exit 1
underlay 1 t1
underlay 2 t2
rewire attach add dev u0 vni 0 && write_config '.services = [.services[] | select(.id <= 2) |
	.src = ["10.9.0.0/24", "fd09::/64"]]' || exit 1
# Rules need a device of their virtual network
rewire attach add dev b1 vni 10 && rewire attach add dev b2 vni 20 && start_rewired || exit 1
start_http out 80 "$data"
by vxlan 4
by geneve 4
by vxlan 6
by_hand
long
no_tunnel
test_end
