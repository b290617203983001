import type { ScopedPods } from '../../../operator/controllers/scoped-pods.ts';
import { type Progress, StatusMarks } from '../../../operator/controllers/status-marks.ts';
import type { TenantRecord } from '../../../operator/controllers/tenant-record.ts';

const POLICY = 'AgentPolicy fintech/caps';
const REGISTRATION = 'AgentRegistration fintech/buyer';

function marksOf(progress: () => Progress) {
  const marked: string[] = [];
  const sequences = new Map<string, number>();
  const records = new Map<string, TenantRecord>();
  const marks = new StatusMarks({
    scoped: { progress } as unknown as ScopedPods,
    record: ({ uid }) => {
      const known = records.get(uid);
      const entry = { uid: 'p', generation: 1, accepted: { spec: { scope: {} } }, sequence: sequences.get(uid) ?? 0 };
      const record = known ?? ({ outcome: { committed: { entries: new Map([[POLICY, entry]]) } } } as never);
      records.set(uid, record);
      return record;
    },
    mark: (key) => marked.push(key),
  });
  const agent = (uid: string): string[] => {
    marks.agent({ name: 'fintech', uid }, 'buyer', 'fintech/buyer');
    return marked.splice(0);
  };
  return { agent, sequences };
}

test('a policy is looked at until every gateway has it, and where their number changes', () => {
  let now: Progress = { gateways: 1, least: 2 };
  const { agent, sequences } = marksOf(() => now);
  sequences.set('uid-1', 3);
  expect(agent('uid-1')).toEqual([REGISTRATION, POLICY]);
  now = { gateways: 1, least: 3 };
  expect(agent('uid-1')).toEqual([REGISTRATION, POLICY]);
  expect(agent('uid-1')).toEqual([REGISTRATION]);
  now = { gateways: 2, least: 3 };
  expect(agent('uid-1')).toEqual([REGISTRATION, POLICY]);
});

test('what gateways had of a tenant says nothing of another tenant of the same name', () => {
  let now: Progress = { gateways: 1, least: 3 };
  const { agent, sequences } = marksOf(() => now);
  sequences.set('uid-1', 3).set('uid-2', 1);
  agent('uid-1');
  now = { gateways: 1, least: 1 };
  expect(agent('uid-2')).toEqual([REGISTRATION, POLICY]);
});
