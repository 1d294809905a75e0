#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Backends are checked through the module, and those that are not well get no new flows.
. "$(dirname "$0")/lib/lib.sh"

declare -A http
checked='.services[2].destination = { scheduler: "round-robin",
	health: { type: "tcp", interval: 200, timeout: 2000, fall: 2, rise: 2, damping: 0 } }'

serve() {
	start_http "$1" 8080 && http[$1]=$spawned
}

quit() {
	kill "${http[$1]}"
	wait_for 10 eval "! kill -0 ${http[$1]}"
}

# health BACKEND [KEY]: what the daemon says of a backend of "web"
health() {
	rewire -j backend show name "$1" | jq -r ".[] | select(.service == \"web\") | .health.${2:-state}"
}

health_is() {
	[ "$(health "$1")" = "$2" ]
}

# becomes BACKEND STATE
becomes() {
	wait_for 60 health_is "$1" "$2"
}

# The kernel's word.
target() {
	rewire -j target show | jq -r --argjson id "3${1#b}" '.[] | select(.id == $id) | .state'
}

target_is() {
	[ "$(target "$1")" = "$2" ]
}

several() {
	who_answers out "$web4" 4
}

comes_up() {
	check "a backend that answers is up" becomes b1 up
	check "and so is the other" becomes b2 up
	equal "connections reach both" "$(several)" "b1 b2"
	match "it is told in words, too" "$(rewire backend show name b1)" \
		"in_force active.* health state up checks [0-9]+ .*result good .*reason connected"
	equal "checks have flows from the host's own network, by the service, to no target" \
		"$(flows '[.[] | select(.orig.vni == 40) | [.policy, .target, .reply.vni, .reply.sport]] | unique')" \
		"[[3,0,30,8080]]"
	equal "and reach for the address that clients do, in both families" \
		"$(flows '[.[] | select(.orig.vni == 40) | .orig.dst] | unique')" "[\"$web6\",\"$web4\"]"
}

goes_down() {
	local saved

	saved=$(sha256sum < "$config")
	listen_to_events
	quit b1
	check "a backend whose server has ended is down" becomes b1 down
	check "in the kernel, too" wait_for 10 target_is b1 down
	match "for a reason" "$(health b1 reason)" "Connection refused"
	equal "connections reach the other" "$(several)" "b2"
	equal "the configuration has it active" \
		"$(rewire -j config show | jq -r '.services[2].backends[0].state // "active"')" active
	equal "and is saved as it was" "$(sha256sum < "$config")" "$saved"
	wait_for 20 test -s "$work/events"
	equal "an event tells" "$(head -1 "$work/events" | jq -c '[.event, .service, .backend, .id]')" '["down","web","b1",31]'
	match "with the reason" "$(head -1 "$work/events" | jq -r .reason)" "Connection refused"
	kill "$listener"
	match "the log tells" "$(< "$work/rewired.log")" 'backend "b1" is down: Connection refused'
}

all_down() {
	local before

	quit b2
	check "the other one goes down, too" becomes b2 down
	check "in the kernel, too" wait_for 10 target_is b2 down
	before=$(counter no_backend)
	refuse "nobody is left to answer" 28 "timed out|Timeout" \
		fetch out "$web4" whoami --connect-timeout 1
	check "which is counted" test "$(counter no_backend)" -gt "$before"
	write_config "$checked | .services[2].destination.unavailable = \"reset\""
	kill -HUP "$rewired_pid"
	check "or clients are told at once, when that is configured" wait_for 30 eval \
		'fetch out "$web4" whoami --connect-timeout 1; [ $? = 7 ]'
	refuse "in both families" 7 "connect" fetch out "$web6" whoami --connect-timeout 5
	write_config "$checked"
	kill -HUP "$rewired_pid"
}

restarts() {
	stop_rewired
	equal "a daemon that ends leaves it as it is" "$(target b1)" down
	start_rewired
	equal "the next one believes the one before" "$(target b1)" down
	match "until it knows better" "$(health b1) $(health b1 reason)" "^down (it was down before|Connection refused)"
}

comes_back() {
	serve b1 && serve b2 || exit 1
	check "the server is there again: it is up" becomes b1 up
	check "and so is the other" becomes b2 up
	check "in the kernel, too" wait_for 10 target_is b1 active
	check "in the kernel, too" wait_for 10 target_is b2 active
	equal "connections reach both" "$(several)" "b1 b2"
}

# What breaks for clients breaks for checks, though the server answers the host.
broken_way() {
	rewire attach del dev b1
	check "a backend that the module does not reach is down" becomes b1 down
	check "though its server answers the host" in_ns host curl -gsS http://10.1.0.11:8080/whoami
	rewire attach add dev b1 vni 30
	check "and up when it does again" becomes b1 up
}

undone() {
	rewire attach del local
	check "without the host's own output nothing is checked" \
		wait_for 30 eval '[ "$(health b1 result)" = undone ]'
	match "which the daemon says" "$(health b1 reason)" "output is not attached"
	quit b1
	equal "and what is not checked stays as it is" "$(health b1) $(target b1)" "up active"
	rewire attach add local vni 40
	check "until it is checked again" becomes b1 down
	serve b1
	becomes b1 up
}

drains() {
	write_config "$checked | .services[2].destination.health.failed = \"draining\""
	kill -HUP "$rewired_pid"
	hold_connection held out "$web4"
	held=$(ask_on held | cut -d ' ' -f 1)
	ip -n "$held" link set lo up
	in_ns "$held" nft -f - <<-END
		table inet block {
			chain input {
				type filter hook input priority 0;
				tcp dport 8080 tcp flags & (syn | ack) == syn reject with tcp reset
			}
		}
	END
	check "a backend that takes no new connections drains" wait_for 60 target_is "$held" draining
	match "its connection of before goes on" "$(ask_on held)" "^$held "
	release_connection held
	in_ns "$held" nft delete table inet block
	becomes "$held" up
}

# The negative control: without checks, half of the connections are refused.
without() {
	write_config '.services[2].destination.scheduler = "round-robin"'
	kill -HUP "$rewired_pid"
	check "what is not checked any more is active" wait_for 30 eval \
		'[ "$(rewire -j backend show name b1 | jq ".[0].health")" = null ] && target_is b1 active'
	quit b1
	match "without checks, connections go to a server that has ended" \
		"$(fetch out "$web4" whoami 2>&1; fetch out "$web4" whoami 2>&1)" "refused|Couldn't connect|reset"
}

rewired_options=(--period 300)
topology && attach_all && write_config "$checked" && rewire attach add local vni 40 || exit 1
ip -n host route add 203.0.113.0/24 via 198.51.100.9 &&
ip -n host route add 2001:db8:f::/64 via 2001:db8:1::9 || exit 1
serve b1 && serve b2 && start_rewired || exit 1
comes_up
goes_down
all_down
restarts
comes_back
broken_way
undone
drains
without
note "$(< "$work/rewired.log")"
test_end
