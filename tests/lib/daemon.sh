# SPDX-License-Identifier: GPL-2.0
# The daemon and the command line of the host's namespace, and what the module
# counts; sourced by lib.sh.
# shellcheck shell=bash

config=$work/rewired.json
export REWIRE_SOCKET=$work/rewired.sock
rewired_pid='' rewired_options=()
nat4=203.0.113.64 nat6=2001:db8:f::64		# the shared public addresses
web4=203.0.113.10 web6=2001:db8:f::10		# two backends behind port 80, ping and DNS
one4=203.0.113.11 one6=2001:db8:f::11		# one backend behind everything

# write_config [JQ-FILTER]: the usual configuration, changed by a filter.
write_config() {
	jq "${1:-.}" > "$config" <<-'END'
	{
	  "pools": [
	    { "name": "public", "vni": 0, "ports": "1024-65535", "quarantine": 0,
	      "addresses": ["203.0.113.64", "2001:db8:f::64"] }
	  ],
	  "services": [
	    { "name": "nat-t1", "id": 1, "vni": 10, "src": ["10.0.0.0/24", "fd00:10::/64"],
	      "source": { "pool": "public" } },
	    { "name": "nat-t2", "id": 2, "vni": 20, "src": ["10.0.0.0/24", "fd00:10::/64"],
	      "source": { "pool": "public" } },
	    { "name": "web", "id": 3, "vni": 0, "protocol": "tcp", "dport": 80,
	      "dst": ["203.0.113.10", "2001:db8:f::10"],
	      "destination": { "scheduler": "maglev" },
	      "backends": [
	        { "name": "b1", "id": 31, "vni": 30, "addresses": ["10.1.0.11", "fd00:30::11"], "port": 8080 },
	        { "name": "b2", "id": 32, "vni": 30, "addresses": ["10.1.0.12", "fd00:30::12"], "port": 8080 } ] },
	    { "name": "dns", "id": 4, "vni": 0, "protocol": "udp", "dport": 53,
	      "dst": ["203.0.113.10", "2001:db8:f::10"],
	      "destination": { "scheduler": "round-robin" },
	      "backends": [
	        { "name": "b1", "id": 41, "vni": 30, "addresses": ["10.1.0.11", "fd00:30::11"] },
	        { "name": "b2", "id": 42, "vni": 30, "addresses": ["10.1.0.12", "fd00:30::12"] } ] },
	    { "name": "one", "id": 5, "vni": 0, "dst": ["203.0.113.11", "2001:db8:f::11"],
	      "destination": { "scheduler": "round-robin" },
	      "backends": [
	        { "name": "b1", "id": 51, "vni": 30, "addresses": ["10.1.0.11", "fd00:30::11"] } ] }
	  ]
	}
	END
}

rewire() {
	in_ns host "$bin/rewire" "$@"
}

declare -A vni_of=([t1]=10 [t2]=20 [u0]=0 [b1]=30 [b2]=30)

# attach DEVICE...: each in its virtual network
attach() {
	local device

	for device; do
		rewire attach add dev "$device" vni "${vni_of[$device]}" || return
	done
}

attach_all() {
	attach t1 t2 u0 b1 b2
}

# launch_rewired: what it says goes to $work/rewired.log. It takes the configuration anew when it is
# told to, so that tests say when that is.
launch_rewired() {
	: > "$work/rewired.log"
	"$helpers/enter" host "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET" --reload 0 \
		"${rewired_options[@]}" \
		>> "$work/rewired.log" 2>&1 < /dev/null &
	rewired_pid=$!
	disown
}

rewired_ready() {
	grep -q "rewired: ready" "$work/rewired.log"
}

# start_rewired: returns when it is ready
start_rewired() {
	launch_rewired
	wait_for 30 rewired_ready || {
		note "rewired does not get ready: $(< "$work/rewired.log")"
		return 1
	}
}

rewired_gone() {
	! kill -0 "$rewired_pid" 2>/dev/null
}

# stop_rewired [SIGNAL]
stop_rewired() {
	kill "-${1:-TERM}" "$rewired_pid" 2>/dev/null
	wait_for 30 rewired_gone
}

# listen_to_events: of the daemon, from now on in $work/events, by process $listener
listen_to_events() {
	"$helpers/enter" host "$bin/rewire" -j monitor daemon > "$work/events" 2>&1 < /dev/null &
	# shellcheck disable=SC2034
	listener=$!
	disown
	wait_for 20 eval '[ "$(rewire -j daemon show | jq .listeners)" = 1 ]'
}

# The whole stage: topology, attached devices, running daemon.
set_up() {
	topology && attach_all && write_config "${1:-.}" && start_rewired || {
		note "cannot set up"
		exit 1
	}
}

# member TEXT NAME: of JSON, the first one of this name, as it stands there; or null. Without a
# process: jq takes much longer to start than what is asked takes to answer.
member() {
	local pattern="\"$2\":(\"[^\"]*\"|[^][,{}]+)"

	if [[ $1 =~ $pattern ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		echo null
	fi
}

# figure NAME: of the host's namespace.
figure() {
	member "$(rewire -j stats show)" "$1"
}

figure_is() {
	[ "$(figure "$1")" = "$2" ]
}

# reason NAME: packets dropped, or flows ended, for it.
reason() {
	member "$(rewire -j stats show)" "$1"
}

# status NAME: of the daemon's status. counter NAME: of its counters.
status() {
	member "$(rewire -j daemon show)" "$1"
}

counter() {
	local text

	text=$(rewire -j daemon show) && member "${text#*\"counters\":}" "$1"
}

# more_than NAME N: whether this is so of the daemon's status
more_than() {
	[ "$(status "$1")" -gt "$2" ]
}

# looks_again [N]: returns when a look at the kernel's flows has begun after this was called, and has ended;
# or N of them. The time between two follows from what the last one took.
looks_again() {
	local looks

	looks=$(status looks)
	if [ "$looks" = null ] || ! wait_for 600 more_than looks $((looks + ${1:-1})); then
		not_ok "the daemon looks at the flows"
	fi
}

# drops: packets dropped for any reason.
drops() {
	rewire -j stats show |
		jq '[.counters | to_entries[] | select(.key | startswith("drop-")) | .value] | add'
}

# flows [JQ-FILTER]: what "flow show" has, filtered, in one line.
flows() {
	rewire -j flow show | jq -c "${1:-.}"
}

no_objects() {
	[ "$("$bin/rewire" -j stats show | jq .objects)" = 0 ]
}
