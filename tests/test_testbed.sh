#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tests' own helpers: what should fail does.
. "$(dirname "$0")/lib/lib.sh"

# script NAME STATUS REGEX TEXT: a test of this text ends so, and says so.
script() {
	printf '#!/bin/bash\n. %q/lib/lib.sh\n%s\n' "$tests" "$4" > "$work/script"
	refuse "$1" "$2" "$3" bash "$work/script"
}

script "a failing command is a failed point" 1 '^not ok 1 - it' 'check it false; test_end'
script "its output is shown" 1 '^# so what' 'check it bash -c "echo so what; exit 1"; test_end'
script "a refusal that does not come is a failed point" 1 '^not ok 1' 'refuse it 1 . true; test_end'
script "so is one with another status" 1 '^not ok 1' 'refuse it 2 . bash -c "echo x; exit 1"; test_end'
script "so is one without its sentence" 1 '^not ok 1' 'refuse it 1 sentence false; test_end'
script "so is a value that differs" 1 '^# wanted: 2' 'equal it 1 2; test_end'
script "and one that does not match" 1 '^not ok 1' 'match it abc "^b"; test_end'
script "a good test passes" 0 '^1\.\.2$' 'check it true; test_end'
script "a test that ends early has no plan" 1 '^Bail out!' 'check it true; exit 0'
script "so has one with an unset variable" 1 '^Bail out!' 'check it echo "$nothing"; test_end'
script "waiting has an end" 1 '^not ok 1' 'check it wait_for 1 false; test_end'

cat > "$work/early" <<END
#!/bin/bash
. $tests/lib/lib.sh
ok one
END
chmod +x "$work/early"
match "the runner tells on a test without a plan" \
	"$("$tests/run-tests" --inside "../../../../../../$work/early")" "not ok - .* did not get to its end"

topology || exit 1
data_file 1000000 && start_http out 80 "$data" || exit 1
in_ns host sysctl -qw net.ipv4.ip_forward=1
ip -n out route add 10.0.0.0/24 via 198.51.100.1
check "a download with the right sum passes" download t1 "$out4" "$data_sum"
refuse "one with a wrong sum fails" 1 "sha256 wanted: 0" download t1 "$out4" 0
refuse "one from nowhere fails" 1 "refused|Couldn't connect" download t1 "$out4:81" "$data_sum"
printf xxxxxxxx | dd of="$data" bs=1 seek=500000 conv=notrunc status=none
refuse "one with a wrong byte fails" 1 "sha256 wanted" download t1 "$out4" "$data_sum"
rm -f "$data" "$data.sum"
refuse "ping of nobody fails" 1 "100% packet loss" in_ns t1 ping -n -c 1 -W 1 198.51.100.77
refuse "dig of nobody fails" 1 "answer:" resolve t1 198.51.100.1
refuse "iperf3 of nobody fails" 1 "refused" iperf t1 "$out4"
test_end
