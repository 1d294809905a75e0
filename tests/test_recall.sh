#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Flows that the kernel has lost, while their ends still talk, get the translation that they had (S2.4).
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-30000000}
[ "$bytes" -le 30000000 ] || bytes=30000000

# Decisions made, and flows that got their old one again
decided() {
	echo "$(status decision) $(counter flows)"
}

recalled() {
	counter recalled
}

# flow_of PORT: of a connection from this port
flow_of() {
	flows "[.[] | select(.orig.sport == $1 and .orig.protocol == \"tcp\")][0] | {orig, reply, target, decision}"
}

flow_is_gone() {
	[ "$(flows "[.[] | select(.orig.sport == $1)] | length")" = 0 ]
}

# evict PORT: the module ends the idlest connection of VNI $2 for a new flow
evict() {
	local evicted

	evicted=$(reason close-evicted)
	rewire limit set vni "$2" flows 1:2
	in_ns "$3" curl -s --connect-timeout 5 -o /dev/null "http://$4/whoami" --local-port 45000-45100
	rewire limit del vni "$2"
	[ "$(reason close-evicted)" -gt "$evicted" ] && flow_is_gone "$1"
}

evicted_connections_go_on() {
	local who before flow made

	hold_connection a out "$web4" 30001
	hold_connection b out "$web4" 30002
	who=$(ask_on a) flow=$(flow_of 30001)
	ask_on b > /dev/null
	looks_again
	check "an idle connection is evicted when its network has too many" evict 30001 0 out "$web4"
	before=$(decided) made=$(recalled)
	equal "S2.4: it goes on with the backend that it had" "$(ask_on a)" "$who"
	equal "by the same translation and decision" "$(flow_of 30001)" "$flow"
	equal "no decision was made, and one was recalled" "$(decided) $(recalled)" "$before $((made + 1))"
	looks_again
	rewire flow flush protocol tcp
	looks_again
	who=$(ask_on b) flow=$(flow_of 30001)
	equal "flushed, another goes on as well, after the daemon was told" "$(decided) ${who%% *}" \
		"$before $(ask_on b | cut -d ' ' -f 1)"
	release_connection a
	release_connection b
}

nat_keeps_its_port() {
	local who before

	hold_connection n t1 "$out4" 30003
	who=$(ask_on n)
	rewire flow del vni 10 protocol tcp src 10.0.0.2:30003 dst "$out4:80"
	before=$(decided)
	equal "S2.4: a NAT connection keeps its public port, when the daemon was not told yet" "$(ask_on n)" "$who"
	looks_again
	rewire flow del vni 10 protocol tcp src 10.0.0.2:30003 dst "$out4:80"
	looks_again
	equal "its port stays taken" "$(rewire -j pool show | jq '[.[].addresses[].tcp.used] | add')" 1
	equal "and when it was" "$(ask_on n)" "$who"
	equal "without a decision" "$(decided)" "$before"
	looks_again
	ask_on n later > "$work/later" &
	sleep 0.5
	rewire flow del vni 10 protocol tcp src 10.0.0.2:30003 dst "$out4:80"
	wait $!
	equal "S2.4: the far end may be the first to talk" "$(< "$work/later")" "$who"
	equal "without a decision, too" "$(decided)" "$before"
	looks_again
	equal "its guard is gone then" "$(rewire -j rule show | jq '[.[] | select(.policy == 2147483649)] | length')" 0
	release_connection n
}

new_connections_are_decided() {
	local before

	before=$(counter flows)
	in_ns t1 /usr/bin/python3 - "$out4" <<-'END'
		import socket, struct, sys
		for _ in range(2):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    s.bind(("", 30010))
		    s.settimeout(20)
		    s.connect((sys.argv[1], 80))
		    s.close()
	END
	equal "what begins a connection is decided anew" $(($(counter flows) - before)) 2
}

# configure [JQ-FILTER]: the usual services, changed by a filter
configure() {
	write_config "$usual | ${1:-.}" && rewire -j apply "$config" > /dev/null
}

# guest_serves PORT: t1 speaks from it to the outside, and listens at it; $public is what others know it by
guest_serves() {
	spawn t1 /usr/bin/python3 -c '
import signal, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1])))
s.connect((sys.argv[2], 80))
signal.pause()' "$1" "$out4"
	wait_for 20 eval "[ \"\$(flow_of $1)\" != '{\"orig\":null,\"reply\":null,\"target\":null,\"decision\":null}' ]"
	public=$(flow_of "$1" | jq .reply.dport)
	start_http t1 "$1" "$work/guest"
}

# What the outside has sent from this port, and its other end has got, in bytes
arrived() {
	in_ns out ss -Hnti "sport = :$1" | grep -o 'bytes_acked:[0-9]*' | cut -d : -f 2
}

# let_think NAME PORT: a guest has got a request by a connection from this port, and waits to answer it
let_think() {
	local before

	before=$(arrived "$2")
	rm -f "$work/guest.open"
	printf 'GET /held HTTP/1.1\r\n\r\n' >&"${connection_fd[$1]}"
	wait_for 20 eval "[ \"\$(arrived $2)\" -gt $before ]"
}

# incoming_connections_go_on FILTERING PORT: to a guest, by the port of a pool that lets others in
incoming_connections_go_on() {
	local who flow before made answers forgotten

	rewire flow flush
	looks_again
	configure ".pools[0] += { mapping: \"endpoint-independent\", filtering: \"$1\" }"
	guest_serves "$2"
	forgotten=$(counter forgotten)
	hold_connection in out "$nat4" $(($2 + 1)) "$public"
	hold_connection idle out "$nat4" $(($2 + 2)) "$public"
	who=$(ask_on in) flow=$(flow_of $(($2 + 1)))
	equal "$1 filtering: a guest's port takes connections from outside" "$who" "t1 $out4 $(($2 + 1))"
	ask_on idle > /dev/null
	looks_again
	check "one that is idle is evicted when the outside has too many" evict $(($2 + 1)) 0 out "$web4"
	before=$(decided) made=$(recalled)
	equal "S2.4: it goes on when the outside talks" "$(ask_on in)" "$who"
	equal "by the same translation and decision" "$(flow_of $(($2 + 1)))" "$flow"
	equal "no decision was made, and one was recalled" "$(decided) $(recalled)" "$before $((made + 1))"
	looks_again
	let_think in $(($2 + 1))
	rewire flow flush protocol tcp
	looks_again
	answers=$(answers_on in | wc -l)
	touch "$work/guest.open"
	check "S2.4: flushed, it goes on when its guest talks" wait_for 60 has_answers in $((answers + 1))
	equal "by the same translation and decision, too" "$(flow_of $(($2 + 1)))" "$flow"
	equal "no decision was made for that" "$(decided)" "$before"
	looks_again
	rewire flow flush protocol tcp
	looks_again
	equal "S2.4: and when the outside does, after the daemon was told" "$(ask_on in)" "$who"
	equal "and none for that, and nothing is forgotten" "$(decided) $(counter forgotten)" \
		"$before $forgotten"
	release_connection idle
}

# The last of those: its pool moves to another address while the guest thinks, and so does its flow.
incoming_connection_has_no_place() {
	local before forgotten

	looks_again
	let_think in "$1"
	rewire flow flush protocol tcp
	looks_again
	configure '.pools[0].addresses = ["203.0.113.99"]'
	before=$(counter flows) forgotten=$(counter forgotten)
	touch "$work/guest.open"
	check "what has no place any more is decided by its guest's service" \
		wait_for 20 eval "[ \"\$(counter flows)\" -gt $before ]"
	equal "and not dropped by its guard" "$(counter forgotten)" "$forgotten"
	release_connection in
	configure
}

# transfer NAMESPACE ADDRESS: flushed again and again, it arrives. Little fits into buffers, so that
# each piece that is taken has come by the flow that is there then.
transfer() {
	local before times made pipe

	made=$(recalled) before=$(counter flows)
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	in_ns "$1" sysctl -qw net.ipv4.tcp_rmem="4096 65536 131072"
	in_ns "$1" curl -gsS "$(url "$2" data)" > "$work/pipe" & curl=$!
	exec {pipe}< "$work/pipe"
	head -c $((bytes / 8)) <&$pipe > "$work/got"
	for times in 1 2 3 4 5; do
		rewire flow flush protocol tcp
		head -c $((bytes / 8)) <&$pipe >> "$work/got"
		check "lost for the ${times}. time, it is recalled" \
			wait_for 20 eval "[ \"\$(recalled)\" -ge $((made + times)) ]"
	done
	cat <&$pipe >> "$work/got"
	exec {pipe}<&-
	wait $curl
	note "$times times flushed, $(($(recalled) - made)) times recalled"
	equal "S2.4: $bytes bytes from $2 arrive, though their flow is lost $times times" \
		"$(sha256sum < "$work/got")" "$data_sum"
	equal "by one decision" "$(counter flows)" $((before + 1))
}

# talk NAME: on a connection that may be over already
talk() {
	(printf 'GET /whoami HTTP/1.1\r\n\r\n' >&"${connection_fd[$1]}")
}

reload_module() {
	unload_module && sleep 1 && insmod "$REWIRE_MODULE" && attach_all
}

# hold_two PORT: a connection through NAT, and one through the balancer
hold_two() {
	hold_connection "n$1" t1 "$out4" "$1"
	hold_connection "w$1" out "$web4" "$1"
}

ask_two() {
	ask_on "n$1"
	ask_on "w$1"
}

# S1.14: all that the kernel had is gone, but for what the daemon remembers.
module_returns() {
	local who before times

	rewire flow flush
	hold_two 30040
	who=$(ask_two 30040)
	looks_again
	before=$(flows 'map(select(.orig.sport == 30040) | {orig, reply, decision, target}) | sort')
	for times in 1 2; do
		check "the module is unloaded and loaded under the daemon" reload_module
		equal "S1.14: connections go on with the translations that they had" "$(ask_two 30040)" "$who"
		equal "by the same decisions" \
			"$(flows 'map(select(.orig.sport == 30040) | {orig, reply, decision, target}) | sort')" "$before"
		check "which the daemon has noticed" wait_for 10 eval "[ \"\$(status reloads)\" = $times ]"
		match "new flows are decided as well" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
		looks_again
	done
	ask_on n30040 later > "$work/later" &
	sleep 0.3
	check "it is unloaded while a server thinks" reload_module
	wait $!
	equal "S1.14: whose answer arrives" "$(< "$work/later")" "${who%%$'\n'*}"
	looks_again
	stop_rewired
	rewire flow flush
	start_rewired
	talk n30040
	check "a daemon that remembers nothing breaks it" wait_for 20 eval "! kill -0 ${connection_pid[n30040]}"
	release_connection w30040
}

# reload_with DEVICE: the module anew, and nothing attached but this
reload_with() {
	refused=$(counter failed)
	unload_module && insmod "$REWIRE_MODULE" && attach "$1" && wait_for 10 eval '[ "$(figure handlers)" -ge 1 ]'
}

is_refused() {
	wait_for 10 eval '[ "$(counter failed)" -gt '"$refused"' ]'
}

answers_are() {
	[ "$(answers_on "$1" | wc -l)" -ge "$2" ]
}

# Of two networks that a flow needs, one is there before the other, and either end talks first.
devices_return_one_by_one() {
	local who refused

	rewire flow flush
	hold_two 30050
	who=$(ask_two 30050)
	looks_again
	check "the module is loaded again, and the tenant's device attached" reload_with t1
	ask_on n30050 > "$work/early" &
	check "S1.14: what needs a device that is still missing is refused" is_refused
	check "the other devices follow" attach t2 u0 b1 b2
	wait $!
	equal "and goes on as before when it is there" "$(< "$work/early")" "${who%%$'\n'*}"
	equal "and so does what was not asked meanwhile" "$(ask_on w30050)" "${who#*$'\n'}"
	looks_again
	(printf 'GET /held HTTP/1.1\r\n\r\n' >&"${connection_fd[n30050]}")
	sleep 1
	check "the module is loaded again, and the device to the outside attached" reload_with u0
	touch "$data.open"
	check "S1.14: an answer to a device that is still missing is refused" is_refused
	check "the other devices follow at once" attach t1 t2 b1 b2
	talk n30050
	check "and both ends go on" wait_for 60 answers_are n30050 4
	equal "with the translation that they had" "$(answers_on n30050 | sort -u)" "${who%%$'\n'*}"
	release_connection n30050
	release_connection w30050
}

# replace_device NAMESPACE DEVICE NET4 NET6 NUMBER: by one that looks the same, and has another number
replace_device() {
	ip -n host link del "$2" &&
	{ guest_link "$1" "$2"; guest_subnet "$2" "$3" "$4"; } | ip -n host -batch - &&
	set_up_guest "$1" "$3" "$4" "$5" && attach "$2"
}

# A guest's device goes, and the one to the outside, and others are there in their place.
devices_are_replaced() {
	local who before

	rewire flow flush
	hold_connection n t1 "$out4" 30080
	who=$(ask_on n) before=$(counter flows)
	looks_again
	check "the device to the outside is replaced by another one" replace_device out u0 198.51.100 2001:db8:1 9
	equal "S2.4: a connection goes on by that" "$(ask_on n)" "$who"
	looks_again
	ask_on n later > "$work/later" &
	sleep 0.3
	check "the guest's device is replaced while a server thinks" replace_device t1 t1 10.0.0 fd00:10 2
	wait $!
	equal "S2.4: whose answer arrives by the new one" "$(< "$work/later")" "$who"
	equal "without a decision" "$(counter flows)" "$before"
	release_connection n
}

# The negative control: who remembers nothing decides anew, and the connection breaks.
without_memory() {
	local before

	stop_rewired
	rewire flow flush
	rewired_options+=(--remember 1)
	start_rewired
	hold_connection first t1 "$out4" 30020
	ask_on first > /dev/null
	hold_connection second t1 "$out4" 30021
	ask_on second > /dev/null
	check "beyond the limit of the memory flows are not remembered" test "$(status unremembered)" -ge 1
	before=$(counter flows)
	rewire flow del vni 10 protocol tcp src 10.0.0.2:30021 dst "$out4:80"
	talk second
	check "one of these breaks when it is lost" wait_for 20 eval "! kill -0 ${connection_pid[second]}"
	equal "since it was decided anew" "$(counter flows)" $((before + 1))
	release_connection first
}

rewired_options=(--period 300)
# A new mapping is never what an old one was by chance
usual='.services[2].destination.scheduler = "round-robin" | .pools[0].mapping = "endpoint-dependent"'
set_up "$usual"
data_file "$bytes" || exit 1
start_http out 80 "$data" && start_http b1 8080 "$data" && start_http b2 8080 "$data" || exit 1
evicted_connections_go_on
nat_keeps_its_port
new_connections_are_decided
transfer t1 "$out4"
transfer out "$web4"
incoming_connections_go_on address-dependent 30060
release_connection in
incoming_connections_go_on endpoint-independent 30070
incoming_connection_has_no_place 30071
module_returns
devices_return_one_by_one
devices_are_replaced
without_memory
note "$(rewire -j daemon show)"
note "$(< "$work/rewired.log")"
stop_rewired
test_end
