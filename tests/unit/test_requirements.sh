#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each proof that Documentation/requirements.md and rfc.md name is there: the file, and in
# it the text of the point.
. "$(dirname "$0")/../lib/tap.sh"

top=$tests/..
table=$top/Documentation/requirements.md

# "FILE<tab>TEXT" for each proof in a file
proofs() {
	grep -oE '`[^`]+`: "[^"]+"' "$1" | sed -E 's/^`([^`]+)`: "([^"]+)"$/\1\t\2/'
}

# What is named and not there
missing() {
	local file text

	proofs "$1" | while IFS=$'\t' read -r file text; do
		grep -qsF -- "$text" "$top/$file" || echo "$file: $text"
	done
}

# Lines of the table that say neither what proves them nor that nothing does
silent() {
	awk -F'|' '/^\| [SXG][0-9]/ && $4 !~ /`[^`]+`: "/ && $4 !~ /[Nn]ot yet/' "$1"
}

# Lines with a proof that cannot be seen to fail
uncontrolled() {
	awk -F'|' '/^\| [SXG][0-9]/ && $4 !~ /[Nn]ot yet/ && $5 !~ /[a-z]/' "$1"
}

equal "each proof that the requirements name is in the sources" "$(missing "$table")" ""
equal "each requirement has a proof, or says that there is none yet" "$(silent "$table")" ""
equal "each proof has a negative control" "$(uncontrolled "$table")" ""
for number in S1.{1..14} S2.{1..10} S3.{1..11} S4.{1,2,3,4,9,10} X1.{1..3} S8.{1..6} G{1..11}; do
	grep -q "^| $number |" "$table" || echo "$number"
done > "$work/absent"
equal "no requirement is left out" "$(< "$work/absent")" ""

# What the standards ask: a proof, and a word on deviations, of each
standards=$top/Documentation/rfc.md

unproved() {
	awk -F'|' '/^\| RFC / && $4 !~ /`[^`]+`: "/ && ($4 !~ /it is left out/ || $5 !~ /[Dd]eviation/)' "$1"
}

equal "each proof that the table of standards names is in the sources" "$(missing "$standards")" ""
equal "each requirement of a standard has a proof, or is a deviation" "$(unproved "$standards")" ""
equal "each says whether there is a deviation" "$(awk -F'|' '/^\| RFC / && $5 !~ /[a-zA-Z]/' "$standards")" ""
for number in "RFC 4787 REQ-"{1..14} "RFC 5382 REQ-"{1..10} "RFC 5508 REQ-"{1..11} "RFC 6888 REQ-"{1..15} \
	"RFC 7857 "{TCP,overlapping,pairing,mapping,filtering,refresh,parity,randomization,identification,query,hairpin}; do
	grep -q "^| $number |" "$standards" || echo "$number"
done > "$work/absent"
equal "no requirement of a standard is left out" "$(< "$work/absent")" ""

# Negative controls
printf '| S1.1 | x | `tests/check`: "no such text" | |\n| S1.2 | x | y | |\n| S1.3 | x | `a`: "b" | |\n' > "$work/bad"
equal "a proof that is not there is found" "$(missing "$work/bad")" \
	"tests/check: no such text"$'\n'"a: b"
equal "so is a line without one" "$(silent "$work/bad" | cut -c1-6)" "| S1.2"
printf '| RFC 1 REQ-1 | x | Nothing: it is left out. | None. |\n| RFC 1 REQ-2 | x | Nothing: it is left out. | *Deviation* |\n' > "$work/worse"
equal "and a standard's line that is neither proved nor called a deviation" \
	"$(unproved "$work/worse" | cut -c1-13)" "| RFC 1 REQ-1"
equal "and a proof without a control" "$(uncontrolled "$work/bad" | wc -l)" 3
test_end
