import type { JsonPatchOperation } from '../../../operator/injection/json-patch.ts';
import { overTheWire } from './sample-injection.ts';

type Place = Record<string, unknown> | unknown[];

/** RFC 6902, strictly: what is replaced or removed must be there, and so must be what something is added to. */
export function applyPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  let root = overTheWire({ document });
  for (const operation of overTheWire(operations)) {
    const tokens = ['document', ...operation.path.split('/').slice(1)].map((token) =>
      token.replaceAll('~1', '/').replaceAll('~0', '~'),
    );
    const last = tokens.pop() as string;
    let place: unknown = root;
    for (const token of tokens) place = member(place as Place, token);
    if (typeof place !== 'object' || place === null) throw new Error(`nothing at ${operation.path}`);
    if (operation.path === '' && operation.op === 'replace') root = { document: operation.value };
    else if (Array.isArray(place)) changeList(place, last, operation);
    else changeObject(place as Record<string, unknown>, last, operation);
  }
  return root.document;
}

function member(place: Place, token: string): unknown {
  if (!Object.hasOwn(place, token)) throw new Error(`no ${token}`);
  return (place as Record<string, unknown>)[token];
}

function changeList(list: unknown[], token: string, operation: JsonPatchOperation): void {
  const index = Number(token);
  const limit = operation.op === 'add' ? list.length : list.length - 1;
  if (!/^[0-9]+$/.test(token) || index > limit) throw new Error(`no place ${token}`);
  if (operation.op === 'add') list.splice(index, 0, operation.value);
  else if (operation.op === 'replace') list[index] = operation.value;
  else list.splice(index, 1);
}

function changeObject(object: Record<string, unknown>, key: string, operation: JsonPatchOperation): void {
  if (operation.op !== 'add' && !Object.hasOwn(object, key)) throw new Error(`no ${key}`);
  if (operation.op === 'remove') delete object[key];
  else
    Object.defineProperty(object, key, {
      value: operation.value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
