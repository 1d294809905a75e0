#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One question to the daemon for each flow, and a daemon that dies, freezes and
# comes back.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-100000000}
packets=${REWIRE_TEST_PACKETS:-1000000}

# Packets of one UDP flow go from t1 to out by themselves
generate() {
	local mac

	modprobe -q pktgen
	mac=$(ip -j -n host link show t1 | jq -r '.[0].address')
	in_ns t1 bash -c '
		echo "add_device eth0" > /proc/net/pktgen/kpktgend_0 || exit 1
		for line in "dst_mac $1" "dst $2" "pkt_size 60" "delay 0" "clone_skb 0" \
			"src_min 10.0.0.2" "src_max 10.0.0.2" "udp_src_min 5000" "udp_src_max 5000" \
			"udp_dst_min 9" "udp_dst_max 9"; do
			echo "$line" > /proc/net/pktgen/eth0 || exit 1
		done
	' _ "$mac" "$out4"
}

# burst COUNT: of them, as fast as they go; says nothing unless it fails
burst() {
	in_ns t1 bash -c '
		cd /proc/net/pktgen && echo "count $1" > eth0 || exit 1
		echo start > pgctrl
		# It is not waited for if it takes long to begin
		for ((i = 0; i < 3000; i++)); do
			grep -q "^Result: OK: .* usec" eth0 && exit
			sleep 0.1
		done
		exit 1
	' _ "$1"
}

# Datagrams that came to a port without a listener
arrived() {
	in_ns out nstat -asz UdpNoPorts | awk '$1 == "UdpNoPorts" { print $2 }'
}

# are_through COUNT: so many have arrived, or were dropped since no more of a flow are held
are_through() {
	[ $(($(arrived) - came + $(reason drop-hold-packets) - dropped)) -ge "$1" ]
}

# Each burst fits all queues on its way, and the next one waits until it is through, so none is lost
million() {
	local punts dropped came sent next size=50000 got

	in_ns t1 ping -q -c 1 "$out4" > /dev/null	# neighbours know each other
	sysctl -qw net.core.netdev_max_backlog=$((2 * size))
	punts=$(figure punts) dropped=$(reason drop-hold-packets) came=$(arrived)
	check "packets are made" generate
	for ((sent = 0; sent < packets; sent = next)); do
		next=$((sent + size < packets ? sent + size : packets))
		burst $((next - sent)) && wait_for 60 are_through "$next" || break
	done
	in_ns t1 bash -c 'echo rem_device_all > /proc/net/pktgen/kpktgend_0'
	equal "$packets packets of one UDP flow are sent, and come through" "$sent" "$packets"
	equal "they cause exactly one punt" $(($(figure punts) - punts)) 1
	equal "they are one flow" "$(flows '[.[] | select(.orig.sport == 5000)] | length')" 1
	got=$(rewire -j -s flow show protocol udp src 10.0.0.2:5000 | jq '.[0]."orig-counters".packets')
	dropped=$(($(reason drop-hold-packets) - dropped))
	equal "those that the flow counts ($got) and those too many to hold ($dropped) are all" \
		$((got + dropped)) "$packets"
	check "nearly all went through" test "$got" -gt $((packets * 9 / 10))
	# Nobody listens there: each packet that arrives is counted, few are answered
	equal "what the flow counts arrives" $(($(arrived) - came)) "$got"
	modprobe -qr pktgen
}

# from_ports PORT...: a datagram of each
from_ports() {
	in_ns t1 /usr/bin/python3 - "$out4" "$@" <<-'END'
		import socket, sys
		for port in sys.argv[2:]:
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.bind(("", int(port)))
		        s.sendto(b"x", (sys.argv[1], 9))
	END
}

five() {
	local punts created

	punts=$(figure punts) created=$(figure created)
	from_ports {5001..5005}
	wait_for 10 figure_is created $((created + 5))
	equal "five other flows cause five punts, and are kept" \
		"$(($(figure punts) - punts)) $(($(figure created) - created))" "5 5"
}

# What a flow is, without what changes with time
keys() {
	flows 'map({id, orig, reply, action, policy, target}) | sort_by(.id)'
}

survival() {
	local before after who

	hold_connection c t1 "$out4"
	who=$(ask_on c)
	match "a connection stands" "$who" "^out $nat4 "
	# A transfer of which nobody reads the rest before the daemon is dead
	mkfifo "$work/pipe"
	fetch t1 "$out4" data > "$work/pipe" &
	exec 7< "$work/pipe"
	head -c $((bytes / 10)) <&7 > "$work/transfer"
	before=$(keys)
	check "the daemon is killed during a transfer" stop_rewired KILL
	equal "nobody listens for punts" "$(figure handlers)" 0
	refuse "a new flow gets nowhere meanwhile" 28 "imeout|imed out" fetch t1 "$out4" whoami --connect-timeout 2
	check "its packets were dropped for want of a daemon" test "$(reason drop-no-daemon)" -gt 0
	cat <&7 >> "$work/transfer"
	exec 7<&-
	equal "the transfer of $bytes bytes goes on and is complete, SHA-256 and all" \
		"$(sha256sum < "$work/transfer")" "$data_sum"
	rm -f "$work/transfer"
	equal "the connection goes on without a daemon" "$(ask_on c)" "$who"

	check "the daemon starts again" start_rewired
	after=$(keys)
	# The transfer's flow may have ended meanwhile; the connection's has not
	equal "of the flows before, those that are there after are the same in all" \
		"$(jq -cn --argjson a "$before" --argjson b "$after" \
			'[$b[] | select(.id as $id | any($a[]; .id == $id))] as $kept |
			 [($kept | length > 0), ($kept - $a)]')" '[true,[]]'
	equal "the connection has the same public port" "$(ask_on c)" "$who"
	match "new flows work" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	match "and new flows of the other tenant" "$(fetch t2 "$out6" whoami)" "^out $nat6 "
	equal "no verdict failed for a port in use" "$(figure verdict-failures)" 0
}

# A pool of two ports: the daemon must know which of them its predecessor gave.
adoption() {
	local port

	release_connection c
	stop_rewired
	write_config '.pools[0].ports = "3000-3001"'
	rewire flow flush
	start_rewired || return
	hold_connection c t1 "$out4"
	port=$(ask_on c | cut -d' ' -f3)
	match "one of two ports is in use" "$port" '^300[01]$'
	stop_rewired KILL
	start_rewired
	equal "the next flow after a restart gets the other" "$(fetch t2 "$out4" whoami)" \
		"out $nat4 $((6001 - port))"
	equal "at the first try" "$(figure verdict-failures)" 0
	release_connection c
	stop_rewired
	rewire flow flush
	write_config
	start_rewired
}

# send_three PORT: datagrams of one flow
send_three() {
	in_ns t1 bash -c 'exec 3> "/dev/udp/$1/$2"; for n in 1 2 3; do echo $n >&3; done' _ "$out4" "$1"
}

# freeze ORPHAN-MODE PORT: a daemon that dies frozen, with a question unanswered
freeze() {
	local before

	stop_rewired
	write_config ".services[0].orphan = \"$1\""
	start_rewired || return
	before=$(reason drop-hold-timeout)
	kill -STOP "$rewired_pid"
	send_three "$2"
	stop_rewired KILL
	check "orphan mode $1: nothing stays held for a daemon that died" wait_for 10 figure_is holds 0
	equal "orphan mode $1: its three packets had their time" \
		$(($(reason drop-hold-timeout) - before)) 3
}

orphans() {
	local before held

	freeze drop 7001
	before=$(reason drop-no-daemon)
	send_three 7002
	equal "orphan mode drop: without a daemon packets are dropped" \
		$(($(reason drop-no-daemon) - before)) 3

	freeze pass 7003
	before=$(figure passed)
	send_three 7004
	check "orphan mode pass: without a daemon packets are left to the host" \
		test $(($(figure passed) - before)) -ge 3

	freeze hold 7005
	before=$(reason drop-no-daemon) held=$(reason drop-hold-timeout)
	send_three 7006
	wait_for 10 figure_is holds 0
	equal "orphan mode hold: without a daemon packets are held, but not for ever" \
		"$(($(reason drop-no-daemon) - before)) $(($(reason drop-hold-timeout) - held))" "0 3"
	check "a daemon starts after them" start_rewired
	match "and new flows work" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
}

# The frozen daemon goes on: what it was asked meanwhile still gets its answer.
thaw() {
	local pid

	kill -STOP "$rewired_pid"
	fetch t1 "$out4" whoami > "$work/who" & pid=$!
	wait_for 10 figure_is holds 1
	kill -CONT "$rewired_pid"
	wait $pid
	match "a daemon that was frozen for a while answers" "$(< "$work/who")" "^out $nat4 "
}

# from_many COUNT: a datagram of each of so many flows, and then how many are held and were asked about
from_many() {
	from_ports $(seq 20000 $((19999 + $1)))
	rewire -j stats show | jq -r '"\(.holds) \(.punts)"'
}

# A window of questions is asked, the others wait for answers. Nobody needs theirs when all end at once.
ended() {
	local holds=0 asked=0 times

	kill -STOP "$rewired_pid"
	for times in {1..10}; do
		read -r holds asked <<< "$(from_many 300)"
		[ "$holds" -lt 300 ] || break
		wait_for 10 figure_is holds 0
	done
	check "300 flows are held ($times)" test "$holds" -ge 300
	rewire attach del dev t1
	equal "none is when their device goes" "$(figure holds)" 0
	# Some may have ended before that, and made room for others
	check "and nobody is asked about them any more" test $(($(figure punts) - asked)) -lt 150
	kill -CONT "$rewired_pid"
	attach t1
	wait_for 20 eval '[[ "$(fetch t1 "$out4" whoami --connect-timeout 2)" == "out "* ]]'
}

second_daemon() {
	refuse "a second daemon is refused" 2 "nother process listens" timeout 20 "$helpers/enter" host \
		"$bin/rewired" -c "$config" -s "$work/second.sock"
	check "the first does not mind" kill -0 "$rewired_pid"
	match "and serves" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
}

set_up
data_file "$bytes" && start_http out 80 "$data" || exit 1
million
five
survival
adoption
second_daemon
thaw
ended
orphans
test_end
