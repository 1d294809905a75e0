#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A client outside reaches backends through virtual addresses.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-${REWIRE_TEST_DOWNLOAD:-100000000}}
families=("4 $web4 $one4 $out4" "6 $web6 $one6 $out6")

downloads() {
	local mtu offloads family address rest

	for mtu in 1500 9000; do
		for offloads in on off; do
			set_mtu $mtu && set_offloads $offloads || exit 1
			for family in "${families[@]}"; do
				read -r family address rest <<< "$family"
				check "curl gets $bytes bytes through the balancer, IPv$family, MTU $mtu, offloads $offloads" \
					download out "$address" "$data_sum"
			done
		done
	done
}

tools() {
	local family one rest mode

	for family in "${families[@]}"; do
		read -r family rest one rest <<< "$family"
		check "ping through the balancer, IPv$family" ping_three out "$one"
		for mode in "" "-R" "-u -b 2M" "-u -b 2M -R"; do
			# shellcheck disable=SC2086
			check "iperf3 $mode through the balancer, IPv$family" iperf out "$one" $mode
		done
	done
}

# ask ADDRESS: who answers sixteen connections, and whom do they see
ask() {
	local url n

	url=$(url "$1" whoami)
	for n in {1..16}; do
		echo "$url"
	done | xargs "$helpers/enter" out curl -gsS -0 --connect-timeout 20 > "$work/answers"
	n=$(wc -l < "$work/answers")
	[ "$n" = 16 ] || echo "$n of 16"
	awk '{ print $1, $2 }' "$work/answers" | sort -u
}

spreads() {
	local family web one client answers

	for family in "${families[@]}"; do
		read -r family web one client <<< "$family"
		answers=$(ask "$web" | xargs)
		equal "connections reach both backends, which see the client, IPv$family" \
			"$answers" "b1 $client b2 $client"
		answers=$(for ((n = 0; n < 4; n++)); do
			in_ns out dig +short +time=5 +tries=1 "@$web" name.rewire.test
		done | sort | xargs)
		equal "dig: round robin takes turns, IPv$family" "$answers" \
			"192.0.2.1 192.0.2.1 192.0.2.2 192.0.2.2"
	done
}

set_up
data_file "$bytes" || exit 1
for backend in b1 b2; do
	start_http $backend 8080 "$data" && start_dns $backend 192.0.2.${backend#b} || exit 1
done
start_iperf b1 || exit 1

refuse "what no service claims is left to the host, which refuses" 7 "refused|Couldn't connect" \
	fetch out 198.51.100.1:81 whoami
spreads
tools
downloads
for backend in b1 b2; do
	equal "no checksum was wrong at $backend" \
		"$(in_ns $backend nstat -asz "*InCsumErrors" | awk 'NR > 1 { sum += $2 } END { print sum }')" 0
done
test_end
