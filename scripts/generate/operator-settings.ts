import { OPERATOR_SETTINGS } from '../../operator/config/operator-settings.ts';
import type { SettingsPage } from './settings-page.ts';

/** Titles of the groups; a key without a dot belongs to the first. */
const GROUPS: Readonly<Record<string, string>> = {
  '': 'The operator itself',
  pod: 'Its pod',
  listen: 'Listeners',
  services: 'Services before them',
  bundles: 'Bundle API',
  certificates: 'Certificates',
  webhook: 'Webhook',
  injection: 'Gateways in pods',
  relay: 'Between replicas',
  leader: 'Leader election',
  publish: 'Publishing',
  telemetry: 'Log',
};

const OPERATION = `## Replicas

Every replica serves bundles and the webhook; the one that holds the Lease \`aegis-operator\` also reconciles, publishes
and writes status. A leader that loses its Lease ends at once (exit code 1) and is started again by Kubernetes, because it
no longer knows what the new leader does. On SIGTERM it gives the Lease back, so that the next one need not wait.

## Health, metrics, log

The admin listener (\`listen.admin\`) answers \`GET\` for

| path | answer |
| --- | --- |
| \`/healthz\` | 200 as long as the process works; 503 with the reasons where only a restart helps |
| \`/readyz\` | 200 when this replica can serve bundles and webhook; else 503 with the reasons |
| \`/health\` | both, and the state of every part |
| \`/metrics\` | Prometheus' text format, names \`aegis_operator_…\` |

Whoever reaches the port may read them: there are names of resources in them, and no rules, values or secrets. A \`Host\`
that is neither an address, a loopback name nor one of \`hosts\` is refused, and so are web pages.

The log goes to standard error, one JSON line per event (\`kind: event\`); \`resource\` is the resource that it is about, e.g.
\`AgentPolicy fintech/finance-payments\`.

Exit codes: 0 ended as asked; 1 the Lease was lost (\`AEGIS_LEADER_LOST\`), or a second signal; 2 the settings are wrong; 70 a
defect. After 1 and 70 starting again is right: what is published is in the API server, and gateways go on meanwhile.
`;

/** docs/operator-configuration.md and schemas/operator-config.json. */
export const OPERATOR_PAGE: SettingsPage = {
  program: OPERATOR_SETTINGS,
  source: 'operator/config/settings.ts',
  schema: 'schemas/operator-config.json',
  file: 'operator.yaml',
  exampleValue: '0.0.0.0:8443',
  groups: GROUPS,
  closing: OPERATION,
};
