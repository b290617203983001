# METADATA
# title: Aegis decision
# description: |
#   The one policy that every Aegis gateway evaluates. It holds no tenant's rules: the compiler resolves scopes, roles
#   and tool contracts into `data.aegis.agents[agent]`, so that a decision is a few key look-ups.
#   Verdicts are ranks here: 0 allow, 1 sanitize, 2 rate_limited (the gateway's own), 3 approval_needed, 4 deny.
#   What is unknown never widens: a look-up that finds nothing ends in deny.
# scope: package
package aegis

# METADATA
# description: The answer to one tool call; always defined.
# entrypoint: true
decision := {"enforced": enforced, "candidates": candidates}

verdicts := ["allow", "sanitize", "rate_limited", "approval_needed", "deny"]

risks := ["low", "medium", "high", "critical"]

no_obligations := {"redact": [], "set": [], "limits": [], "approval": null}

slice := data.aegis.agents[input.agent]

tool := slice.tools[input.tool]

action := tool.actions[input.action]

# --- what stops a call before any rule is asked

blocks := [{"code": "UNKNOWN_TENANT", "message": "The call names a tenant that is not loaded here."}] if {
	input.tenant != data.aegis.tenant.name
} else := [{"code": "UNKNOWN_AGENT", "message": "No registration for this agent is loaded."}] if {
	not slice
} else := [{"code": "AGENT_SUSPENDED", "message": "The agent is suspended."}] if {
	slice.suspended
} else := [{"code": "CHAIN_REFUSED", "message": "The agent does not accept this chain of callers."}] if {
	not chain_accepted
} else := [{"code": "UNKNOWN_TOOL", "message": "The tool is not in the agent's registration."}] if {
	not tool
} else := [{"code": "UNKNOWN_ACTION", "message": "The tool does not offer this action to the agent."}] if {
	not action
} else := [{"code": "INVALID_PARAMETERS", "message": "The call carries no parameters object."}] if {
	not parameters_given
} else := array.concat(
	[parameter_reason(name) |
		some name, value in input.params
		not action.params[name] == type_name(value)
		not open_parameter(name)
	],
	[reason |
		some name in action.whole
		value := input.params[name]
		is_number(value)
		floor(value) != value
		reason := {"code": "PARAMETER_TYPE", "message": "The parameter must be a whole number.", "param": name}
	],
)

# A rule of its own: what is undefined inside `not` would make the whole expression undefined.
parameters_given if is_object(input.params)

# A parameter that the contract does not name, where the contract lets such pass.
open_parameter(name) if {
	action.open
	not action.params[name]
}

parameter_reason(name) := {
	"code": "PARAMETER_TYPE",
	"message": concat("", ["The parameter must be of type ", action.params[name], "."]),
	"param": name,
} if {
	action.params[name]
} else := {
	"code": "UNDECLARED_PARAMETER",
	"message": "The tool's contract does not name this parameter.",
	"param": name,
}

# --- the chain of callers: the last one is the agent itself

chain := input.chain if {
	# false is no chain
	# regal ignore:redundant-existence-check
	input.chain
} else := [input.agent]

callers := array.slice(chain, 0, count(chain) - 1)

# Without a chain the agent speaks for itself.
chain_accepted if {
	not input.chain
	slice.chain[input.agent].origin
} else if {
	is_array(input.chain)
	input.chain[count(input.chain) - 1] == input.agent
	count({name | some name in input.chain}) == count(input.chain)
	every i, name in input.chain {
		link_accepted(i, name)
	}
}

link_accepted(0, name) if slice.chain[name].origin

# An origin that is not registered stands in its receiver's list of accepted callers, and only there.
link_accepted(0, name) if {
	is_string(name)
	not slice.chain[name]
}

link_accepted(i, name) if {
	i > 0
	link := slice.chain[name]
	link.accepts[input.chain[i - 1]]
	i <= link.depth
}

# --- conditions: each is {k: kind, p: parameter, t: its type, v: what it is held against, bad: rank where it fails}

# Decidable and true. A missing or mistyped parameter makes no condition hold.
holds(c) if {
	value_fits(c, input.params[c.p])
} else if {
	c.k == "required"
	has_parameter(c.p)
} else if {
	c.k == "forbidden"
	not has_parameter(c.p)
} else if {
	c.k == "each"
	values := input.params[c.p]
	is_array(values)
	every value in values {
		value_fits(c.c, value)
	}
} else if {
	c.k == "purpose"
	purposes != {}
	every purpose, _ in purposes {
		c.v[purpose]
	}
} else if {
	c.k == "time"
	some window in c.v
	now := input.context.local[window.tz]
	window.days[now.day]
	now.minute >= window.from
	now.minute < window.to
} else if {
	c.k == "callers"
	every caller in callers {
		c.v[caller]
	}
} else if {
	c.k == "depth"
	count(callers) <= c.v
} else if {
	c.k == "origin"
	c.v[chain[0]]
}

value_fits(c, value) if {
	c.k == "amount"
	well_formed(c, value)
	value <= c.v
} else if {
	c.k == "max"
	is_number(value)
	value <= c.v
} else if {
	c.k == "in"
	c.v[value]
} else if {
	c.k == "pattern"
	well_formed(c, value)
	regex.find_n(c.v, value, 1) != []
} else if {
	c.k == "length"
	is_string(value)
	count(value) <= c.v
} else if {
	c.k == "min"
	is_number(value)
	value >= c.v
} else if {
	c.k == "one"
	value in c.v
} else if {
	c.k == "path"
	segments := path_segments(value)
	some prefix in c.v
	startswith(value, "/") == prefix.rooted
	array.slice(segments, 0, count(prefix.segments)) == prefix.segments
} else if {
	c.k == "host"
	host_listed(host_of(value, c.uri), c)
} else if {
	c.k == "cidr"
	address := literal_address(host_of(value, c.uri))
	some block in c.v
	net.cidr_contains(block, address)
}

has_parameter(name) if not is_null(input.params[name])

# Decidable and false: only that keeps a rule that does not grant from fitting.
refuted(c) if {
	not holds(c)
	decidable(c)
}

decidable(c) if {
	c.k == "each"
	values := input.params[c.p]
	is_array(values)
	every value in values {
		well_formed(c.c, value)
		not value_fits(c.c, value)
	}
} else if {
	c.k == "purpose"
	count(purposes) == 1
} else if {
	c.k == "time"
	every window in c.v {
		input.context.local[window.tz]
	}
} else if {
	c.k in {"required", "forbidden", "callers", "depth", "origin"}
} else if {
	c.k != "each"
	well_formed(c, input.params[c.p])
}

# An amount is never negative, and what a pattern looks at is bounded, because matching takes time.
well_formed(c, value) if {
	c.k == "amount"
	is_number(value)
	value >= 0
} else if {
	c.k == "pattern"
	is_string(value)
	count(value) <= 10000
} else if {
	type_name(value) == c.t
	c.k in {"max", "min", "in", "one", "length"}
} else if {
	c.k == "path"
	path_segments(value)
} else if {
	c.k in {"host", "cidr"}
	host_of(value, c.uri)
}

# The registration's purposes, narrowed to the one that the call names; a purpose that is not registered is none.
default purposes := {}

purposes := slice.purposes if {
	not input.context.purpose
} else := {input.context.purpose: true} if {
	slice.purposes[input.context.purpose]
}

# --- paths and hosts: what is not in plain canonical form is not decidable

# Empty and `.` segments fall away; a path that could be read in two ways has no segments.
path_segments(value) := [segment | some segment in split(value, "/"); not segment in {"", "."}] if {
	is_string(value)
	regex.find_n(`^[^\\\x00-\x1f\x7f]+$`, value, 1) != []
	regex.find_n(`(?i)%(?:00|25|2e|2f|5c)`, value, 1) == []
	not ".." in split(value, "/")
}

host_of(value, true) := authority_host(authority) if {
	is_string(value)
	regex.find_n(
		`^[A-Za-z][A-Za-z0-9+.-]*://(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?(?:[/?#][!-\[\]-~]*)?$`,
		value, 1,
	) != []
	authority := regex.find_n(`[^/?#]+`, substring(value, indexof(value, "//") + 2, -1), 1)[0]
}

host_of(value, false) := authority_host(value) if {
	is_string(value)
	regex.find_n(`^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?$`, value, 1) != []
} else := ipv6_address(value)

authority_host(authority) := ipv6_address(substring(authority, 1, indexof(authority, "]") - 1)) if {
	startswith(authority, "[")
} else := plain_host(split(authority, ":")[0]) if {
	not startswith(authority, "[")
}

# Lower case, no trailing dot, no empty label. A name whose last label looks like a number is an address in disguise,
# unless it is four plain decimal octets.
plain_host(host) := name if {
	name := trim_suffix(lower(host), ".")
	not contains(concat("", [".", name, "."]), "..")
	regex.find_n(`(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$`, name, 1) == []
} else := host if {
	ipv4_address(host)
}

ipv4_address(host) if {
	regex.find_n(
		`^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$`,
		host, 1,
	) != []
}

# An IPv4 address that is written as IPv6 (::ffff:0:0/96) could be read in two ways. The form is checked here, because
# the builtin takes blocks and some malformed addresses as well.
ipv6_address(text) := address if {
	address := lower(text)
	ipv6_form(address)
	not net.cidr_contains("::ffff:0:0/96", address)
}

ipv6_form(address) if {
	regex.find_n(`^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}$`, address, 1) != []
} else if {
	regex.find_n(
		`^(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?$`,
		address, 1,
	) != []
	count(regex.find_n(`[0-9a-f]+`, address, -1)) < 8
}

literal_address(host) := host if {
	ipv4_address(host)
} else := host if {
	contains(host, ":")
}

host_listed(host, c) if {
	c.names[host]
} else if {
	some suffix in c.suffixes
	endswith(host, suffix)
}

# --- rules: {id, policy, rule, when, if, ok: rank where all hold, grants, …}

fits(rule) if {
	not rule.when
} else if {
	rule.grants
	every c in rule.when {
		holds(c)
	}
} else if {
	not rule.grants
	every c in rule.when {
		not refuted(c)
	}
}

hit(rule) := {"rule": rule, "rank": rule.ok, "failed": []} if {
	not rule["if"]
} else := judged(rule, [c | some c in rule["if"]; not holds(c)])

judged(rule, []) := {"rule": rule, "rank": rule.ok, "failed": []}

judged(rule, failed) := {"rule": rule, "rank": rank, "failed": failed} if {
	failed != []
	rank := max([c.bad | some c in failed])
}

# The first Permit of a policy that fits.
first_permit(permits) := permits[0] if {
	fits(permits[0])
} else := permits[min([i | some i, rule in permits; fits(rule)])]

revision_hits(revision) := array.concat(
	[hit(rule) | rule := first_permit(revision.permits)],
	[hit(rule) | some rule in revision.restricts; fits(rule)],
)

# --- policies together: the strictest wins, and a grant is needed

active_revision(policy) := policy.candidate if {
	candidate_enforced(policy)
} else := policy.stable

candidate_enforced(policy) if {
	policy.candidate.stage == "enforce"
} else if {
	policy.candidate.stage == "partial"
	input.cohort[policy.id] == true
}

active_revisions := [revision | some policy in action.policies; revision := active_revision(policy)]

active_hits := [h | some revision in active_revisions; some h in revision_hits(revision)]

default enforced := {
	"verdict": "deny",
	"reasons": [{"code": "INVALID_DATA", "message": "The policy data does not answer this call."}],
	"obligations": {"redact": [], "set": [], "limits": [], "approval": null},
}

enforced := {"verdict": "deny", "reasons": blocks, "obligations": no_obligations} if {
	blocks != []
} else := combined(active_hits, active_revisions)

candidates := [] if {
	not action.staged
} else := [] if {
	blocks != []
} else := [{"policy": policy.id, "revision": alternative.name, "outcome": outcome} |
	some position, policy in action.policies
	policy.candidate
	alternative := alternative_of(policy)
	outcome := combined(
		array.concat(
			[h | some i, other in action.policies; i != position; some h in revision_hits(active_revision(other))],
			[h | some revision in alternative.revisions; some h in revision_hits(revision)],
		),
		array.concat(
			[revision | some i, other in action.policies; i != position; revision := active_revision(other)],
			alternative.revisions,
		),
	)
]

# The revision of a policy that does not enforce for this call; none where it has no stable one yet.
alternative_of(policy) := {"name": policy.candidate.revision, "revisions": [policy.candidate]} if {
	not candidate_enforced(policy)
} else := {"name": policy.stable.revision, "revisions": [policy.stable]} if {
	policy.stable
} else := {"name": null, "revisions": []}

combined(hits, revisions) := outcome(live(hits), revisions)

# A Restrict that may be overridden gives way to the deciding Permit that names it.
live(hits) := hits if {
	not action.overriding
} else := [h | some h in hits; not overridden(h, hits)]

overridden(h, hits) if {
	some other in hits
	other.rule.overrides[h.rule.yields]
	every c in object.get(other.rule, "when", []) {
		holds(c)
	}
}

outcome(hits, revisions) := {
	"verdict": verdict,
	"reasons": reasons(hits, rank),
	"obligations": obligations(hits, rank),
} if {
	granted(hits)
	rank := max([h.rank | some h in hits])
	verdict := verdicts[rank]
} else := {
	"verdict": verdicts[rank],
	"reasons": observed_reasons(hits, rank),
	"obligations": obligations(hits, rank),
} if {
	not granted(hits)
	observed(revisions)
	rank := max(array.concat([0], [h.rank | some h in hits]))
} else := {
	"verdict": "deny",
	"reasons": array.concat(
		[{"code": "NO_PERMIT", "message": "No policy permits this call."}],
		reasons(hits, 4),
	),
	"obligations": no_obligations,
}

granted(hits) if {
	some h in hits
	h.rule.permit
}

# A tool that is only observed stays so until a revision that permits something on it takes part.
observed(revisions) if {
	tool.observe
	every revision in revisions {
		not revision.matched
	}
}

observed_reasons(_, 0) := [{
	"code": "UNMATCHED_OBSERVE",
	"message": "No policy is in force for this tool yet; the call is observed.",
}]

observed_reasons(hits, rank) := reasons(hits, rank) if rank > 0

reasons(hits, rank) := [reason | some h in hits; h.rank == rank; some reason in hit_reasons(h)]

hit_reasons(h) := [h.rule.reason] if {
	h.failed == []
} else := [condition_reason(h.rule, c) | some c in h.failed; c.bad == h.rank]

condition_reason(rule, c) := {
	"code": condition_code(c),
	"message": c.m,
	"policy": rule.policy,
	"rule": rule.name,
	"param": c.p,
} if {
	c.p
} else := {
	"code": condition_codes[c.k],
	"message": c.m,
	"policy": rule.policy,
	"rule": rule.name,
}

condition_code(c) := "PARAMETER_MISSING" if {
	c.k != "forbidden"
	not has_parameter(c.p)
} else := "PARAMETER_MALFORMED" if {
	not c.k in {"required", "forbidden"}
	not decidable(c)
} else := condition_codes[c.k]

condition_codes := {
	"amount": "ABOVE_MAXIMUM",
	"max": "ABOVE_MAXIMUM",
	"min": "BELOW_MINIMUM",
	"in": "NOT_IN_LIST",
	"one": "NOT_IN_LIST",
	"pattern": "PATTERN_MISMATCH",
	"length": "TOO_LONG",
	"required": "PARAMETER_MISSING",
	"forbidden": "PARAMETER_FORBIDDEN",
	"each": "ELEMENT_REFUSED",
	"path": "PATH_OUTSIDE",
	"host": "HOST_NOT_LISTED",
	"cidr": "ADDRESS_NOT_LISTED",
	"purpose": "PURPOSE_MISMATCH",
	"time": "OUTSIDE_TIME_WINDOW",
	"callers": "CALLER_NOT_ALLOWED",
	"depth": "CHAIN_TOO_DEEP",
	"origin": "ORIGIN_NOT_ALLOWED",
	"never": "CONTRACT_INCOMPLETE",
}

obligations(hits, rank) := {
	"redact": [change | some h in hits; sanitises(h); some change in h.rule.redact],
	"set": [change | some h in hits; sanitises(h); some change in h.rule.set],
	"limits": array.concat(action.limits, [limit | some h in hits; some limit in hit_limits(h)]),
	"approval": approval(hits, rank),
} if {
	action.obliging
} else := {"redact": [], "set": [], "limits": [], "approval": approval(hits, rank)}

# A rule that sanitises does so as well where the same call needs an approval.
sanitises(h) if h.rank == 1

sanitises(h) if {
	h.rank == 3
	h.rule.ok == 1
}

sanitises(h) if {
	h.rank == 3
	some c in h.failed
	c.bad == 1
}

# A call that its own rule sends to a person is charged, but not refused, by that rule's limits.
hit_limits(h) := h.rule.limits if {
	h.rank < 3
} else := [object.union(limit, {"chargeOnly": true}) | some limit in h.rule.limits] if {
	h.rank == 3
}

approval(hits, 3) := {
	"risk": risks[max([h.rule.risk | some h in hits])],
	"rules": [h.rule.id | some h in hits; h.rank == 3],
}

approval(_, rank) := null if rank != 3
