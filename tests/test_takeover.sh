#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A daemon takes the place of another, while new flows begin: the kernel is never without one
# that decides, be the takeover finished or not.
. "$(dirname "$0")/lib/lib.sh"

flows=${REWIRE_TEST_FIRSTS:-400} rate=100
many=20000

# begin [MOST]: new flows, in the background
begin() {
	rm -f "$work/echoed"
	"$helpers/enter" t1 /usr/bin/python3 "$tests/lib/firsts.py" "$out4" 7 "${1:-$flows}" $rate > "$work/echoed" & firsts=$!
	sleep 1
}

# make_many: flows that are there, which a daemon that takes over has to list
make_many() {
	in_ns host env PYTHONPATH="$tests/lib" /usr/bin/python3 - $many <<-'END'
	import sys
	import flows
	flows.VNI, flows.OUTER = 10, 0
	made = int(sys.argv[1])
	lifetime = flows.u32(flows.c["A_FLOW_TIMEOUT"], 3600000)
	sys.exit(flows.Maker(flows.Rewire(), lifetime).make(range(1, made + 1)) != made)
	END
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

	check "many flows are there" make_many
	hold_connection n t1 "$out4"
	who=$(ask_on n)
	before=$(reason drop-no-daemon) timeouts=$(reason drop-hold-timeout)
	begin 20000
	check "a daemon takes the place of another" next_daemon --takeover
	check "which ends" wait_for 20 old_gone
	note "$(< "$work/rewired.log")"
	match "by its sockets" "$(< "$work/rewired.log")" "took over [0-9]+ sockets"
	check "it has adopted all flows" test "$(sed -n 's/.*adopted \([0-9]*\) flows.*/\1/p' "$work/rewired.log")" -gt "$many"
	check "once more" next_daemon --takeover
	check "the second ends, too" wait_for 20 old_gone
	check "new flows have begun all the time" kill $firsts
	wait $firsts
	equal "no packet met a host without a daemon" "$(reason drop-no-daemon)" "$before"
	equal "none waited for too long" "$(reason drop-hold-timeout)" "$timeouts"
	match "each first packet was answered" "$(< "$work/echoed")" '^([0-9]+) of ([0-9]+)$'
	equal "of all that were sent" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
	note "$(< "$work/echoed") first packets were answered"
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
	check "the daemon goes on" test "$(status pid)" = "$rewired_pid"
	match "and decides" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	stop_rewired
	check "without another, one starts as usual" next_daemon --takeover
}

taker() {
	in_ns host /usr/bin/python3 "$tests/lib/taker.py" "$REWIRE_SOCKET" "$@"
}

# decides WHAT: the daemon of before is there, and new flows have answers to their first packets
decides() {
	local timeouts

	timeouts=$(reason drop-hold-timeout)
	match "$1" "$(fetch t1 "$out4" whoami) $(reason drop-hold-timeout)" "^out $nat4 .* $timeouts\$"
	equal "it is the same daemon" "$(status pid)" "$rewired_pid"
}

has_log() {
	local before

	before=$(rewire -j daemon show)
	wait_for 5 eval '[ "$(status looks)" -gt '"$(jq .looks <<< "$before")"' ]'
	[ "$(status lists)" = "$(jq .lists <<< "$before")" ]
}

rules() {
	rewire -j rule show | jq -S 'map(del(.id, .hits)) | sort'
}

# is_as_before: what was given to another has come back
is_as_before() {
	check "the log of changes is its own again" wait_for 20 has_log
	check "its configuration can be changed" rewire apply "$config"
}

takers_that_fail() {
	local rules

	taker send takeover.begin
	decides "one asks to take over, and hangs up: the daemon goes on"
	is_as_before
	match "the word for it of before is none" "$(taker ask takeover)" "there is no method"
	match "to stop is nothing to begin with" "$(taker ask takeover.stop)" "takeover.begin has to be answered before"
	match "one gets the sockets, and dies" "$(taker ask takeover.begin)" '"sockets":'$((handlers + 1))
	decides "the daemon goes on"
	is_as_before
	match "one lets the daemon stop, and dies" "$(taker ask takeover.begin ask takeover.stop)" '"result":\{\}'
	decides "the daemon goes on, too"
	is_as_before
	rules=$(rules)
	taker ask takeover.begin ask takeover.stop own wait > "$work/taker" & taker=$!
	wait_for 20 eval '[ "$(wc -l < "$work/taker")" = 2 ]'
	check "one has stopped the daemon, and changes the rules" rewire rule add vni 10 dst 192.0.2.0/24 punt policy 77
	check "it says nothing more" wait $taker
	decides "the daemon goes on after some seconds"
	check "by its own rules" wait_for 5 eval '[ "$(rules)" = "$rules" ]'
	equal "and for its own networks" "$(rewire -j punt networks | jq -c 'map(.vni? // .)')" "[0,10,20,30]"
	is_as_before
}

target_is() {
	[ "$(rewire -j target show | jq -r '.[] | select(.id == 31) | .state')" = "$1" ]
}

# A taker whose time has passed may not know it yet, and goes on as if it had taken over.
one_that_is_late() {
	local rules

	check "a target is down by an operator's hand" rewire target set id 31 state down
	rules=$(rules)
	mkfifo "$work/late"
	"$helpers/enter" host /usr/bin/python3 "$tests/lib/taker.py" "$REWIRE_SOCKET" ask takeover.begin ask takeover.stop \
		wait linger < "$work/late" > "$work/taker" & taker=$!
	exec {late}> "$work/late"
	wait_for 20 eval '[ "$(wc -l < "$work/taker")" = 2 ]'
	check "one changes targets" rewire target set id 31 state active
	check "after some seconds the daemon goes on" \
		wait_for 20 grep -q "process $taker, which has copies" "$work/rewired.log"
	decides "without it"
	check "targets are as they were" wait_for 5 target_is down
	check "the other one has not noticed, and changes rules" rewire rule add vni 10 dst 192.0.2.0/24 punt policy 77
	check "and targets" rewire target set id 31 state active
	refuse "no third one may take over" 2 "another daemon takes this one's place" \
		in_ns host "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET" --takeover
	exec {late}>&-
	wait $taker
	check "when it has ended, all is as it was" wait_for 5 eval '[ "$(rules)" = "$rules" ]'
	check "targets, too" wait_for 5 target_is down
	decides "the daemon goes on"
	is_as_before
	check "the target is up again" rewire target set id 31 state active
}

reloads() {
	"$helpers/enter" host /usr/bin/python3 "$tests/lib/taker.py" "$REWIRE_SOCKET" ask takeover.begin wait > "$work/taker" & taker=$!
	wait_for 20 grep -q sockets "$work/taker"
	write_config 'del(.services[3])'
	kill -HUP "$rewired_pid"
	check "what is asked for during a takeover is put off" wait_for 5 grep -q "nothing is changed" "$work/rewired.log"
	equal "nothing has changed" "$(rewire -j config show | jq '.services | length')" 5
	kill $taker
	check "until the other one is gone" wait_for 5 eval '[ "$(rewire -j config show | jq ".services | length")" = 4 ]'
	write_config
	check "the usual configuration is back" rewire apply "$config"
}

# Memory that is freed is overwritten
ends_meanwhile() {
	export MALLOC_PERTURB_=165
	start_rewired
	"$helpers/enter" host /usr/bin/python3 "$tests/lib/taker.py" "$REWIRE_SOCKET" ask takeover.begin wait > "$work/taker" & taker=$!
	wait_for 20 grep -q sockets "$work/taker"
	kill -HUP "$rewired_pid"
	wait_for 5 grep -q "nothing is changed" "$work/rewired.log"
	kill -TERM "$rewired_pid"
	check "a daemon ends while another is about to take its place" wait_for 5 rewired_gone
	check "which notices" wait $taker
	check "it has removed its socket" test ! -e "$REWIRE_SOCKET"
	unset MALLOC_PERTURB_
}

without_its_folder() {
	local folder=$work/closed

	REWIRE_SOCKET=$folder/rewired.sock
	check "a daemon whose socket is in another folder" next_daemon
	chown 65534 "$folder"
	check "is taken over when nothing can be changed there" next_daemon --takeover
	check "it ends" wait_for 20 old_gone
	match "new flows have answers" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
	match "why nobody can ask the next daemon is told" "$(< "$work/rewired.log")" "rewired.sock: Permission denied"
	chown 0 "$folder"
	check "it listens as soon as it can" wait_for 10 rewire daemon show
	stop_rewired
	REWIRE_SOCKET=$work/rewired.sock
}

is_silent() {
	taker ask takeover.begin wait > "$work/taker" & taker=$!
	wait_for 20 grep -q sockets "$work/taker"
	decides "one has got the sockets, and is silent: the daemon decides"
	refuse "another one is refused" 2 "another daemon takes this one's place" \
		in_ns host "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET" --takeover
	refuse "and so is another configuration" 2 "another daemon takes this one's place" rewire apply "$config"
	begin 20000
	check "until the daemon has no more patience" wait $taker
	kill $firsts
	wait $firsts
	match "first packets are answered meanwhile" "$(< "$work/echoed")" '^([0-9]+) of ([0-9]+)$'
	equal "each of them" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
	decides "then it goes on"
	is_as_before
}

rewired_options=(--period 300)
set_up
start_http out 80 || exit 1
spawn out /usr/bin/python3 "$tests/lib/datagrams.py" serve udp 7
wait_for 30 listens out -u 7 || exit 1
handlers=$(figure handlers)
takers_that_fail
one_that_is_late
reloads
is_silent
takes_over
restarts
bad_takers
note "$(rewire -j daemon show)"
stop_rewired
ends_meanwhile
without_its_folder
test_end
