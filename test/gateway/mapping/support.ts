import { buildToolRouter, type ToolRouter } from '../../../gateway/mapping/action-router.ts';
import { type MappingResult, mapRequest } from '../../../gateway/mapping/map-request.ts';
import { stringifyExact } from '../../../policy/decision/stringify.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import type { ToolAction } from '../../../policy/resources/types.generated.ts';

export const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
export const JSON_TYPE = ['Content-Type', 'application/json'];
export const MULTIPART = ['Content-Type', 'multipart/form-data; boundary=b'];

export function tool(actions: ToolAction[]): ToolRouter {
  return buildToolRouter(compileToolContract('t', { protocol: 'HTTP', upstream: { url: 'http://t' }, actions }));
}

/** A tool whose one action is `POST /a`. */
export function post(parameters: NonNullable<ToolAction['parameters']>, more: Partial<ToolAction> = {}): ToolRouter {
  return tool([{ name: 'a', effect: 'write', match: { method: 'POST', path: '/a' }, parameters, ...more }]);
}

export function map(
  router: ToolRouter,
  method: string,
  target: string,
  rawHeaders: readonly string[] = [],
  body: string | Uint8Array = '',
): MappingResult {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return mapRequest(router, { method, target, rawHeaders, body: bytes });
}

/** The refusal's code without its prefix, or what the request became. */
export function code(mapped: MappingResult): string {
  return mapped.ok ? `mapped to ${mapped.call.action.name}` : mapped.refusal.code.replace('AEGIS_MAPPING_', '');
}

export function params(mapped: MappingResult): unknown {
  if (!mapped.ok) throw new Error(`${mapped.refusal.code} ${mapped.refusal.message}`);
  return JSON.parse(stringifyExact(mapped.call.params));
}

/** Refused, whatever the code; a mapped one shows what it was taken for. */
export function expectRefused(mapped: MappingResult): void {
  expect(mapped.ok ? mapped.call.params : 'refused').toBe('refused');
}
