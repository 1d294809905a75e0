#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two tenants with the same subnet and the same address reach servers outside
# through one shared public address.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-100000000}
families=("4 $out4 $nat4" "6 $out6 $nat6")

downloads() {
	local mtu offloads family address rest

	for mtu in 1500 9000; do
		for offloads in on off; do
			set_mtu $mtu && set_offloads $offloads || exit 1
			for family in "${families[@]}"; do
				read -r family address rest <<< "$family"
				check "curl gets $bytes bytes through NAT, IPv$family, MTU $mtu, offloads $offloads" \
					download t1 "$address" "$data_sum"
			done
		done
	done
}

tools() {
	local family address public mode

	for family in "${families[@]}"; do
		read -r family address public <<< "$family"
		check "ping through NAT, IPv$family" ping_three t1 "$address"
		check "dig through NAT, IPv$family" resolve t1 "$address"
		for mode in "" "-R" "-u -b 2M" "-u -b 2M -R"; do
			# shellcheck disable=SC2086
			check "iperf3 $mode through NAT, IPv$family" iperf t1 "$address" $mode
		done
		match "the server sees the public address, IPv$family" \
			"$(fetch t1 "$address" whoami)" "^out $public [0-9]+\$"
	done
}

# twin TENANT SERVER: a slow transfer from port 40000, which first asks who it is.
twin() {
	spawn "$1" curl -gsS --local-port 40000 --limit-rate 100k --max-time 120 --connect-timeout 20 \
		-o "$work/$1.who" "$(url "$2" whoami)" -o /dev/null "$(url "$2" data)"
}

flows_of_twins() {
	rewire -j flow show | jq -c '[.[] | select(.orig.sport == 40000 and .orig.dport == 80) |
		{ vni: .orig.vni, src: .orig.src, port: .reply.dport, state }] | sort'
}

twins_are_up() {
	[ -s "$work/t1.who" ] && [ -s "$work/t2.who" ] &&
	[ "$(flows_of_twins | jq '[.[] | select(.state == "established")] | length')" = 2 ]
}

no_twin() {
	! kill -0 "$1" 2>/dev/null && ! kill -0 "$2" 2>/dev/null
}

twins() {
	local family address public flows pids name port rest ports

	for family in "${families[@]}"; do
		read -r family address public <<< "$family"
		rm -f "$work"/t?.who
		twin t1 "$address"
		pids=$spawned
		twin t2 "$address"
		pids="$pids $spawned"
		wait_for 60 twins_are_up
		flows=$(flows_of_twins)
		equal "identical 5-tuples of two tenants are two flows, IPv$family" \
			"$(jq -c '[.[] | [.vni, .state]]' <<< "$flows")" \
			'[[10,"established"],[20,"established"]]'
		equal "their guest addresses are the same, IPv$family" \
			"$(jq '[.[].src] | unique | length' <<< "$flows")" 1
		ports=$(while read -r name rest port; do
			echo "$port"
		done < <(cat "$work"/t?.who) | sort -n | xargs)
		equal "the server sees the two public ports of the flows, IPv$family" \
			"$ports" "$(jq -r '[.[].port] | unique | sort | map(tostring) | join(" ")' <<< "$flows")"
		match "which differ, IPv$family" "$ports" '^([0-9]+) ([0-9]+)$'
		# shellcheck disable=SC2086
		kill $pids
		# shellcheck disable=SC2086
		wait_for 10 no_twin $pids
	done
}

# What the outside gets to see of guests' own addresses, by netfilter's counters.
watch_addresses() {
	in_ns out nft -f - <<-'END'
		table inet watch {
			counter private { }
			counter public { }
			chain input {
				type filter hook prerouting priority -300;
				ip saddr 10.0.0.0/8 counter name private
				ip6 saddr fd00::/16 counter name private
				ip saddr 203.0.113.0/24 counter name public
				ip6 saddr 2001:db8:f::/64 counter name public
			}
		}
	END
}

seen() {
	in_ns out nft -j list counter inet watch "$1" | jq '.nftables[1].counter.packets'
}

topology || exit 1
refuse "the host alone does not forward" 1 "100% packet loss" in_ns t1 ping -c 1 -W 1 "$out4"
attach_all && write_config && start_rewired || exit 1
data_file "$bytes" && start_http out 80 "$data" && start_dns out && start_iperf out || exit 1
watch_addresses || exit 1

tools
twins
downloads
equal "no guest's own address was seen outside" "$(seen private)" 0
check "while packets from public addresses were" test "$(seen public)" -gt 1000
equal "no checksum was wrong outside" \
	"$(in_ns out nstat -asz "*InCsumErrors" | awk 'NR > 1 { sum += $2 } END { print sum }')" 0
test_end
