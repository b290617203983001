import { keysOf, type ProgramSettings } from '../../runtime/settings/program-settings.ts';
import { environmentName, type Setting, type SettingsTable } from '../../runtime/settings/setting.ts';
import type { JsonSchema } from '../../runtime/settings/value-types.ts';

/** The page and the editor schema of one program's settings. */
export interface SettingsPage {
  program: ProgramSettings<SettingsTable>;
  /** Path of the table. */
  source: string;
  /** Path of the schema. */
  schema: string;
  /** Name of a settings file in examples. */
  file: string;
  /** Value of the example key. */
  exampleValue: string;
  /** Titles of the groups, in order; a key without a dot belongs to the first, `''`. */
  groups: Readonly<Record<string, string>>;
  /** Markdown after the tables. */
  closing: string;
}

function introduction({ program, source, schema, file, exampleValue }: SettingsPage): string {
  const { command, noun, environmentPrefix: prefix, help } = program;
  const key = help.exampleKey;
  const [group, name] = key.split('.');
  return `# Settings of the ${noun}

Generated from \`${source}\` by \`node scripts/generate.ts\`.

Every setting can be given in three places. A flag wins over the environment, the environment over the settings file,
and the file over the default:

\`\`\`
${command} --${key} ${exampleValue}
${environmentName(prefix, key)}=${exampleValue} ${command}
${`${command} --config ${file}`.padEnd(41)} # or ${prefix}CONFIG; ${group}: {${name}: "${exampleValue}"}
\`\`\`

- The flag is the key with \`--\` before it. Lists and maps take commas (\`a,b\`; \`tool=value,tool=value\`), or the flag
  several times; in the file they are lists and objects.
- The file is YAML or JSON. For completion and checks in an editor, begin it with
  \`# yaml-language-server: $schema=PATH/${schema}\`.
- A name that is not known, a value that is not usable, and settings that do not go together keep the ${noun} from
  starting (exit code 2). All of them are told at once, each with its place. Variables that Kubernetes sets for a
  Service named \`${command.replace(' ', '-')}\` are not taken for settings.
- No setting takes a secret, only the path of a file that holds one; those files are read again when they change.
- \`${command} --check-config\` prints the settings in force, and where each comes from.
`;
}

const FORMS = `## Forms of values

| form | example |
| --- | --- |
| address | \`127.0.0.1:8181\`, \`[::1]:8181\`; port 0 takes a free one |
| duration | \`500ms\`, \`10s\`, \`5m\`, \`1h\`, \`7d\`; a bare \`0\` |
| size | \`512B\`, \`64KiB\`, \`1MiB\`, \`2GiB\`; a bare \`0\` |
| list | \`a,b\` as a flag or variable, \`[a, b]\` in the file |
| map | \`tool=value\` as a flag or variable, \`{tool: value}\` in the file |
| pairs | \`cpu=10m; memory=64Mi\` as a flag or variable, \`{cpu: 10m, memory: 64Mi}\` in the file |
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function groupOf(key: string): string {
  return key.includes('.') ? (key.split('.', 1)[0] as string) : '';
}

function row(key: string, { type, doc, default: fallback }: Setting<unknown>): string {
  const shown = fallback === undefined || fallback === '' ? '' : `\`${fallback}\``;
  return `| \`${key}\` | ${cell(type.name)} | ${shown} | ${cell(doc)} |`;
}

/** @throws Error for a key whose group has no title */
export function generateSettingsPage(page: SettingsPage): string {
  const { program, groups } = page;
  const keys = keysOf(program);
  const lost = keys.find((key) => groups[groupOf(key)] === undefined);
  if (lost !== undefined) throw new Error(`${page.source}: the group of ${lost} has no title`);
  const sections = Object.entries(groups).map(([group, title]) => {
    const rows = keys.filter((key) => groupOf(key) === group).map((key) => row(key, settingOf(program, key)));
    return `## ${title}\n\n| key | form | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return [introduction(page), ...sections, FORMS, page.closing].join('\n');
}

function settingOf({ table }: ProgramSettings<SettingsTable>, key: string): Setting<unknown> {
  return table[key] as Setting<unknown>;
}

interface ObjectSchema extends JsonSchema {
  properties: Record<string, JsonSchema>;
}

function objectSchema(): ObjectSchema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

/** JSON Schema (draft 07, which editors know best) of the settings file. */
export function generateSettingsSchema({ program }: SettingsPage): string {
  const root = objectSchema();
  for (const key of keysOf(program)) {
    const path = key.split('.');
    const name = path.pop() as string;
    let at = root;
    for (const part of path) {
      at.properties[part] ??= objectSchema();
      at = at.properties[part] as ObjectSchema;
    }
    const { type, doc, default: fallback } = settingOf(program, key);
    const standing = fallback === undefined || fallback === '' ? '' : ` Default: ${fallback}.`;
    at.properties[name] = { description: `${doc}${standing}`, ...type.schema };
  }
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: `Settings of the Aegis ${program.noun}` };
  return `${JSON.stringify({ ...head, ...root }, null, 2)}\n`;
}
