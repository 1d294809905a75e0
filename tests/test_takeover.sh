#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A daemon takes the place of another, while new flows begin: the kernel is never without one.
. "$(dirname "$0")/lib/lib.sh"

flows=${REWIRE_TEST_FIRSTS:-400} rate=100

# begin: new flows, in the background
begin() {
	rm -f "$work/echoed"
	in_ns t1 /usr/bin/python3 "$tests/lib/firsts.py" "$out4" 7 "$flows" $rate > "$work/echoed" & firsts=$!
	sleep 1
}

next_daemon() {
	old=$rewired_pid
	rewired_options=(--period 300 "$@")
	start_rewired
}

old_gone() {
	! kill -0 "$old" 2>/dev/null
}

takes_over() {
	local before timeouts who

	hold_connection n t1 "$out4"
	who=$(ask_on n)
	before=$(reason drop-no-daemon) timeouts=$(reason drop-hold-timeout)
	begin
	check "a daemon takes the place of another" next_daemon --takeover
	check "which ends" wait_for 20 old_gone
	note "$(< "$work/rewired.log")"
	match "by its sockets" "$(< "$work/rewired.log")" "took over [0-9]+ sockets"
	check "once more" next_daemon --takeover
	check "the second ends, too" wait_for 20 old_gone
	wait $firsts
	equal "no packet met a host without a daemon" "$(reason drop-no-daemon)" "$before"
	timeouts=$(($(reason drop-hold-timeout) - timeouts))
	note "of $flows new flows, $(< "$work/echoed") had an answer to their first packet; $timeouts waited for too long"
	equal "each first packet was answered, but for those that waited for a second" \
		$(($(< "$work/echoed") + timeouts)) "$flows"
	equal "a connection of before goes on" "$(ask_on n)" "$who"
	release_connection n
	equal "there are as many handlers as before" "$(figure handlers)" "$handlers"
	match "the next configuration is taken" "$(write_config 'del(.services[3])'; rewire -j apply "$config" | jq -c .changed)" \
		'- service .*dns'
}

# The negative control
restarts() {
	local before

	before=$(reason drop-no-daemon)
	begin
	stop_rewired
	sleep 0.5
	check "a daemon that is started after another ended" next_daemon
	wait $firsts
	check "leaves packets without a daemon in between" test "$(reason drop-no-daemon)" -gt "$before"
	check "whose flows had no answer" test "$(< "$work/echoed")" -lt "$flows"
}

bad_takers() {
	chmod 755 "$work" && chmod 644 "$config"
	refuse "who has no privilege takes nothing over" 2 "ermission denied" \
		in_ns host setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all --bounding-set -all \
		"$bin/rewired" -c "$config" -s "$REWIRE_SOCKET" --takeover
	write_config '.services[0].id = 3'
	refuse "nor who has a bad configuration" 1 "both have the id 3" \
		in_ns host "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET" --takeover
	write_config
	check "the daemon goes on" test "$(rewire -j daemon show | jq .pid)" = "$rewired_pid"
	match "and decides" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	stop_rewired
	check "without another, one starts as usual" next_daemon --takeover
}

rewired_options=(--period 300)
set_up
start_http out 80 || exit 1
spawn out /usr/bin/python3 "$tests/lib/datagrams.py" serve udp 7
wait_for 30 listens out -u 7 || exit 1
handlers=$(figure handlers)
takes_over
restarts
bad_takers
note "$(rewire -j daemon show)"
stop_rewired
test_end
