#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Flows are saved and restored with all that they have behind them, over unloading the module, too.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-20000000}
[ "$bytes" -le 20000000 ] || bytes=20000000
file=$work/flows

# What does not change from a flow that was saved to one that was restored
shape='[.[] | del(.id, .age, .idle, .expires) | if .copies then .copies |= map(del(.packets, .bytes)) else . end] |
	sort_by(.orig.protocol, .orig.sport, .orig.src)'

all_flows() {
	rewire -s -d -j flow show | jq -c "$shape"
}

# one NAME: of the flow from port 5000
one() {
	rewire -s -d -j flow show | jq "[.[] | select(.orig.sport == 5000)][0][\"$1\"]"
}

make_flows() {
	rewire target set id 7 state active &&
	rewire target set id 8 state draining &&
	rewire flow add vni 10 protocol tcp src 10.0.0.2:5000 dst 198.51.100.9:80 \
		to vni 0 src 203.0.113.64:6000 policy 3 target 7 decision 900 timeout 86400000 dev t1 outdev u0 \
		state established age 50000s idle 300s counters 5:600 reply-counters 30000000007:8000000000000000 \
		tracking end=4294967295,ack=17,window=65535,scale=7,fin reply-tracking end=0,ack=4294967290,window=1,scale=254 &&
	rewire flow add vni 20 protocol udp src '[fd00:10::2]:0' dst '[2001:db8:1::9]:53' \
		to vni 0 src '[2001:db8:f::64]:1' one-way dscp 46 ttl 9 byte-rate 1000000 burst 5000 &&
	rewire flow add vni 20 protocol udp src 10.0.0.2:1 dst 198.51.100.9:5000 to vni 30 dst 10.1.0.11:5000 \
		copy vni=30,dst=10.1.0.12:5000,dev=b2 copy vni=10,src=10.0.0.1:9,dst=10.0.0.2:5001 &&
	rewire flow add vni 10 protocol icmp src 10.0.0.2:77 dst 198.51.100.9:0 to vni 0 src 203.0.113.64:78 state replied &&
	rewire flow add vni 10 protocol esp src 10.0.0.2 dst 198.51.100.9 to vni 0 src 203.0.113.64 ttl keep packet-rate 5
}

saves_and_restores() {
	local before age

	check "flows of all shapes are made" make_flows
	before=$(all_flows)
	equal "a flow has the age and the state that it was given" \
		"$(one state) $(($(one age) / 10000)) $(one orig-counters | jq .bytes) $(one reply-counters | jq -c "[.packets, .bytes]")" '"established" 5000 600 [30000000007,8000000000000000]'
	match "it has been idle for as long, and its own timeout counts" "$(one expires)" "^86[01][0-9]+$"
	check "they are saved" rewire flow save "$file"
	note "$(< "$file")"
	rewire flow flush
	sleep 1.1
	check "and restored" rewire flow restore "$file"
	equal "as they were: counters, states, decisions, shapes" "$(all_flows)" "$before"
	age=$(one age)
	check "their ages go on, over the time that they were not there" test "$age" -ge 50001000
	equal "restored once more, they are there already" \
		"$(rewire flow restore "$file" 2>&1)" "restored 0 flows, 5 were there or had expired"
	rewire flow save "$work/again"
	equal "saved again, TCP's sequence numbers and flags are the same" "$(grep -o ' [a-z-]*tracking.*' "$work/again")" \
		"$(grep -o ' [a-z-]*tracking.*' "$file")"
	rewire flow flush
	check "saved in part, by a filter" rewire flow save "$work/none" protocol udp
	rewire flow restore - < "$file" 2> /dev/null
	rewire flow save "$work/part" protocol udp 2> /dev/null
	equal "only those are in the file" "$(grep -c ' flow add protocol udp' "$work/part") $(wc -l < "$work/part")" "2 4"
	rewire flow flush
}

# spoilt NAME LINE REGEX COMMAND...: of the file, made by a command
spoilt() {
	"${@:4}" < "$file" > "$work/spoilt"
	refuse "$1" 1 "$work/spoilt:$2: $3" rewire flow restore "$work/spoilt"
}

damaged_files_are_refused() {
	local lines

	lines=$(wc -l < "$file")
	spoilt "one that is cut off in a line" 4 "the line has no end: the file is truncated" head -c "$(($(head -4 "$file" | wc -c) - 9))"
	spoilt "one that is cut off between lines" 4 "the file is truncated: its end is missing" head -3
	spoilt "one with a bit changed" 3 "the checksum is wrong" sed '3s/state /stale /'
	spoilt "one with a line missing" 3 "the checksum is wrong" sed 3d
	spoilt "one with two lines exchanged" 3 "the checksum is wrong" sed '3{h;d};4{G}'
	spoilt "one with something behind its end" $((lines + 1)) "there is something behind the end" sed '$a 00000000 flow'
	spoilt "one without checksums" 1 "there is no checksum" cut -c 10-
	spoilt "one that is something else" 1 "there is no checksum" cat /etc/passwd
	: > "$work/spoilt"
	refuse "an empty one" 1 "$work/spoilt:1: the file is empty" rewire flow restore "$work/spoilt"
	head -c 100000 /dev/zero > "$work/spoilt"
	refuse "one of zeroes" 1 "$work/spoilt:1: " rewire flow restore "$work/spoilt"
	rewire save "$work/objects" 2> /dev/null
	refuse "one of objects" 1 "$work/objects:1: the file has objects, not flows" rewire flow restore "$work/objects"
	refuse "one that is not there" 1 "No such file" rewire flow restore "$work/nothing"
	equal "none of them has made a flow" "$(figure flows)" 0
	rewire flow restore "$file" 2> /dev/null
	equal "the whole one does" "$(figure flows)" 5
	rewire flow flush
}

# bad NAME STATUS REGEX WORDS...
bad() {
	refuse "$1" "$2" "$3" rewire flow add vni 10 protocol "$4" src 10.0.0.2:5000 dst 198.51.100.9:80 \
		to vni 0 src 203.0.113.64:6000 "${@:5}"
}

impossible_pasts_are_refused() {
	bad "a state of TCP for UDP" 2 "no such state .state established" udp state established
	bad "UDP's state for TCP" 2 "no such state" tcp state replied
	bad "sequence numbers for UDP" 2 "Only TCP has sequence numbers" udp tracking end=1
	bad "idle for longer than it is there" 2 "idle for longer" tcp age 5 idle 6
	bad "older than any flow" 2 "No flow is as old" tcp age 9999999999999999
	bad "more packets than a flow counts" 2 "No flow counts as many" udp age 9s counters 36028797018963968:5
	bad "idle for too long" 2 "It was idle for too long" udp age 1h idle 1h
	bad "an impossible scale" 2 "A scale is 0 to 14" tcp tracking scale=15
	bad "a window too large" 2 "out of range" tcp tracking window=65536
	bad "a SYN of the wrong direction" 2 "the original direction" tcp reply-tracking syn
	bad "counters that are none" 1 "not PACKETS:BYTES" tcp counters 5
	bad "words that are none" 1 "neither end=N" tcp tracking rst
	equal "none of them has made a flow" "$(figure flows)" 0
	refuse "who has no privilege may not restore" 2 "ermitted" \
		setpriv --bounding-set -all --inh-caps -all --reuid 65534 --regid 65534 --clear-groups "$bin/rewire" flow add \
		vni 10 protocol tcp src 10.0.0.2:1 dst 198.51.100.9:80 to vni 0 age 5
}

objects() {
	local before

	rewire address add vni 10 ip 10.0.0.77
	rewire limit set vni 10 rate 5000 flows 100000
	rewire policy set id 77 tcp strict udp-replied 1000
	rewire rule add vni 10 dst 192.0.2.0/24 protocol tcp dport 5-9 drop policy 4
	rewire rule add vni 0 family inet6 pass
	rewire suspicion set off interval 500
	rewire suspicion pin attribute port value 2 weight 77
	rewire suspicion pin attribute port value 3 weight 78
	check "objects are saved" rewire save "$work/objects"
	before=$(tail -n +2 "$work/objects" | cut -c 10-)
	note "$before"
	equal "restored where they are, nothing changes" "$(rewire restore "$work/objects" 2>&1)" "changed 0 objects"
	rewire rule del id "$(rewire -j rule show | jq '[.[] | select(.policy == 4)][0].id')"
	rewire limit set vni 10 rate 1
	rewire policy del id 77
	rewire attach del dev b2
	rewire target set id 9 state active
	rewire suspicion set on
	rewire suspicion learn attribute port value 2
	rewire suspicion pin attribute port value 3 weight 79
	rewire suspicion pin attribute port value 4 weight 80
	equal "a dry run tells what would be done" "$(rewire restore "$work/objects" dry-run 2> /dev/null | cut -c 1-26 | sort)" \
		"$(printf '%s\n' '+ attach add dev b2 vni 30' '+ limit set vni 10 flows 1' '+ policy set id 77 tcp str' '+ rule add vni 10 dst 192.' '- target set id 9 state ac' \
			'+ suspicion set off interv' '+ suspicion pin attribute ' '+ suspicion pin attribute ' \
			'- suspicion pin attribute ' | sort)"
	check "and does nothing" eval '! rewire -j target show | jq -e "all(.[]; .id != 9)"'
	check "restored" rewire restore "$work/objects"
	rewire save "$work/again" 2> /dev/null
	equal "all is as it was" "$(tail -n +2 "$work/again" | cut -c 10- | sort)" "$(sort <<< "$before")"
	rewire rule del id "$(rewire -j rule show | jq '[.[] | select(.policy == 4)][0].id')"
	ip -n host link set b2 down && ip -n host link set b2 name b9
	before=$(rewire -j rule show | jq -c 'map(del(.id))')
	refuse "what cannot be restored as a whole changes nothing" 2 "what was before is restored" \
		rewire restore "$work/objects"
	equal "nor has it" "$(rewire -j rule show | jq -c 'map(del(.id))')" "$before"
	ip -n host link set b9 name b2 && ip -n host link set b2 up
	rewire restore "$work/objects" 2> /dev/null
}

# spoilt_objects NAME LINE REGEX COMMAND...: of those that were saved, made by a command
spoilt_objects() {
	"${@:4}" < "$work/objects" > "$work/spoilt"
	refuse "objects $1" 1 "$work/spoilt:$2: $3" rewire restore "$work/spoilt"
}

damaged_objects_are_refused() {
	local before

	rewire limit set vni 10 rate 7	# what the file has would change
	before=$(rewire -j limit show; rewire -j rule show)
	spoilt_objects "cut off in a line" 4 "the line has no end: the file is truncated" \
		head -c "$(($(head -4 "$work/objects" | wc -c) - 9))"
	spoilt_objects "cut off between lines" 4 "the file is truncated: its end is missing" head -3
	spoilt_objects "with a character more" 3 "the checksum is wrong" sed '3s/$/x/'
	spoilt_objects "with a line missing" 3 "the checksum is wrong" sed 3d
	refuse "a file of flows has none" 1 "$file:1: the file has flows, not objects" rewire restore "$file"
	equal "none of them changes anything" "$(rewire -j limit show; rewire -j rule show)" "$before"
	check "the whole one does" rewire restore "$work/objects"
	equal "and that is what was saved" "$(rewire -j limit show | jq 'map(select(.vni == 10)) | .[0].rate')" 5000
}

# idle_counters PORT: of the connection from there, both ways
idle_counters() {
	rewire -s -j flow show | jq -c ".[] | select(.orig.sport == $1) | [.[\"orig-counters\"], .[\"reply-counters\"]]"
}

upgrade() {
	PATH=$bin:$tests/../tools:$PATH rewire-upgrade -n host -m "$REWIRE_MODULE" -d "$work/state" "$@"
}

# transfers PORT: a connection besides the one from PORT is established
transfers() {
	[ "$(flows "[.[] | select(.orig.sport != $1 and .orig.dport == 80 and .state == \"established\")] | length")" = 1 ]
}

# The module is exchanged under a transfer, with and without a daemon: module_is_upgraded NAME PORT [stop]
module_is_upgraded() {
	local curl created counters

	hold_connection n t1 "$out4" "$2"
	ask_on n > /dev/null
	rm -f "$work/got"
	in_ns t1 curl -gsS --limit-rate 3M "$(url "$out4" data)" > "$work/got" & curl=$!
	wait_for 20 test -s "$work/got"
	wait_for 20 transfers "$2"
	flows 'map(select(.orig.dport == 80) | {orig, reply, decision, policy}) | sort' > "$work/before"
	counters=$(idle_counters "$2")
	created=$(flows 'map(select(.orig.dport == 80) | .age) | max')
	[ -z "${3:-}" ] || stop_rewired
	check "$1: the module is upgraded in the middle of a transfer" upgrade
	note "$(< "$work/output")"
	match "$1: the pause is measured" "$(< "$work/output")" "pause [0-9]+ ms"
	equal "$1: its flows have the translations and decisions that they had" \
		"$(flows 'map(select(.orig.dport == 80) | {orig, reply, decision, policy}) | sort')" "$(< "$work/before")"
	check "$1: and their ages" test "$(flows 'map(select(.orig.dport == 80) | .age) | max')" -gt "$created"
	equal "$1: the idle one has its counters" "$(idle_counters "$2")" "$counters"
	match "$1: which are not 0" "$counters" '"packets":[1-9].*"packets":[1-9]'
	check "$1: the transfer ends" wait $curl
	equal "$1: and is whole" "$(sha256sum < "$work/got")" "$data_sum"
	match "$1: an idle connection goes on" "$(ask_on n)" "^out $nat4 "
	release_connection n
	check "$1: nothing is frozen any more" eval '! in_ns host nft list ruleset | grep -q rewire'
}

# read_list SECONDS: as long as somebody does the module is in use; its process is $reader
read_list() {
	rm -f "$work/reading"
	"$helpers/enter" host /usr/bin/python3 "$tests/lib/reader.py" "$1" > "$work/reading" & reader=$!
	wait_for 20 test -s "$work/reading"
}

unloadable_modules_change_nothing() {
	local before

	before=$(all_flows)
	read_list 60
	refuse "a module that is in use for long changes nothing" 1 "cannot be unloaded; nothing was changed" upgrade
	equal "nor is it another" "$(all_flows)" "$before"
	check "and nothing is frozen" eval '! in_ns host nft list ruleset | grep -q rewire'
	kill $reader
	wait $reader 2> /dev/null
	read_list 1
	check "one that is in use for a second is upgraded then" upgrade
	equal "and flows are what they were" "$(all_flows)" "$before"
	wait $reader
	refuse "a module that is not there changes nothing" 1 "cannot be read" upgrade -m "$work/nothing.ko"
	equal "nor does it" "$(all_flows)" "$before"
	echo rubbish > "$work/bad.ko"
	refuse "one that cannot be loaded leaves traffic frozen" 3 "traffic is frozen" upgrade -m "$work/bad.ko"
	check "so nothing leaks" in_ns host nft list table netdev rewire_freeze
	insmod "$REWIRE_MODULE"
	rewire restore "$work/state/upgrade.host.objects" merge 2> /dev/null
	rewire flow restore "$work/state/upgrade.host.flows" 2> /dev/null
	in_ns host nft delete table netdev rewire_freeze
	equal "what was saved is there to be restored by hand" "$(all_flows | jq length)" "$(jq length <<< "$before")"
}

topology && attach_all || exit 1
saves_and_restores
damaged_files_are_refused
impossible_pasts_are_refused
objects
damaged_objects_are_refused
rewire flow flush
rewired_options=(--period 300)
write_config && start_rewired || exit 1
data_file "$bytes" || exit 1
start_http out 80 "$data" || exit 1
module_is_upgraded "with the daemon" 30001
match "new flows are decided" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
module_is_upgraded "without a daemon" 30002 stop
unloadable_modules_change_nothing
test_end
