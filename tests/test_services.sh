#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Services are parameter sets (S2.3, X1): each of Documentation/examples, loaded as it is, does what its page says.
. "$(dirname "$0")/lib/lib.sh"

examples=$tests/../Documentation/examples
inside4=10.1.0.200 inside6=fd00:30::200

# example NAME: of the running daemon, in place of the one before
example() {
	check "$1.json is applied" rewire apply "$examples/$1.json"
	rewire flow flush
}

# asks NAMESPACE URL: who answers, and whom does it see
asks() {
	in_ns "$1" curl -gsS --connect-timeout 20 --max-time 60 "$2" | cut -d ' ' -f 1,2
}

# in_both TEXT FUNCTION: for each family, with its public prefix
in_both() {
	"$2" "IPv4: $1" 203.0.113. 198.51.100.9 10.0.0. $inside4
	"$2" "IPv6: $1" 2001:db8:f:: 2001:db8:1::9 fd00:10:: $inside6
}

# of ADDRESS [PORT]
at() {
	case $1 in
	*:*)	echo "http://[$1]:${2:-80}/whoami" ;;
	*)	echo "http://$1:${2:-80}/whoami" ;;
	esac
}

nat_gateway() {
	equal "$1 one public address" "$(asks t1 "$(at "$3")") $(asks t2 "$(at "$3")")" "out ${2}64 out ${2}64"
}

one_to_one() {
	local host=18 port=4711

	[[ $2 != *:* ]] || host=12 port=4712
	equal "$1 out by an address of its own" "$(asks t1 "$(at "$3")")" "out $2$host"
	equal "$1 with its own port" "$(in_ns t1 curl -gsS --local-port $port "$(at "$3")" | cut -d ' ' -f 3)" $port
	equal "$1 and reached by it" "$(asks out "$(at "$2$host")")" "t1 $3"
}

port_forward() {
	equal "$1 a guest of one network" "$(asks out "$(at "${2}20" 8080)")" "t1 $3"
	equal "$1 and of another, by the same address" "$(asks out "$(at "${2}20" 8081)")" "t2 $3"
}

balancer() {
	equal "$1 servers see the client" "$(for ((n = 0; n < 4; n++)); do asks out "$(at "${2}10")"; done | sort -u | xargs)" \
		"b1 $3 b2 $3"
}

balancer_pool() {
	equal "$1 servers see the pool's address" \
		"$(for ((n = 0; n < 4; n++)); do asks out "$(at "${2}10")"; done | sort -u | xargs)" "b1 $5 b2 $5"
}

private_endpoint() {
	equal "$1 a server of another network" "$(asks t1 "$(at "${4}100")")" "b1 $5"
}

anycast() {
	local address=192.0.2.80

	[[ $2 != *:* ]] || address=2001:db8:a::80
	equal "$1 each network's own" "$(asks t1 "$(at $address)") $(asks t2 "$(at $address)")" "b1 $5 b2 $5"
}

# The near one is taken out, and comes back.
anycast_falls_back() {
	check "its near server is drained" rewire backend set id 11 state draining
	in_both "anycast: the next priority decides" anycast_far
	equal "whose flows have its number" "$(flows '[.[] | select(.orig.vni == 10) | .policy] | unique')" "[1,2]"
	rewire backend set id 11 state active
	in_both "anycast, back again:" anycast
	check "the far one, too" rewire backend set id 11 state draining
	rewire backend set id 21 state draining
	refuse "with no server at all, flows are dropped" 28 "" \
		in_ns t1 curl -gsS --max-time 2 "$(at 192.0.2.80)"
	check "which is counted" test "$(counter no_backend)" -ge 1
}

anycast_far() {
	local address=192.0.2.80

	[[ $2 != *:* ]] || address=2001:db8:a::80
	equal "$1" "$(asks t1 "$(at $address)")" "b2 $5"
}

# subscribe NAMESPACE PORT FILE: what arrives
subscribe() {
	spawn "$1" socat -u "UDP6-RECVFROM:$2,fork" "OPEN:$work/$3,creat,append"
	wait_for 30 listens "$1" -u "$2"
}

have_all() {
	local name

	for name in b1 b2 t2; do
		[ "$(sort "$work/$name.got" | xargs)" = "$1" ] || return
	done
}

fan_out() {
	local n

	rm -f "$work"/*.got
	touch "$work"/{b1,b2,t2}.got
	in_ns t1 /usr/bin/python3 - "${4}200" <<-'END'
		import socket, sys, time
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		for n in range(1, 6):
		    s.sendto(b"%d\n" % n, (sys.argv[1], 5000))
		    time.sleep(0.05)
	END
	check "X1.3: $1 each packet reaches three subscribers" wait_for 20 have_all "1 2 3 4 5"
	note "$(head "$work"/*.got)"
	equal "$1 by one flow" "$(flows '[.[] | select(.orig.dport == 5000)] | length')" 1
	equal "$1 with copies" "$(flows '[.[] | select(.orig.dport == 5000)][0].copies | length')" 2
	rewire flow flush
}

# has_its N: two have what the third lacks
has_its() {
	[ "$(tail -n 1 "$work/b1.got") $(tail -n 1 "$work/b2.got")" = "$1 $1" ]
}

# send_once N: a flow of its own
send_once() {
	in_ns t1 bash -c "echo $1 > /dev/udp/10.0.0.200/5000"
}

subscriber_leaves() {
	local n=100

	check "the last device of a subscriber's network leaves it" rewire attach del dev t2
	check "X1.3: the others go on with the packets of new flows" wait_for 20 eval '
		n=$((n + 1)); send_once $n; wait_for 1 has_its $n'
	equal "X1.3: which have a copy less" \
		"$(flows '[.[] | select(.orig.dport == 5000 and .action == "translate") | .copies | length] | unique')" "[1]"
	check "it comes back" attach t2
	check "X1.3: and gets those of new flows, too" wait_for 20 eval '
		n=$((n + 1)); send_once $n; wait_for 1 eval "[ \$(tail -n 1 $work/t2.got) = $n ]"'
	rewire flow flush
}

together() {
	equal "X1.2: $1 NAT" "$(asks t1 "$(at "$3")")" "out ${2}64"
	equal "X1.2: $1 a fixed source for one port" "$(asks t1 "$(at "$3" 81)")" "out ${2}65"
	equal "X1.2: $1 a private endpoint" "$(asks t1 "$(at "${4}100")")" "b1 $5"
	equal "X1.2: $1 a forwarded port" "$(asks out "$(at "${2}20" 8080)")" "t1 $3"
}

authorised() {
	jq '.services[0].vni = 20' "$examples/private-endpoint.json" > "$work/other.json"
	refuse "a network that may not reach the server's is refused" 2 \
		'service "database": VNI 20 may not reach VNI 30' rewire apply "$work/other.json"
	jq '.services[0].destination.vni = 31' "$examples/private-endpoint.json" > "$work/other.json"
	refuse "so is one that is not there" 2 'vni 31 is none of the networks|vni is 31' \
		rewire apply "$work/other.json"
	equal "and nothing has changed" "$(asks t1 "$(at 10.0.0.100)")" "b1 $inside4"
}

rewired_options=(--period 300)
topology && attach_all && echo '{}' > "$config" && start_rewired || exit 1
for ns in t1 t2 out; do
	start_http $ns 80 || exit 1
done
start_http out 81 && start_http b1 8080 && start_http b2 8080 || exit 1
subscribe b1 5000 b1.got && subscribe b2 5000 b2.got && subscribe t2 5001 t2.got || exit 1
for address in "10 ip 10.0.0.100" "10 ip fd00:10::100" "30 ip $inside4" "30 ip $inside6" \
	"10 ip 10.0.0.200" "10 ip fd00:10::200"; do
	# shellcheck disable=SC2086
	rewire address add vni $address || exit 1
done

example nat-gateway
in_both "NAT gateway: two tenants by" nat_gateway
example one-to-one
in_both "1:1 NAT: a guest is seen" one_to_one
example port-forward
in_both "a forwarded port leads to" port_forward
example balancer
in_both "balancer:" balancer
example balancer-pool
in_both "balancer with a pool:" balancer_pool
example private-endpoint
in_both "S2.1: private endpoint: a guest reaches" private_endpoint
authorised
example anycast
in_both "anycast: an address is" anycast
anycast_falls_back
example fan-out
in_both "fan-out:" fan_out
subscriber_leaves
example together
in_both "several at one attachment:" together
note "$(rewire -j daemon show)"
note "$(rewire stats show)"
stop_rewired
test_end
