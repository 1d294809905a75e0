#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The grammar of the command line: help, and errors that name the word at fault.
. "$(dirname "$0")/../lib/tap.sh"

objects="attach rule target flow punt verdict explain summary stats service pool backend config apply save restore daemon"

for object in $objects; do
	check "rewire $object help" grep -q "^Usage: rewire $object" <("$bin/rewire" "$object" help)
done
check "rewire help" grep -q "OBJECT :=" <("$bin/rewire" help)
match "version" "$("$bin/rewire" -V)" '^rewire [0-9.]+, interface 1$'
refuse "no words at all" 1 "Usage:" "$bin/rewire"
refuse "an unknown object" 1 'unknown object "flaw"' "$bin/rewire" flaw show
refuse "an ambiguous object" 1 'ambiguous object "a"' "$bin/rewire" a show
refuse "an unknown command" 1 'flow: unknown command "shew"' "$bin/rewire" flow shew
refuse "an unknown option" 1 'unknown option "-y"' "$bin/rewire" -y flow
refuse "an unknown argument" 1 'rewire: .*colour' "$bin/rewire" flow show colour red
refuse "an argument without its value" 1 'rewire: .*vni' "$bin/rewire" flow show vni
refuse "an argument twice" 1 'rewire: .*vni' "$bin/rewire" flow show vni 1 vni 2
refuse "not a number" 1 'rewire: .*"ten"' "$bin/rewire" flow show vni ten
refuse "a number too large" 1 'rewire: .*"16777216"' "$bin/rewire" flow show vni 16777216
refuse "not an address" 1 'rewire: .*"10.0.0"' "$bin/rewire" flow show src 10.0.0
refuse "not a port" 1 'rewire: .*"10.0.0.1:70000"' "$bin/rewire" flow show src 10.0.0.1:70000
refuse "not a state" 1 'rewire: .*"happy"' "$bin/rewire" flow show state happy
refuse "half a key" 1 'flow get: .*missing' "$bin/rewire" flow get vni 1
refuse "a device that is not there" 1 'nodev' "$bin/rewire" attach add dev nodev vni 1
refuse "a namespace that is not there" 2 'nowhere' "$bin/rewire" -n nowhere flow show
refuse "a packet from nowhere" 1 'explain: dev, local or vni is missing' "$bin/rewire" explain src 1.1.1.1 dst 2.2.2.2
refuse "a packet to nowhere" 1 'explain: dst is missing' "$bin/rewire" explain vni 1 src 1.1.1.1
refuse "a flag that TCP does not have" 1 'explain: flags: "sin" is not one of' \
	"$bin/rewire" explain vni 1 src 1.1.1.1 dst 2.2.2.2 flags ack,sin
refuse "nowhere to save to" 1 'save: FILE is missing' "$bin/rewire" save
refuse "nothing to restore" 1 'flow restore: FILE is missing' "$bin/rewire" flow restore
refuse "a file that is not there" 1 'restore: /nowhere: No such file' "$bin/rewire" restore /nowhere
refuse "two ways to restore" 1 'dry-run and merge exclude' "$bin/rewire" restore /nowhere dry-run merge
refuse "flags of UDP" 1 'explain: flags are of TCP alone' \
	"$bin/rewire" explain vni 1 protocol udp src 1.1.1.1 dst 2.2.2.2 flags ack

# A daemon that takes a question and closes without a word.
mute() {
	python3 - "$1" <<- 'END' &
		import os, socket, sys
		server = socket.socket(socket.AF_UNIX)
		server.bind(sys.argv[1] + ".new")
		server.listen()
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		server.settimeout(30)
		client = server.accept()[0]
		client.settimeout(30)
		while client.recv(4096):
		    pass
	END
	wait_for 10 test -S "$1"
}

mute "$work/mute"
refuse "a daemon that answers nothing" 2 'gives no answer' \
	timeout 20 "$bin/rewire" -socket "$work/mute" pool show
wait
test_end
