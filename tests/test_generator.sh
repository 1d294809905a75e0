#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets of the kernel's own generator, which still has a reference to what it has sent: they are
# translated, or dropped where that takes a copy of their own.
. "$(dirname "$0")/lib/lib.sh"

packets=500

generator() {
	in_ns t1 tee "/proc/net/pktgen/$1" > /dev/null
}

# From t1 by its eth0, of one flow
set_up_generator() {
	local mac

	mac=$(ip -n host -j link show t1 | jq -r '.[0].address')
	echo "add_device eth0" | generator kpktgend_0 || return
	for words in "count $packets" "clone_skb 0" "pkt_size 60" "delay 20000" "dst_mac $mac" \
			"src_min 10.0.0.2" "src_max 10.0.0.2" "dst_min $out4" "dst_max $out4" \
			"udp_src_min 9" "udp_src_max 9" "udp_dst_min 9" "udp_dst_max 9"; do
		echo "$words" | generator eth0 || return
	done
}

# generate: all that were sent have been received
generate() {
	local before

	before=$(figure received)
	echo start | generator pgctrl
	wait_for 20 eval "[ \$(figure received) -ge $((before + packets)) ]"
}

topology && attach_all || exit 1
if ! modprobe -q pktgen && ! in_ns t1 test -d /proc/net/pktgen; then
	lacking "packets of the kernel's generator"
	test_end
	exit
fi
# Nobody answers, with an error or else
spawn out /usr/bin/python3 -c "
import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 9))
signal.pause()"
wait_for 30 listens out -u 9
check "the generator has a device" set_up_generator
rewire flow add vni 10 protocol udp src 10.0.0.2:9 dst "$out4:9" to vni 0 src "$nat4:9000"
before=$(figure translated)
check "packets that their sender still holds come" generate
equal "and are translated" "$(($(figure translated) - before))" $packets
spawn host /usr/bin/python3 -c "
import signal, socket
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)
tap.bind(('t1', 0))
signal.pause()"
wait_for 10 eval "in_ns host ss -Hn0 | grep -q t1"
before=$(figure translated) lost=$(reason drop-memory)
check "more come, which somebody else reads" generate
match "these would have to be copied, and are dropped" "$(($(reason drop-memory) - lost))" '^[1-9]'
equal "all others are translated" "$(($(figure translated) - before + $(reason drop-memory) - lost))" $packets

rewire flow flush
rewire rule add vni 10 punt orphan hold
write_config && start_rewired
before=$(figure translated) lost=$(drops)
check "while a flow is decided they are held" generate
wait_for 10 figure_is holds 0
equal "and then translated or dropped" "$(($(figure translated) - before + $(drops) - lost))" $packets
stop_rewired
test_end
