import { defineSettings } from '../../runtime/settings/program-settings.ts';
import { checkSettings } from './check-settings.ts';
import { ENVIRONMENT_PREFIX, SETTINGS } from './settings.ts';

/** The settings of `aegis gateway`, and how they are spoken of. */
export const GATEWAY_SETTINGS = defineSettings({
  table: SETTINGS,
  command: 'aegis gateway',
  noun: 'gateway',
  environmentPrefix: ENVIRONMENT_PREFIX,
  check: checkSettings,
  help: {
    about: 'Runs the gateway: decides every tool call of an agent by the signed bundle, and forwards what is allowed.',
    exampleKey: 'listen.decisions',
    example:
      'aegis gateway --tenant fintech --agent finance-agent --bundle.directory out --bundle.trustedKeys aegis.pub',
  },
});
