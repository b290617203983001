import fc from 'fast-check';
import { GUARD_PROBLEMS, type GuardProblem, type PodStamp } from '../../../policy/wire/pod-contract.ts';
import { readStamp } from '../../../policy/wire/read-stamp.ts';

const STAMP: PodStamp = {
  version: 1,
  registration: 'finance-agent',
  agent: 'finance-agent',
  tenant: 'fintech',
  template: `sha256:${'a'.repeat(64)}`,
  capture: 'Transparent',
  egressGuard: 'Enforce',
  guarded: true,
};

const problems = fc.subarray(Object.keys(GUARD_PROBLEMS) as GuardProblem[], { minLength: 1 });

test('what the operator writes is read as it is', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const),
      fc.constantFrom('Transparent' as const, 'Explicit' as const),
      fc.option(problems, { nil: undefined }),
      (egressGuard, capture, found) => {
        const guarded = capture === 'Transparent' && found === undefined;
        const stamp = { ...STAMP, egressGuard, capture, guarded, ...(found !== undefined && { problems: found }) };
        expect(readStamp(JSON.stringify(stamp))).toEqual(stamp);
      },
    ),
  );
});

test.each<[string, unknown]>([
  ['another version', { ...STAMP, version: 2 }],
  ['a field that is not known', { ...STAMP, note: 'x' }],
  ['no registration', { ...STAMP, registration: undefined }],
  ['a name that is none', { ...STAMP, agent: 'Finance agent' }],
  ['no digest', { ...STAMP, template: 'latest' }],
  ['a capture that is not known', { ...STAMP, capture: 'Magic' }],
  ['a guard that is not known', { ...STAMP, egressGuard: 'On' }],
  ['a guard without the init container', { ...STAMP, capture: 'Explicit' }],
  ['a guard in spite of a problem', { ...STAMP, problems: ['RootUser'] }],
  ['a problem that is not known', { ...STAMP, guarded: false, problems: ['constructor'] }],
  ['a problem twice', { ...STAMP, guarded: false, problems: ['RootUser', 'RootUser'] }],
  ['problems that are no list', { ...STAMP, guarded: false, problems: 'RootUser' }],
  ['a list', [STAMP]],
  ['null', null],
])('%s is no stamp', (_, value) => {
  expect(readStamp(JSON.stringify(value))).toBeUndefined();
});

test('no text, broken text and endless text are no stamps', () => {
  expect(readStamp(undefined)).toBeUndefined();
  expect(readStamp(JSON.stringify(STAMP).slice(1))).toBeUndefined();
  expect(readStamp(`${JSON.stringify(STAMP)}${' '.repeat(10_000)}`)).toBeUndefined();
});

test('never throws, and never gives anything but a stamp', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.jsonValue().map((v) => JSON.stringify({ ...STAMP, problems: v })),
      ),
      (text) => {
        const stamp = readStamp(text);
        if (stamp !== undefined) expect(stamp.version).toBe(1);
      },
    ),
  );
});
