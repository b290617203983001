import { GATEWAY_SETTINGS } from '../../gateway/config/gateway-settings.ts';
import type { SettingsPage } from './settings-page.ts';

/** Titles of the groups; a key without a dot belongs to the first. */
const GROUPS: Readonly<Record<string, string>> = {
  '': 'Who the gateway serves',
  bundle: 'Bundles',
  report: 'Reports to the operator',
  listen: 'Listeners',
  capture: 'Capture',
  egress: 'Traffic past the gateway',
  upstream: 'Tools',
  request: 'Requests',
  limits: 'Rates and budgets',
  telemetry: 'Log, metrics and traces',
  drain: 'The end',
};

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

/** docs/gateway-configuration.md and schemas/gateway-config.json. */
export const GATEWAY_PAGE: SettingsPage = {
  program: GATEWAY_SETTINGS,
  source: 'gateway/config/settings.ts',
  schema: 'schemas/gateway-config.json',
  file: 'gateway.yaml',
  exampleValue: '127.0.0.1:8181',
  groups: GROUPS,
  closing: OPERATION,
};
