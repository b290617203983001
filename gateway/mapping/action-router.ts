import type { ActionContract, PathMatch, ToolContract } from '../../policy/mapping/contract.ts';
import { parseTemplate } from '../../policy/mapping/path-template.ts';
import { type ActionPlan, planAction } from './action-plan.ts';
import { encodedSlash } from './canonical-path.ts';
import { refuse } from './refusal.ts';

interface Leaf {
  plan: ActionPlan;
  /** Where the rest of the path begins, in a template with `{name...}`. */
  restAt: number | undefined;
  /** What must be there besides method and path. */
  query: readonly string[];
  headers: readonly string[];
  /** Placeholder names in the order of the path. */
  names: string[];
}

interface Node {
  literals: Map<string, Node>;
  /** Lower-cased literals: a placeholder never captures what a case-insensitive tool would route elsewhere. */
  folded: Set<string>;
  placeholder: Node | undefined;
  /** Leaves of `{name...}`, by method; those that ask for the most first. */
  rest: Map<string, Leaf[]>;
  leaves: Map<string, Leaf[]>;
}

/** Names that a request has besides its method and path. */
export interface SelectorNames {
  query: ReadonlySet<string>;
  /** In lower case, with `-` for `_`, as CGI and WSGI read them. */
  headers: ReadonlySet<string>;
}

const NO_NAMES: SelectorNames = { query: new Set(), headers: new Set() };

export interface RouteMatch {
  plan: ActionPlan;
  pathValues: Map<string, string>;
}

/** A tool's contract, ready for look-ups; made once per activation. */
export interface ToolRouter {
  contract: ToolContract;
  /** The action for a method and decoded path segments. @throws MappingError UNMAPPED, PATH */
  route(method: string, segments: readonly string[], names?: () => SelectorNames): RouteMatch;
}

function newNode(): Node {
  return { literals: new Map(), folded: new Set(), placeholder: undefined, rest: new Map(), leaves: new Map() };
}

function child(node: Node, literal: string): Node {
  let next = node.literals.get(literal);
  if (next === undefined) {
    next = newNode();
    node.literals.set(literal, next);
    node.folded.add(literal.toLowerCase());
  }
  return next;
}

function insert(root: Node, match: PathMatch, action: ActionContract): void {
  const { method, path, query = [], headers = [] } = match;
  const names: string[] = [];
  let node = root;
  let rest = false;
  for (const segment of parseTemplate(path)) {
    if ('literal' in segment) {
      node = child(node, segment.literal);
      continue;
    }
    names.push(segment.param);
    rest = segment.rest;
    if (rest) break;
    node.placeholder ??= newNode();
    node = node.placeholder;
  }
  const leaves = rest ? node.rest : node.leaves;
  const restAt = rest ? parseTemplate(path).length - 1 : undefined;
  const leaf: Leaf = { plan: planAction(action), restAt, query, headers, names };
  leaves.set(
    method,
    [...(leaves.get(method) ?? []), leaf].sort((a, b) => demands(b) - demands(a)),
  );
}

function demands({ query, headers }: Leaf): number {
  return query.length + headers.length;
}

/** The method's own action; a HEAD that has none is a GET without the answer's body (RFC 9110 section 9.3.2). */
function leafFor(leaves: ReadonlyMap<string, readonly Leaf[]>, method: string, names: Names): Leaf | undefined {
  const own = leaves.get(method)?.find((leaf) => fits(leaf, names));
  return own ?? (method === 'HEAD' ? leaves.get('GET')?.find((leaf) => fits(leaf, names)) : undefined);
}

type Names = () => SelectorNames;

function fits(leaf: Leaf, names: Names): boolean {
  if (demands(leaf) === 0) return true;
  const { query, headers } = names();
  return leaf.query.every((name) => query.has(name)) && leaf.headers.every((name) => headers.has(name));
}

/** The rest of a path as one value; a trailing slash is not part of any template that does not name it. */
function findRest(
  node: Node,
  method: string,
  segments: readonly string[],
  at: number,
  values: string[],
  names: Names,
): Leaf | undefined {
  const leaf = leafFor(node.rest, method, names);
  const rest = segments.slice(at);
  if (leaf === undefined || rest.includes('')) return undefined;
  values.push(rest.join('/'));
  return leaf;
}

/** Rails, Spring and others route `search.json` as `search`, IIS `search.` and `search ` as well. */
const ROUTED_AWAY = /(?:[. ]+|\.(?:json|xml|html?|txt|csv|ya?ml|js|atom|rss))$/;

/** A placeholder never captures what a lenient tool would take for a declared literal. */
function checkFolded(node: Node, segment: string): void {
  if (node.folded.size === 0 || node.literals.has(segment)) return;
  const folded = segment.normalize('NFKC').toLowerCase();
  if (node.folded.has(folded) || node.folded.has(folded.replace(ROUTED_AWAY, ''))) {
    refuse('AEGIS_MAPPING_PATH', 'The path is a declared one in another spelling.');
  }
}

/**
 * Depth first; at each segment literals before a placeholder before the rest, so the leftmost literal wins (OpenAPI
 * 3.1, "Path Templating": concrete before templated). At most 2^depth of the templates, whatever the path.
 */
function find(
  node: Node,
  method: string,
  segments: readonly string[],
  at: number,
  values: string[],
  names: Names,
): Leaf | undefined {
  if (at === segments.length) return leafFor(node.leaves, method, names);
  const segment = segments[at] as string;
  const literal = node.literals.get(segment);
  const concrete = literal === undefined ? undefined : find(literal, method, segments, at + 1, values, names);
  if (concrete !== undefined || segment === '') return concrete;
  if (node.placeholder === undefined && node.rest.size === 0) return undefined;
  checkFolded(node, segment);
  if (node.placeholder !== undefined) {
    values.push(segment);
    const leaf = find(node.placeholder, method, segments, at + 1, values, names);
    if (leaf !== undefined) return leaf;
    values.pop();
  }
  return findRest(node, method, segments, at, values, names);
}

/**
 * Clients write a slash in the rest of a path as it is or encoded, and tools read both alike. The action is looked up as
 * if none were encoded, so that it is the same for a tool that decodes before it routes; anywhere else one is refused.
 */
function checkEncodedSlashes(segments: readonly string[], leaf: Leaf | undefined): void {
  if (leaf?.restAt === undefined) encodedSlash();
  if (segments.slice(0, leaf.restAt).some((segment) => segment.includes('/'))) encodedSlash();
}

export function buildToolRouter(contract: ToolContract): ToolRouter {
  const root = newNode();
  for (const action of contract.actions) {
    const { match } = action;
    if (match !== null && 'path' in match) insert(root, match, action);
  }
  return {
    contract,
    route(method, segments, names = () => NO_NAMES) {
      const values: string[] = [];
      const encoded = segments.some((segment) => segment.includes('/'));
      const flat = encoded ? segments.flatMap((segment) => segment.split('/')) : segments;
      const leaf = find(root, method, flat, 0, values, names);
      if (encoded) checkEncodedSlashes(segments, leaf);
      if (leaf === undefined)
        return refuse('AEGIS_MAPPING_UNMAPPED', `${contract.tool} has no action for this ${method}.`);
      return { plan: leaf.plan, pathValues: new Map(leaf.names.map((name, index) => [name, values[index] as string])) };
    },
  };
}

const routers = new WeakMap<ToolContract, ToolRouter>();

/** The router of a contract, built at its first call and kept as long as the contract is. */
export function routerOf(contract: ToolContract): ToolRouter {
  let router = routers.get(contract);
  if (router === undefined) {
    router = buildToolRouter(contract);
    routers.set(contract, router);
  }
  return router;
}
