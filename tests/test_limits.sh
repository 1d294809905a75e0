#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Limits of a virtual network and of the namespace: what is refused, what gives way to
# what, and that it is nobody else's business. Packets are held for a daemon that does not run, or never answers.
. "$(dirname "$0")/lib/lib.sh"

# add PORT [PROTOCOL] [TIMEOUT] [VNI]: a flow from a tenant's port to the outside
add() {
	rewire flow add vni "${4:-10}" protocol "${2:-udp}" src "10.0.0.2:$1" dst "$out4:80" \
		${3:+timeout $3} to vni 0 src "$nat4:$(($1 + ${4:-10}))"
}

add_some() {
	local port

	for port; do
		add "$port" || return
	done
}

# send_udp NAMESPACE PORT...: a datagram from each
send_udp() {
	in_ns "$1" /usr/bin/python3 - "${@:2}" <<-'END'
		import socket, sys
		for port in sys.argv[1:]:
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.bind(("", int(port)))
		        s.sendto(b"x", ("198.51.100.9", 80))
	END
}

start_echo() {
	spawn out /usr/bin/python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 80))
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)"
	wait_for 30 listens out -u 80
}

# limit KEY FIELD: KEY is a VNI or all
limit() {
	rewire -j limit show | jq --arg key "$1" --arg field "$2" \
		'[.[] | select(if $key == "all" then .all else .vni == ($key | tonumber) end)][0][$field]'
}

# ports [VNI]: source ports of the flows, in one line
# shellcheck disable=SC2120
ports() {
	rewire -j flow show | jq -r --argjson vni "${1:-10}" '[.[] | select(.orig.vni == $vni) | .orig.sport] | sort | join(" ")'
}

state() {
	rewire -j flow show | jq -r --argjson port "$1" '.[] | select(.orig.sport == $port) | .state'
}

state_is() {
	[ "$(state "$1")" = "$2" ]
}

# connect NAME PORT: an established connection
connect() {
	add "$2" tcp "${3:-}" && hold_connection "$1" t1 "$out4" "$2" && ask_on "$1" &&
		wait_for 10 state_is "$2" established
}

classes() {
	check "one connection is established" connect a 5001
	check "and another" connect b 5002
	check "a flow with answers" eval "add 5003 && send_udp t1 5003 && wait_for 10 state_is 5003 replied"
	check "one without" add 5004
	check "a connection that is over" eval "add 5005 tcp && fetch t1 $out4 whoami -0 --local-port 5005 &&
		wait_for 10 state_is 5005 time-wait"
	check "one that is half-open" add 5006 tcp
	check "there may be no more" rewire limit set vni 10 flows 6
	check "G9: a new flow evicts the half-open one" eval "add 6001 && [ '$(ports)' != \"\$(ports)\" ]"
	equal "and no other" "$(ports)" "5001 5002 5003 5004 5005 6001"
	check "the next" add 6002
	equal "the closing one" "$(ports)" "5001 5002 5003 5004 6001 6002"
	check "the next" add 6003
	equal "the one without answers that is idle for longest" "$(ports)" "5001 5002 5003 6001 6002 6003"
	equal "each is counted" "$(reason close-evicted) $(limit 10 evicted) $(limit all evicted)" "3 3 3"
	rewire -b - <<-END
		flow flush vni 10 src 10.0.0.2:6001
		flow flush vni 10 src 10.0.0.2:6002
		flow flush vni 10 src 10.0.0.2:6003
		limit set vni 10 flows 3
	END
	send_udp t1 5003
	refuse "the one with answers is in use" 2 "virtual network has as many flows" add 6004
	check "but not for five seconds" sleep 6
	check "with no other left" add 6004
	equal "the one with answers goes" "$(ports)" "5001 5002 6004"
	rewire flow flush vni 10 src 10.0.0.2:6004
	rewire limit set vni 10 flows 2
}

# were_held N BEFORE: what is held is so for a second, which is short for a busy machine;
# that it was is counted. Connections that were closed may try once more, too.
were_held() {
	wait_for 10 eval "[ \$(reason drop-hold-timeout) -ge $(($2 + $1)) ]"
}

# Who is asked, and never answers.
start_listener() {
	spawn host /usr/bin/python3 -c "
import signal, sys
sys.path.insert(0, '$tests/lib')
from netlink import Rewire, u32
listener = Rewire()
listener.command('PUNT_LISTEN', u32(listener.c['A_PUNT_BATCH_VERSION'], 1))
signal.pause()"
	listener=$spawned
	wait_for 30 figure_is handlers 1
}

# all_replied PORT...
all_replied() {
	local port

	for port; do
		state_is "$port" replied || return
	done
}

# What has no answers goes first, but not where it is of a network that has less.
at_no_cost_of_others() {
	check "eight flows of one network have answers" eval "add_some {5011..5018} && send_udp t1 {5011..5018} &&
		wait_for 10 all_replied {5011..5018}"
	check "two of another have none" eval "add 5021 udp '' 20 && add 5022 udp '' 20"
	sleep 6
	check "one more of the first" add 5019
	equal "takes the place of one of its own, which are idle" "$(limit 10 flows), of 20 $(ports 20)" "8, of 20 5021 5022"
	rewire flow flush
}

# A network with many flows, most of which nobody answered, and one with two that are in use.
fairness() {
	local port before

	check "the namespace may have ten flows" rewire limit set all flows 10
	check "eight of one network have no answers" add_some {5011..5018}
	check "two of another have" eval "add 5021 udp '' 20 && add 5022 udp '' 20 && send_udp t2 5021 5022 &&
		wait_for 10 state_is 5021 replied && wait_for 10 state_is 5022 replied"
	check "X6: who has little takes the place of who has much" add 5023 udp '' 20
	equal "and keeps what it has" "$(ports 20)" "5021 5022 5023"
	equal "of ten" "$(limit all flows) $(limit 10 flows)" "10 7"
	before=$(limit 10 evicted)
	for port in {5061..5080}; do
		add "$port"
	done
	equal "who floods takes its own places" "$(($(limit 10 evicted) - before)) of 10, of 20 $(ports 20)" \
		"20 of 10, of 20 5021 5022 5023"
	rewire flow flush
	at_no_cost_of_others
	rewire limit del all
	wait_for 5 figure_is limits 0
}

# Two established connections, and there may be two flows.
full() {
	local before listener punts

	refuse "G9: an established connection never does within the soft limit" 2 \
		"virtual network has as many flows" add 6005
	equal "both are there" "$(ports)" "5001 5002"
	equal "the refusals are counted" "$(limit 10 refused-flows)" 2
	check "others are not concerned" eval "add 7001 udp '' 20 && [ '7001' = \"\$(ports 20)\" ]"
	rewire rule add vni 10 punt orphan hold && rewire rule add vni 20 punt orphan hold
	check "somebody is asked about new flows" start_listener
	punts=$(figure punts)
	before=$(reason drop-vni-full)
	send_udp t1 6006
	check "a packet of a new flow is dropped" wait_for 5 eval "[ \$(reason drop-vni-full) = $((before + 1)) ]"
	equal "and neither held nor punted" "$(figure holds) $(figure punts)" "0 $punts"
	check "while the connections go on" eval "ask_on a && ask_on b"
	before=$(reason drop-hold-timeout)
	send_udp t2 6006
	check "and other networks' new flows are held" were_held 1 "$before"
	check "and asked about" test "$(figure punts)" -gt "$punts"
	check "with room for one more" rewire limit set vni 10 flows 3
	send_udp t1 6007
	check "it is held" were_held 2 "$before"
	rewire flow flush vni 20

	check "the namespace is full, too" rewire limit set all flows 2
	before=$(reason drop-flows-full) punts=$(figure punts)
	refuse "a request is refused" 2 "flow table is full" add 7002 udp '' 20
	send_udp t2 7003
	check "a packet is dropped" wait_for 5 eval "[ \$(reason drop-flows-full) = $((before + 1)) ]"
	equal "and neither held nor punted" "$(figure holds) $(figure punts)" "0 $punts"
	kill "$listener"
	equal "its refusals are counted" "$(limit all refused-flows)" 2
	equal "stats show the limit" "$(figure flows-max)" 2
	check "the connections go on" eval "ask_on a && ask_on b"
	check "the defaults are back" eval "rewire limit del all && [ \$(figure flows-max) = 1048576 ]"

	check "beyond its network's soft limit an established connection" rewire limit set vni 10 flows 1:2
	check "gives way" add 6008
	match "but not both do" "$(ports)" '^500[12] 6008$'
	rewire limit del vni 10
	rewire flow flush
	release_connection a; release_connection b
}

udp_share() {
	check "three of ten flows may be without connections" rewire limit set vni 10 flows 10 udp-share 30
	check "there are these, and others" eval "add_some 5001 5002 5003 && add 5004 tcp && add 5005 tcp"
	check "X6: one more" add 5006
	equal "takes the place of one of them" "$(limit 10 udp-flows) $(limit 10 flows) $(limit 10 evicted)" "3 5 1"
	match "and of no other" "$(ports)" '5004 5005 5006$'
	check "what other networks have is theirs" eval "for p in 1 2 3 4; do add \$p udp '' 20 || exit; done;
		[ \$(limit 20 udp-flows) = 4 ]"
	check "without a share" rewire limit set vni 10 udp-share 0
	check "there may be as many as flows" eval "add_some 5007 5008 && [ \$(limit 10 udp-flows) = 5 ]"
	rewire flow flush
	rewire limit del vni 10
	check "the namespace has a share of its own" rewire limit set all flows 10 udp-share 30
	check "it counts" eval "add_some 5001 5002 && for p in 1 2; do add \$p udp '' 20 || exit; done"
	equal "for all networks together" "$(limit all udp-flows) $(limit all flows)" "3 3"
	rewire flow flush
	rewire limit del all
}

rate() {
	local before

	check "five new flows a second" rewire limit set vni 10 rate 5 burst 5
	send_udp t1 {3001..3060}
	send_udp t2 {3001..3060}
	check "60 come at once, and few of them are held" eval "[ \$(limit 10 used-holds) -le 12 ]"
	check "the others are refused" eval "[ \$(limit 10 refused-rate) -ge 40 ] && [ \$(reason drop-rate) -ge 40 ]"
	# Its record goes with its last hold
	match "of another network, none is" "$(limit 20 refused-rate)" '^(0|null)$'
	wait_for 10 figure_is holds 0
	check "a second later" sleep 1.2
	before=$(reason drop-hold-timeout)
	send_udp t1 4001 4002 4003
	check "some may come again" were_held 3 "$before"
	rewire limit set vni 10 rate 1 burst 100
	send_udp t1 {4101..4140}
	wait_for 10 figure_is holds 0
	before=$(reason drop-hold-timeout)
	check "another rate" rewire limit set vni 10 rate 1000 burst 10
	send_udp t1 4201 4202 4203
	check "begins with a full bucket" were_held 3 "$before"
	check "the namespace has a rate of its own" rewire limit set all rate 1 burst 2
	send_udp t2 {3101..3110}
	check "which counts for any network" eval "[ \$(limit all refused-rate) -ge 6 ]"
	rewire limit del all
	rewire limit del vni 10
	wait_for 10 figure_is holds 0
}

# held LIMIT WANTED: of ten datagrams
held() {
	local before
	before=$(reason drop-vni-held)
	check "$1" rewire limit set vni 10 $1
	send_udp t1 {3201..3210}
	check "hold no more" test "$(limit 10 used-held-packets)" -le "$2"
	check "others are dropped" test $(($(reason drop-vni-held) - before)) -ge $((10 - $2))
	wait_for 10 figure_is holds 0
	rewire limit del vni 10
}

holding() {
	local before refused

	held "holds 3" 3
	held "held-packets 4" 4
	held "held-bytes 3000" 4
	check "holds and a rate" rewire limit set vni 10 holds 3 rate 1 burst 5
	send_udp t1 {3201..3210}
	check "hold no more than there may be" test "$(limit 10 refused-held)" -ge 3
	equal "and what cannot be held takes nothing of the rate" "$(limit 10 refused-rate)" 0
	wait_for 10 figure_is holds 0
	rewire limit del vni 10
	before=$(reason drop-hold-timeout) refused=$(reason drop-vni-held)
	check "without limits" send_udp t1 {3201..3210}
	check "all are held" were_held 10 "$before"
	equal "and nothing is refused" "$(reason drop-vni-held)" "$refused"
	check "the namespace's limit of holds" rewire limit set all holds 2
	refused=$(reason drop-hold-full)
	send_udp t1 {3301..3310}
	check "is not exceeded" test "$(figure holds)" -le 2
	check "what it refuses is counted" test "$(reason drop-hold-full)" -gt "$refused"
	equal "and shown" "$(figure holds-max)" 2
	wait_for 10 figure_is holds 0
	rewire limit del all
}

few_left() {
	[ "$(limit 10 flows)" = 5 ]
}

early() {
	local port before

	before=$(reason close-early)
	for port in {5001..5010}; do
		add $port udp 30000
		add $port udp 30000 20
	done
	equal "ten flows are idle, for less than they may" "$(limit 10 flows)" 10
	check "five is what should be" rewire limit set vni 10 flows 5:10
	check "X6: then some of them end early" wait_for 25 eval "[ \$(limit 10 flows) -le 8 ]"
	match "for that reason" "$(($(reason close-early) - before))" '^[1-5]$'
	equal "of another network, none" "$(limit 20 flows)" 10
	check "no more than are too many" test "$(limit 10 flows)" -ge 5
	rewire flow flush
	rewire limit del vni 10

	check "an established connection" connect c 5020 30000
	check "and one half-open, in a namespace with too many" eval "add 5021 tcp 30000 &&
		rewire limit set all flows 1:2"
	check "the half-open one ends early" wait_for 15 eval "[ \"\$(ports)\" = 5020 ]"
	rewire limit set all flows 1:2
	add 5022 tcp 30000
	check "and another" wait_for 15 eval "[ \"\$(ports)\" = 5020 ]"
	equal "the established one does not" "$(state 5020)" established
	rewire flow flush
	rewire limit del all
	release_connection c
}

# many_ways N: rules by which a packet is looked for in N times 2 + 16 * 16 ways
many_ways() {
	local length

	echo "attach add local vni 1"
	for length in $(seq "$1"); do
		echo "rule add vni 1 dst ::/$length protocol udp sport 1-65535 dport 1-65535 drop"
	done
}

ways() {
	refuse "rules by which a packet would be looked for in too many ways, in a user namespace" 2 "too many combinations" \
		unshare -r -n "$bin/rewire" -batch - < <(many_ways 16)
	check "fewer are possible there" unshare -r -n "$bin/rewire" -batch - < <(many_ways 15)
	check "and more in a namespace of the host's" unshare -n "$bin/rewire" -batch - < <(many_ways 127)
	refuse "but not any number" 2 "too many combinations" unshare -n "$bin/rewire" -batch - < <(many_ways 128)
}

words() {
	refuse "a soft limit beyond the hard one" 2 'soft limit is beyond .*flows 3:2' rewire limit set vni 10 flows 3:2
	refuse "a burst without a rate" 2 'needs a rate .*burst 2' rewire limit set vni 10 burst 2
	refuse "no limit of all flows" 2 'whole needs .*flows 0' rewire limit set all flows 0
	refuse "more of what nobody pays for than by default, in a user namespace" 2 'no more of this than by default .*holds 16385' \
		unshare -r -n "$bin/rewire" limit set all holds 16385
	refuse "nor more bytes of packets" 2 'no more of this than by default .*held-bytes' \
		unshare -r -n "$bin/rewire" limit set all held-bytes 67108865
	check "as much is possible there" unshare -r -n "$bin/rewire" limit set all holds 16384 held-bytes 67108864 held-packets 65536
	check "and more in the host's" eval 'rewire limit set all holds 16385 && rewire limit del all'
	refuse "a virtual network without a device" 2 'No device .*vni 99' rewire limit set vni 99 flows 3
	refuse "what was never set" 2 'no limits' rewire limit del vni 10
	refuse "neither vni nor all" 1 'missing' rewire limit set flows 3
	refuse "both" 1 'exclude' rewire limit set vni 10 all flows 3
	refuse "words for numbers" 1 'SOFT' rewire limit set vni 10 flows many
	check "limits can be set one by one" eval "rewire limit set vni 10 flows 10:20 && rewire limit set vni 10 rate 7"
	equal "and stay" "$(rewire limit show vni 10)" "limit vni 10 set flows-soft 10 flows-hard 20 rate 7"
	equal "nothing was made by what was refused" "$(figure limits)" 1
	rewire limit del vni 10
	check "the last thing of a network takes its books along" wait_for 5 figure_is limits 0
}

topology || exit 1
rewire attach add dev t1 vni 10 && rewire attach add dev t2 vni 20 &&
	rewire attach add dev u0 vni 0 || exit 1
start_http out 80
start_echo
classes
full
fairness
udp_share
rate
holding
early
ways
words
test_end
