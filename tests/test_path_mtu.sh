#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Path MTU discovery and traceroute, through NAT and load balancer. A server is a hop
# further than the outside, which is a router with less room than its links have.
. "$(dirname "$0")/lib/lib.sh"

far4=192.0.2.9 far6=2001:db8:2::9
bytes=${REWIRE_TEST_BYTES:-5000000}
room=1300

# The namespace far, behind out.
build_far() {
	local ns

	at_exit "stop_all_in far; ip netns del far"
	ip netns add far
	guest_link far far | ip -n out -batch - &&
	set_up_guest far 192.0.2 2001:db8:2 9 || return
	ip -n out -batch - <<-END &&
		address add 192.0.2.1/24 dev far
		address add 2001:db8:2::1/64 dev far nodad
		route add $far4/32 dev far mtu $room
		route add $far6/128 dev far mtu $room
	END
	ip -n host -batch - <<-END &&
		route add 192.0.2.0/24 via $out4 dev u0
		route add 2001:db8:2::/64 via $out6 dev u0
	END
	in_ns out sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 ||
		return
	for ns in far b1 b2; do
		in_ns "$ns" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 || return
	done
}

# learnt NAMESPACE ADDRESS MTU: the sender knows what fits
learnt() {
	ip -n "$1" route get "$2" | grep -w "mtu $3"
}

upload() {
	local address

	for address in $far4 $far6; do
		check "RFC 1191, 8201: uploads through NAT fit a router beyond it: $address" \
			iperf t1 "$address"
		check "the guest has learnt what fits: $address" learnt t1 "$address" $room
	done
}

balanced() {
	local vip

	for vip in "$web4" "$web6"; do
		check "RFC 1191, 8201: backends' answers fit a router beyond the load balancer: $vip" \
			download far "$vip" "$data_sum"
	done
	check "a backend has learnt what fits, IPv4" eval "learnt b1 $far4 $room || learnt b2 $far4 $room"
	check "a backend has learnt what fits, IPv6" eval "learnt b1 $far6 $room || learnt b2 $far6 $room"
}

# The way out of the host itself has less room.
narrow_host() {
	local address

	ip -n host route add $out4/32 dev u0 mtu 1290
	ip -n host route add $out6/128 dev u0 mtu 1290
	for address in $out4 $out6; do
		check "RFC 4787 REQ-13, RFC 8201: the host tells what fits its own way: $address" \
			iperf t1 "$address"
		check "the guest has learnt it: $address" learnt t1 "$address" 1290
	done
	match "from the device's address, IPv4" "$(in_ns t2 ping -n -c 1 -M 'do' -s 1400 -W 5 $out4)" \
		"From 10.0.0.1 .*mtu ?= ?1290"
	match "from the device's address, IPv6" "$(in_ns t2 ping -n -c 1 -M 'do' -s 1400 -W 5 $out6)" \
		"From fd00:10::1 .*mtu ?= ?1290"
	ip -n t2 route flush cache
	check "RFC 4787 REQ-13: what may be fragmented arrives" \
		in_ns t2 ping -n -c 1 -M dont -s 1400 -W 10 $out4
	ip -n host route del $out4/32 dev u0 mtu 1290
	ip -n host route del $out6/128 dev u0 mtu 1290
}

# What the host learns for its own packets is true of those that it translates.
host_learns() {
	in_ns host ping -n -c 1 -M 'do' -s 1400 -W 5 $far4 > "$work/output"
	check "the host has learnt what fits" learnt host $far4 $room
	match "and says so to a guest" "$(in_ns t2 ping -n -c 1 -M 'do' -s 1400 -W 5 $far4)" \
		"From 10.0.0.1 .*mtu ?= ?$room"
	check "uploads go on" iperf t1 $far4
	ip -n host route flush cache
	match "when it has forgotten, the router says so" \
		"$(in_ns t2 bash -c "ip route flush cache; ping -n -c 1 -M do -s 1400 -W 5 $far4")" \
		"From $out4 .*mtu ?= ?$room"
	check "to another address there is room" in_ns t2 ping -n -c 1 -M 'do' -s 1400 -W 10 $out4
}

# hops NAMESPACE COMMAND...: the addresses that a traceroute prints, in order
hops() {
	in_ns "$@" | sed 1d | awk '{ print $2 }' | xargs
}

traceroutes() {
	local mode family

	for mode in "-U" "-I" "-T -p 80"; do
		# shellcheck disable=SC2086
		equal "RFC 5508 REQ-4, REQ-10: traceroute $mode through NAT, IPv4" \
			"$(hops t1 traceroute -4 -n -q 1 -w 5 $mode $far4)" "10.0.0.1 $out4 $far4"
		# shellcheck disable=SC2086
		equal "RFC 4443: traceroute $mode through NAT, IPv6" \
			"$(hops t1 traceroute -6 -n -q 1 -w 5 $mode $far6)" "fd00:10::1 $out6 $far6"
		# shellcheck disable=SC2086
		equal "RFC 5508 REQ-5: traceroute $mode to a backend ends at the public address, IPv4" \
			"$(hops far traceroute -4 -n -q 1 -w 5 $mode "$one4")" "192.0.2.1 198.51.100.1 $one4"
		# shellcheck disable=SC2086
		equal "RFC 5508 REQ-5: traceroute $mode to a backend ends at the public address, IPv6" \
			"$(hops far traceroute -6 -n -q 1 -w 5 $mode "$one6")" \
			"2001:db8:2::1 2001:db8:1::1 $one6"
	done
	match "tracepath finds the path's MTU through NAT, IPv4" \
		"$(in_ns t1 tracepath -4 -n -m 5 $far4 | xargs)" "$out4 .*$far4 .*reached.*Resume: pmtu $room hops 3"
	match "tracepath finds the path's MTU through NAT, IPv6" \
		"$(in_ns t1 tracepath -6 -n -m 5 $far6 | xargs)" "$out6 .*$far6 .*reached.*Resume: pmtu $room hops 3"
}

# The host's own packets, to an address that stands for a backend with a narrow way.
own_output() {
	check "the host's own output is attached" rewire attach add local vni 5
	ip -n host route replace 10.1.0.11/32 dev b1 mtu 1290
	check "an address of its own for a backend" rewire flow add vni 5 protocol icmp \
		src 198.51.100.1:77 dst 198.51.100.77:0 to vni 30 src 10.1.0.1:77 dst 10.1.0.11:0
	match "RFC 1191: the host's own socket is told what fits" \
		"$(in_ns host ping -n -e 77 -c 2 -i 0.2 -M 'do' -s 1400 -W 5 198.51.100.77 2>&1)" "mtu ?= ?1290"
	check "and what fits is answered" in_ns host ping -n -e 77 -c 1 -M 'do' -s 1200 -W 10 198.51.100.77
	check "what may be fragmented is answered" in_ns host ping -n -e 77 -c 1 -M dont -s 1400 -W 10 198.51.100.77
	rewire attach del local
}

set_up
build_far || exit 1
data_file "$bytes"
start_iperf out && start_iperf far && start_http far 80 &&
	start_http b1 8080 "$data" && start_http b2 8080 "$data" || exit 1
upload
balanced
narrow_host
host_learns
traceroutes
own_output
equal "every packet that was dropped was too big, or had no hops left" "$(drops)" \
	"$(($(reason drop-too-big) + $(reason drop-ttl)))"
test_end
