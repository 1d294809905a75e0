#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The time at which a packet came in must not become the time at which it is to leave:
# a queue with pacing would wait for it, or drop it (S1.4, G2).
. "$(dirname "$0")/lib/lib.sh"

# Somebody wants to know when packets came; the kernel then notes it for all of them.
want_timestamps() {
	spawn host /usr/bin/python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 29, 1)		# SO_TIMESTAMP
s.bind(('127.0.0.1', 9999))
time.sleep(600)"
	wait_for 30 listens host -u 9999
	sleep 0.5	# a work of the kernel's turns it on
}

# dropped DEVICE: by its queue
dropped() {
	in_ns host tc -s -j qdisc show dev "$1" | jq '[.[].drops] | add'
}

set_up
data_file "${REWIRE_TEST_BYTES:-3000000}"
start_http out 80 "$data"
check "packets get timestamps when they come" want_timestamps
for device in u0 t1; do
	check "device $device has a queue with pacing" in_ns host tc qdisc replace dev $device root fq
done
for address in $out4 $out6; do
	check "G2: ping through NAT is answered: $address" \
		in_ns t1 ping -n -c 3 -i 0.2 -W 10 $address
	check "G2: a download through NAT arrives: $address" download t1 $address "$data_sum"
done
equal "no queue has dropped anything" "$(dropped u0) $(dropped t1)" "0 0"
test_end
