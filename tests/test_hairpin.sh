#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hairpin: a guest reaches another guest, or itself, of the same host by its public
# address. The daemon decides about both translations at once.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-3000000}

# answers NAMESPACE ADDRESS WHO
answers() {
	[[ $(fetch "$1" "$2" whoami) == *"$3"* ]]
}

# told NAMESPACE ADDRESS: by an ICMP error that nobody listens there
told() {
	in_ns "$1" /usr/bin/python3 - "$2" <<-'END'
		import socket, sys
		with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as s:
		    s.settimeout(20)
		    s.connect((sys.argv[1], 9))
		    s.send(b"x")
		    try:
		        s.recv(100)
		    except ConnectionRefusedError:
		        sys.exit(0)
		sys.exit(1)
	END
}

set_up '.services += [
	{ "name": "first", "id": 6, "vni": 0, "protocol": "tcp", "dport": 80,
	  "dst": ["203.0.113.12", "2001:db8:f::12"], "destination": { "scheduler": "maglev" },
	  "backends": [ { "name": "t1", "id": 61, "vni": 10, "addresses": ["10.0.0.2", "fd00:10::2"] } ] },
	{ "name": "second", "id": 7, "vni": 0, "protocol": "tcp", "dport": 80,
	  "dst": ["203.0.113.13", "2001:db8:f::13"], "destination": { "scheduler": "maglev" },
	  "backends": [ { "name": "t2", "id": 71, "vni": 20, "addresses": ["10.0.0.2", "fd00:10::2"] } ] } ]'
data_file "$bytes" || exit 1
start_http t1 80 "$data" && start_http t2 80 "$data" && start_http b1 8080 && start_http b2 8080 || exit 1

for family in 4 6; do
	net=203.0.113. own=$nat4
	[ $family = 4 ] || { net=2001:db8:f:: own=$nat6; }
	check "S4.10: IPv$family: a guest reaches another by its public address" answers t1 ${net}13 t2
	equal "S4.10: IPv$family: by one flow, translated at both ends" \
		"$(flows "[.[] | select(.orig.vni == 10 and .reply.vni == 20)] | length")" 1
	equal "RFC 4787 REQ-9: IPv$family: the other sees its public address" \
		"$(flows "[.[] | select(.orig.vni == 10)][0].reply.dst")" "\"$own\""
	check "S4.10: IPv$family: and the other way" answers t2 ${net}12 t1
	check "S4.10: IPv$family: itself, by one device in and out" answers t1 ${net}12 t1
	check "S4.10: IPv$family: a balanced service of its own host" answers t1 ${net}10 b
	check "S4.10: IPv$family: $bytes bytes" download t1 ${net}13 "$data_sum"
	check "RFC 5508 REQ-7: IPv$family: of a port that nobody has there, a guest is told" told t1 ${net}11
	check "RFC 7857 hairpin: IPv$family: a ping of a public address" ping_three t1 ${net}11
	equal "RFC 7857 hairpin: IPv$family: is of one flow, from the public address" \
		"$(flows "[.[] | select(.orig.vni == 10 and (.orig.protocol | startswith(\"icmp\"))) |
			[.reply.vni, .reply.dst]]")" "[[30,\"$own\"]]"
	rewire flow flush
done
before=$(drops)
in_ns t1 curl -s --max-time 2 http://203.0.113.13:81/ > /dev/null
equal "S4.10: a port that is no service is not turned around" \
	"$(flows '[.[] | select(.orig.dport == 81)][0].reply.vni')" 0
note "dropped meanwhile: $(($(drops) - before))"
test_end
