import type { ActionContract, ToolContract } from '../../policy/mapping/contract.ts';
import { type ActionPlan, planAction } from './action-plan.ts';
import type { SelectorNames, ToolRouter } from './action-router.ts';
import { type BodyMode, bodyMode } from './body-mode.ts';
import { canonicalTarget, encodedSlash } from './canonical-path.ts';
import { parseJsonBody } from './json-text.ts';
import { parseMultipart } from './multipart.ts';
import { type Pairs, parsePairs } from './pairs.ts';
import { scaleDigits, toPolicyUnits } from './parameter-value.ts';
import { decodeUtf8 } from './percent.ts';
import { type Params, readHeaderParams, readJsonBody, readPairs, readPath } from './read-fields.ts';
import { readMultipart } from './read-multipart.ts';
import { MappingError, type MappingRefusal, refuse } from './refusal.ts';
import { checkRefusedHeaders } from './refused-headers.ts';
import { type BodyKind, type BodyType, bodyType, type HeaderMap, readHeaders } from './request-headers.ts';

/** What is known of a request before its body. `target` is relative to the tool's base URL and starts with `/`. */
export interface RequestHead {
  method: string;
  target: string;
  /** Alternating names and values, as node:http gives them. */
  rawHeaders: readonly string[];
  /** A body follows: Content-Length is above 0, or there is a Transfer-Encoding. */
  hasBody: boolean;
  /** Host that the call goes to, where the client itself named it; else the one of the contract's URL. */
  host?: string;
}

/** A request as received, complete; `body` is undefined where there is none, or where it is not read. */
export interface RawRequest {
  method: string;
  target: string;
  rawHeaders: readonly string[];
  body: Uint8Array | undefined;
}

/** A request whose head is understood; its parameters in the body, and the units of amounts, are still to come. */
export interface MappedHead {
  action: ActionContract;
  bodyMode: BodyMode;
  type: BodyType;
  plan: ActionPlan;
  path: string;
  /** Canonical path and query: what is forwarded. */
  target: string;
  /** From path, query and headers, in wire units. */
  params: Params;
}

/** A request understood as a tool call. */
export interface MappedCall {
  action: ActionContract;
  /** Parameters by name, in policy units. */
  params: Params;
  /** Canonical path and query: what is forwarded. */
  target: string;
  /** Everything that a rewrite (sanitize) needs to write the request again. */
  source: RequestSource;
}

export interface RequestSource {
  plan: ActionPlan;
  path: string;
  bodyMode: BodyMode;
  /** `none` also where the body is empty. */
  kind: BodyKind;
  /** Of a multipart body. */
  boundary: string | undefined;
}

export type HeadResult = { ok: true; head: MappedHead } | { ok: false; refusal: MappingRefusal; action?: string };
export type MappingResult = { ok: true; call: MappedCall } | { ok: false; refusal: MappingRefusal; action?: string };

export interface MappingLimits {
  /** Largest body that is read before the decision, in bytes. */
  maxBody: number;
}

export const DEFAULT_MAPPING_LIMITS: MappingLimits = { maxBody: 1024 * 1024 };
/** No action of a contract can have this name. */
export const UNMATCHED_ACTION = '?';
const NO_PAIRS: Pairs = [];
const METHOD = /^[A-Z]{1,16}$/;

/** Amounts become policy units once every parameter is known, because the currency decides the unit. */
function scale(plan: ActionPlan, params: Params, deviations: Record<string, number> | undefined): void {
  const currency = plan.currency === undefined ? undefined : params[plan.currency.name];
  for (const parameter of plan.scaled) {
    const value = params[parameter.name];
    if (value === undefined) continue;
    params[parameter.name] = toPolicyUnits(parameter, value, scaleDigits(parameter, currency, deviations));
  }
}

function checkRequired(parameters: ActionPlan['required']['head'], params: Params): void {
  for (const { name } of parameters) {
    if (params[name] === undefined) refuse('AEGIS_MAPPING_MISSING', 'A required parameter is missing.', name);
  }
}

function selectorNames(pairs: Pairs, headers: HeaderMap): SelectorNames {
  return {
    query: new Set(pairs.map(([name]) => name)),
    headers: new Set([...headers.keys()].map((name) => name.replaceAll('_', '-'))),
  };
}

function understandHead(
  contract: ToolContract,
  request: RequestHead,
  route: ToolRouter['route'],
  modeOf: typeof bodyMode,
): MappedHead {
  if (!METHOD.test(request.method)) refuse('AEGIS_MAPPING_HEADER', 'The method is not a plain HTTP method.');
  const headers = readHeaders(request.rawHeaders);
  checkRefusedHeaders(headers, contract);
  const { segments, path, query } = canonicalTarget(request.target);
  const pairs = query === undefined ? NO_PAIRS : parsePairs(query, 'query');
  const { plan, pathValues } = route(request.method, segments, () => selectorNames(pairs, headers));
  const type = bodyType(headers, request.hasBody);
  const mode = modeOf(plan, request.method, type);
  const params: Params = Object.create(null);
  readPath(plan, pathValues, params);
  readHeaderParams(plan, headers, params);
  readPairs(plan, plan.query, pairs, 'query', params);
  checkRequired(plan.required.head, params);
  const target = query === undefined ? path : `${path}?${query}`;
  return { action: plan.action, bodyMode: mode, type, plan, path, target, params };
}

/** The bytes to read, if there are any: what the head announced must be what came. */
function bytesToRead(head: MappedHead, body: Uint8Array | undefined, { maxBody }: MappingLimits) {
  if (head.bodyMode === 'read' && body === undefined) refuse('AEGIS_MAPPING_BODY', 'The body was not read.');
  if (head.bodyMode === 'none' && body !== undefined && body.length > 0) {
    refuse('AEGIS_MAPPING_BODY', 'The request has a body although its head says that it has none.');
  }
  if (head.bodyMode !== 'read' || body === undefined || body.length === 0) return undefined;
  if (body.length > maxBody) refuse('AEGIS_MAPPING_TOO_LARGE', `The body is larger than ${maxBody} bytes.`);
  return body;
}

function readBody({ plan, type }: MappedHead, bytes: Uint8Array, params: Params): void {
  const { kind, boundary } = type;
  if (kind === 'form') readPairs(plan, plan.form, parsePairs(decodeUtf8(bytes, 'the form'), 'form'), 'form', params);
  else if (kind === 'json') readJsonBody(plan, parseJsonBody(bytes), params);
  else if (kind === 'multipart') readMultipart(plan, bytes, parseMultipart(bytes, boundary), params);
  else refuse('AEGIS_MAPPING_CONTENT_TYPE', 'A body of this content type cannot be read.');
}

function understandBody(
  router: ToolRouter,
  head: MappedHead,
  body: Uint8Array | undefined,
  limits: MappingLimits,
): MappedCall {
  const { action, plan, target, path, bodyMode: mode, type } = head;
  const bytes = bytesToRead(head, body, limits);
  // A copy: a head that is used again must not have its amounts scaled again.
  const params: Params = Object.assign(Object.create(null), head.params);
  if (bytes !== undefined) readBody(head, bytes, params);
  scale(plan, params, router.contract.currencyDigits);
  checkRequired(plan.required.body, params);
  const kind = bytes === undefined ? 'none' : type.kind;
  return { action, params, target, source: { plan, path, bodyMode: mode, kind, boundary: type.boundary } };
}

/** What is refused on purpose comes back as a value; anything else is a defect and stays thrown. */
function refusalOf(
  error: unknown,
  action: string | undefined,
): { ok: false; refusal: MappingRefusal; action?: string } {
  if (!(error instanceof MappingError)) throw error;
  return { ok: false, refusal: error.refusal, ...(action !== undefined && { action }) };
}

/**
 * First stage, without the body: which action, the parameters in path, query and headers, and how the body is to be
 * taken. Pure; never throws for what a client sends: whatever could be read in two ways, or is not what the contract
 * says, is a refusal with a code (and so never an allow).
 */
export function mapHead(router: ToolRouter, request: RequestHead): HeadResult {
  let action: string | undefined;
  try {
    const route: ToolRouter['route'] = (...args) => {
      const match = router.route(...args);
      action = match.plan.action.name;
      return match;
    };
    const head = understandHead(router.contract, request, route, bodyMode);
    return { ok: true, head };
  } catch (error) {
    return refusalOf(error, action);
  }
}

/**
 * A request that no action of the tool matches, as one of the action `?` whose body is not read. What could be read in
 * two ways is refused as ever.
 */
export function mapUnmatched(contract: ToolContract, request: RequestHead): HeadResult {
  const plan = planAction({
    name: UNMATCHED_ACTION,
    effect: 'irreversible',
    riskTier: contract.riskTier,
    match: null,
    undeclared: 'Allow',
    parameters: [],
  });
  try {
    const route: ToolRouter['route'] = (_, segments) => {
      if (segments.some((segment) => segment.includes('/'))) encodedSlash();
      return { plan, pathValues: new Map<string, string>() };
    };
    return { ok: true, head: understandHead(contract, request, route, () => (request.hasBody ? 'stream' : 'none')) };
  } catch (error) {
    return refusalOf(error, undefined);
  }
}

/** Second stage: `body` complete where its mode is `read`, undefined otherwise. Never throws either. */
export function mapBody(
  router: ToolRouter,
  head: MappedHead,
  body: Uint8Array | undefined,
  limits: MappingLimits = DEFAULT_MAPPING_LIMITS,
): MappingResult {
  try {
    return { ok: true, call: understandBody(router, head, body, limits) };
  } catch (error) {
    return refusalOf(error, head.action.name);
  }
}

/** Both stages, for a request that is there as a whole. */
export function mapRequest(
  router: ToolRouter,
  request: RawRequest,
  limits: MappingLimits = DEFAULT_MAPPING_LIMITS,
): MappingResult {
  const { method, target, rawHeaders, body } = request;
  const result = mapHead(router, { method, target, rawHeaders, hasBody: body !== undefined && body.length > 0 });
  return result.ok ? mapBody(router, result.head, body, limits) : result;
}
