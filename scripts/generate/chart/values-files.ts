import { stringify } from 'yaml';
import { CHART_VALUES, type ChartValue } from './values.ts';

const SOURCE = 'scripts/generate/chart/values.ts';
const MADE = `Made from \`${SOURCE}\` by \`node scripts/generate.ts\`.`;

/** A group holds values; everything else is one. */
function isGroup(value: ChartValue): value is ChartValue & { properties: Record<string, ChartValue> } {
  return value.properties !== undefined && value.default === undefined;
}

/** As it stands behind the key, on one line. */
function written(value: unknown): string {
  const style = { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false } as const;
  return stringify(value, { ...style, defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN' }).trim();
}

function comment(description: string, indent: string): string[] {
  const width = 118 - indent.length;
  const lines: string[] = [];
  for (const word of description.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}`);
}

function valueLines(properties: Record<string, ChartValue>, indent: string): string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const head = [...(indent === '' ? [''] : []), ...comment(value.description, indent)];
    if (!isGroup(value)) return [...head, `${indent}${key}: ${written(value.default)}`];
    return [...head, `${indent}${key}:`, ...valueLines(value.properties, `${indent}  `)];
  });
}

/** charts/aegis/values.yaml */
export function generateValues(): string {
  return `# ${MADE}\n${valueLines(CHART_VALUES.properties ?? {}, '').join('\n')}\n`;
}

/** charts/aegis/values.schema.json, by which Helm checks what is given. */
export function generateValuesSchema(): string {
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: CHART_VALUES.description };
  return `${JSON.stringify({ ...head, ...CHART_VALUES }, null, 2)}\n`;
}

/** What a value may be, in a word. */
function form({ type, enum: values, items }: ChartValue): string {
  if (Array.isArray(values)) return values.filter((value) => value !== '').join(' | ');
  if (type !== 'array') return type === 'object' ? 'map' : String(type);
  const each = (items as { type: string }).type;
  return `list of ${each === 'object' ? 'objects' : `${each}s`}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function rows(path: string, value: ChartValue): string[] {
  if (isGroup(value)) return Object.entries(value.properties).flatMap(([key, child]) => rows(`${path}.${key}`, child));
  const given = written(value.default);
  const shown = given === "''" || given === '{}' || given === '[]' ? '' : `\`${given}\``;
  return [`| \`${path}\` | ${cell(form(value))} | ${cell(shown)} | ${cell(value.description)} |`];
}

/** docs/helm-values.md */
export function generateValuesPage(): string {
  const properties = Object.entries(CHART_VALUES.properties ?? {});
  const table = (lines: string[]): string =>
    `| value | form | default | |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  const alone = properties.filter(([, value]) => !isGroup(value)).flatMap(([key, value]) => rows(key, value));
  const sections = properties
    .filter(([, value]) => isGroup(value))
    .map(([key, value]) => `## \`${key}\`\n\n${value.description}\n\n${table(rows(key, value))}`);
  return `# Values of the chart \`charts/aegis\`

${MADE} How to install, upgrade and remove the
chart: [helm.md](helm.md).

Helm checks them before it does anything (\`values.schema.json\`): a name that is not known and a value of another form are
refused. For completion in an editor, begin a values file with
\`# yaml-language-server: $schema=PATH/charts/aegis/values.schema.json\`.

${[table(alone), ...sections].join('\n')}`;
}
