#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command line: its two ways to print, batches, what the kernel refuses.
. "$(dirname "$0")/lib/lib.sh"

refused_by_kernel() {
	refuse "a rule for an unknown VNI" 2 'No device is attached to this virtual network.*vni 99' \
		rewire rule add vni 99 pass
	refuse "a verdict that stays, in an unknown VNI" 2 'No device is attached to this virtual network' \
		rewire verdict add drop vni 99 protocol udp src 10.0.0.2:1 dst 10.0.0.3:1 lifetime 9000
	refuse "a device attached twice" 2 'attached already' rewire attach add dev t1 vni 11
	refuse "a target that is not there" 2 'No target has this number' rewire target del id 99
	refuse "a flow that is not there" 2 'No flow has this key' \
		rewire flow del vni 10 protocol tcp src 10.0.0.2:1 dst 10.0.0.3:1
	refuse "a flow with an unknown target" 2 'target' rewire flow add vni 10 protocol tcp \
		src 10.0.0.2:1 dst 192.0.2.1:1 to vni 0 src "$nat4:1" target 99
	refuse "a user without privilege" 2 'ermission|ermitted' \
		in_ns host setpriv --reuid 65534 --regid 65534 --clear-groups "$work/rewire" flow show
	check "who may read statistics all the same" \
		in_ns host setpriv --reuid 65534 --regid 65534 --clear-groups "$work/rewire" stats show
	check "and the summary" \
		in_ns host setpriv --reuid 65534 --regid 65534 --clear-groups "$work/rewire" summary show
}

prefixes() {
	equal "words may be cut short" "$(rewire ru sh)" "$(rewire rule show)"
	equal "arguments, too" "$(rewire -j flow show vn 10 prot tcp | jq 'map(.id)')" \
		"$(flows '[.[] | select(.orig.vni == 10 and .orig.protocol == "tcp") | .id]' | jq .)"
	equal "show is what an object does by itself" "$(rewire attach)" "$(rewire attach show)"
	equal "-netns takes a namespace" "$("$bin/rewire" -n host -j attach show)" "$(rewire -j attach show)"
}

batches() {
	cat > "$work/batch" <<-'END'
		# targets, with a comment and an empty line

		target add id 900
		target set id 900 state draining
		target add id 901
	END
	check "a batch is carried out" rewire -b "$work/batch"
	equal "as a whole" "$(rewire -j target show | jq -c '[.[] | select(.id >= 900) | [.id, .state]]')" \
		'[[900,"draining"],[901,"active"]]'
	printf 'target del id 900\ntarget del id 950\ntarget del id 901\n' > "$work/batch"
	refuse "a batch stops at an error, and names its line" 2 "batch:2: .*No target has this number" \
		rewire -batch "$work/batch"
	equal "what came before it is done, what comes after is not" \
		"$(rewire -j target show | jq -c '[.[] | select(.id >= 900) | .id]')" '[901]'
	refuse "with -force it goes on" 2 "batch:1: .*No target has this number" \
		rewire -force -batch "$work/batch"
	equal "to the end" "$(rewire -j target show | jq -c '[.[] | select(.id >= 900)]')" '[]'
	check "a batch comes by standard input, too" rewire -b - <<< "target add id 902"
	check "its target is there" rewire target del id 902
}

policies() {
	local shown='[.[] | select(.id == 70) | [.tcp, .pickup, .mss, ."udp-replied"]]'

	check "a policy is made" rewire policy set id 70 tcp strict pickup no mss 1300 udp-replied 5000
	equal "and shown" "$(rewire -j policy show | jq -c "$shown")" '[["strict","no",1300,5000]]'
	check "what is given of it changes" rewire policy set id 70 tcp off
	equal "and nothing else" "$(rewire -j policy show | jq -c "$shown")" '[["off","no",1300,5000]]'
	check "rewire -j -d policy show has every word of the text form" json_has_text -d policy show
	refuse "a policy without a number is refused" 1 "id is missing" rewire policy set tcp off
	check "it is deleted" rewire policy del id 70
	refuse "a policy that is not there is refused" 2 "No policy has this number" rewire policy del id 70
}

explanations() {
	equal "a packet of a flow is explained" \
		"$(rewire -j explain vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" |
			jq -c '[.fate, .direction, .becomes.src, .becomes.sport]')" \
		"[\"translate\",\"orig\",\"$nat4\",900]"
	match "in words, too" "$(rewire explain dev t1 src 10.0.0.2:1 dst 192.0.2.9:85)" \
		'^drop drop-rule dev t1 vni 10'
	check "rewire -j explain has every word of the text form" \
		json_has_text explain vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9"
	refuse "a packet of two families is refused" 2 'explain: .*families.*dst' \
		rewire explain vni 10 src 10.0.0.2 dst fd00::1
}

# Each word of the text form has its value in the JSON form.
json_has_text() {
	rewire -o "$@" > "$work/text"
	rewire -j "$@" > "$work/json"
	/usr/bin/python3 "$tests/lib/words.py" "$work/text" "$work/json"
}

json_forms() {
	local object

	for object in attach rule target flow suspicion summary stats service pool backend; do
		check "rewire -j $object show is JSON" jq -e . <(rewire -j $object show)
	done
	check "rewire -j -p flow show is JSON" jq -e . <(rewire -j -p flow show)
	check "rewire -j -s -d flow show has every word of the text form" json_has_text -s -d flow show
	check "rewire -j rule show has every word of the text form" json_has_text rule show
	check "rewire -j attach show has every word of the text form" json_has_text attach show
	check "rewire -j -d target show has every word of the text form" json_has_text -d target show
	check "rewire -j -d summary show has every word of the text form" json_has_text -d summary show
	check "rewire -j -s stats show has every word of the text form" json_has_text -s stats show
	check "a weight is pinned" rewire suspicion pin attribute port value 2 weight 77
	equal "and shown" "$(rewire -j suspicion show | jq -c ".[] | select(.attribute == \"port\") | [.value, .weight, .pinned]")" \
		"[2,77,true]"
	check "rewire -j suspicion show has every word of the text form" json_has_text suspicion show
	check "it is learned again" rewire suspicion learn attribute port value 2
	refuse "a value beyond the last is refused" 1 "value" rewire suspicion pin attribute port value 16 weight 1
	refuse "an interval that is too short, too" 1 "interval" rewire suspicion set interval 99
	equal "text has a line for each flow" "$(rewire -o flow show | wc -l)" "$(flows length)"
	equal "filters agree" "$(flows '[.[] | select(.orig.protocol == "tcp")] | length')" \
		"$(rewire -j flow count protocol tcp | jq .flows)"
	equal "one flow by its key" \
		"$(rewire -j flow get vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" | jq -c '[.reply.dst, .reply.dport]')" \
		"[\"$nat4\",900]"
	equal "the same by the key of its other direction" \
		"$(rewire -j flow get vni 0 protocol udp src "$out4:9" dst "$nat4:900" | jq .orig.sport)" 4500
}

# Names are kept for one command: devices may have been renamed when the next one comes.
renamed() {
	mkfifo "$work/words"
	rewire -batch - < "$work/words" > "$work/names" &
	exec 8> "$work/words"
	printf 'attach show\ntarget add id 903\n' >&8
	wait_for 10 eval 'rewire target show | grep -q "target 903"'
	in_ns host ip -batch - <<-'END'
		link set b2 down
		link set b2 name b3
		link set b3 up
	END
	echo 'attach show' >&8
	exec 8>&-
	wait $!
	equal "a device that was renamed has its new name" \
		"$(grep -o 'dev b[23]' "$work/names" | xargs)" "dev b2 dev b3"
}

set_up
cp "$bin/rewire" "$work/rewire" && chmod 755 "$work" || exit 1
start_http out 80 || exit 1
fetch t1 "$out4" whoami > /dev/null
fetch t1 "$out6" whoami > /dev/null
ping_three t2 "$out4" > /dev/null
rewire flow add vni 10 protocol udp src 10.0.0.2:4500 dst "$out4:9" to vni 0 src "$nat4:900" timeout 600000 || exit 1
rewire rule add vni 10 dst 192.0.2.0/24 protocol tcp dport 80-90 drop preference 5 || exit 1
rewire rule add vni 10 dst 2001:db8:5::/48 protocol udp dport 53 punt hold drop orphan pass policy 77 || exit 1
json_forms
explanations
prefixes
refused_by_kernel
batches
policies
renamed
test_end
