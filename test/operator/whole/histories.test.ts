/** What went wrong once, in as few events as it takes. Each is a history that `whole.property.test.ts` has found. */
import type { SimEvent } from './events.ts';
import { RESOURCES } from './resources.ts';
import { simulate } from './simulate.ts';

jest.mock('node:zlib', () => {
  const { zlibNow } = jest.requireActual<typeof import('./zlib-now.ts')>('./zlib-now.ts');
  const actual = jest.requireActual<typeof import('node:zlib')>('node:zlib');
  return { ...actual, ...zlibNow(actual) };
});

function at(kind: string, name: string): number {
  return RESOURCES.findIndex((each) => each.type.kind === kind && `${each.namespace ?? ''}/${each.name}` === name);
}

const FINTECH = at('AgentTenant', '/fintech');
const RIVAL = at('AgentTenant', '/rival');
const PAY = at('AgentTool', 'fintech/pay');
const MAIL = at('AgentTool', 'aegis-system/mail');
const PLANNER = at('AgentRegistration', 'fintech/planner');
const TRADER = at('AgentRegistration', 'desk/trader');
const TRADES = at('AgentPolicy', 'desk/trades');
const MAILS = at('AgentPolicy', 'fintech/mails');
/** Of its variants. */
const GOOD = 0;
/** Of those of an AgentTenant. */
const TYPO = 2;
/** Of those of a policy. */
const STRANGER = 5;

const HISTORIES: readonly { name: string; events: readonly SimEvent[] }[] = [
  {
    name: 'a replica whose watches are deaf begins to lead: what is newer and what is gone stay as they were committed',
    events: [
      { type: 'deafen', process: 1 },
      { type: 'delete', resource: PLANNER },
      { type: 'write', resource: PAY, variant: GOOD, n: 1 },
      { type: 'tick', ms: 3_000 },
      { type: 'stop', process: 0 },
      { type: 'tick', ms: 20_000 },
    ],
  },
  {
    name: 'two leaders for a moment, of whom one knows an older head: they do not write bootstrap copies without a pause',
    events: [
      { type: 'lease' },
      { type: 'write', resource: FINTECH, variant: GOOD, n: 15 },
      { type: 'write', resource: FINTECH, variant: TYPO, n: 19 },
      { type: 'kill', process: 1 },
    ],
  },
  {
    name: 'a head that an ending leader has committed, of a tenant that there is not, is removed by the one that stays',
    events: [
      { type: 'lease' },
      { type: 'write', resource: FINTECH, variant: GOOD, n: 15 },
      { type: 'write', resource: FINTECH, variant: TYPO, n: 0 },
      { type: 'kill', process: 1 },
      { type: 'write', resource: MAILS, variant: STRANGER, n: 3 },
    ],
  },
  {
    name: 'a time that has come while a commit was on its way is not missed',
    events: [
      { type: 'freeze', ms: 11_000 },
      { type: 'tick', ms: 20_000 },
      { type: 'fault', process: 1, kind: 'throttled', skip: 9, times: 2, reads: false },
      { type: 'write', resource: RIVAL, variant: GOOD, n: 19 },
      { type: 'tick', ms: 700 },
      { type: 'wall', hours: 80 },
    ],
  },
  {
    name: 'an AgentTenant that is invalid now, and whose head is gone: the heads before it say what it was',
    events: [
      { type: 'delete', resource: MAIL },
      { type: 'write', resource: FINTECH, variant: TYPO, n: 0 },
      { type: 'tick', ms: 200 },
      { type: 'kill', process: 0 },
      { type: 'stop', process: 1 },
      { type: 'tamper', component: 'bundle-head', index: 1, how: 'delete' },
      { type: 'tick', ms: 20_000 },
    ],
  },
  {
    name: 'a tenant that has nothing left but agents that are refused follows the platform, whoever leads',
    events: [
      { type: 'delete', resource: FINTECH },
      { type: 'delete', resource: TRADES },
      { type: 'delete', resource: TRADER },
      { type: 'tick', ms: 700 },
      { type: 'write', resource: MAIL, variant: GOOD, n: 2 },
    ],
  },
  {
    name: 'a replica that has missed the last good version of an AgentTenant takes it from what is committed',
    events: [
      { type: 'stop', process: 1 },
      { type: 'write', resource: FINTECH, variant: GOOD, n: 1 },
      { type: 'tick', ms: 700 },
      { type: 'write', resource: FINTECH, variant: TYPO, n: 1 },
      { type: 'tick', ms: 700 },
      { type: 'compact' },
      { type: 'cut', process: 1 },
      { type: 'cont', process: 1 },
      { type: 'tick', ms: 3_000 },
      { type: 'stop', process: 0 },
      { type: 'tick', ms: 20_000 },
    ],
  },
  {
    name: 'a bootstrap copy that is gone when a leader begins, of a tenant that only the last commit can tell, is written',
    events: [
      { type: 'write', resource: FINTECH, variant: TYPO, n: 0 },
      { type: 'tick', ms: 700 },
      { type: 'stop', process: 0 },
      { type: 'lease' },
      { type: 'tamper', component: 'bootstrap', index: 1, how: 'delete' },
      { type: 'kill', process: 1 },
    ],
  },
];

test.each(HISTORIES)('$name', async ({ events }) => {
  const { violations } = await simulate(0, events);
  expect(violations).toEqual([]);
});
