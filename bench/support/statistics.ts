export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value below which `share` of the values lie (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Prints a Markdown table; numbers with three significant digits. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = (cell: string | number): string => (typeof cell === 'string' ? cell : rounded(cell));
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows];
  for (const line of lines) console.log(`| ${line.map(text).join(' | ')} |`);
}

export function rounded(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
