package aegis_test

import data.aegis

# --- a small world: agent `a` with tool `t` and action `act`, under the policies of a test

permit := {
	"id": "acme/p/grant", "policy": "acme/p", "name": "grant", "permit": true, "grants": true, "ok": 0, "risk": 1,
	"reason": {"code": "PERMITTED", "message": "Permitted.", "policy": "acme/p", "rule": "grant"},
}

restrict(ok) := {
	"id": "acme/r/limit", "policy": "acme/r", "name": "limit", "ok": ok, "risk": 2,
	"reason": {"code": "RESTRICTED", "message": "Restricted.", "policy": "acme/r", "rule": "limit"},
}

with_if(rule, conditions) := object.union(rule, {"if": conditions})

with_when(rule, conditions) := object.union(rule, {"when": conditions})

small(bad) := {"k": "max", "p": "n", "t": "number", "v": 5, "bad": bad, "m": "n must be at most 5."}

revision(permits, restricts) := {
	"revision": "sha256:1", "matched": count(permits) > 0, "permits": permits,
	"restricts": restricts,
}

stable(id, permits, restricts) := {"id": id, "stable": revision(permits, restricts)}

base_action := {
	"params": {"n": "number", "s": "string"}, "open": false, "limits": [], "obliging": true, "overriding": true,
	"staged": true, "policies": [],
}

agents(action) := {"a": {
	"agent": "a", "suspended": false, "purposes": {}, "timeZones": [],
	"chain": {
		"a": {"accepts": {"b": true, "stranger": true}, "depth": 2, "origin": true},
		"b": {"accepts": {"c": true}, "depth": 1, "origin": false},
		"c": {"accepts": {}, "depth": 0, "origin": true},
	},
	"tools": {
		"t": {"observe": false, "actions": {"act": object.union(base_action, action)}},
		"o": {"observe": true, "actions": {"act": object.union(base_action, action)}},
	},
}}

base_call := {"tenant": "acme", "agent": "a", "tool": "t", "action": "act", "params": {}}

decide(action, call) := result if {
	result := aegis.decision with input as object.union(base_call, call)
		with aegis.agents as agents(action)
		with aegis.tenant as {"name": "acme"}
}

verdict(policies, call) := decide({"policies": policies}, call).enforced.verdict

codes(policies, call) := [reason.code | some reason in decide({"policies": policies}, call).enforced.reasons]

granted := [stable("acme/p", [permit], [])]

# --- what stops a call before any rule

test_a_permit_is_needed if {
	verdict(granted, {}) == "allow"
	codes(granted, {}) == ["PERMITTED"]
	verdict([], {}) == "deny"
	codes([], {}) == ["NO_PERMIT"]
	codes([stable("acme/r", [], [restrict(4)])], {}) == ["NO_PERMIT", "RESTRICTED"]
}

test_unknown_names_are_refused if {
	codes(granted, {"tenant": "other"}) == ["UNKNOWN_TENANT"]
	codes(granted, {"agent": "b"}) == ["UNKNOWN_AGENT"]
	codes(granted, {"tool": "none"}) == ["UNKNOWN_TOOL"]
	codes(granted, {"action": "none"}) == ["UNKNOWN_ACTION"]
	codes(granted, {"tool": "o", "action": "none"}) == ["UNKNOWN_ACTION"]
	codes(granted, {"params": null}) == ["INVALID_PARAMETERS"]
	codes(granted, {"params": {"n": "1"}}) == ["PARAMETER_TYPE"]
	codes(granted, {"params": {"n": null}}) == ["PARAMETER_TYPE"]
	codes(granted, {"params": {"other": 1}}) == ["UNDECLARED_PARAMETER"]
	decide({"policies": granted, "open": true}, {"params": {"other": 1}}).enforced.verdict == "allow"
	decide({"policies": granted, "open": true}, {"params": {"n": "1"}}).enforced.verdict == "deny"
}

test_parameters_must_be_given if {
	call := object.remove(base_call, ["params"])
	result := aegis.decision with input as call
		with aegis.agents as agents({"policies": granted})
		with aegis.tenant as {"name": "acme"}
	result.enforced.reasons[0].code == "INVALID_PARAMETERS"
}

test_the_tenant_may_be_left_out if {
	result := aegis.decision with input as object.remove(base_call, ["tenant"])
		with aegis.agents as agents({"policies": granted})
		with aegis.tenant as {"name": "acme"}
	result.enforced.verdict == "allow"
}

test_a_suspended_agent_is_refused if {
	suspended := json.patch(agents({"policies": granted}), [{"op": "replace", "path": "/a/suspended", "value": true}])
	result := aegis.decision with input as base_call
		with aegis.agents as suspended
		with aegis.tenant as {"name": "acme"}
	result.enforced.reasons[0].code == "AGENT_SUSPENDED"
}

test_without_data_everything_is_refused if {
	result := aegis.decision with input as base_call with aegis.agents as {} with aegis.tenant as {}
	result.enforced.verdict == "deny"
	verdict([stable("acme/p", [object.union(permit, {"ok": 99})], [])], {}) == "deny"
}

nothing(hits, revisions) := [hits.nothing, revisions]

test_an_undefined_outcome_is_a_refusal if {
	result := aegis.enforced with aegis.blocks as [] with aegis.combined as nothing
	result.verdict == "deny"
	result.reasons[0].code == "INVALID_DATA"
}

# --- the chain of callers

test_chains if {
	accepted := [["a"], ["stranger", "a"], ["c", "b", "a"]]
	every chain in accepted {
		verdict(granted, {"chain": chain}) == "allow"
	}
	refused := [
		[], ["b"], ["b", "a"], ["nobody", "a"], ["c", "a"], ["a", "b", "a"], ["stranger", "c", "b", "a"],
		[7, "a"], "a", null, {"0": "a"},
	]
	every chain in refused {
		codes(granted, {"chain": chain}) == ["CHAIN_REFUSED"]
	}
}

test_who_does_not_speak_for_itself_needs_a_chain if {
	slices := json.patch(agents({"policies": granted}), [{"op": "replace", "path": "/a/chain/a/origin", "value": false}])
	result := aegis.decision with input as base_call
		with aegis.agents as slices
		with aegis.tenant as {"name": "acme"}
	result.enforced.reasons[0].code == "CHAIN_REFUSED"
}

# --- rules

test_failing_conditions_say_how if {
	verdict([stable("acme/p", [with_if(permit, [small(4)])], [])], {"params": {"n": 5}}) == "allow"
	over := {"params": {"n": 6}}
	verdict([stable("acme/p", [with_if(permit, [small(4)])], [])], over) == "deny"
	verdict([stable("acme/p", [with_if(permit, [small(3)])], [])], over) == "approval_needed"
	verdict([stable("acme/p", [with_if(permit, [small(1)])], [])], over) == "sanitize"
	verdict([stable("acme/p", [with_if(permit, [small(1), small(3)])], [])], over) == "approval_needed"
}

failing(condition) := [stable("acme/p", [with_if(permit, [object.union(condition, {"bad": 4, "m": ""})])], [])]

test_reason_codes if {
	codes(failing(small(4)), {"params": {"n": 6}}) == ["ABOVE_MAXIMUM"]
	codes(failing(small(4)), {}) == ["PARAMETER_MISSING"]
	codes(failing({"k": "forbidden", "p": "n"}), {"params": {"n": 6}}) == ["PARAMETER_FORBIDDEN"]
	codes(failing({"k": "required", "p": "n"}), {}) == ["PARAMETER_MISSING"]
	codes(failing(object.union(in_data, {"p": "s"})), {"params": {"s": "/.."}}) == ["PARAMETER_MALFORMED"]
	codes(failing({"k": "depth", "v": 0}), {"chain": ["stranger", "a"]}) == ["CHAIN_TOO_DEEP"]
	codes(failing({"k": "origin", "v": {}}), {}) == ["ORIGIN_NOT_ALLOWED"]
}

test_the_first_fitting_permit_decides if {
	first := with_when(object.union(permit, {"name": "first", "ok": 0}), [small(4)])
	second := object.union(object.remove(permit, ["grants"]), {"name": "second", "ok": 3})
	both := [stable("acme/p", [first, second], [])]
	verdict(both, {"params": {"n": 5}}) == "allow"
	verdict(both, {"params": {"n": 6}}) == "approval_needed"
	verdict(both, {}) == "approval_needed"
	verdict([stable("acme/p", [first], [])], {"params": {"n": 6}}) == "deny"
}

test_what_cannot_be_decided_fits_only_what_does_not_grant if {
	asking := with_when(object.union(object.remove(permit, ["grants"]), {"ok": 3}), [small(4)])
	verdict([stable("acme/p", [asking], [])], {}) == "approval_needed"
	verdict([stable("acme/p", [asking], [])], {"params": {"n": 6}}) == "deny"
	restricted := array.concat(granted, [stable("acme/r", [], [with_when(restrict(4), [small(4)])])])
	verdict(restricted, {}) == "deny"
	verdict(restricted, {"params": {"n": 5}}) == "deny"
	verdict(restricted, {"params": {"n": 6}}) == "allow"
}

test_the_strictest_wins if {
	every rank, expected in {0: "allow", 1: "sanitize", 3: "approval_needed", 4: "deny"} {
		verdict(array.concat(granted, [stable("acme/r", [], [restrict(rank)])]), {}) == expected
	}
}

test_the_strictest_rules_are_the_reasons if {
	codes(array.concat(granted, [stable("acme/r", [], [restrict(3)])]), {}) == ["RESTRICTED"]
	silent := object.remove(restrict(0), ["reason"])
	codes(array.concat(granted, [stable("acme/r", [], [silent])]), {}) == ["PERMITTED"]
}

overridden(rule) := [
	stable("acme/p", [with_when(object.union(permit, {"overrides": {"acme/r/limit@1": true}}), [small(4)]), permit], []),
	stable("acme/r", [], [rule]),
]

test_an_override_silences_the_restrict_that_it_names if {
	yielding := object.union(restrict(4), {"yields": "acme/r/limit@1"})
	verdict(overridden(yielding), {"params": {"n": 5}}) == "allow"
	verdict(overridden(yielding), {"params": {"n": 6}}) == "deny"
	other := object.union(restrict(4), {"yields": "acme/r/limit@2"})
	verdict(overridden(other), {"params": {"n": 5}}) == "deny"
	verdict(overridden(restrict(4)), {"params": {"n": 5}}) == "deny"
	decide({"policies": overridden(yielding), "overriding": false}, {"params": {"n": 5}}).enforced.verdict == "deny"
}

# --- tools that are only observed

test_observed_until_a_permit_takes_part if {
	on_o := {"tool": "o"}
	codes([], on_o) == ["UNMATCHED_OBSERVE"]
	verdict([], on_o) == "allow"
	codes([stable("acme/r", [], [restrict(0)])], on_o) == ["UNMATCHED_OBSERVE"]
	verdict([stable("acme/r", [], [restrict(4)])], on_o) == "deny"
	codes([stable("acme/r", [], [restrict(3)])], on_o) == ["RESTRICTED"]
	codes([stable("acme/p", [with_when(permit, [small(4)])], [])], on_o) == ["NO_PERMIT"]
}

# --- what is unknown silences nothing, and an approval does not end the sanitising

test_an_undecidable_permit_overrides_nothing if {
	named := {"overrides": {"acme/r/limit@1": true}}
	asking := with_when(object.union(permit, object.union(named, {"ok": 3, "grants": false})), [small(4)])
	yielding := object.union(restrict(4), {"yields": "acme/r/limit@1"})
	policies := [stable("acme/p", [asking], []), stable("acme/r", [], [yielding])]
	verdict(policies, {"params": {"n": 4}}) == "approval_needed"
	verdict(policies, {"params": {}}) == "deny"
}

masked := [{"param": "s", "op": "mask"}]

masks(rule) if {
	outcome := decide({"policies": [stable("acme/p", [object.union(rule, {"redact": masked})], [])]}, {}).enforced
	outcome.verdict == "approval_needed"
	outcome.obligations.redact == masked
}

asks := {"k": "required", "p": "n", "bad": 3, "m": "n must be given."}

cleans := {"k": "required", "p": "s", "bad": 1, "m": "s must be given."}

test_an_approval_does_not_end_the_sanitising if {
	masks(with_if(object.union(permit, {"ok": 1, "grants": false}), [asks]))
	masks(with_if(permit, [asks, cleans]))
	not masks(with_if(permit, [asks]))
}

test_whole_numbers if {
	act := {"policies": granted, "whole": ["n"]}
	decide(act, {"params": {"n": 5}}).enforced.verdict == "allow"
	decide(act, {"params": {}}).enforced.verdict == "allow"
	refused := decide(act, {"params": {"n": 5.5}}).enforced
	refused.verdict == "deny"
	refused.reasons == [{"code": "PARAMETER_TYPE", "message": "The parameter must be a whole number.", "param": "n"}]
}
