import type { ActionContract, ToolContract } from '../../policy/mapping/contract.ts';
import { parseTemplate } from '../../policy/mapping/path-template.ts';
import { type ActionPlan, planAction } from './action-plan.ts';
import { refuse } from './refusal.ts';

interface Leaf {
  plan: ActionPlan;
  /** Placeholder names in the order of the path. */
  names: string[];
}

interface Node {
  literals: Map<string, Node>;
  /** Lower-cased literals: a placeholder never captures what a case-insensitive tool would route elsewhere. */
  folded: Set<string>;
  placeholder: Node | undefined;
  /** Leaves of `{name...}`, by method. */
  rest: Map<string, Leaf>;
  leaves: Map<string, Leaf>;
}

export interface RouteMatch {
  plan: ActionPlan;
  pathValues: Map<string, string>;
}

/** A tool's contract, ready for look-ups; made once per activation. */
export interface ToolRouter {
  contract: ToolContract;
  /** The action for a method and decoded path segments. @throws MappingError UNMAPPED, PATH */
  route(method: string, segments: readonly string[]): RouteMatch;
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

function insert(root: Node, method: string, path: string, action: ActionContract): void {
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
  (rest ? node.rest : node.leaves).set(method, { plan: planAction(action), names });
}

function leafFor(leaves: ReadonlyMap<string, Leaf>, method: string): Leaf | undefined {
  return leaves.get(method) ?? (method === 'HEAD' ? leaves.get('GET') : undefined);
}

/** The rest of a path as one value; a trailing slash is not part of any template that does not name it. */
function findRest(
  node: Node,
  method: string,
  segments: readonly string[],
  at: number,
  values: string[],
): Leaf | undefined {
  const leaf = leafFor(node.rest, method);
  const rest = segments.slice(at);
  if (leaf === undefined || rest.includes('')) return undefined;
  values.push(rest.join('/'));
  return leaf;
}

/** A placeholder never captures what a tool with case-insensitive routes would take for a declared literal. */
function checkFolded(node: Node, segment: string): void {
  if (!node.literals.has(segment) && node.folded.has(segment.toLowerCase())) {
    refuse('AEGIS_MAPPING_PATH', 'The path differs from a declared one only in upper and lower case.');
  }
}

/**
 * Depth first; at each segment literals before a placeholder before the rest, so the leftmost literal wins (OpenAPI
 * 3.1, "Path Templating": concrete before templated). At most 2^depth of the templates, whatever the path.
 */
function find(node: Node, method: string, segments: readonly string[], at: number, values: string[]): Leaf | undefined {
  if (at === segments.length) return leafFor(node.leaves, method);
  const segment = segments[at] as string;
  const literal = node.literals.get(segment);
  const concrete = literal === undefined ? undefined : find(literal, method, segments, at + 1, values);
  if (concrete !== undefined || segment === '') return concrete;
  if (node.placeholder === undefined && node.rest.size === 0) return undefined;
  checkFolded(node, segment);
  if (node.placeholder !== undefined) {
    values.push(segment);
    const leaf = find(node.placeholder, method, segments, at + 1, values);
    if (leaf !== undefined) return leaf;
    values.pop();
  }
  return findRest(node, method, segments, at, values);
}

export function buildToolRouter(contract: ToolContract): ToolRouter {
  const root = newNode();
  for (const action of contract.actions) {
    const { match } = action;
    if (match !== null && 'path' in match) insert(root, match.method, match.path, action);
  }
  return {
    contract,
    route(method, segments) {
      const values: string[] = [];
      const leaf = find(root, method, segments, 0, values);
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
