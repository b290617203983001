package aegis_test

import data.aegis

# Each condition kind where it holds, where it is refuted, and where it cannot be decided.

truth(c, call) := "holds" if {
	aegis.holds(c) with input as call
} else := "refuted" if {
	aegis.refuted(c) with input as call
} else := "undecidable"

# The note of every case that comes out otherwise than expected: [note, condition, value of parameter x, expected].
wrong(cases) := [[note, found] |
	some [note, c, value, expected] in cases
	found := truth(object.union(c, {"p": "x"}), {"agent": "a", "params": {"x": value}})
	found != expected
]

max_five := {"k": "max", "t": "number", "v": 5}

up_to_five := {"k": "amount", "t": "number", "v": 5}

min_five := {"k": "min", "t": "number", "v": 5}

listed := {"k": "in", "t": "string", "v": {"red": true, "blue": true}}

one_of := {"k": "one", "t": "number", "v": [1, 2.5]}

pattern := {"k": "pattern", "t": "string", "v": "^[a-z]+$"}

short := {"k": "length", "t": "string", "v": 3}

in_data := {"k": "path", "t": "string", "v": [{"rooted": true, "segments": ["data", "out"]}]}

some_host := {"k": "host", "t": "string", "uri": false, "names": {"api.test": true}, "suffixes": [".example.com"]}

some_uri := object.union(some_host, {"uri": true})

block := {"k": "cidr", "t": "string", "uri": false, "v": ["10.0.0.0/8", "fd00::/8"]}

test_numbers_and_lists if {
	wrong([
		["below", max_five, 4, "holds"],
		["equal", max_five, 5, "holds"],
		["exact decimals", max_five, 5.000000001, "refuted"],
		["text", max_five, "4", "undecidable"],
		["null", max_five, null, "undecidable"],
		["equal", min_five, 5, "holds"],
		["under", min_five, 4.9, "refuted"],
		["text is above every number in Rego, but not here", min_five, "6", "undecidable"],
		["an amount", up_to_five, 5, "holds"],
		["no amount", up_to_five, 0, "holds"],
		["a higher amount", up_to_five, 5.01, "refuted"],
		["a negative amount", up_to_five, -1, "undecidable"],
		["an amount of text", up_to_five, "4", "undecidable"],
		["listed", listed, "red", "holds"],
		["not listed", listed, "green", "refuted"],
		["number in a list of names", listed, 7, "undecidable"],
		["listed number", one_of, 2.5, "holds"],
		["unlisted number", one_of, 2, "refuted"],
		["text for a number", one_of, "1", "undecidable"],
	]) == []
}

test_text if {
	wrong([
		["match", pattern, "abc", "holds"],
		["no match", pattern, "abc1", "refuted"],
		["line feed", pattern, "abc\n", "refuted"],
		["number", pattern, 1, "undecidable"],
		["short", short, "äöü", "holds"],
		["long", short, "äöüß", "refuted"],
		["array", short, ["a"], "undecidable"],
	]) == []
}

test_paths if {
	wrong([
		["inside", in_data, "/data/out/x", "holds"],
		["itself", in_data, "/data//out/.", "holds"],
		["outside", in_data, "/data/output", "refuted"],
		["relative", in_data, "data/out/x", "refuted"],
		["dot dot", in_data, "/data/out/../x", "undecidable"],
		["encoded", in_data, "/data/out/%2E%2e/x", "undecidable"],
		["backslash", in_data, "/data/out\\..\\x", "undecidable"],
		["control character", in_data, "/data/out/\u0000", "undecidable"],
		["empty", in_data, "", "undecidable"],
		["number", in_data, 7, "undecidable"],
	]) == []
}

test_hosts if {
	wrong([
		["name", some_host, "api.test", "holds"],
		["case, dot and port", some_host, "API.Test.:443", "holds"],
		["below", some_host, "a.b.example.com", "holds"],
		["the suffix itself", some_host, "example.com", "refuted"],
		["other", some_host, "api.test.evil", "refuted"],
		["empty label", some_host, ".example.com", "undecidable"],
		["address", some_host, "10.0.0.1", "refuted"],
		["short address", some_host, "10.1", "undecidable"],
		["hexadecimal address", some_host, "0x7f000001", "undecidable"],
		["user", some_host, "api.test@evil", "undecidable"],
		["URI for a name", some_host, "https://api.test/", "undecidable"],
		["number", some_host, 7, "undecidable"],
	]) == []
}

test_uris if {
	wrong([
		["name", some_uri, "https://api.test", "holds"],
		["port and path", some_uri, "HTTPS://API.test:443/x?y#z", "holds"],
		["below", some_uri, "https://a.example.com", "holds"],
		["other", some_uri, "https://evil.test/api.test", "refuted"],
		["user", some_uri, "https://api.test@evil.test", "undecidable"],
		["backslash", some_uri, "https://evil.test\\@api.test/", "undecidable"],
		["space", some_uri, "https://api.test /", "undecidable"],
		["name for a URI", some_uri, "api.test", "undecidable"],
		["IPv6", some_uri, "https://[fd00::1]:443/", "refuted"],
		["not quite IPv6", some_uri, "https://[fd00:1]/", "undecidable"],
		["number", some_uri, 7, "undecidable"],
	]) == []
}

test_address_blocks if {
	wrong([
		["inside", block, "10.1.2.3", "holds"],
		["with a port", block, "10.1.2.3:80", "holds"],
		["outside", block, "11.1.2.3", "refuted"],
		["a name is no address", block, "api.test", "refuted"],
		["octal", block, "010.1.2.3", "undecidable"],
		["IPv6", block, "FD00::1", "holds"],
		["IPv6 in brackets", block, "[fd00::1]:80", "holds"],
		["other IPv6", block, "fe00::1", "refuted"],
		["IPv6 in full", block, "fd00:0:0:0:0:0:0:1", "holds"],
		["too many groups", block, "fd00:1:2:3:4:5:6:7::", "undecidable"],
		["a block is no address", block, "fd00::/16", "undecidable"],
		["a dotted end", block, "[::10.1.2.3]", "undecidable"],
		["IPv4 within IPv6", block, "[::ffff:10.1.2.3]", "undecidable"],
		["the same in hexadecimal", block, "::ffff:a01:203", "undecidable"],
		["number", block, 7, "undecidable"],
	]) == []
}

test_arrays if {
	each_short := {"k": "each", "t": "array", "c": object.union(short, {"p": "x"})}
	wrong([
		["all", each_short, ["a", "b"], "holds"],
		["none at all", each_short, [], "holds"],
		["one of two", each_short, ["a", "long"], "undecidable"],
		["none of two", each_short, ["long", "longer"], "refuted"],
		["an element of another type", each_short, ["long", 7], "undecidable"],
		["no array", each_short, "a", "undecidable"],
	]) == []
}

test_presence if {
	required := {"k": "required", "p": "x"}
	truth(required, {"params": {"x": 1}}) == "holds"
	truth(required, {"params": {}}) == "refuted"
	forbidden := {"k": "forbidden", "p": "x"}
	truth(forbidden, {"params": {}}) == "holds"
	truth(forbidden, {"params": {"x": ""}}) == "refuted"
	truth(object.union(max_five, {"p": "x"}), {"params": {}}) == "undecidable"
	truth({"k": "never", "bad": 4, "m": "never"}, {"params": {}}) == "undecidable"
}

purpose_truth(registered, context) := result if {
	care := {"k": "purpose", "v": {"care": true}}
	agents := {"a": {"purposes": registered}}
	result := truth(care, {"agent": "a", "params": {}, "context": context}) with aegis.agents as agents
}

test_purpose if {
	purpose_truth({"care": true}, {}) == "holds"
	purpose_truth({"billing": true}, {}) == "refuted"
	purpose_truth({}, {}) == "undecidable"
	purpose_truth({"care": true, "billing": true}, {}) == "undecidable"
	purpose_truth({"care": true, "billing": true}, {"purpose": "care"}) == "holds"
	purpose_truth({"care": true, "billing": true}, {"purpose": "billing"}) == "refuted"
	purpose_truth({"care": true}, {"purpose": "other"}) == "undecidable"
	purpose_truth({"care": true}, {"purpose": null}) == "undecidable"
}

test_time if {
	window := {"tz": "UTC", "days": {"Mon": true}, "from": 540, "to": 1020}
	office := {"k": "time", "v": [window]}
	at := {"params": {}, "context": {"local": {"UTC": {"day": "Mon", "minute": 540}}}}
	truth(office, at) == "holds"
	truth(office, json.patch(at, [{"op": "replace", "path": "/context/local/UTC/minute", "value": 1019}])) == "holds"
	truth(office, json.patch(at, [{"op": "replace", "path": "/context/local/UTC/minute", "value": 1020}])) == "refuted"
	truth(office, json.patch(at, [{"op": "replace", "path": "/context/local/UTC/minute", "value": 539}])) == "refuted"
	truth(office, json.patch(at, [{"op": "replace", "path": "/context/local/UTC/day", "value": "Tue"}])) == "refuted"
	truth(office, {"params": {}}) == "undecidable"
}

test_chain_conditions if {
	callers := {"k": "callers", "v": {"b": true}}
	depth := {"k": "depth", "v": 1}
	origin := {"k": "origin", "v": {"c": true}}
	direct := {"agent": "a", "params": {}}
	truth(callers, direct) == "holds"
	truth(depth, direct) == "holds"
	truth(origin, direct) == "refuted"
	through := object.union(direct, {"chain": ["c", "b", "a"]})
	truth(callers, through) == "refuted"
	truth(depth, through) == "refuted"
	truth(origin, through) == "holds"
}

test_a_pattern_looks_at_so_much_text_only if {
	text := concat("", ["a" | some _ in numbers.range(1, 10000)])
	wrong([
		["the longest", pattern, text, "holds"],
		["one more", pattern, concat("", [text, "a"]), "undecidable"],
	]) == []
}
