# SPDX-License-Identifier: GPL-2.0
# Servers in namespaces, and clients that check what they get; sourced by lib.sh.
# shellcheck shell=bash

# data_file BYTES: make a file of random bytes, or take the one made before, and
# set $data to it and $data_sum to its SHA-256.
data_file() {
	data=/tmp/rewire-data-$1
	if [ ! -e "$data.sum" ]; then
		head -c "$1" /dev/urandom > "$data" &&
		sha256sum < "$data" > "$data.sum" || return
	fi
	data_sum=$(< "$data.sum")
}

listens() {
	in_ns "$1" ss -Hnl "$2" "sport = :$3" | grep -q .
}

# spawn NAMESPACE COMMAND...: run in the background, and set $spawned to its process.
spawn() {
	"$helpers/enter" "$@" > /dev/null 2>&1 < /dev/null &
	spawned=$!
	disown
}

# start_http NAMESPACE PORT [FILE]
start_http() {
	spawn "$1" /usr/bin/python3 "$tests/lib/httpd.py" "$1" "$2" "${3:-/dev/null}"
	wait_for 30 listens "$1" -t "$2"
}

# start_dns NAMESPACE [ANSWER]
start_dns() {
	spawn "$1" dnsmasq -k -C /dev/null -u root -R -h -p 53 --address="/rewire.test/${2:-192.0.2.53}"
	wait_for 30 listens "$1" -u 53
}

start_iperf() {
	spawn "$1" iperf3 -s
	wait_for 30 listens "$1" -t 5201
}

# url ADDRESS PATH
url() {
	case $1 in
	*:*:*)	echo "http://[$1]/$2" ;;
	*)	echo "http://$1/$2" ;;
	esac
}

# fetch NAMESPACE ADDRESS PATH [CURL-ARGUMENT...]
fetch() {
	local ns=$1 address=$2 path=$3
	shift 3
	in_ns "$ns" curl -gsS --connect-timeout 20 --max-time 300 "$@" "$(url "$address" "$path")"
}

# who_answers NAMESPACE ADDRESS COUNT [CURL-ARGUMENT...]: the servers that COUNT connections reach
who_answers() {
	local ns=$1 count=$3 url n

	url=$(url "$2" whoami)
	shift 3
	for ((n = 0; n < count; n++)); do
		echo "$url"
	done | xargs "$helpers/enter" "$ns" curl -gsS -0 --connect-timeout 20 "$@" > "$work/answers"
	n=$(wc -l < "$work/answers")
	[ "$n" = "$count" ] || echo "$n of $count"
	cut -d ' ' -f 1 "$work/answers" | sort -u | xargs
}

declare -A connection_pid connection_fd

# hold_connection NAME NAMESPACE ADDRESS [SOURCE-PORT [PORT]]: a connection to a port (80) that
# stays open until it is released.
hold_connection() {
	local name=$1 fd

	rm -f "$work/$name.in"
	mkfifo "$work/$name.in"
	"$helpers/enter" "$2" nc ${4:+-p "$4"} "$3" "${5:-80}" < "$work/$name.in" > "$work/$name.out" 2>&1 &
	connection_pid[$name]=$!
	disown
	exec {fd}> "$work/$name.in"
	connection_fd[$name]=$fd
}

# ask_on NAME [PATH]: what /whoami answers on a connection
ask_on() {
	local before

	before=$(answers_on "$1" | wc -l)
	printf 'GET /%s HTTP/1.1\r\n\r\n' "${2:-whoami}" >&"${connection_fd[$1]}"
	wait_for 60 has_answers "$1" $((before + 1)) && answers_on "$1" | tail -1
}

answers_on() {
	grep -E '^(out|b1|b2|t1) ' "$work/$1.out"
}

has_answers() {
	[ "$(answers_on "$1" | wc -l)" = "$2" ]
}

release_connection() {
	local fd=${connection_fd[$1]}

	kill "${connection_pid[$1]}"
	exec {fd}>&-
}

# The file arrives whole: download NAMESPACE ADDRESS SUM
download() {
	local got

	got=$(fetch "$1" "$2" data | sha256sum)
	echo "sha256 got:    $got"
	echo "sha256 wanted: $3"
	[ "$got" = "$3" ]
}

# All three are answered, the first one too, which has to wait for a decision.
ping_three() {
	in_ns "$1" ping -n -c 3 -i 0.2 -W 10 "$2" | tee "$work/ping"
	grep -q ' 3 received' "$work/ping"
}

# resolve NAMESPACE SERVER [ANSWER]
resolve() {
	local answer

	answer=$(in_ns "$1" dig +short +time=10 +tries=1 "@$2" name.rewire.test)
	echo "answer: $answer"
	[ "$answer" = "${3:-192.0.2.53}" ]
}

# iperf NAMESPACE ADDRESS ARGUMENT...: bytes must arrive, of UDP at least 95 of 100.
iperf() {
	local ns=$1 address=$2
	shift 2
	in_ns "$ns" iperf3 -c "$address" -t 1 -J --connect-timeout 20000 "$@" > "$work/iperf.json"
	jq -c '{error, sent: .end.sum_sent.bytes, received: .end.sum_received.bytes, sum: .end.sum}' "$work/iperf.json"
	jq -e '(.error == null) and
		(if .start.test_start.protocol == "UDP" then .end.sum.packets > 10 and .end.sum.lost_percent < 5
		 else .end.sum_received.bytes > 100000 end)' "$work/iperf.json"
}

# send_from NAMESPACE FIRST LAST [ADDRESS [PORT]]: a datagram from each of these ports, by default to the
# outside's port 9
send_from() {
	in_ns "$1" /usr/bin/python3 - "$2" "$3" "${4:-$out4}" "${5:-9}" <<-'END'
		import socket, sys
		for port in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.bind(("", port))
		        s.sendto(b"x", (sys.argv[3], int(sys.argv[4])))
	END
}
