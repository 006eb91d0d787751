# SPDX-License-Identifier: GPL-2.0
#
# Judge page_enc_map, read after page_enc_slots (mawk and gawk).  Prints what is
# wrong with it and fails, or prints "EXTENTS PAGES".
# usage: awk -f map.awk page_enc_slots page_enc_map

function hex(s,	i, v)
{
	s = tolower(substr(s, 3))
	for (i = 1; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}

function bad(what)
{
	print "page_enc_map line " FNR ": " what ": " $0
	wrong = 1
}

FNR == 1 {
	file++
	if ($0 != "version 1")
		bad("version")
	next
}

file == 1 && /^0x/ {
	slots++
	slot_start[slots] = hex($1)
	slot_end[slots] = hex($2)
}

file == 1 { next }

$1 == "enabled" && $2 != 1	{ bad("not tracked") }
$1 == "c_bit" && $2 < 32	{ bad("C-bit") }

/^0x/ {
	start = hex($1)
	end = hex($2)
	extents++
	pages += $3
	if (NF != 4 || $4 != "shared")
		bad("form")
	if (start % 4096 || end % 4096 || end <= start || (end - start) / 4096 != $3)
		bad("bounds")
	if (extents > 1 && start <= last)
		bad("not ascending, or not merged")
	last = end
	covered = 0
	for (i = 1; i <= slots; i++) {
		lo = start > slot_start[i] ? start : slot_start[i]
		hi = end < slot_end[i] ? end : slot_end[i]
		if (hi > lo)
			covered += hi - lo
	}
	# A slot may be gone (QEMU toggles them), its state is kept
	if (covered != end - start)
		outside += (end - start - covered) / 4096
}

$1 == "end" {
	ended = 1
	if ($2 != extents + 0 || $3 != pages + 0)
		bad("sums, counted " extents + 0 " " pages + 0)
}

END {
	if (!ended) {
		print "page_enc_map: cut off"
		wrong = 1
	}
	if (wrong)
		exit 1
	print extents + 0, pages + 0, outside + 0
}
