#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The types of health checks: what each takes for good and for bad.
. "$(dirname "$0")/lib/lib.sh"

certificate=/tmp/rewire-certificate.pem

# checked HEALTH [JQ-FILTER]: let "web" have one backend, b1, which is checked so
checked() {
	write_config ".services[2].backends |= [.[0]] | .services[2].destination = { health: ({
		interval: 200, timeout: 10000, fall: 1, rise: 1, damping: 0 } + $1) } | ${2:-.}" &&
	rewire apply "$config" > /dev/null
}

# What the daemon says of b1: result and reason.
verdict() {
	rewire -j backend show name b1 |
		jq -r ".[] | select(.service == \"${service:-web}\") | .health | \"\(.result) \(.reason)\""
}

# says RESULT REASON
says() {
	[[ $(verdict) =~ ^$1\ $2 ]]
}

# good|bad|undone NAME REASON HEALTH [JQ-FILTER]
good() {
	result good "$@"
}

bad() {
	result bad "$@"
}

undone() {
	result undone "$@"
}

result() {
	local result=$1 name=$2 reason=$3

	shift 3
	checked "$@"
	check "$name is $result" wait_for 60 says "$result" "$reason"
	says "$result" "$reason" || note "$(verdict)"
}

by_http() {
	good "http: a page that is there" "status 200$" '{ type: "http", path: "/whoami" }'
	bad "http: one that is not" "status 404$" '{ type: "http", path: "/nowhere" }'
}

by_https() {
	good "https: any certificate" "status 200$" '{ type: "https", port: 8443 }'
	bad "https: a certificate of nobody, when it is looked at" ".*certificate" \
		'{ type: "https", port: 8443, host: "web.rewire.test", verify: true }'
	cat $certificate >> /etc/ssl/certs/ca-certificates.crt
	good "https: one that is known" "status 200$" \
		'{ type: "https", port: 8443, host: "web.rewire.test", verify: true }'
	bad "https: but it is another host's" ".*(certificate|SSL)" \
		'{ type: "https", port: 8443, host: "other.rewire.test", verify: true }'
}

by_ping() {
	undone "ping: what the system does not allow" ".*ping_group_range" '{ type: "ping" }'
	in_ns host sysctl -qw net.ipv4.ping_group_range="0 0"
	good "ping: a host that answers" "answered$" '{ type: "ping" }'
	in_ns b1 sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	bad "ping: one that does not" "no answer within" '{ type: "ping", timeout: 500 }'
	in_ns b1 sysctl -qw net.ipv4.icmp_echo_ignore_all=0
}

# gone PGREP-ARGUMENT...
gone() {
	! pgrep "$@"
}

by_command() {
	local get='printf "GET /whoami HTTP/1.0\\r\\n\\r\\n"; read -r _ status _;'
	local caps='awk "/^Cap(Eff|Prm|Amb)/ { if (\$2 !~ /^0*$/) bad = 1 } END { exit bad }" /proc/self/status'

	good "command: its input and output are a connection to the backend" "exit status 0" \
		"{ type: \"command\", command: [\"/bin/bash\", \"-c\", $(jq -n --arg t "$get [ \"\$status\" = 200 ]" '$t')] }"
	good "command: it is nobody, without a capability" "exit status 0" \
		"{ type: \"command\", command: [\"/bin/sh\", \"-c\", $(jq -n --arg t "[ \$(id -un):\$(id -G) = nobody:\$(id -g) ] && $caps" '$t')] }"
	bad "command: one that takes too long" "(no answer within|time is over)" \
		'{ type: "command", timeout: 1000, command: ["/bin/sh", "-c", "sleep 98765 & sleep 98765"] }'
	check "given more time" checked '{ type: "command", timeout: 10000, command: ["/bin/sh", "-c", "sleep 98765 & sleep 98765"] }'
	check "it runs again" wait_for 30 pgrep -x -f "sleep 98765"
	checked '{ type: "tcp" }'
	check "it is killed when its time is over, and what it has begun, too" wait_for 60 gone -x -f "sleep 98765"
	undone "command: one that is not there" ".*no such file" '{ type: "command", command: ["/no/such"] }'
}

# A service of UDP gives its command a socket of UDP.
by_udp() {
	local ask='import os, sys; os.write(1, bytes.fromhex("4711010000010000000000000672657769726504746573740000010001"))
sys.exit(os.read(0, 512)[:2].hex() != "4711")'

	service=dns
	checked '{ type: "tcp" }' ".services[3].destination.health = { type: \"command\", interval: 200, timeout: 30000,
		command: [\"/usr/bin/python3\", \"-c\", $(jq -n --arg t "$ask" '$t')] }"
	check "command: an answer by UDP is good" wait_for 60 says good "exit status 0"
	service=web
}

# The source is the service's, from its pool.
by_pool() {
	good "tcp: with the source of the service's pool" "connected$" '{ type: "tcp" }' \
		'.pools += [{ name: "inside", vni: 30, addresses: ["10.1.0.1", "fd00:30::1"], ports: "20000-20999" }] |
		.services[2].source = { pool: "inside" }'
	check "ports of it are taken" test "$(flows '[.[] | select(.orig.vni == 40 and .reply.dport >= 20000 and .reply.dport < 21000)] | length')" -gt 0
}

topology && attach_all && write_config && rewire attach add local vni 40 &&
	ip -n host route add 203.0.113.0/24 via 198.51.100.9 &&
	ip -n host route add 2001:db8:f::/64 via 2001:db8:1::9 || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout $certificate.key \
	-out $certificate -subj /CN=web.rewire.test -addext subjectAltName=DNS:web.rewire.test 2>/dev/null
spawn b1 openssl s_server -accept 8443 -cert $certificate -key $certificate.key -www -quiet
start_http b1 8080 && start_dns b1 && wait_for 30 listens b1 -t 8443 && start_rewired || exit 1
by_http
by_https
by_ping
by_command
by_udp
by_pool
check "a process runs commands" pgrep -x rewired-run
checked '{ type: "command", timeout: 60000, command: ["/bin/sh", "-c", "sleep 98766 & sleep 98766"] }'
check "one of them runs" wait_for 30 pgrep -x -f "sleep 98766"
stop_rewired
check "it ends with the daemon" wait_for 20 gone -x rewired-run
check "and so does what it runs" wait_for 5 gone -x -f "sleep 98766"
note "$(< "$work/rewired.log")"
test_end
