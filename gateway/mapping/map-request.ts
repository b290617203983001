import type { ActionContract } from '../../policy/mapping/contract.ts';
import type { ActionPlan } from './action-plan.ts';
import type { ToolRouter } from './action-router.ts';
import { canonicalTarget } from './canonical-path.ts';
import { parseJsonBody } from './json-text.ts';
import { type Pairs, parsePairs } from './pairs.ts';
import { scaleDigits, toPolicyUnits } from './parameter-value.ts';
import { decodeUtf8 } from './percent.ts';
import { type Params, readHeaderParams, readJsonBody, readPairs, readPath } from './read-fields.ts';
import { MappingError, type MappingRefusal, refuse } from './refusal.ts';
import { type BodyKind, bodyKind, readHeaders } from './request-headers.ts';

/** A request as received, complete. `target` is relative to the tool's base URL and starts with `/`. */
export interface RawRequest {
  method: string;
  target: string;
  /** Alternating names and values, as node:http gives them. */
  rawHeaders: readonly string[];
  body: Uint8Array;
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
  segments: string[];
  path: string;
  query: Pairs;
  kind: BodyKind;
  form: Pairs;
  json: unknown;
}

export type MappingResult = { ok: true; call: MappedCall } | { ok: false; refusal: MappingRefusal; action?: string };

export interface MappingLimits {
  /** Largest body that is read before the decision, in bytes. */
  maxBody: number;
}

export const DEFAULT_MAPPING_LIMITS: MappingLimits = { maxBody: 1024 * 1024 };
const METHOD = /^[A-Z]{1,16}$/;

function checkBody(plan: ActionPlan, kind: BodyKind): void {
  if (kind === 'none') return;
  if (plan.multipart) refuse('AEGIS_MAPPING_CONTENT_TYPE', 'Multipart bodies cannot be mapped yet.');
  const declared = { form: plan.form.size > 0, json: plan.json.length > 0 };
  const expected =
    declared.form || declared.json
      ? (kind === 'form' && declared.form) || (kind === 'json' && declared.json)
      : (kind === 'form' || kind === 'json') && plan.action.undeclared === 'Allow';
  if (!expected) refuse('AEGIS_MAPPING_CONTENT_TYPE', `${plan.action.name} expects no body of this content type.`);
}

/** Amounts become policy units once every parameter is known, because the currency decides the unit. */
function scale(plan: ActionPlan, params: Params, deviations: Record<string, number> | undefined): void {
  const currency = plan.currency === undefined ? undefined : params[plan.currency.name];
  for (const parameter of plan.scaled) {
    const value = params[parameter.name];
    if (value === undefined) continue;
    params[parameter.name] = toPolicyUnits(parameter, value, scaleDigits(parameter, currency, deviations));
  }
}

function checkRequired(plan: ActionPlan, params: Params): void {
  for (const parameter of plan.action.parameters) {
    if (parameter.required && params[parameter.name] === undefined) {
      refuse('AEGIS_MAPPING_MISSING', 'A required parameter is missing.', parameter.name);
    }
  }
}

function mapPlanned(
  router: ToolRouter,
  request: RawRequest,
  limits: MappingLimits,
  note: (action: string) => void,
): MappedCall {
  if (!METHOD.test(request.method)) refuse('AEGIS_MAPPING_HEADER', 'The method is not a plain HTTP method.');
  const headers = readHeaders(request.rawHeaders);
  const { segments, path, query } = canonicalTarget(request.target);
  const { plan, pathValues } = router.route(request.method, segments);
  note(plan.action.name);
  const kind = bodyKind(headers, request.body.length);
  checkBody(plan, kind);
  const params: Params = Object.create(null);
  const queryPairs = query === undefined ? [] : parsePairs(query, 'query');
  const form = kind === 'form' ? parsePairs(decodeUtf8(request.body, 'the form'), 'form') : [];
  const json = kind === 'json' ? parseJsonBody(request.body, limits.maxBody) : undefined;
  readPath(plan, pathValues, params);
  readHeaderParams(plan, headers, params);
  readPairs(plan, plan.query, queryPairs, 'query', params);
  readPairs(plan, plan.form, form, 'form', params);
  if (kind === 'json') readJsonBody(plan, json, params);
  scale(plan, params, router.contract.currencyDigits);
  checkRequired(plan, params);
  const target = query === undefined ? path : `${path}?${query}`;
  return {
    action: plan.action,
    params,
    target,
    source: { plan, segments, path, query: queryPairs, kind, form, json },
  };
}

/**
 * Raw HTTP request → tool call, by the tool's contract. Pure; never throws for what a client sends: whatever could be
 * read in two ways, or is not what the contract says, is a refusal with a code (and so never an allow).
 */
export function mapRequest(
  router: ToolRouter,
  request: RawRequest,
  limits: MappingLimits = DEFAULT_MAPPING_LIMITS,
): MappingResult {
  let action: string | undefined;
  try {
    if (request.body.length > limits.maxBody) refuse('AEGIS_MAPPING_TOO_LARGE', 'The body is too large.');
    const call = mapPlanned(router, request, limits, (name) => {
      action = name;
    });
    return { ok: true, call };
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    return { ok: false, refusal: error.refusal, ...(action !== undefined && { action }) };
  }
}
