# Every way in which compiled code uses what the host's builtin returns.
package aegis

decision := {
	"all": [find(c) | some c in input.cases],
	"found": [i | some i, c in input.cases; regex.find_n(c[0], c[1], c[2]) != []],
	"undefined": [i | some i, c in input.cases; not regex.find_n(c[0], c[1], c[2])],
	"keys": [k | some c in input.cases; some k, _ in regex.find_n(c[0], c[1], c[2])],
	"first": [regex.find_n(c[0], c[1], c[2])[0] | some c in input.cases],
	"values": sort({v | some c in input.cases; some v in regex.find_n(c[0], c[1], c[2])}),
	"joined": [concat("|", regex.find_n(c[0], c[1], c[2])) | some c in input.cases],
	"nested": [array.concat(regex.find_n(c[0], c[1], c[2]), ["end"]) | some c in input.cases],
	"data": [[p, m] | some p in data.patterns; some c in input.cases; m := regex.find_n(p, c[1], -1)],
	"constant": [m | some c in input.cases; m := regex.find_n(`^[a-z]+$`, c[1], 1)],
}

find(c) := found if {
	found := regex.find_n(c[0], c[1], c[2])
} else := "undefined"
