#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pools: how public ports are shared, who may come in by them, and what becomes of
# those who get none.
. "$(dirname "$0")/lib/lib.sh"

# configure JQ-FILTER: of the first pool
configure() {
	rewire flow flush
	looks_again
	write_config ".pools[0] |= (. + $1)"
	rewire -j apply "$config"
}

# clients ARGUMENT...: of t1, which has addresses 10.0.0.101 to .140, too
clients() {
	in_ns t1 /usr/bin/python3 "$tests/lib/clients.py" "$@"
}

# connect FIRST-LAST ADDRESS: connections that stay; sets $outcome
connect() {
	rm -f "$work/connect" "$work/held"
	mkfifo "$work/held"
	clients connect "$1" "$2" 80 < "$work/held" > "$work/connect" &
	connected=$!
	disown
	exec {held}> "$work/held"
	wait_for 30 test -s "$work/connect"
	outcome=$(jq -c 'del(.again) | with_entries(select(.value > 0))' "$work/connect")
	again=$(jq .again "$work/connect")
}

disconnect() {
	exec {held}>&-
	wait_for 10 eval "! kill -0 $connected"
}

# who SPORT ADDRESS [PORT]: as whom the echo there sees 10.0.0.2
who() {
	clients ask "$2" "${3:-7}" "$1" x | cut -d' ' -f1
}

# gets_in PUBLIC: who of three outside reaches port 5000 of t1 by a public address and port: the
# remote end that it has a flow with, which comes last, another port of that, and another address
gets_in() {
	: > "$work/arrived"
	in_ns t1 timeout 60 /usr/bin/python3 - > "$work/arrived" <<-'END' &
		import socket
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("", 5000))
		    print("listens", flush=True)
		    try:
		        while True:
		            data = s.recv(100)
		            print(data.decode(), flush=True)
		            if data == b"7":    # what was held before it comes within a second
		                s.settimeout(2)
		    except TimeoutError:
		        pass
	END
	wait_for 60 grep -q listens "$work/arrived"
	in_ns out /usr/bin/python3 - "${1%:*}" "${1#*:}" <<-'END'
		import socket, sys
		for name, source, port in (("other port", "198.51.100.9", 7777), ("other address", "198.51.100.10", 7777),
		                           ("7", "198.51.100.9", 7)):
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind((source, port))
		        s.sendto(name.encode(), (sys.argv[1], int(sys.argv[2])))
	END
	wait $!
	grep -v listens "$work/arrived" | sort
}

sixteen='"ports": "2000-2015"'

# Forty clients want one remote end each, and there are sixteen ports.
sixteen_ports() {
	local before late counted

	before=$(counter exhausted) late=$(reason drop-hold-timeout)
	configure "{ $sixteen, \"mapping\": \"endpoint-dependent\", \"exhausted\": \"reset\" }" > /dev/null
	listen_to_events
	connect 101-140 "$out4"
	equal "of 40 clients 16 get a port, and 24 are told at once that there is none" \
		"$outcome" '{"accepted":16,"refused":24}'
	# Decisions are counted, and one that comes too late is made once more
	late=$(($(reason drop-hold-timeout) - late))
	check "none of them had to ask again, but for those whose answer was late ($late)" test "$again" -le "$late"
	counted=$(($(counter exhausted) - before))
	check "which is counted" test "$counted" -ge 24 -a "$counted" -le $((24 + late))
	check "for the pool, too" test "$(rewire -j pool show | jq '.[0].exhausted')" -ge 24
	wait_for 20 test -s "$work/events"
	equal "and an event" "$(head -1 "$work/events" | jq -c '[.event, .pool, .vni, (.client | startswith("10.0.0.1"))]')" \
		'["exhausted","public",10,true]'
	check "though not for each" test "$(wc -l < "$work/events")" -lt 24
	kill "$listener"
	equal "RFC 6888 REQ-11: and logged, but not for each" \
		"$(grep -c 'pool "public": no port is left for client 10.0.0.1.. in VNI 10' "$work/rewired.log")" 1
	equal "so does the kernel" "$(reason drop-rejected)" 24
	equal "each port serves one of them" \
		"$(flows '[.[] | select(.orig.dport == 80 and .action == "translate") | .reply.dport] | [length, (unique | length)]')" "[16,16]"
	equal "RFC 6888 REQ-11: none of these gives way to one that finds none" \
		"$(flows '[.[] | select(.orig.dport == 80 and .state == "established")] | length')" 16
	before=$connected
	first=$held
	connect 101-116 198.51.100.10
	equal "endpoint-dependent mapping: to another remote end the same ports serve" \
		"$outcome" '{"accepted":16}'
	equal "each twice now" \
		"$(flows '[.[] | select(.orig.dport == 80 and .action == "translate") | .reply.dport] | [length, (unique | length)]')" "[32,16]"
	equal "no two flows have a port and a remote end in common" \
		"$(flows '[.[] | select(.action == "translate") | .reply | "\(.src) \(.sport) \(.dst) \(.dport)"] | length - (unique | length)')" 0
	disconnect
	exec {first}>&-
	wait_for 10 eval "! kill -0 $before"
	configure "{ $sixteen, \"mapping\": \"endpoint-dependent\", \"exhausted\": \"prohibited\" }" > /dev/null
	before=$(counter exhausted)
	connect 101-140 "$out4"
	equal "or 24 are told so by an ICMP error, if that is wanted" "$outcome" '{"accepted":16,"prohibited":24}'
	check "which is counted, too" test $(($(counter exhausted) - before)) -ge 24
	disconnect
	configure "{ $sixteen, \"exhausted\": \"reset\" }" > /dev/null
	connect 101-140 "$out4"
	equal "endpoint-independent mapping: 16 clients get a port" "$outcome" '{"accepted":16,"refused":24}'
	before=$connected
	first=$held
	connect 101-140 198.51.100.10
	equal "and they alone reach another remote end, too" "$outcome" '{"accepted":16,"refused":24}'
	disconnect
	exec {first}>&-
	wait_for 10 eval "! kill -0 $before"
	equal "datagrams that find no port are answered by an ICMP error" \
		"$(configure "{ \"ports\": \"2000-2007\", \"exhausted\": \"reset\" }" > /dev/null
		clients send 101-116 "$out4" 7 | jq -c '[.accepted, .prohibited]')" "[8,8]"
}

# RFC 4787 REQ-1: the same address and port for all remote ends
mappings() {
	local first

	configure '{ "mapping": "endpoint-independent" }' > /dev/null
	first=$(who 5000 "$out4")
	equal "RFC 4787 REQ-1: endpoint-independent mapping: another remote port sees the same port" \
		"$(who 5000 "$out4" 8)" "$first"
	equal "RFC 4787 REQ-1: and so does another remote address" "$(who 5000 198.51.100.10)" "$first"
	equal "another port of the client is another one outside" \
		"$([ "$(who 5001 "$out4")" != "$first" ] && echo other)" other
	stop_rewired KILL
	start_rewired
	equal "a daemon that is killed finds the mapping again" "$(who 5000 198.51.100.10 8)" "$first"
	configure '{ "mapping": "endpoint-dependent" }' > /dev/null
	# From another port: flows that were deleted just now would be as they were
	equal "endpoint-dependent mapping: each remote end sees another one" \
		"$({ who 5002 "$out4"; who 5002 "$out4" 8; who 5002 198.51.100.10; } | sort -u | wc -l)" 3
}


# RFC 4787 REQ-8
filtering() {
	local before public

	configure '{ "filtering": "address-and-port-dependent" }' > /dev/null
	equal "RFC 4787 REQ-8: address-and-port-dependent filtering: the remote end alone gets in" \
		"$(gets_in "$(who 5000 "$out4")")" 7
	configure '{ "filtering": "address-dependent" }' > /dev/null
	before=$(counter filtered)
	equal "RFC 4787 REQ-8: address-dependent filtering: so do other ports of its address" \
		"$(gets_in "$(who 5000 "$out4")")" $'7\nother port'
	check "who does not is counted" test "$(counter filtered)" -gt "$before"
	configure '{ "filtering": "endpoint-independent" }' > /dev/null
	public=$(who 5000 "$out4")
	equal "RFC 4787 REQ-8: endpoint-independent filtering: everybody does" "$(gets_in "$public")" \
		$'7\nother address\nother port'
	equal "by flows from outside to inside" \
		"$(flows '[.[] | select(.orig.vni == 0) | .reply.src] | unique')" '["10.0.0.2"]'
	equal "whose answers go the same way back" "$(who 5000 198.51.100.10)" "$public"
	before=$(counter unmapped)
	in_ns out timeout 2 nc -z -n "${public%:*}" "${public#*:}"
	check "RFC 7857 filtering: what UDP has opened lets no TCP in" \
		wait_for 20 eval '[ "$(counter unmapped)" -gt '"$before"' ]'
	equal "RFC 7857 filtering: which has no flow" \
		"$(flows '[.[] | select(.orig.vni == 0 and .orig.protocol == "tcp" and .action == "translate")] | length')" 0
	before=$(counter unmapped)
	in_ns out bash -c "echo > /dev/udp/$nat4/1024"
	check "a port that nobody has lets nobody in, which is counted, too" \
		wait_for 20 eval '[ "$(counter unmapped)" -gt '"$before"' ]'
	stop_rewired KILL
	start_rewired
	rewire flow flush vni 0
	equal "a daemon that is killed lets in whom it should" "$(gets_in "$public")" \
		$'7\nother address\nother port'
	hairpin
}

# RFC 4787 REQ-9: from one mapped port to another, seen from where others see it
hairpin() {
	local other answer

	other=$(in_ns t2 /usr/bin/python3 "$tests/lib/clients.py" ask "$out4" 7 6000 x | cut -d' ' -f1)
	spawn t2 /usr/bin/python3 "$tests/lib/clients.py" serve 6000
	wait_for 20 listens t2 -u 6000
	answer=$(clients ask "${other%:*}" "${other#*:}" 5000 x)
	equal "RFC 4787 REQ-9: a guest reaches another by its mapped port, and is seen by its own" \
		"${answer%% *}" "$(who 5000 "$out4")"
	equal "RFC 4787 REQ-9: and the answer comes from there" "${answer#* }" "${other/:/ }"
	kill "$spawned"
}

# send CLIENT FIRST LAST [PORT]: a datagram from each of these ports of 10.0.0.CLIENT
send() {
	in_ns t1 /usr/bin/python3 - "10.0.0.$1" "$2" "$3" "$out4" "${4:-9}" <<-'END'
		import socket, sys
		for port in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.bind((sys.argv[1], port))
		        s.sendto(b"x", (sys.argv[4], int(sys.argv[5])))
	END
}

# ports_of CLIENT: public ports of its flows
ports_of() {
	flows "[.[] | select(.orig.src == \"10.0.0.$1\" and .action == \"translate\") | .reply.dport]"
}

has_flows() {
	[ "$(ports_of "$1" | jq length)" = "$2" ]
}

# send_all FLOWS CLIENT FIRST LAST: until it has as many flows; what is held for longer than a second
# is lost, and the client sends it again
send_all() {
	wait_for 60 eval "send $2 $3 $4; wait_for 5 has_flows $2 $1"
}

# records EVENT CLIENT: of blocks in the log, as ranges
records() {
	grep "block $1 .* client 10.0.0.$2 vni 10 address $nat4 vni 0 ports" "$work/rewired.log" | sed 's/.* ports //'
}

has_records() {
	[ "$(records "$1" "$2" | wc -l)" = "$3" ]
}

# logged: how many lines of the log tell of blocks, and how many of remote ends
logged() {
	echo "$(grep -c ' block ' "$work/rewired.log") $(grep -cE '198\.51\.100\.|2001:db8:1:' "$work/rewired.log")"
}

# within RANGES PORTS: all of these ports are in one of the ranges, one a line
within() {
	jq -n --arg ranges "$1" --argjson ports "$2" \
		'[$ranges | split("\n")[] | split("-") | map(tonumber)] as $r |
		 $ports | all(. as $p | $r | any(.[0] <= $p and $p <= .[1]))'
}

# RFC 6888: blocks of ports, of which the log tells who had them
blocks() {
	local ports late

	configure '{ "ports": "2000-2999", "block": 64, "blocks": 2 }' > /dev/null
	check "100 flows of a client" send_all 100 101 5000 5099
	equal "RFC 6888 REQ-14: are of two blocks, with one record each" "$(records begin 101 | wc -l)" 2
	equal "and have ports of them alone" "$(within "$(records begin 101)" "$(ports_of 101)")" true
	send 102 5000 5000
	wait_for 20 has_flows 102 1
	equal "another client has another block" "$(within "$(records begin 101)" "$(ports_of 102)")" false
	late=$(reason drop-hold-timeout)
	send 101 5100 5199
	check "beyond its blocks a client is counted as limited, but for what is held too long" \
		wait_for 20 eval '[ $(($(counter limited) + $(reason drop-hold-timeout) - late)) -ge 72 ]'
	send_all 128 101 5100 5199
	looks_again
	equal "RFC 6888 REQ-4: a client has no more than its blocks" "$(ports_of 101 | jq length)" 128
	ports=$(ports_of 101)
	equal "who had a port is found by its block" \
		"$(rewire -j pool find address $nat4 port "$(jq '.[0]' <<< "$ports")" | jq -r .client)" 10.0.0.101
	equal "RFC 6888 REQ-12: the log tells of three blocks, and of no remote end" "$(logged)" "3 0"
	stop_rewired KILL
	start_rewired
	equal "a daemon that is killed finds the blocks again" "$(records adopted 101 | wc -l)" 2
	equal "which are the same" "$(within "$(records adopted 101)" "$ports")" true
	rewire flow flush vni 10
	check "RFC 6888 REQ-14: their ends are recorded" wait_for 30 has_records end 101 2
	check "RFC 6888 REQ-14: and that of the other one" wait_for 30 has_records end 102 1
	equal "RFC 6888 REQ-12: nor do the records of what is adopted and ends" "$(logged)" "6 0"
}

# replied CLIENT: the number of its flows that were answered, and their public addresses
replied() {
	flows "[.[] | select(.orig.src == \"10.0.0.$1\" and .state == \"replied\") | .reply.dst] | [length, (unique | .[])]"
}

is_replied() {
	[ "$(replied "$1")" = "$2" ]
}

# RFC 6888: two addresses that are no neighbours, of ten ports each, and a client who wants fifteen.
# Each time another client and other ports: flows with answers are remembered, and have theirs.
several_addresses() {
	local before two='"addresses": ["203.0.113.64", "203.0.113.99", "2001:db8:f::64"]'

	configure "{ $two, \"ports\": \"2000-2009\", \"pooling\": \"arbitrary\" }" > /dev/null
	send 111 5000 5014 7
	check "RFC 6888 REQ-3: a pool's addresses need not be neighbours, and all of them are used" \
		wait_for 20 is_replied 111 '[15,"203.0.113.64","203.0.113.99"]'
	note "$(replied 111)"
	configure "{ $two, \"ports\": \"3000-3009\" }" > /dev/null
	before=$(counter exhausted)
	send 113 5000 5014 7
	check "RFC 6888 REQ-2: by default a client's address has no port left" \
		wait_for 20 eval '[ "$(counter exhausted)" -ge '"$((before + 5))"' ]'
	check "RFC 6888 REQ-2: and it keeps to that, though another one has" \
		wait_for 20 eval '[[ "$(replied 113)" =~ ^\[10,\"203\.0\.113\.(64|99)\"\]$ ]]'
	note "$(replied 113)"
	send 114 5000 5009 7
	check "RFC 6888 REQ-2: another client has that" wait_for 20 eval '[[ "$(replied 114)" == "[10,"* ]]'
	equal "RFC 6888 REQ-2: so each has one, and not the same" \
		"$(jq -nc --argjson a "$(replied 113)" --argjson b "$(replied 114)" '[$a[1:][], $b[1:][]] | sort')" \
		'["203.0.113.64","203.0.113.99"]'
}

# Two virtual networks with a pool each, of the same ports: what one uses up, the other does not
# miss. They are ports that nothing had before, since flows with answers are remembered.
pool_for_each() {
	local before used='[.[] | [.name, ([.addresses[].udp.used] | add)]]'

	rewire flow flush
	looks_again
	write_config '.pools[0] += { "ports": "4000-4009" } |
		.pools += [.pools[0] + { "name": "second", "addresses": ["203.0.113.99", "2001:db8:f::99"] }] |
		.services[1].source.pool = "second"'
	check "each virtual network gets a pool of its own" eval 'rewire apply "$config" > /dev/null'
	before=$(counter exhausted)
	send 131 5000 5019
	check "one uses up the ports of its pool" wait_for 20 eval '[ "$(counter exhausted)" -ge '"$((before + 10))"' ]'
	match "the other still gets one of its own, by its own address" \
		"$(in_ns t2 /usr/bin/python3 "$tests/lib/clients.py" ask "$out4" 7 6001 x)" "^203\.0\.113\.99:400[0-9] "
	looks_again
	equal "each pool counts its own" "$(rewire -j pool show | jq -c "$used")" '[["public",10],["second",1]]'
}

# RFC 6888 REQ-6: a rule that passes one destination, whose packets the host then routes itself
exempted() {
	local rule

	configure '{}' > /dev/null
	in_ns host sysctl -qw net.ipv4.ip_forward=1
	ip -n out route add 10.0.0.0/24 via 198.51.100.1
	rule=$(rewire -j rule add vni 10 dst 198.51.100.10 pass | jq .id)
	equal "RFC 6888 REQ-6: a destination that is exempted sees the client itself" \
		"$(who 5100 198.51.100.10)" 10.0.0.2:5100
	match "RFC 6888 REQ-6: others see its public address" "$(who 5100 "$out4")" "^$nat4:"
	equal "RFC 6888 REQ-6: the exempted one has no flow" \
		"$(flows '[.[] | select(.orig.dst == "198.51.100.10")] | length')" 0
	rewire rule del id "$rule"
	match "RFC 6888 REQ-6: and without the rule it is as others are" "$(who 5100 198.51.100.10)" "^$nat4:"
	ip -n out route del 10.0.0.0/24
	in_ns host sysctl -qw net.ipv4.ip_forward=0
}

# RFC 7422: what a client has follows from its address
fixed() {
	local before

	configure '{ "ports": "2000-9679", "fixed": { "vni": 10, "clients": "10.0.0.0/24" } }' > /dev/null
	send_all 30 101 5000 5029
	send_all 30 102 5000 5029
	equal "RFC 7422: a client's ports follow from its address" "$(within 5030-5059 "$(ports_of 101)")" true
	equal "RFC 7422: and another's from its own" "$(within 5060-5089 "$(ports_of 102)")" true
	equal "so who had a port is known without a record" \
		"$(rewire -j pool find address $nat4 port 5060 | jq -r .client)" 10.0.0.102
	before=$(counter exhausted)
	in_ns t2 bash -c "echo > /dev/udp/$out4/9"
	check "who is no client of it gets no port" wait_for 20 eval '[ "$(counter exhausted)" -gt '"$before"' ]'
}

limits() {
	configure '{ "client_ports": 10, "client_flows": 15 }' > /dev/null
	in_ns out curl -s --connect-timeout 7 "http://$nat4:2500/" &
	unsolicited=$!
	send 101 5000 5039
	wait_for 20 has_flows 101 10
	looks_again
	equal "RFC 6888 REQ-4: a client may have no more ports" "$(ports_of 101 | jq length)" 10
	check "others are not touched by that" send_all 10 102 5000 5009
	wait $unsolicited
	equal "RFC 5382 REQ-4: a connection that nobody asked for is not answered for six seconds" $? 28
}

rewired_options=(--period 300)
topology && attach_all || exit 1
for n in {101..140}; do
	echo "address add 10.0.0.$n/24 dev eth0"
done | ip -n t1 -batch -
ip -n out address add 198.51.100.10/24 dev eth0
write_config && start_rewired && start_http out 80 || exit 1
for port in 7 8; do
	spawn out /usr/bin/python3 "$tests/lib/clients.py" serve $port
	wait_for 20 listens out -u $port
done
sixteen_ports
mappings
filtering
blocks
several_addresses
pool_for_each
exempted
fixed
limits
note "$(rewire -j daemon show)" "$(< "$work/rewired.log")"
test_end
