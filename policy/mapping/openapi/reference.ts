import { isObject, type JsonObject, Unusable } from './json.ts';

/** `$ref` (OpenAPI "Reference Object"), within the document only: nothing is ever fetched. */
const MAX_HOPS = 32;

/** RFC 6901 section 6: a pointer as a URI fragment. */
function tokensOf(reference: string): string[] {
  if (reference !== '#' && !reference.startsWith('#/')) {
    throw new Unusable(`the reference "${reference.slice(0, 80)}" points out of the document`);
  }
  let fragment: string;
  try {
    fragment = decodeURIComponent(reference.slice(1));
  } catch {
    throw new Unusable(`the reference "${reference.slice(0, 80)}" is malformed`);
  }
  return fragment
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function pointed(root: JsonObject, reference: string): unknown {
  let value: unknown = root;
  for (const token of tokensOf(reference)) {
    if (Array.isArray(value) && /^(?:0|[1-9][0-9]{0,8})$/.test(token)) value = value[Number(token)];
    else if (isObject(value) && Object.hasOwn(value, token)) value = value[token];
    else throw new Unusable(`the reference "${reference.slice(0, 80)}" points nowhere`);
  }
  return value;
}

/** What `value` stands for, once every reference to a reference is followed. @throws Unusable */
export function resolve(root: JsonObject, value: unknown): unknown {
  let target = value;
  for (let hops = 0; isObject(target) && typeof target.$ref === 'string'; hops++) {
    if (hops >= MAX_HOPS) throw new Unusable(`the reference "${target.$ref.slice(0, 80)}" leads in a circle`);
    target = pointed(root, target.$ref);
  }
  return target;
}

/** The list at a member; empty where there is none. */
export function listAt(holder: JsonObject, name: string): unknown[] {
  const value = Object.hasOwn(holder, name) ? holder[name] : undefined;
  return Array.isArray(value) ? value : [];
}

export function objectAt(holder: JsonObject, name: string): JsonObject | undefined {
  const value = Object.hasOwn(holder, name) ? holder[name] : undefined;
  return isObject(value) ? value : undefined;
}
