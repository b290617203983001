import type { ErrorTable } from './error-table.ts';

/** What resources mean together. */
export const COMPILER_ERRORS = {
  AEGIS_UNKNOWN_AGENT: {
    summary: 'A policy names an agent that is not registered in its tenant.',
    fix: 'Correct the agentId, or add the AgentRegistration.',
  },
  AEGIS_UNKNOWN_TOOL: {
    summary: 'A policy or registration names a tool that does not exist.',
    fix: 'Correct the toolId, or add the AgentTool to the namespace or to the shared catalogue.',
  },
  AEGIS_UNKNOWN_ACTION: {
    summary: 'An action is named that no tool in scope has.',
    fix: 'Use the name of an action of the AgentTool, or add the action there.',
  },
  AEGIS_UNKNOWN_PARAMETER: {
    summary: 'A rule uses a parameter that the action does not declare.',
    fix: 'Use a declared parameter, declare it in the AgentTool, or name only actions that have it.',
  },
  AEGIS_UNRESOLVED_ROLE: {
    summary: 'A well-known key needs a parameter role that the action does not declare.',
    fix: 'Give the parameter its role in the AgentTool, or name only actions whose parameters have it.',
  },
  AEGIS_TYPE_MISMATCH: {
    summary: 'A condition, limit or change does not fit the type of its parameter.',
    fix: 'Use a condition for that type, or correct the parameter type in the AgentTool.',
  },
  AEGIS_REGEX: {
    summary: 'A pattern is not a valid RE2 expression, or it is too large.',
    fix: 'Write it in RE2 syntax: no back-references, no look-around, at most 512 characters.',
  },
  AEGIS_REGEX_UNANCHORED: {
    summary: 'A pattern matches anywhere inside the value.',
    fix: 'Anchor it: ^…$ for the whole value, or ^.*….*$ where a part is meant.',
  },
  AEGIS_CIDR: {
    summary: 'Not an address block in CIDR notation.',
    fix: 'Write four plain decimal octets or an IPv6 address, and a prefix length: 10.0.0.0/8, fd00::/8.',
  },
  AEGIS_TIME_ZONE: {
    summary: 'A time zone that the IANA database does not know.',
    fix: 'Use a name such as Europe/Berlin or UTC.',
  },
  AEGIS_CONTRADICTION: {
    summary: 'Conditions of one rule can never hold together.',
    fix: 'Remove or correct one of the conditions.',
  },
  AEGIS_INVERTED_RULE: {
    summary: 'A rule is milder where its conditions fail than where they hold.',
    fix: 'Give failureAction or onFail a verdict that is at least as strict as the outcome.',
  },
  AEGIS_UNREACHABLE_RULE: {
    summary: 'A rule can never apply.',
    fix: 'Move it before the rule that fits every call, give that rule a `when`, or remove it.',
  },
  AEGIS_ALWAYS_DENIES: {
    summary: 'Policies that bind the same action leave no call that all of them allow.',
    fix: 'Correct one of them, or mark the wider Restrict overridable and override it.',
  },
  AEGIS_CONFLICT: {
    summary: 'A rule permits what another one always denies.',
    fix: 'Remove one of the two, or mark the Restrict overridable and name it in `overrides`.',
  },
  AEGIS_OVERRIDE: {
    summary: 'An override that is not permitted.',
    fix: 'Name namespace/policy/rule of an overridable Restrict whose scope is strictly wider.',
  },
  AEGIS_PLATFORM_PERMIT: {
    summary: "A Permit in the operator's namespace.",
    fix: 'Make it a Restrict, or move the policy to the tenant that it grants to.',
  },
  AEGIS_DUPLICATE_ID: {
    summary: 'An id or namespace is taken by an older resource of the tenant or by the shared catalogue.',
    fix: 'Choose another id, or remove one of the two.',
  },
  AEGIS_UNREGISTERED_CALLER: {
    summary: 'acceptsFrom names a caller without a registration.',
    fix: 'Correct the name, or register the caller.',
  },
} as const satisfies ErrorTable;
