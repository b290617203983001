import { defineSettings } from '../../runtime/settings/program-settings.ts';
import { checkSettings } from './check-settings.ts';
import { ENVIRONMENT_PREFIX, SETTINGS } from './settings.ts';

/** The settings of `aegis operator`, and how they are spoken of. */
export const OPERATOR_SETTINGS = defineSettings({
  table: SETTINGS,
  command: 'aegis operator',
  noun: 'operator',
  environmentPrefix: ENVIRONMENT_PREFIX,
  check: checkSettings,
  help: {
    about: "Runs the operator: makes signed bundles of a cluster's policies, and serves them to the gateways.",
    exampleKey: 'listen.bundles',
    example: 'aegis operator --kubeconfig ~/.kube/config --namespace aegis-system --listen.webhook off',
  },
});
