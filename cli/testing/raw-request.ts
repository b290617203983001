/** A vector's `http:` request, as the gateway would receive it, and the call that the tool's contract makes of it. */
import { routerOf } from '../../gateway/mapping/action-router.ts';
import { mapRequest, type RawRequest } from '../../gateway/mapping/map-request.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import type { DecisionInput, Reason } from '../../policy/decision/types.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';
import { NumberLiteral } from '../../policy/number-literal.ts';
import type { TestHttpRequest } from '../../policy/resources/types.generated.ts';

export type MappedVector = { input: DecisionInput } | { refusal: Reason };

export function mapVector(contract: ToolContract, request: TestHttpRequest): MappedVector {
  const result = mapRequest(routerOf(contract), rawRequest(request));
  if (!result.ok) return { refusal: result.refusal };
  const { url, region } = contract.upstream;
  const host = url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
  const { agent, tool, chain, context } = request;
  return {
    input: {
      agent,
      tool,
      action: result.call.action.name,
      params: { ...result.call.params },
      context: {
        destination: { ...(host !== undefined && { host }), ...(region !== undefined && { region }) },
        ...context,
      },
      ...(chain !== undefined && { chain }),
      request: { protocol: 'http', method: request.method, path: result.call.source.path },
    },
  };
}

function rawRequest({ method, path, headers = {}, body }: TestHttpRequest): RawRequest {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const rawHeaders = Object.entries(headers).flat();
  if (typeof body === 'object' && body !== null && !names.includes('content-type')) {
    rawHeaders.push('content-type', 'application/json');
  }
  const form = rawHeaders.some((text) => text.toLowerCase().startsWith('application/x-www-form-urlencoded'));
  return { method, target: path, rawHeaders, body: new TextEncoder().encode(bodyText(body, form)) };
}

function bodyText(body: unknown, form: boolean): string {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string') return body;
  if (!form || typeof body !== 'object' || Array.isArray(body)) return stringifyExact(body);
  const pairs = Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): [string, string] => [name, scalarText(each)]),
  );
  return new URLSearchParams(pairs).toString();
}

function scalarText(value: unknown): string {
  return typeof value === 'object' && !(value instanceof NumberLiteral) ? stringifyExact(value) : String(value);
}
