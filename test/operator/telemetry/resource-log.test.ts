import { logAbout } from '../../../operator/telemetry/resource-log.ts';
import { createLogger } from '../../../runtime/telemetry/logger.ts';

test('lines name what they are about, and of an object nothing but its name', () => {
  const lines: string[] = [];
  const out = { write: (line: string) => lines.push(line) > 0, writableLength: 0 };
  const logger = createLogger({ level: 'info', now: () => 0, out });
  const policy = {
    kind: 'AgentPolicy',
    metadata: { namespace: 'fintech', name: 'finance-payments', annotations: { note: 'hunter2' } },
    spec: { rules: ['hunter2'] },
  };
  logAbout(logger, policy).warn('stalled', { code: 'AEGIS_UNKNOWN_TOOL' });
  logAbout(logger, { kind: 'AgentTenant', metadata: { name: 'fintech' } }).info('published', { sequence: 7 });
  logAbout(logAbout(logger, { tenant: 'fintech' }), { controller: 'tenant' }).debug('hidden');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      kind: 'event',
      time: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      event: 'stalled',
      resource: 'AgentPolicy fintech/finance-payments',
      code: 'AEGIS_UNKNOWN_TOOL',
    },
    {
      kind: 'event',
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      event: 'published',
      resource: 'AgentTenant fintech',
      sequence: 7,
    },
  ]);
});
