import { BUILT_IN, CHAINS, type Rules, type Table } from './render-rules.ts';

/** What `iptables-save` prints, by table and chain: the rules in their order, without `-A CHAIN `. */
export type SavedRules = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

const TABLES = ['filter', 'mangle', 'nat'] as const satisfies Table[];

export function parseSaved(text: string): SavedRules {
  const tables = new Map<string, Map<string, string[]>>();
  let chains = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, table] = /^\*(\S+)/.exec(line) ?? [];
    const [, declared] = /^:(\S+)/.exec(line) ?? [];
    const [, chain, rule] = /^-A (\S+) (.*?) *$/.exec(line) ?? [];
    if (table !== undefined) {
      chains = new Map();
      tables.set(table, chains);
    } else if (declared !== undefined) chains.set(declared, []);
    else if (chain !== undefined && rule !== undefined) chains.set(chain, [...(chains.get(chain) ?? []), rule]);
  }
  return tables;
}

/**
 * The input of `iptables-restore --noflush` that leads from what there is to these rules, each table at once; rules of
 * others stay. The guard comes before the redirection. Empty where there is nothing to do.
 */
export function restoreInput(saved: SavedRules, rules: Rules): string {
  return TABLES.map((table) => changeOf(table, saved, rules[table])).join('');
}

function changeOf(table: Table, saved: SavedRules, rules: readonly string[]): string {
  const chain = CHAINS[table];
  const from = BUILT_IN[table];
  const there = saved.get(table);
  // Jumps that are there already, wherever: ours is to be the first rule, and once.
  const jumps = (there?.get(from) ?? []).filter((rule) => rule === `-j ${chain}`);
  const lines = [`*${table}`];
  if (rules.length === 0) {
    if (there?.has(chain) !== true) return '';
    lines.push(...jumps.map(() => `-D ${from} -j ${chain}`), `-F ${chain}`, `-X ${chain}`);
  } else {
    // Declaring a chain empties it.
    lines.push(`:${chain} - [0:0]`, ...jumps.map(() => `-D ${from} -j ${chain}`), `-I ${from} 1 -j ${chain}`);
    lines.push(...rules.map((rule) => `-A ${chain} ${rule}`));
  }
  return [...lines, 'COMMIT', ''].join('\n');
}

/** How what there is differs from the rules; undefined where it does not. */
export function differenceFrom(saved: SavedRules, rules: Rules): string | undefined {
  for (const table of TABLES) {
    const chain = CHAINS[table];
    const there = saved.get(table);
    const found = there?.get(chain) ?? [];
    const wanted = rules[table];
    const at = wanted.findIndex((rule, index) => rule !== found[index]);
    if (at >= 0) return `rule ${at + 1} of ${chain} reads "${found[at] ?? ''}" instead of "${wanted[at]}"`;
    if (found.length > wanted.length) return `${chain} has ${found.length} rules instead of ${wanted.length}`;
    const jumps = (there?.get(BUILT_IN[table]) ?? []).map((rule) => rule === `-j ${chain}`);
    const right = wanted.length === 0 ? !jumps.includes(true) : jumps[0] === true && jumps.indexOf(true, 1) < 0;
    if (!right) return `${BUILT_IN[table]} of ${table} does not begin with ${chain}`;
  }
  return undefined;
}
