import { type CatalogueEntry, hostsOf, riskOf } from '../catalogue/catalogue.ts';

/** An entry in short, for `tools list --output json`. */
export function entrySummary({ name, summary, tool }: CatalogueEntry): Record<string, unknown> {
  const actions = tool.spec.actions ?? [];
  return {
    name,
    summary,
    riskTier: tool.spec.riskTier ?? 'medium',
    hosts: hostsOf(tool),
    actions: actions.map((action) => ({ name: action.name, effect: action.effect, riskTier: riskOf(tool, action) })),
  };
}

/**
 * ```
 * NAME    ACTIONS                          RISK  HOSTS
 * stripe  58: 30 read, 20 write, 8 irrev.  high  api.stripe.com
 *         Stripe payments API, …
 * ```
 */
export function catalogueText(entries: readonly CatalogueEntry[]): string {
  const rows = [
    ['NAME', 'ACTIONS', 'RISK', 'HOSTS'],
    ...entries.map(({ name, tool }) => [
      name,
      effectsText(tool.spec.actions ?? []),
      tool.spec.riskTier ?? 'medium',
      hostsOf(tool).join(', '),
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head, ...rest] = rows.map(line);
  const indent = ' '.repeat((widths[0] as number) + 2);
  return `${[head, ...rest.flatMap((row, index) => [row, indent + (entries[index] as CatalogueEntry).summary])].join('\n')}\n`;
}

function effectsText(actions: readonly { effect: string }[]): string {
  const parts = ['read', 'write', 'irreversible'].flatMap((effect) => {
    const count = actions.filter((action) => action.effect === effect).length;
    return count === 0 ? [] : [`${count} ${effect}`];
  });
  return parts.join(', ');
}
