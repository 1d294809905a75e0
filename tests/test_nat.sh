#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two tenants with the same subnet and the same address reach servers outside
# through one shared public address.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-${REWIRE_TEST_DOWNLOAD:-100000000}}
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

# flows_of SOURCE-PORT
flows_of() {
	flows "[.[] | select(.orig.sport == $1) | {
		vni: .orig.vni, src: .orig.src, port: .reply.dport, state }] | sort_by(.vni)"
}

twins() {
	local family address public sport flows who

	for family in "${families[@]}"; do
		read -r family address public <<< "$family"
		sport=2000$family		# below those that connections before had
		hold_connection t1 t1 "$address" $sport
		hold_connection t2 t2 "$address" $sport
		who=$(ask_on t1; ask_on t2)
		flows=$(flows_of $sport)
		equal "identical 5-tuples of two tenants are two flows, IPv$family" \
			"$(jq -c '[.[] | [.vni, .state]]' <<< "$flows")" \
			'[[10,"established"],[20,"established"]]'
		equal "their guest addresses are the same, IPv$family" \
			"$(jq '[.[].src] | unique | length' <<< "$flows")" 1
		equal "the server sees the public address, and their two ports, IPv$family" \
			"$who" "$(jq -r ".[] | \"out $public \\(.port)\"" <<< "$flows")"
		equal "which differ, IPv$family" "$(jq '[.[].port] | unique | length' <<< "$flows")" 2
		release_connection t1
		release_connection t2
	done
}

# dropped NAME REASON COMMAND...: the command fails, and packets are dropped for it.
dropped() {
	local name=$1 before
	before=$(reason "$2")
	if "${@:3}" > "$work/output" 2>&1 || [ "$(reason "$2")" -le "$before" ]; then
		not_ok "$name" "$2 is $(reason "$2"), was $before" "$(< "$work/output")"
	else
		ok "$name"
	fi
}

edges() {
	check "a packet that may cross two routers crosses, IPv4" in_ns t1 ping -n -c 1 -W 10 -t 2 "$out4"
	check "a packet that may cross two routers crosses, IPv6" in_ns t1 ping -n -c 1 -W 10 -t 2 "$out6"
	dropped "one whose time to live ends here does not, IPv4" drop-ttl \
		in_ns t1 ping -n -c 1 -W 1 -t 1 "$out4"
	dropped "one whose hop limit ends here does not, IPv6" drop-ttl \
		in_ns t1 ping -n -c 1 -W 1 -t 1 "$out6"
	check "S4.9: a ping in fragments crosses, IPv4" in_ns t1 ping -n -c 1 -W 10 -s 3000 "$out4"
	check "S4.9: a ping in fragments crosses, IPv6" in_ns t1 ping -n -c 1 -W 10 -s 3000 "$out6"
	set_link_mtu 9000 host t1
	set_link_mtu 9000 t1 eth0
	dropped "what does not fit the way out is dropped, and counted, IPv4" drop-too-big \
		in_ns t1 ping -n -c 1 -W 1 -M "do" -s 3000 "$out4"
	dropped "what does not fit the way out is dropped, and counted, IPv6" drop-too-big \
		in_ns t1 ping -n -c 1 -W 1 -M "do" -s 3000 "$out6"
	set_mtu 1500
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
edges
twins
downloads
equal "no guest's own address was seen outside" "$(seen private)" 0
check "while packets from public addresses were" test "$(seen public)" -gt 1000
equal "no checksum was wrong outside" \
	"$(in_ns out nstat -asz "*InCsumErrors" | awk 'NR > 1 { sum += $2 } END { print sum }')" 0
test_end
