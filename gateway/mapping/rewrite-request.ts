import { formatDecimal, toJsonNumber } from '../../policy/decimal.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import { holdsDecimal, type ParameterContract } from '../../policy/mapping/contract.ts';
import { inBodyOf } from './action-plan.ts';
import type { ToolRouter } from './action-router.ts';
import { encodeSegment } from './canonical-path.ts';
import { pointerTokens } from './json-pointer.ts';
import { type MappedCall, mapBody, mapHead, type RawRequest } from './map-request.ts';
import { scaleDigits, textOf, toWireUnits } from './parameter-value.ts';
import type { Params } from './read-fields.ts';
import { MappingError } from './refusal.ts';
import { spliceHeader } from './splice-header.ts';
import { spliceJson } from './splice-json.ts';
import { spliceMultipart } from './splice-multipart.ts';
import { type SplicedField, splicePairs } from './splice-pairs.ts';
import { baseName, isStructured } from './structured-fields.ts';

/**
 * Writes changed parameters (sanitize) back into a request, each in its own place, every other byte as it was, and
 * proves it by mapping what it wrote.
 */
export interface RewrittenCall {
  request: RawRequest;
  call: MappedCall;
}

interface Draft {
  path: string;
  query: string | undefined;
  rawHeaders: readonly string[];
  body: Uint8Array | undefined;
}

function wireValue(parameter: ParameterContract, params: Params, call: MappedCall, router: ToolRouter): unknown {
  const value = params[parameter.name];
  if (value === undefined || parameter.scale === undefined) return value;
  const { currency } = call.source.plan;
  const code = currency === undefined ? undefined : params[currency.name];
  const decimal = toWireUnits(value, scaleDigits(parameter, code, router.contract.currencyDigits));
  if (decimal === undefined) return value;
  return holdsDecimal(parameter) ? formatDecimal(decimal) : toJsonNumber(decimal);
}

function texts(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(textOf);
}

/** A map has no text of its own: its fields can only be left out together. */
function isWritable({ in: place, type }: ParameterContract, value: unknown): boolean {
  return place === 'json' || type !== 'object' || value === undefined;
}

function fieldOf(parameter: ParameterContract, where: 'query' | 'form'): SplicedField {
  const { wire } = parameter;
  const nested = isStructured(parameter);
  return { wire, where, owns: (name) => name === wire || (nested && baseName(name) === wire) };
}

function replaceSegment(path: string, template: string, wire: string, value: unknown): string {
  const segments = path.split('/');
  const slots = template.split('/');
  const rest = slots.indexOf(`{${wire}...}`);
  if (rest >= 0) return [...segments.slice(0, rest), ...textOf(value).split('/').map(encodeSegment)].join('/');
  const at = slots.indexOf(`{${wire}}`);
  return segments.map((segment, index) => (index === at ? encodeSegment(textOf(value)) : segment)).join('/');
}

function writeBody(
  body: Uint8Array,
  parameter: ParameterContract,
  value: unknown,
  boundary: string | undefined,
): Uint8Array | undefined {
  const { wire } = parameter;
  if (parameter.in === 'multipart') return spliceMultipart(body, boundary ?? '', wire, texts(value));
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString();
  if (parameter.in === 'form') return Buffer.from(splicePairs(text, fieldOf(parameter, 'form'), texts(value)));
  const json = value === undefined ? undefined : stringifyExact(holdsDecimal(parameter) ? textOf(value) : value);
  const spliced = spliceJson(text, pointerTokens(wire), json);
  return spliced === undefined ? undefined : Buffer.from(spliced);
}

/** False where the parameter cannot be written. */
function write(draft: Draft, { source }: MappedCall, declared: ParameterContract, value: unknown): boolean {
  const parameter = source.kind === 'form' || source.kind === 'json' ? inBodyOf(source.kind, declared) : declared;
  const { match } = source.plan.action;
  if (!isWritable(parameter, value)) return false;
  switch (parameter.in) {
    case 'path':
      if (match === null || !('path' in match)) return false;
      draft.path = replaceSegment(draft.path, match.path, parameter.wire, value);
      return true;
    case 'query':
      draft.query = splicePairs(draft.query ?? '', fieldOf(parameter, 'query'), texts(value));
      return true;
    case 'header': {
      const rawHeaders = spliceHeader(draft.rawHeaders, parameter.wire, texts(value));
      if (rawHeaders !== undefined) draft.rawHeaders = rawHeaders;
      return rawHeaders !== undefined;
    }
    case 'context':
      return false;
    default:
      // An absent body is not invented.
      if (draft.body === undefined || source.kind !== parameter.in) return false;
      draft.body = writeBody(draft.body, parameter, value, source.boundary);
      return draft.body !== undefined;
  }
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && b !== undefined && stringifyExact(a) === stringifyExact(b));
}

function sameParams(a: Params, b: Params): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => sameValue(a[name], b[name]));
}

/**
 * The request with `params` in place of the mapped ones: its bytes, and the call that those bytes map to.
 * `undefined` where that cannot be done faithfully (a file, a framing header, a value of another type): the call must
 * then be refused, because what was decided on could not be forwarded.
 */
export function rewriteRequest(
  router: ToolRouter,
  request: RawRequest,
  call: MappedCall,
  params: Params,
): RewrittenCall | undefined {
  try {
    const drafted = draftRequest(router, request, call, params);
    return drafted === undefined ? undefined : proven(router, drafted, call, params);
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    return undefined;
  }
}

function proven(router: ToolRouter, request: RawRequest, call: MappedCall, params: Params): RewrittenCall | undefined {
  const { method, target, rawHeaders, body } = request;
  const head = mapHead(router, { method, target, rawHeaders, hasBody: call.source.bodyMode !== 'none' });
  if (!head.ok || head.head.bodyMode !== call.source.bodyMode) return undefined;
  const mapped = mapBody(router, head.head, body, { maxBody: Number.MAX_SAFE_INTEGER });
  if (!mapped.ok || mapped.call.action !== call.action || !sameParams(mapped.call.params, params)) return undefined;
  return { request, call: mapped.call };
}

function draftRequest(
  router: ToolRouter,
  request: RawRequest,
  call: MappedCall,
  params: Params,
): RawRequest | undefined {
  const mark = call.target.indexOf('?');
  const { rawHeaders, body } = request;
  const query = mark < 0 ? undefined : call.target.slice(mark + 1);
  const draft: Draft = { path: call.source.path, query, rawHeaders, body };
  for (const parameter of call.action.parameters) {
    if (sameValue(call.params[parameter.name], params[parameter.name])) continue;
    if (!write(draft, call, parameter, wireValue(parameter, params, call, router))) return undefined;
  }
  // A query that has lost its last field is none; one that came empty stays as it came.
  const emptied = draft.query === '' && query !== '';
  const target = draft.query === undefined || emptied ? draft.path : `${draft.path}?${draft.query}`;
  return { method: request.method, target, rawHeaders: draft.rawHeaders, body: draft.body };
}
