# A small policy of the shape of the real one: everything is a key look-up in the agent's slice of the data.
package aegis

default decision := {
	"verdict": "deny",
	"reasons": [{"code": "UNKNOWN", "message": "no rule fits"}],
	"obligations": {"limits": []},
}

action := data.aegis.agents[input.agent].tools[input.tool].actions[input.action]

decision := {
	"verdict": verdict,
	"reasons": sort([reason | some reason in failed]),
	"obligations": {"limits": action.limits},
} if {
	action
}

verdict := "allow" if {
	count(failed) == 0
} else := action.failureAction

failed contains {"code": "MAX", "message": concat(" ", ["above the cap of", name]), "param": name} if {
	some name, bound in action.max
	not at_most(name, bound)
}

failed contains {"code": "CURRENCY", "message": "another currency"} if {
	action.currency
	not input.params.currency == action.currency
}

failed contains {"code": "PATTERN", "message": "does not match", "param": name} if {
	some name, pattern in action.patterns
	not matches(pattern, input.params[name])
}

failed contains {"code": "CHAIN", "message": "too deep"} if {
	count(input.chain) > action.maxDepth + 1
}

failed contains {"code": "CALLER", "message": "caller not accepted", "param": caller} if {
	some i, caller in input.chain
	i < count(input.chain) - 1
	not action.callers[caller]
}

at_most(name, bound) if {
	is_number(input.params[name])
	input.params[name] <= bound
}

matches(pattern, value) if {
	is_string(value)
	regex.find_n(pattern, value, 1) != []
}
