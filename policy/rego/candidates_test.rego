package aegis_test

# --- candidates and obligations

candidate(id, stage, permits, restricts) := {
	"id": id,
	"candidate": object.union(revision(permits, restricts), {"revision": "sha256:2", "stage": stage}),
}

both(stage) := object.union(stable("acme/p", [permit], []), candidate("acme/p", stage, [], []))

test_a_shadow_says_what_it_would_do if {
	result := decide({"policies": [both("shadow")]}, {})
	result.enforced.verdict == "allow"
	result.candidates[0].policy == "acme/p"
	result.candidates[0].revision == "sha256:2"
	result.candidates[0].outcome.verdict == "deny"
}

test_a_partial_candidate_enforces_for_its_cohort if {
	inside := decide({"policies": [both("partial")]}, {"cohort": {"acme/p": true}})
	inside.enforced.verdict == "deny"
	inside.candidates[0].revision == "sha256:1"
	inside.candidates[0].outcome.verdict == "allow"
	decide({"policies": [both("partial")]}, {"cohort": {"acme/p": false}}).enforced.verdict == "allow"
	decide({"policies": [both("partial")]}, {"cohort": {"acme/p": "true"}}).enforced.verdict == "allow"
	decide({"policies": [both("partial")]}, {}).enforced.verdict == "allow"
}

test_a_candidate_without_a_stable_revision if {
	new := [candidate("acme/p", "shadow", [permit], [])]
	decide({"policies": new}, {}).enforced.verdict == "deny"
	decide({"policies": new}, {}).candidates[0].outcome.verdict == "allow"
	enforcing := [candidate("acme/p", "enforce", [permit], [])]
	decide({"policies": enforcing}, {}).enforced.verdict == "allow"
	decide({"policies": enforcing}, {}).candidates[0].revision == null
	decide({"policies": enforcing}, {}).candidates[0].outcome.verdict == "deny"
}

test_differences_are_attributed_to_one_policy if {
	policies := [both("shadow"), stable("acme/r", [], [restrict(3)]), candidate("acme/s", "shadow", [], [restrict(4)])]
	result := decide({"policies": policies}, {})
	result.enforced.verdict == "approval_needed"
	{entry.policy: entry.outcome.verdict | some entry in result.candidates} == {"acme/p": "deny", "acme/s": "deny"}
}

test_no_candidates_where_none_is_staged if {
	decide({"policies": [both("shadow")], "staged": false}, {}).candidates == []
	decide({"policies": [both("shadow")]}, {"tool": "none"}).candidates == []
	decide({"policies": [both("shadow")]}, {"params": {"n": ""}}).candidates == []
}

limit := {"id": "acme/p/grant/l", "per": "Agent", "window": "1m", "max": 3}

test_limits_of_the_agent_and_of_rules if {
	standing := object.union(limit, {"id": "agent/a/l"})
	limited := object.union(permit, {"limits": [limit]})
	result := decide({"policies": [stable("acme/p", [limited], [])], "limits": [standing]}, {}).enforced
	result.obligations == {"redact": [], "set": [], "limits": [standing, limit], "approval": null}
	decide({"policies": [stable("acme/p", [limited], [])], "obliging": false}, {}).enforced.obligations.limits == []
}

test_an_approved_call_is_charged_but_not_refused if {
	asking := object.union(restrict(3), {"limits": [limit]})
	result := decide({"policies": array.concat(granted, [stable("acme/r", [], [asking])])}, {}).enforced
	result.obligations.limits == [object.union(limit, {"chargeOnly": true})]
	result.obligations.approval == {"risk": "high", "rules": ["acme/r/limit"]}
}

test_a_denying_rule_charges_nothing if {
	denying := object.union(restrict(4), {"limits": [limit]})
	result := decide({"policies": array.concat(granted, [stable("acme/r", [], [denying])])}, {}).enforced
	result.obligations.limits == []
	result.obligations.approval == null
}

test_sanitizers_stay_in_force_under_a_stricter_verdict if {
	redact := {"param": "s", "op": "redact"}
	set_n := {"param": "n", "op": "clamp", "value": 5}
	sanitizing := object.union(restrict(1), {"redact": [redact], "set": [set_n]})
	policies := array.concat(granted, [stable("acme/r", [], [sanitizing]), stable("acme/s", [], [restrict(3)])])
	result := decide({"policies": policies}, {}).enforced
	result.verdict == "approval_needed"
	result.obligations.redact == [redact]
	result.obligations.set == [set_n]
}
