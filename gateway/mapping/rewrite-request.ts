import { formatDecimal, toJsonNumber } from '../../policy/decimal.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import { holdsDecimal, type ParameterContract } from '../../policy/mapping/contract.ts';
import type { ToolRouter } from './action-router.ts';
import { encodeSegment } from './canonical-path.ts';
import { withPointed } from './json-pointer.ts';
import { type MappedCall, mapRequest, type RawRequest, type RequestSource } from './map-request.ts';
import { formatPairs, type Pairs } from './pairs.ts';
import { scaleDigits, textOf, toWireUnits } from './parameter-value.ts';
import type { Params } from './read-fields.ts';
import { MappingError } from './refusal.ts';

/** Writes changed parameters (sanitize) back into a request, and proves it by mapping what it wrote. */

const TEXT_PLACES: ReadonlySet<string> = new Set(['path', 'query', 'form']);

function wireValue(parameter: ParameterContract, params: Params, call: MappedCall, router: ToolRouter): unknown {
  const value = params[parameter.name];
  if (value === undefined || parameter.scale === undefined) return value;
  const { currency } = call.source.plan;
  const code = currency === undefined ? undefined : params[currency.name];
  const decimal = toWireUnits(value, scaleDigits(parameter, code, router.contract.currencyDigits));
  if (decimal === undefined) return value;
  return holdsDecimal(parameter) ? formatDecimal(decimal) : toJsonNumber(decimal);
}

function replacePair(pairs: Pairs, wire: string, value: unknown): Pairs {
  const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const fresh: Pairs = values.map((item) => [wire, textOf(item)]);
  const at = pairs.findIndex(([name]) => name === wire);
  if (at < 0) return [...pairs, ...fresh];
  const others = pairs.filter(([name]) => name !== wire);
  const before = pairs.slice(0, at).filter(([name]) => name !== wire).length;
  return [...others.slice(0, before), ...fresh, ...others.slice(before)];
}

function replaceSegment(path: string, template: string, wire: string, value: unknown): string {
  const segments = path.split('/');
  const slots = template.split('/');
  const rest = slots.indexOf(`{${wire}...}`);
  if (rest >= 0) return [...segments.slice(0, rest), ...textOf(value).split('/').map(encodeSegment)].join('/');
  const at = slots.indexOf(`{${wire}}`);
  return segments.map((segment, index) => (index === at ? encodeSegment(textOf(value)) : segment)).join('/');
}

export interface RewrittenCall {
  request: RawRequest;
  call: MappedCall;
}

interface Draft {
  path: string;
  query: Pairs;
  form: Pairs;
  json: unknown;
  touched: Set<string>;
}

function write(draft: Draft, source: RequestSource, parameter: ParameterContract, value: unknown): void {
  const { match } = source.plan.action;
  if (parameter.in === 'query') draft.query = replacePair(draft.query, parameter.wire, value);
  if (parameter.in === 'form') draft.form = replacePair(draft.form, parameter.wire, value);
  if (parameter.in === 'path' && match !== null && 'path' in match) {
    draft.path = replaceSegment(draft.path, match.path, parameter.wire, value);
  }
  if (parameter.in === 'json') {
    const tokens = source.plan.json.find((entry) => entry.parameter === parameter)?.tokens ?? [];
    const decimal = holdsDecimal(parameter) && value !== undefined ? textOf(value) : value;
    draft.json = withPointed(draft.json, tokens, decimal);
  }
  draft.touched.add(parameter.in);
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
 * `undefined` where that cannot be done faithfully (a header parameter, a value of another type): the call must then
 * be refused, because what was decided on could not be forwarded.
 */
export function rewriteRequest(
  router: ToolRouter,
  request: RawRequest,
  call: MappedCall,
  params: Params,
): RewrittenCall | undefined {
  let rewritten: RawRequest | undefined;
  try {
    rewritten = draftRequest(router, request, call, params);
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
  }
  if (rewritten === undefined) return undefined;
  const mapped = mapRequest(router, rewritten, { maxBody: Number.MAX_SAFE_INTEGER });
  if (!mapped.ok || mapped.call.action !== call.action || !sameParams(mapped.call.params, params)) return undefined;
  return { request: rewritten, call: mapped.call };
}

function draftRequest(
  router: ToolRouter,
  request: RawRequest,
  call: MappedCall,
  params: Params,
): RawRequest | undefined {
  const { source } = call;
  const draft: Draft = {
    path: source.path,
    query: source.query,
    form: source.form,
    json: source.json,
    touched: new Set(),
  };
  for (const parameter of call.action.parameters) {
    if (sameValue(call.params[parameter.name], params[parameter.name])) continue;
    if (!TEXT_PLACES.has(parameter.in) && parameter.in !== 'json') return undefined;
    write(draft, source, parameter, wireValue(parameter, params, call, router));
  }
  const mark = call.target.indexOf('?');
  const oldQuery = mark < 0 ? '' : call.target.slice(mark);
  const query = draft.touched.has('query')
    ? draft.query.length === 0
      ? ''
      : `?${formatPairs(draft.query)}`
    : oldQuery;
  let body = request.body;
  if (draft.touched.has('form')) body = Buffer.from(formatPairs(draft.form));
  if (draft.touched.has('json')) {
    if (draft.json === undefined) return undefined;
    body = Buffer.from(stringifyExact(draft.json));
  }
  return { ...request, target: `${draft.path}${query}`, body };
}
