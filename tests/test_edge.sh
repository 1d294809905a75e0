#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One public address on two hosts: the edge sends a packet on to the host by its port, and
# the host's flow says which guest it is for.
#
#   out ──── edge (namespace host) ┬── host b1 ── guest g1   ports 80 and 2000-2999
#                                  └── host b2 ── guest g2   ports 81 and 3000-3999
#
# Both guests have the address 10.0.0.2 in VNI 10. They go out by their host's ports.
. "$(dirname "$0")/lib/lib.sh"

declare -A port=([b1]=80 [b2]=81) range=([b1]=2000-2999 [b2]=3000-3999)
declare -A next4=([b1]=10.1.0.11 [b2]=10.1.0.12) next6=([b1]=fd00:30::11 [b2]=fd00:30::12)

add_guest() {
	at_exit ip netns del "$2"
	ip netns add "$2" &&
	ip -n "$1" -batch - <<-END && set_up_guest "$2" 10.0.0 fd00:10 2
		$(guest_link "$2" g0)
		$(guest_subnet g0 10.0.0 fd00:10)
	END
}

# What a host is asked for, and what it may use of the shared address
write_host_config() {
	jq --argjson port "${port[$1]}" --arg range "${range[$1]}" > "$work/$1.json" \
		'.services[0].dport = $port | .pools[0].ports = $range' <<-'END'
		{ "pools": [ { "name": "public", "vni": 0, "addresses": ["203.0.113.64", "2001:db8:f::64"] } ],
		  "services": [
		    { "name": "in", "id": 1, "vni": 0, "protocol": "tcp", "dst": ["203.0.113.64", "2001:db8:f::64"],
		      "destination": { "scheduler": "maglev" },
		      "backends": [ { "name": "guest", "id": 11, "vni": 10, "port": 80,
		                      "addresses": ["10.0.0.2", "fd00:10::2"] } ] },
		    { "name": "out", "id": 2, "vni": 10, "src": ["10.0.0.0/24", "fd00:10::/64"],
		      "source": { "pool": "public" } } ] }
	END
}

# on HOST ARGUMENT...: the command line there
on() {
	in_ns "$1" env REWIRE_SOCKET="$work/$1.sock" "$bin/rewire" "${@:2}"
}

start_host() {
	add_guest "$1" "$2" && write_host_config "$1" &&
	on "$1" attach add dev eth0 vni 0 && on "$1" attach add dev g0 vni 10 || return
	spawn "$1" bash -c 'exec "$@" > "$0" 2>&1' "$work/$1.log" "$bin/rewired" -c "$work/$1.json" -s "$work/$1.sock"
	wait_for 30 grep -q "rewired: ready" "$work/$1.log" && start_http "$2" 80
}

start_edge() {
	local b address next public ports

	rewire attach add dev u0 vni 0 && rewire attach add dev b1 vni 30 && rewire attach add dev b2 vni 30 &&
	for address in 4 6; do
		for b in b1 b2; do
			[ $address = 4 ] && next=${next4[$b]} || next=${next6[$b]}
			public=nat$address
			for ports in "${port[$b]}" "${range[$b]}"; do
				# From outside, and from a guest of either host
				echo "rule add vni 0 dst ${!public} protocol tcp dport $ports forward via $next outvni 30"
				echo "rule add vni 30 dst ${!public} protocol tcp dport $ports forward via $next outvni 30"
			done
		done
		next=out$address
		echo "rule add vni 30 dst ${!next} forward outvni 0"
	done | rewire -b -
}

# ask NAMESPACE ADDRESS PORT: who answers, and whom it sees
ask() {
	local host=$2

	[[ $host != *:* ]] || host="[$host]"
	in_ns "$1" curl -gsS --max-time 60 "http://$host:$3/whoami"
}

# translated HOST: packets so far
translated() {
	on "$1" -j stats show | jq .translated
}

inbound() {
	local family address before

	for family in 4 6; do
		address=nat$family
		before=$(translated b2)
		match "S4.4: from outside to the guest of the first host, IPv$family" \
			"$(ask out "${!address}" 80)" "^g1 ($out4|$out6) "
		equal "S4.4: the other host has seen nothing of it, IPv$family" "$(translated b2)" "$before"
		match "S4.4: and by the other's port to that of the second, IPv$family" \
			"$(ask out "${!address}" 81)" "^g2 ($out4|$out6) "
	done
}

outbound() {
	local family address public

	start_http out 80
	for family in 4 6; do
		address=out$family public=nat$family
		match "S4.3: a guest of the first host goes out by a port of this host's, IPv$family" \
			"$(ask g1 "${!address}" 80)" "^out ${!public} 2[0-9]{3}\$"
		match "S4.3: and of the second by one of that, IPv$family" \
			"$(ask g2 "${!address}" 80)" "^out ${!public} 3[0-9]{3}\$"
		match "S4.10: a guest reaches the other host's by the public address, IPv$family" \
			"$(ask g1 "${!public}" 81)" "^g2 ${!public} 2[0-9]{3}\$"
	done
}

# The edge has no flows, so it may be another one meanwhile.
edge() {
	equal "S4.1: the edge has translated nothing" "$(figure translated) $(figure created)" "0 0"
	check "S4.1: and sent all of it on" test "$(figure forwarded)" -gt 20
	equal "and dropped nothing" "$(drops)" 0
}

# A host that has no flow of a packet, and no rule about it, does not guess.
strangers() {
	rewire rule add vni 0 dst $nat4 protocol tcp dport 90 forward via "${next4[b1]}" outvni 30
	refuse "S4.4: a port that the host has nothing for leads to no guest" 28 "timed out" \
		in_ns out curl -sS --max-time 3 "http://$nat4:90/whoami"
}

topology && start_edge && start_host b1 g1 && start_host b2 g2 || exit 1
inbound
outbound
edge
strangers
test_end
