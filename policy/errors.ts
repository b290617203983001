/**
 * The one registry of error codes. Every error or finding that a user can meet has a stable code here, with a
 * one-line meaning and what to do about it. Codes are never renamed or reused.
 */
export const ERRORS = {
  // --- internal
  AEGIS_INTERNAL: {
    summary: 'A defect in Aegis itself.',
    fix: 'Report it with the message; the call was not allowed.',
  },
  // --- sources: YAML, JSON, files
  AEGIS_YAML_SYNTAX: {
    summary: 'The text is not valid YAML 1.2.',
    fix: 'Correct the marked place; check indentation (no tabs), quotes and brackets.',
  },
  AEGIS_RESOURCE_JSON: {
    summary: 'The text of a .json source is not valid JSON.',
    fix: 'Correct the marked place; comments and trailing commas are not JSON.',
  },
  AEGIS_YAML_DUPLICATE_KEY: {
    summary: 'A mapping has the same key twice, and parsers disagree which one counts.',
    fix: 'Remove or rename one of the two.',
  },
  AEGIS_YAML_VALUE: {
    summary: 'A value that parsers read differently, or that would not be kept exactly.',
    fix: 'Write it as a quoted string, or as a plain JSON number, without tags and merge keys.',
  },
  AEGIS_YAML_AMBIGUOUS: {
    summary: 'A plain word or number that YAML 1.1 parsers such as kubectl read differently.',
    fix: 'Put it in quotes.',
  },
  AEGIS_YAML_CHARACTER: {
    summary: 'An invisible or control character.',
    fix: 'Remove it, or write it as an escape in a double-quoted string.',
  },
  AEGIS_YAML_LIMIT: {
    summary: 'The text is larger, deeper or uses more aliases than is accepted.',
    fix: 'Split it into several documents or files, and write aliases out.',
  },
  AEGIS_RESOURCE_SHAPE: {
    summary: 'The document is not a Kubernetes resource.',
    fix: 'Give it apiVersion, kind and metadata.name.',
  },
  AEGIS_RESOURCE_KIND_UNKNOWN: {
    summary: 'There is no such kind in aegis.dev.',
    fix: 'Correct the kind, e.g. AgentPolicy, AgentRegistration, AgentTool or AgentTenant.',
  },
  AEGIS_RESOURCE_VERSION_UNKNOWN: {
    summary: 'This version of aegis.dev is not known.',
    fix: 'Write apiVersion: aegis.dev/v1alpha1.',
  },
  AEGIS_RESOURCE_FOREIGN: {
    summary: 'The resource belongs to someone else and is skipped.',
    fix: 'Nothing, unless it was meant for Aegis: then correct its apiVersion.',
  },
  AEGIS_RESOURCE_DUPLICATE: {
    summary: 'The same resource is defined twice.',
    fix: 'Remove one of the two definitions.',
  },
  AEGIS_FILE_NOT_FOUND: {
    summary: 'There is no such file or folder.',
    fix: 'Check the path; it is resolved from the current folder.',
  },
  AEGIS_FILE_UNREADABLE: {
    summary: 'The file cannot be read, or is not UTF-8 text.',
    fix: 'Check its permissions and its encoding.',
  },
  AEGIS_FILE_TOO_LARGE: {
    summary: 'The file, or all files together, are larger than is accepted.',
    fix: 'Split it, or name fewer files.',
  },
  AEGIS_FILE_OUTSIDE_ROOT: {
    summary: 'A symbolic link leads out of the folder that was named.',
    fix: 'Copy the file into the folder, or name it as a path of its own.',
  },
  // --- sources (end)

  // --- gateway: raw request → tool call (begin)
  AEGIS_MAPPING_CONTRACT: {
    summary: 'The tool contract cannot map requests without a doubt.',
    fix: 'Correct the action or parameter of the AgentTool that the message names.',
  },
  AEGIS_MAPPING_UNKNOWN_TOOL: {
    summary: 'The agent has no such tool.',
    fix: 'Add the toolId to spec.tools of the AgentRegistration, and an AgentTool of that id.',
  },
  AEGIS_MAPPING_UNMAPPED: {
    summary: 'No action of the tool matches the method and path of the request.',
    fix: 'Add an action with this method and path template to the AgentTool, if agents may call it at all.',
  },
  AEGIS_MAPPING_PATH: {
    summary: 'The request path could be read in more than one way (dot segments, encoded slashes, double encoding…).',
    fix: 'Send the path in its plain form: one level of percent-encoding, no empty or dot segments.',
  },
  AEGIS_MAPPING_HEADER: {
    summary: 'A header could change what the tool makes of the request (method or URL override, repeated header).',
    fix: 'Send the real method and path, and each of these headers at most once.',
  },
  AEGIS_MAPPING_DUPLICATE: {
    summary: 'A parameter occurs twice, so gateway and tool might read different values.',
    fix: 'Send each parameter once, in the one place that the tool contract names.',
  },
  AEGIS_MAPPING_UNDECLARED: {
    summary: 'The request holds a field that the tool contract does not name.',
    fix: 'Declare the field as a parameter of the action, or set undeclared: Allow if it cannot matter.',
  },
  AEGIS_MAPPING_MISTYPED: {
    summary: 'A parameter is not of the type, unit or currency that the tool contract says.',
    fix: 'Send the value in the declared wire type, plainly written, with a known currency.',
  },
  AEGIS_MAPPING_MISSING: {
    summary: 'A required parameter is missing.',
    fix: 'Send the parameter, or make it optional in the AgentTool.',
  },
  AEGIS_MAPPING_CONTENT_TYPE: {
    summary: 'The body is of a content type or encoding that the action does not expect.',
    fix: 'Send the declared content type once, in UTF-8, without Content-Encoding.',
  },
  AEGIS_MAPPING_ENCODING: {
    summary: 'Percent-encoding or UTF-8 in the request is malformed, or a control character is hidden in it.',
    fix: 'Send well-formed UTF-8 without control characters.',
  },
  AEGIS_MAPPING_BODY: {
    summary: 'The body is not well-formed, too deep, or ended early.',
    fix: 'Send one complete, well-formed body.',
  },
  AEGIS_MAPPING_TOO_LARGE: {
    summary: 'The request is larger than the gateway reads before it decides.',
    fix: 'Send less, or raise the body cap of the gateway.',
  },
  // --- gateway: raw request → tool call (end)

  // --- gateway: listeners and upstream (begin)
  AEGIS_NO_BUNDLE: {
    summary: 'No verified bundle is active, so every call is refused.',
    fix: 'See /health and the log for why no bundle was activated.',
  },
  AEGIS_REQUEST_REFUSED: {
    summary: 'The request to the decision endpoint is not acceptable (Host, method, content type, size).',
    fix: 'POST application/json to a loopback name, below the size limit.',
  },
  AEGIS_DECISION_UNKNOWN: {
    summary: 'No decision with this id is remembered; only the most recent ones are.',
    fix: 'Ask sooner, or look in the decision log.',
  },
  AEGIS_UPSTREAM_UNKNOWN: {
    summary: 'The tool has no upstream URL to forward to.',
    fix: 'Set spec.upstream.url of the AgentTool, or override the upstream of the tool.',
  },
  AEGIS_UPSTREAM_CONNECT: {
    summary: 'The tool could not be reached; nothing was sent to it.',
    fix: 'Check that the upstream of the tool is up and reachable from the gateway.',
  },
  AEGIS_UPSTREAM_TIMEOUT: {
    summary: 'The tool did not answer in time; whether it acted is unknown.',
    fix: 'Look the outcome up at the tool before trying again.',
  },
  AEGIS_UPSTREAM_FAILED: {
    summary: 'The connection to the tool broke after the call was sent; whether it acted is unknown.',
    fix: 'Look the outcome up at the tool before trying again.',
  },
  // --- gateway: listeners and upstream (end)
  // --- bundle: canonical JSON, keys, signed bundles (policy/bundle)
  AEGIS_JSON_VALUE: {
    summary: 'A value has no canonical JSON form (NaN, undefined, negative zero, unsafe integer, lone surrogate …).',
    fix: 'Correct the field that the message names; write exact or very large numbers as a decimal string.',
  },
  AEGIS_BUNDLE_JSON: {
    summary: 'A document of the bundle is not strict JSON (syntax, duplicate key, invalid UTF-8, nesting too deep).',
    fix: 'Produce the file again with `aegis compile`; do not edit compiled files by hand.',
  },
  AEGIS_KEY_FORMAT: {
    summary: 'A key file is not an Ed25519 key in PEM form (PKCS#8 private, SPKI public).',
    fix: 'Create a pair with `aegis keygen`; check that private and public file are not swapped.',
  },
  AEGIS_KEY_RING: {
    summary: 'The list of trusted keys is empty or malformed.',
    fix: 'Give at least one public key; each id must be the digest of its key, each window must end after its start.',
  },
  AEGIS_BUNDLE_INPUT: {
    summary: 'What should be built or signed is not a valid bundle (agent id, engine, times, sequence …).',
    fix: 'Correct the argument that the message names; nothing was signed.',
  },
  AEGIS_BUNDLE_SIGNATURE_MISSING: {
    summary: 'The bundle, or its head, carries no signature.',
    fix: 'Publish the output of `aegis sign`, not of `aegis compile`; if it was signed, somebody stripped it.',
  },
  AEGIS_BUNDLE_SIGNATURE_INVALID: {
    summary: 'A signature does not verify with the key that it names.',
    fix: 'Do not deploy it. Fetch it again; if it still fails, find out who published it.',
  },
  AEGIS_BUNDLE_SIGNATURE_MULTIPLE: {
    summary: 'More than one signature, or a second signatures file, in one bundle.',
    fix: 'Publish a bundle with exactly one JWT in exactly one `.signatures.json`.',
  },
  AEGIS_BUNDLE_ALGORITHM: {
    summary: 'The signature, or a file digest, uses an algorithm that is not accepted.',
    fix: 'Sign with Ed25519 (EdDSA) and SHA-256 or stronger; `none` and HMAC are attacks, never a configuration.',
  },
  AEGIS_BUNDLE_KEY_UNKNOWN: {
    summary: 'The bundle is signed by a key that is not trusted here.',
    fix: 'After a rotation: trust the new public key first, then publish. Otherwise find out who signed it.',
  },
  AEGIS_BUNDLE_KEY_REVOKED: {
    summary: 'The bundle is signed by a revoked key.',
    fix: 'Sign again with a key that is in force. If a gateway has no other bundle it stays closed until then.',
  },
  AEGIS_BUNDLE_KEY_WINDOW: {
    summary: 'The signing key was not in force at the time (before notBefore or after notAfter).',
    fix: 'Sign with the current key, or extend the overlap of the old key in the key ring; check the clocks.',
  },
  AEGIS_BUNDLE_EXPIRED: {
    summary: 'The signed head has expired.',
    fix: 'Check that the operator runs (it renews heads) and that the clocks are right; or sign again by hand.',
  },
  AEGIS_BUNDLE_FUTURE: {
    summary: 'The signed head was issued in the future.',
    fix: 'Compare the clocks of the publisher and this machine (NTP); the difference is larger than the allowed skew.',
  },
  AEGIS_BUNDLE_SEQUENCE: {
    summary: 'The bundle is older than what this gateway already has or must have (rollback).',
    fix: 'Publish the old content under a new, higher sequence (`aegis rollback`); a gateway never goes back.',
  },
  AEGIS_BUNDLE_SEQUENCE_CONFLICT: {
    summary: 'Two different contents carry the same sequence.',
    fix: 'Two publishers are at work, or a backup was restored: stop one, publish above the highest sequence.',
  },
  AEGIS_BUNDLE_HEAD_OLDER: {
    summary: 'The head has the same sequence but was issued earlier than the one in force (replay).',
    fix: 'Once is a lagging replica. If it persists, look at the cache or mount that serves it.',
  },
  AEGIS_BUNDLE_FROZEN: {
    summary: 'New content was offered while the tenant is frozen.',
    fix: 'Lift the freeze (`aegis unfreeze`) before publishing; suspensions and revocations still pass.',
  },
  AEGIS_BUNDLE_TENANT: {
    summary: 'The bundle belongs to another tenant.',
    fix: 'Check the bundle address and the tenant of the agent’s namespace; do not copy bundles between tenants.',
  },
  AEGIS_BUNDLE_TENANT_UID: {
    summary: 'The tenant has the right name but another uid (deleted and created again, or another cluster).',
    fix: 'Restart the agent’s pods so that the webhook pins the new uid, or publish from the right cluster.',
  },
  AEGIS_BUNDLE_AGENT: {
    summary: 'The bundle, or slice, is not for this agent.',
    fix: 'Check that the agent is registered in this tenant and that the pod asks for its own agent id.',
  },
  AEGIS_BUNDLE_DIGEST: {
    summary: 'A file does not have the content that was signed.',
    fix: 'Fetch the bundle again; if it still fails the store or the transport changes it. The last good bundle stays.',
  },
  AEGIS_BUNDLE_PROOF: {
    summary: 'A file of the slice is not proven to be part of the signed content.',
    fix: 'Head and slice come from different bundles or the slice was changed: fetch both again together.',
  },
  AEGIS_BUNDLE_MISMATCH: {
    summary: 'Parts of different bundles were put together (head, signatures and files disagree).',
    fix: 'Fetch the whole bundle again; publish head and files together.',
  },
  AEGIS_BUNDLE_MANIFEST: {
    summary: 'The signed head is malformed (unknown or missing field, wrong type, not canonical).',
    fix: 'Sign with a version of Aegis that this gateway knows; upgrade gateways before publishers.',
  },
  AEGIS_BUNDLE_FILE_EXTRA: {
    summary: 'The bundle contains a file that does not belong there.',
    fix: 'Remove the file and build the bundle again with `aegis compile` and `aegis sign`.',
  },
  AEGIS_BUNDLE_FILE_MISSING: {
    summary: 'A file that was signed, or that is needed, is missing.',
    fix: 'Fetch the bundle again; publish all files of one `aegis compile` together.',
  },
  AEGIS_BUNDLE_FILE_DUPLICATE: {
    summary: 'Two entries of the archive have the same name.',
    fix: 'Treat it as hostile; build the archive with `aegis sign`, not by appending to it.',
  },
  AEGIS_BUNDLE_DELTA: {
    summary: 'A delta bundle (patch.json) was offered; deltas carry no signature.',
    fix: 'Publish full bundles; a changed slice costs only that slice.',
  },
  AEGIS_BUNDLE_PATH: {
    summary: 'A file name is not a plain relative name (absolute, `..`, backslash, NUL, upper case, too long).',
    fix: 'Treat it as hostile; build the archive with `aegis sign`.',
  },
  AEGIS_BUNDLE_LINK: {
    summary: 'The archive contains something other than a plain file (link, device, directory, extended header).',
    fix: 'Treat it as hostile; build the archive with `aegis sign`, not with tar.',
  },
  AEGIS_BUNDLE_TRUNCATED: {
    summary: 'The bundle ends too early.',
    fix: 'Fetch it again; check disk space and the size limits of proxies and ConfigMaps on the way.',
  },
  AEGIS_BUNDLE_CORRUPT: {
    summary: 'The archive is damaged, or not in the one form that Aegis writes.',
    fix: 'Fetch it again; do not repack it with tar or gzip.',
  },
  AEGIS_BUNDLE_TOO_LARGE: {
    summary: 'The bundle, or a file in it, is larger than allowed (or a decompression bomb).',
    fix: 'If it is your own, raise the bundle limits or split the tenant; otherwise treat it as hostile.',
  },
  // --- end of bundle

  // --- validation: schema and CEL rules of one resource (begin)
  AEGIS_SCHEMA_TYPE: {
    summary: 'A value is of the wrong type, or a field is left empty.',
    fix: 'Write a value of the type that the field has, or remove the field.',
  },
  AEGIS_SCHEMA_REQUIRED: {
    summary: 'A required field is missing.',
    fix: 'Add the field; docs/reference.md describes it.',
  },
  AEGIS_SCHEMA_VALUE: {
    summary: 'A value is not one of those that the field may have, or not of the form it must have.',
    fix: 'Write one of the values, or the form, that the message names.',
  },
  AEGIS_SCHEMA_BOUNDS: {
    summary: 'A number, text, list or mapping is smaller or larger than is accepted.',
    fix: 'Stay within the bound that the message names; split what is too large.',
  },
  AEGIS_SCHEMA_DUPLICATE: {
    summary: 'Two entries of a list that must differ are the same.',
    fix: 'Remove or rename one of the two.',
  },
  AEGIS_UNKNOWN_FIELD: {
    summary: 'There is no such field. It is refused because ignoring it could allow more than was meant.',
    fix: 'Correct the spelling or the place of the field; docs/reference.md lists the fields of each kind.',
  },
  AEGIS_METADATA: {
    summary: 'A name, namespace, label or annotation is not acceptable to Kubernetes.',
    fix: 'Use lower-case letters, digits and - (and . in names); begin and end with a letter or digit.',
  },
  AEGIS_CEL_RULE: {
    summary: 'The fields of the resource contradict each other, by a rule of its schema.',
    fix: 'Do what the message says.',
  },
  AEGIS_CEL_ERROR: {
    summary: 'A rule of the schema could not be evaluated on this resource, so the resource is not accepted.',
    fix: 'Correct the other findings first; if there are none, report it as a defect.',
  },
  // --- validation: schema and CEL rules of one resource (end)

  // --- compiler: what resources mean together
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
  // --- decision input and evaluation
  AEGIS_INPUT_SYNTAX: {
    summary: 'The decision input is not JSON (RFC 8259) in UTF-8.',
    fix: 'Send one JSON object, with nothing before or after it.',
  },
  AEGIS_INPUT_DUPLICATE_KEY: {
    summary: 'An object of the decision input has the same key twice.',
    fix: 'Send each key once; parsers disagree which one counts.',
  },
  AEGIS_INPUT_DEPTH: {
    summary: 'The decision input is nested too deeply.',
    fix: 'Pass only the parameters that policies speak of, not whole documents.',
  },
  AEGIS_INPUT_TOO_LARGE: {
    summary: 'The decision input has too many bytes, values or characters in one string.',
    fix: 'Pass only the parameters that policies speak of, not whole bodies.',
  },
  AEGIS_INPUT_NUMBER: {
    summary: 'A number that would not be compared exactly.',
    fix: 'Send integers of at most 64 bits or decimals of at most 18 significant digits, or send a string.',
  },
  AEGIS_INPUT_STRING: {
    summary: 'A string with a control character or an unpaired surrogate.',
    fix: 'Escape control characters and send valid Unicode.',
  },
  AEGIS_INPUT_KEY: {
    summary: 'A key that is not allowed in a decision input.',
    fix: 'Rename the key; __proto__ is refused everywhere.',
  },
  AEGIS_INPUT_FIELD: {
    summary: 'A field of the decision input is unknown or has the wrong type.',
    fix: 'Compare the input with docs/decision-contract.md.',
  },
  AEGIS_INPUT_MISSING: {
    summary: 'The decision input lacks a required field.',
    fix: 'Send agent, tool, action and params.',
  },
  AEGIS_ENGINE_ABI: {
    summary: 'The policy module is not a WebAssembly module that this version can run.',
    fix: 'Compile it with `opa build -t wasm` of the pinned OPA version.',
  },
  AEGIS_ENGINE_BUILTIN: {
    summary: 'The policy module needs a builtin that the gateway does not have.',
    fix: 'Compile it with the capabilities file of this repository, which refuses such builtins.',
  },
  AEGIS_ENGINE_ENTRYPOINT: {
    summary: 'The policy module lacks the entrypoint.',
    fix: 'Compile it with `-e aegis/decision`.',
  },
  AEGIS_EVALUATOR_DATA: {
    summary: 'The data of the bundle cannot be loaded into the evaluator.',
    fix: 'Check that the data are one JSON object and within the memory limit.',
  },
  AEGIS_EVALUATION_UNDEFINED: {
    summary: 'The policy gave no decision for the input.',
    fix: 'The call was not allowed. Report it with the input; the shared policy decides every valid input.',
  },
  AEGIS_EVALUATION_FAILED: {
    summary: 'The evaluation was aborted: out of memory, or a defect of the policy module.',
    fix: 'The call was not allowed. Send a smaller input, or report it with the message.',
  },

  // --- activation
  AEGIS_ACTIVATION: {
    summary: 'A verified bundle could not be made active; the last good one stays in force.',
    fix: 'Compile and sign the bundle again with this version of Aegis.',
  },

  // --- command line
  AEGIS_USAGE: { summary: 'The command line is not usable.', fix: 'See the --help of the command.' },
  AEGIS_PORT_IN_USE: {
    summary: 'A port on 127.0.0.1 cannot be opened.',
    fix: 'End the program that uses it, or choose another one with --decisions-port or --proxy-port.',
  },
  AEGIS_NO_RESOURCES: {
    summary: 'There is no Aegis resource in what was named, so nothing was checked.',
    fix: 'Name the files or folders that hold the policies; folders are searched for .yaml, .yml and .json files.',
  },
  AEGIS_NO_TESTS: {
    summary: 'There is no test vector to run, so nothing was tested.',
    fix: 'Write spec.tests in an AgentPolicy, or a TestSuite, and check the pattern given to --run.',
  },
  AEGIS_SERVER_UNREACHABLE: {
    summary: 'The running gateway could not be asked about a decision.',
    fix: 'Start `aegis run`, or name its address with --server; decisions are remembered as long as it runs.',
  },
  AEGIS_OUTPUT_EXISTS: {
    summary: 'The place to write to holds something else.',
    fix: 'Choose another place, or remove what is there.',
  },
  AEGIS_OUTPUT_UNWRITABLE: {
    summary: 'A file cannot be written.',
    fix: 'Check the path, its permissions and the space left.',
  },
} as const satisfies Record<string, { summary: string; fix: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Where in a source something stands. Lines and columns count from 1. */
export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

export type Severity = 'error' | 'warning' | 'info';

/** One thing that is wrong with a resource, found offline or by the operator. */
export interface Finding {
  code: ErrorCode;
  severity: Severity;
  /** What is wrong, in one sentence, without secret values. */
  message: string;
  /** What to do; the registry's text where nothing more precise is known. */
  fix?: string;
  /** `Kind namespace/name` of the resource it is about. */
  resource?: string;
  /** JSON path inside the resource, e.g. `spec.rules[0].conditions.maxAmount`. */
  field?: string;
  location?: SourceLocation;
}

/** The only error class that is thrown on purpose: a registered code, a message, and optionally a place. */
export class AegisError extends Error {
  readonly code: ErrorCode;
  readonly location: SourceLocation | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; location?: SourceLocation } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AegisError';
    this.code = code;
    this.location = options.location;
  }

  /** What the user can do about it. */
  get fix(): string {
    return ERRORS[this.code].fix;
  }
}
