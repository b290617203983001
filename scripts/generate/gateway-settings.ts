import {
  ENVIRONMENT_PREFIX,
  environmentName,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
} from '../../gateway/config/settings.ts';
import type { JsonSchema } from '../../gateway/config/value-types.ts';

const settingOf = (key: SettingKey): Setting<unknown> => SETTINGS[key] as Setting<unknown>;

/** Titles of the groups; a key without a dot belongs to the first. */
const GROUPS: Record<string, string> = {
  '': 'Who the gateway serves',
  bundle: 'Bundles',
  listen: 'Listeners',
  capture: 'Capture of TLS',
  upstream: 'Tools',
  request: 'Requests',
  limits: 'Rates and budgets',
  telemetry: 'Log, metrics and traces',
  drain: 'The end',
};

const INTRODUCTION = `# Settings of the gateway

Generated from \`gateway/config/settings.ts\` by \`node scripts/generate.ts\`.

Every setting can be given in three places. A flag wins over the environment, the environment over the settings file,
and the file over the default:

\`\`\`
aegis gateway --listen.decisions 127.0.0.1:8181
${environmentName('listen.decisions')}=127.0.0.1:8181 aegis gateway
aegis gateway --config gateway.yaml       # or ${ENVIRONMENT_PREFIX}CONFIG; listen: {decisions: "127.0.0.1:8181"}
\`\`\`

- The flag is the key with \`--\` before it. Lists and maps take commas (\`a,b\`; \`tool=value,tool=value\`), or the flag
  several times; in the file they are lists and objects.
- The file is YAML or JSON. For completion and checks in an editor, begin it with
  \`# yaml-language-server: $schema=PATH/schemas/gateway-config.json\`.
- A name that is not known, a value that is not usable, and settings that do not go together keep the gateway from
  starting (exit code 2). All of them are told at once, each with its place. Variables that Kubernetes sets for a
  Service named \`aegis-gateway\` are not taken for settings.
- No setting takes a secret, only the path of a file that holds one; those files are read again when they change.
- \`aegis gateway --check-config\` prints the settings in force, and where each comes from.
`;

const FORMS = `## Forms of values

| form | example |
| --- | --- |
| address | \`127.0.0.1:8181\`, \`[::1]:8181\`; port 0 takes a free one |
| duration | \`500ms\`, \`10s\`, \`5m\`, \`1h\`, \`7d\`; a bare \`0\` |
| size | \`512B\`, \`64KiB\`, \`1MiB\`, \`2GiB\`; a bare \`0\` |
| list | \`a,b\` as a flag or variable, \`[a, b]\` in the file |
| map | \`tool=value\` as a flag or variable, \`{tool: value}\` in the file |
`;

const OPERATION = `## Health, metrics, log

The admin listener (\`listen.admin\`) answers \`GET\` for

| path | answer |
| --- | --- |
| \`/health/live\` | 200 as long as the process runs |
| \`/health/ready\` | 200 when calls can be decided: started, with a bundle that is not stale; else 503 with \`reason\` |
| \`/health\` | the same status, and everything about bundle, limits, log and traces |
| \`/metrics\` | Prometheus' text format, names \`aegis_gateway_…\` |

Whoever reaches the port may read them: there are no parameters, values or secrets in them. A \`Host\` that is neither an
address, a loopback name nor one of \`hosts\` is refused, and so are web pages.

On SIGTERM and SIGINT the gateway is no longer ready, takes no new calls, lets those in flight end for \`drain.grace\`,
delivers log and spans, and ends with code 0. A second signal ends it at once. Code 2: the settings are wrong. Code 70: a
defect; calls fail until the gateway has started again from the bundle on its disk.

The decision log has one JSON line per call (\`kind: decision\`); a call that takes longer than a second has its outcome on
a line of its own (\`kind: outcome\`, same \`decision_id\`). While its sink is slow or down, lines wait in memory, then in
\`telemetry.spill.directory\`, and are delivered later in order, each at least once. What could not be kept is counted, in
the log itself (\`kind: dropped\`) as in the metrics. The gateway's own log goes to standard error (\`kind: event\`).
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function groupOf(key: string): string {
  return key.includes('.') ? (key.split('.', 1)[0] as string) : '';
}

function row(key: SettingKey): string {
  const { type, doc, default: fallback } = settingOf(key);
  const shown = fallback === undefined || fallback === '' ? '' : `\`${fallback}\``;
  return `| \`${key}\` | ${cell(type.name)} | ${shown} | ${cell(doc)} |`;
}

export function generateSettingsPage(): string {
  const sections = Object.entries(GROUPS).map(([group, title]) => {
    const rows = SETTING_KEYS.filter((key) => groupOf(key) === group).map(row);
    return `## ${title}\n\n| key | form | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return [INTRODUCTION, ...sections, FORMS, OPERATION].join('\n');
}

interface ObjectSchema extends JsonSchema {
  properties: Record<string, JsonSchema>;
}

function objectSchema(): ObjectSchema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

/** JSON Schema (draft 07, which editors know best) of the settings file. */
export function generateSettingsSchema(): string {
  const root = objectSchema();
  for (const key of SETTING_KEYS) {
    const path = key.split('.');
    const name = path.pop() as string;
    let at = root;
    for (const part of path) {
      at.properties[part] ??= objectSchema();
      at = at.properties[part] as ObjectSchema;
    }
    const { type, doc, default: fallback } = settingOf(key);
    const standing = fallback === undefined || fallback === '' ? '' : ` Default: ${fallback}.`;
    at.properties[name] = { description: `${doc}${standing}`, ...type.schema };
  }
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Settings of the Aegis gateway' };
  return `${JSON.stringify({ ...head, ...root }, null, 2)}\n`;
}
