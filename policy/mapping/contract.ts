import type { LimitObligation, RiskTier } from '../decision/types.ts';
import { AegisError } from '../errors.ts';
import type {
  AgentToolSpec,
  DenialShape as DenialSpec,
  Sanitize,
  ToolAction,
  ToolParameter,
} from '../resources/types.generated.ts';
import { responseTargetProblem } from '../sanitize/detectors.ts';
import { parseTemplate, templateShape } from './path-template.ts';

/**
 * The contract of one tool as a bundle carries it: everything a gateway must know to turn a raw request into a tool
 * call and to answer in the tool's own manner. Plain JSON, no references, so a gateway needs no Kubernetes.
 */

export type Effect = 'read' | 'write' | 'irreversible';
export type ParameterPlace = 'path' | 'query' | 'header' | 'form' | 'json' | 'body' | 'multipart' | 'context';
export type WireType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
export type DenialShape =
  | 'Problem'
  | 'Stripe'
  | 'GitHub'
  | 'OpenAI'
  | 'Google'
  | 'Slack'
  | 'FHIR'
  | 'Kubernetes'
  | 'S3';

export interface DenialContract {
  shape: DenialShape;
  members?: Record<string, string>;
}

export interface ParameterContract {
  name: string;
  in: ParameterPlace;
  /** Name on the wire; for `in: json` an RFC 6901 pointer; for `in: header` lower case. */
  wire: string;
  type: WireType;
  items?: WireType;
  role?: string;
  /** Wire units per policy unit: by the currency's minor units, or `10^n`. */
  scale?: 'byCurrency' | number;
  case?: 'upper' | 'lower';
  format?: string;
  required?: boolean;
  sensitive?: boolean;
}

/** A credential that the gateway adds to every call, read from a file that only the gateway can see. */
export interface CredentialContract {
  /** Key in the Secret, which is the name of the file. */
  key: string;
  in: 'header' | 'query';
  /** Name of the header or query parameter. */
  field: string;
  /** Text before the credential. */
  prefix: string;
}

/** How the gateway verifies the tool (RFC 9110 section 4.3.4). */
export interface UpstreamTls {
  serverName?: string;
  /** Key of the file with the authorities (PEM) to trust instead of the system's. */
  caKey?: string;
  minVersion: 'TLS1.2' | 'TLS1.3';
}

export interface UpstreamContract {
  url?: string;
  hosts: string[];
  region?: string;
  tls?: UpstreamTls;
  credential?: CredentialContract;
}

/** How the tool itself recognises a retry: the header with the key (lower case), and how long it remembers one. */
export interface IdempotencyContract {
  header: string;
  window: string;
}

/** Method and path template, and what must be there besides: query fields, and headers in lower case. */
export interface PathMatch {
  method: string;
  path: string;
  query?: string[];
  headers?: string[];
}

export interface ActionContract {
  name: string;
  effect: Effect;
  riskTier: RiskTier;
  /** How a request is recognised; `null` where nothing on the wire is this action. */
  match: PathMatch | { mcpTool: string } | null;
  /** Fields of query and body that no parameter names. */
  undeclared: 'Refuse' | 'Allow';
  parameters: ParameterContract[];
  /** Estimated cost of one call; integer or decimal string. */
  cost?: number | string;
  /** The body is forwarded unread; no parameter comes from it. */
  body?: 'Stream';
  /** The request may become a WebSocket. */
  webSocket?: true;
  /** What is changed in every call, whatever the verdict. */
  sanitize?: Sanitize;
  /** Instead of the tool's. */
  denial?: DenialContract;
}

export interface ToolContract {
  tool: string;
  protocol: 'HTTP' | 'MCP' | 'Agent';
  riskTier: RiskTier;
  upstream: UpstreamContract;
  denial: DenialContract;
  /** Minor-unit digits where this API departs from ISO 4217 (PSPs do), by currency code. */
  currencyDigits?: Record<string, number>;
  /** Absent where a retry is another call. */
  idempotency?: IdempotencyContract;
  /** Headers with which every call is refused, in lower case; `*` at the end stands for any rest. */
  refuseHeaders?: string[];
  /**
   * Only in the slice of an agent whose registration says `unmatched: Observe`, for as long as nothing enforced binds
   * the tool: a request that no action matches passes, is recorded, and is charged to these limits.
   */
  unmatched?: { limits: readonly LimitObligation[] };
  actions: ActionContract[];
}

/** True where policies see a number although the wire has a string: amounts, and whatever has a scale. */
export function holdsDecimal(parameter: Pick<ParameterContract, 'type' | 'role' | 'scale'>): boolean {
  return parameter.type === 'string' && (parameter.role === 'amount' || parameter.scale !== undefined);
}

const METHOD = /^[A-Z]{1,16}$/;
/** RFC 9110 section 7.6.1, and what the gateway writes anew for the connection to the tool. */
export const PER_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const BODY_PLACES: ReadonlySet<ParameterPlace> = new Set(['form', 'json', 'body', 'multipart']);

function fail(toolId: string, message: string): never {
  throw new AegisError('AEGIS_MAPPING_CONTRACT', `Tool ${toolId}: ${message}`);
}

/** RFC 6901 section 3: reference tokens start with `/`, and `~` is only ever `~0` or `~1`. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function wireName(toolId: string, action: string, name: string, spec: ToolParameter): string {
  if (spec.in === 'json') {
    const pointer = spec.pointer ?? `/${escapeToken(spec.name ?? name)}`;
    if (!POINTER.test(pointer)) fail(toolId, `${action}.${name}: "${pointer}" is not a JSON pointer.`);
    return pointer;
  }
  const wire = spec.name ?? name;
  return spec.in === 'header' ? wire.toLowerCase() : wire;
}

function checkPlace(subject: string, toolId: string, wire: string, { in: place, format }: ToolParameter): void {
  if (place === 'header' && PER_CONNECTION.has(wire)) {
    fail(toolId, `${subject}: this header belongs to the connection and does not reach the tool as it was sent.`);
  }
  if (format === 'binary' && place !== 'multipart') {
    fail(toolId, `${subject}: format binary is for the files of multipart bodies.`);
  }
}

function compileParameter(toolId: string, action: string, name: string, spec: ToolParameter): ParameterContract {
  const { scale } = spec;
  if (typeof scale === 'string' && scale !== 'byCurrency') fail(toolId, `${action}.${name}: scale is not byCurrency.`);
  if (typeof scale === 'number' && !(Number.isInteger(scale) && Math.abs(scale) <= 18)) {
    fail(toolId, `${action}.${name}: scale ${scale} is not an integer from -18 to 18.`);
  }
  const type = spec.type ?? 'string';
  if (scale !== undefined && !['integer', 'number', 'string'].includes(type)) {
    fail(toolId, `${action}.${name}: only numbers, and strings that hold one, have a scale.`);
  }
  checkPlace(`${action}.${name}`, toolId, (spec.name ?? name).toLowerCase(), spec);
  if (spec.case !== undefined && type !== 'string') fail(toolId, `${action}.${name}: only strings have a case.`);
  return {
    name,
    in: spec.in,
    wire: wireName(toolId, action, name, spec),
    type,
    ...(spec.items !== undefined && { items: spec.items }),
    ...(spec.role !== undefined && { role: spec.role }),
    ...(scale !== undefined && { scale: typeof scale === 'number' ? scale : 'byCurrency' }),
    ...(spec.case !== undefined && { case: spec.case }),
    ...(spec.format !== undefined && { format: spec.format }),
    ...(spec.required === true && { required: true }),
    ...(spec.sensitive === true && { sensitive: true }),
  };
}

function compileMatch(
  toolId: string,
  protocol: AgentToolSpec['protocol'],
  action: ToolAction,
): ActionContract['match'] {
  const { method, path, mcpTool, operationId } = action.match ?? {};
  if (path !== undefined) {
    if (method === undefined || !METHOD.test(method)) fail(toolId, `${action.name}: match.path needs an HTTP method.`);
    parseTemplate(path, (message) => fail(toolId, `${action.name}: ${message}`));
    const { query, headers } = action.match ?? {};
    return {
      method,
      path,
      ...(query != null && { query: [...query].sort() }),
      ...(headers != null && { headers: headers.map((name) => name.toLowerCase()).sort() }),
    };
  }
  if (operationId != null) fail(toolId, `${action.name}: the operation "${operationId}" is not resolved.`);
  if (mcpTool !== undefined || protocol === 'MCP') return { mcpTool: mcpTool ?? action.name };
  return protocol === 'HTTP' ? fail(toolId, `${action.name}: match needs method and path, or operationId.`) : null;
}

/** Every placeholder of the path is a parameter; one that is not declared is a string. */
function addPlaceholders(
  toolId: string,
  action: string,
  match: ActionContract['match'],
  into: ParameterContract[],
): void {
  if (match === null || !('path' in match)) return;
  const names = parseTemplate(match.path).flatMap((segment) => ('param' in segment ? [segment.param] : []));
  for (const name of names) {
    if (into.some((parameter) => parameter.in === 'path' && parameter.wire === name)) continue;
    if (into.some((parameter) => parameter.name === name)) {
      fail(toolId, `${action}: {${name}} of the path is declared as a parameter from elsewhere.`);
    }
    into.push({ name, in: 'path', wire: name, type: 'string', required: true });
  }
  for (const parameter of into) {
    if (parameter.in === 'path' && !names.includes(parameter.wire)) {
      fail(toolId, `${action}.${parameter.name}: the path has no {${parameter.wire}}.`);
    }
  }
}

/** What a request is recognised by is a parameter, too. */
function addSelectors(toolId: string, action: string, match: ActionContract['match'], into: ParameterContract[]): void {
  if (match === null || !('path' in match)) return;
  const selectors = [
    ...(match.query ?? []).map((wire) => ['query', wire] as const),
    ...(match.headers ?? []).map((wire) => ['header', wire] as const),
  ];
  for (const [place, wire] of selectors) {
    if (into.some((parameter) => parameter.in === place && parameter.wire === wire)) continue;
    if (into.some((parameter) => parameter.name === wire)) {
      fail(toolId, `${action}: ${wire} of match is declared as a parameter from elsewhere.`);
    }
    into.push({ name: wire, in: place, wire, type: 'string', required: true });
  }
}

function checkParameters(toolId: string, action: string, parameters: ParameterContract[]): void {
  const seen = new Set<string>();
  for (const parameter of parameters) {
    const key = `${parameter.in} ${parameter.wire}`;
    if (seen.has(key)) fail(toolId, `${action}: two parameters are read from ${key}.`);
    seen.add(key);
  }
  const currencies = parameters.filter((parameter) => parameter.role === 'currency');
  if (parameters.some((parameter) => parameter.scale === 'byCurrency') && currencies.length !== 1) {
    fail(toolId, `${action}: scale byCurrency needs exactly one parameter with role currency.`);
  }
  const bodies = new Set(parameters.map((parameter) => parameter.in).filter((place) => BODY_PLACES.has(place)));
  if (bodies.size > 1)
    fail(toolId, `${action}: parameters come from ${[...bodies].sort().join(' and ')}; one body has one type.`);
}

function compileDenial(spec: DenialSpec | undefined): DenialContract | undefined {
  if (spec === undefined) return undefined;
  return { shape: spec.shape ?? 'Problem', ...(spec.members !== undefined && { members: spec.members }) };
}

function compileAction(toolId: string, spec: AgentToolSpec, action: ToolAction): ActionContract {
  const match = compileMatch(toolId, spec.protocol, action);
  const parameters = Object.entries(action.parameters ?? {}).map(([name, parameter]) =>
    compileParameter(toolId, action.name, name, parameter),
  );
  addPlaceholders(toolId, action.name, match, parameters);
  addSelectors(toolId, action.name, match, parameters);
  checkParameters(toolId, action.name, parameters);
  for (const change of action.sanitize?.response ?? []) {
    const problem = responseTargetProblem(change);
    if (problem !== undefined) fail(toolId, `${action.name}: ${problem}`);
  }
  if (action.body === 'Stream' && parameters.some((parameter) => BODY_PLACES.has(parameter.in))) {
    fail(toolId, `${action.name}: parameters come from the body, which is forwarded unread.`);
  }
  const denial = compileDenial(action.denial);
  return {
    name: action.name,
    effect: action.effect,
    riskTier: higher(spec.riskTier ?? 'medium', action.riskTier),
    match,
    undeclared: action.undeclared ?? (action.effect === 'read' ? 'Allow' : 'Refuse'),
    parameters: parameters.sort((a, b) => compareText(a.name, b.name)),
    ...(action.cost !== undefined && { cost: action.cost }),
    ...(action.body === 'Stream' && { body: 'Stream' as const }),
    ...(action.webSocket === 'Allow' && { webSocket: true as const }),
    ...(action.sanitize !== undefined && { sanitize: action.sanitize }),
    ...(denial !== undefined && { denial }),
  };
}

const RISKS: readonly RiskTier[] = ['low', 'medium', 'high', 'critical'];

function higher(tool: RiskTier, action: RiskTier = 'low'): RiskTier {
  return RISKS.indexOf(action) > RISKS.indexOf(tool) ? action : tool;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function checkActions(toolId: string, actions: ActionContract[]): void {
  const taken = new Map<string, string>();
  for (const { name, match } of actions) {
    if (match === null) continue;
    const key = 'path' in match ? JSON.stringify({ ...match, path: templateShape(match.path) }) : JSON.stringify(match);
    const other = taken.get(key);
    if (other !== undefined) fail(toolId, `actions ${other} and ${name} match the same requests.`);
    taken.set(key, name);
  }
}

function compileUpstream({ url, hosts = [], region, tls, credentialRef }: AgentToolSpec['upstream']): UpstreamContract {
  return {
    ...(url !== undefined && { url }),
    hosts: [...hosts].sort(),
    ...(region !== undefined && { region }),
    ...(tls != null && { tls: compileTls(tls) }),
    ...(credentialRef != null && { credential: compileCredential(credentialRef) }),
  };
}

function compileTls({ serverName, caRef, minVersion }: NonNullable<AgentToolSpec['upstream']['tls']>): UpstreamTls {
  return {
    ...(serverName != null && { serverName }),
    ...(caRef != null && { caKey: caRef.key ?? 'ca.crt' }),
    minVersion: minVersion ?? 'TLS1.2',
  };
}

function compileCredential(ref: NonNullable<AgentToolSpec['upstream']['credentialRef']>): CredentialContract {
  const field = ref.field ?? 'Authorization';
  const prefix = ref.prefix ?? (field.toLowerCase() === 'authorization' ? 'Bearer ' : '');
  return { key: ref.key ?? 'token', in: ref.in ?? 'header', field, prefix };
}

function compileIdempotency(spec: NonNullable<AgentToolSpec['idempotency']>): IdempotencyContract {
  return { header: (spec.header ?? 'Idempotency-Key').toLowerCase(), window: spec.window ?? '24h' };
}

/**
 * The contract of a tool from its AgentTool spec. Deterministic: actions and parameters are sorted by name, so that a
 * reordered list (list-maps have no order) changes no bundle.
 * @throws AegisError AEGIS_MAPPING_CONTRACT where the spec says something that cannot be mapped without a doubt.
 */
export function compileToolContract(toolId: string, spec: AgentToolSpec): ToolContract {
  const actions = (spec.actions ?? [])
    .map((action) => compileAction(toolId, spec, action))
    .sort((a, b) => compareText(a.name, b.name));
  checkActions(toolId, actions);
  return {
    tool: toolId,
    protocol: spec.protocol,
    riskTier: spec.riskTier ?? 'medium',
    upstream: compileUpstream(spec.upstream),
    denial: compileDenial(spec.denial) ?? { shape: 'Problem' },
    ...(spec.currencyDigits != null && { currencyDigits: spec.currencyDigits }),
    ...(spec.idempotency != null && { idempotency: compileIdempotency(spec.idempotency) }),
    ...(spec.refuseHeaders != null && { refuseHeaders: spec.refuseHeaders.map((name) => name.toLowerCase()).sort() }),
    actions,
  };
}
