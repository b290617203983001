import fc from 'fast-check';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { LeaderElection, type LeaderElectionOptions } from '../../../operator/kube/lease.ts';
import type { Lease } from '../../../operator/kube/lease-record.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { type Fate, Machine } from './machine.ts';

const LEASE_KEY = 'system/operator';
let time: FakeClock;
let cluster: FakeCluster;
let candidates: Candidate[];

beforeEach(() => newWorld());
afterEach(async () => {
  for (const candidate of candidates) {
    candidate.machine.thaw();
    candidate.finish();
    candidate.stop.abort();
  }
  await time.advance(30_000);
});

function newWorld(): void {
  time = new FakeClock();
  cluster = new FakeCluster(time);
  candidates = [];
}

/** A process that wants to lead. */
class Candidate {
  readonly machine: Machine;
  readonly election: LeaderElection;
  readonly stop = new AbortController();
  readonly errors: unknown[] = [];
  signal: AbortSignal | undefined;
  outcome: 'released' | 'lost' | Error | undefined;
  terms = 0;
  finish: () => void = () => {};
  /** How long the work goes on after it was asked to end. */
  slow = false;

  constructor(
    name: string,
    options: Partial<LeaderElectionOptions> = {},
    clock: { rate?: number; offset?: number } = {},
  ) {
    this.machine = new Machine(time, clock);
    this.election = new LeaderElection({
      client: this.machine.client(cluster.client()),
      namespace: 'system',
      name: 'operator',
      identity: name,
      clock: this.machine,
      random: () => 0.5,
      onError: (error) => this.errors.push(error),
      ...options,
    });
    candidates.push(this);
  }

  start(): this {
    const work = (signal: AbortSignal): Promise<void> => {
      this.terms++;
      this.signal = signal;
      return new Promise((resolve) => {
        this.finish = resolve;
        signal.addEventListener('abort', () => this.slow || resolve());
      });
    };
    void this.election.run(work, this.stop.signal).then(
      (outcome) => {
        this.outcome = outcome;
      },
      (error: Error) => {
        this.outcome = error;
      },
    );
    return this;
  }

  /** Whether it could do something as the leader at this moment. */
  get acts(): boolean {
    return !this.machine.frozen && this.outcome === undefined && this.signal?.aborted === false;
  }
}

function lease(): Lease | undefined {
  return cluster.objects.get(LEASE_KEY) as Lease | undefined;
}

const leaders = () => candidates.filter(({ acts }) => acts);

test('the first one leads, and writes what the API server wants', async () => {
  const a = new Candidate('a', { annotations: () => ({ 'example.com/address': '10.0.0.1' }) }).start();
  await time.advance(10);
  expect([a.acts, a.election.leading]).toEqual([true, true]);
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect(lease()?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const first = lease()?.spec?.renewTime;
  await time.advance(5_000);
  expect(lease()?.spec?.renewTime).not.toBe(first);
  expect(a.election.holder()).toEqual({
    identity: 'a',
    annotations: { 'example.com/address': '10.0.0.1' },
    transitions: 0,
  });
});

test('the others wait, and see who leads and where', async () => {
  let address = '10.0.0.1';
  new Candidate('a', { annotations: () => ({ address }) }).start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(60_000);
  expect([b.acts, b.terms, b.election.leading]).toEqual([false, 0, false]);
  expect(b.election.holder()).toEqual({ identity: 'a', annotations: { address }, transitions: 0 });
  address = '10.0.0.2';
  await time.advance(5_000);
  expect(b.election.holder()?.annotations).toEqual({ address });
});

test('what is given back is taken at the next look', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(1_000);
  a.stop.abort();
  await time.advance(100);
  expect(a.outcome).toBe('released');
  expect(lease()?.spec?.holderIdentity).toBe('');
  expect(a.election.holder()).toBeUndefined();
  await time.advance(2_400);
  expect(b.acts).toBe(true);
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15, leaseTransitions: 1 });
});

test('work that takes its time to end goes on leading, and is not interrupted by others', async () => {
  const a = new Candidate('a').start();
  a.slow = true;
  await time.advance(10);
  const b = new Candidate('b').start();
  a.stop.abort();
  await time.advance(60_000);
  expect([a.signal?.aborted, a.outcome, a.election.leading, b.terms]).toEqual([true, undefined, true, 0]);
  a.finish();
  await time.advance(100);
  expect(a.outcome).toBe('released');
  await time.advance(2_400);
  expect(b.acts).toBe(true);
});

test('work that comes to its end, or fails, gives the lease back', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  a.finish();
  await time.advance(100);
  expect([a.outcome, lease()?.spec?.holderIdentity]).toEqual(['released', '']);
  const b = new Candidate('b');
  const ended = b.election.run(async () => {
    throw new Error('a defect');
  }, b.stop.signal);
  const outcome = ended.catch((error: unknown) => error);
  await time.advance(100);
  expect(await outcome).toEqual(new Error('a defect'));
  expect(lease()?.spec?.holderIdentity).toBe('');
});

test('who dies is followed after the lease is over, by the clock of the one who follows', async () => {
  const a = new Candidate('a', {}, { offset: 3_600_000 }).start();
  await time.advance(10);
  const b = new Candidate('b', {}, { offset: -3_600_000 }).start();
  await time.advance(10_000);
  a.machine.freeze();
  await time.advance(12_000);
  expect(b.terms).toBe(0);
  await time.advance(8_000);
  expect(b.acts).toBe(true);
});

test('a process that was stopped for long leads no more when it goes on', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(3_000);
  a.machine.freeze();
  await time.advance(30_000);
  expect(b.acts).toBe(true);
  a.machine.thaw();
  expect(a.election.leading).toBe(false);
  await settle();
  expect([a.outcome, a.signal?.aborted]).toEqual(['lost', true]);
  expect(lease()?.spec?.holderIdentity).toBe('b');
});

test('a process whose time is over asks for no more, even where nobody has followed yet', async () => {
  const a = new Candidate('a').start();
  await time.advance(3_000);
  a.machine.freeze();
  const before = lease()?.metadata.resourceVersion;
  await time.advance(12_000);
  a.machine.thaw();
  await time.advance(100);
  expect([a.outcome, lease()?.metadata.resourceVersion]).toEqual(['lost', before]);
});

test('a renewal counts from when it was sent, however late the answer is', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  a.machine.fates.push({ there: 1, back: 9_000, lost: 'no' });
  // sent after 2 s, answered after 11
  await time.advance(11_010);
  expect(a.acts).toBe(false);
  const b = new Candidate('b').start();
  await time.advance(20_000);
  expect(b.acts).toBe(true);
  b.machine.fates.push({ there: 1, back: 7_000, lost: 'no' });
  await time.advance(9_100);
  b.machine.connected = false;
  await time.advance(2_900);
  expect([b.acts, b.outcome]).toEqual([false, 'lost']);
});

test('a process that was stopped while it claimed leads nothing', async () => {
  const a = new Candidate('a');
  // the answer to the look, then the answer to the claim
  a.machine.fates.push({ there: 1, back: 1, lost: 'no' }, { there: 1, back: 60_000, lost: 'no' });
  a.start();
  await time.advance(60_010);
  expect(a.terms).toBe(0);
  // the lease says that it is ours, which is true from the next claim on
  await time.advance(5_000);
  expect([a.terms, a.acts]).toEqual([1, true]);
});

test('an outage that is shorter than the deadline changes nothing; a longer one ends it before others may begin', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(10_000);
  a.machine.connected = false;
  await time.advance(6_000);
  a.machine.connected = true;
  await time.advance(10_000);
  expect([a.acts, b.terms]).toEqual([true, 0]);
  expect(a.errors.length).toBeGreaterThan(0);
  a.machine.connected = false;
  await time.advance(10_500);
  expect([a.outcome, a.signal?.aborted, b.terms]).toEqual(['lost', true, 0]);
  await time.advance(10_000);
  expect(b.acts).toBe(true);
});

test('a deleted lease is made again by who holds it, and by nobody else', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(3_900);
  cluster.remove(LEASE_KEY);
  await time.advance(5_000);
  expect([a.acts, b.terms, lease()?.spec?.holderIdentity]).toEqual([true, 0, 'a']);
});

test('a lease that was deleted with its holder is free after its time, and counts on', async () => {
  const a = new Candidate('a').start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(3_000);
  a.machine.freeze();
  cluster.remove(LEASE_KEY);
  await time.advance(10_000);
  expect(b.terms).toBe(0);
  await time.advance(10_000);
  expect([b.acts, lease()?.spec?.leaseTransitions]).toEqual([true, 1]);
});

test('labels that others write cost no leadership', async () => {
  const a = new Candidate('a').start();
  await time.advance(3_000);
  const current = lease();
  if (current === undefined) throw new Error('no lease');
  cluster.put({ ...current, metadata: { ...current.metadata, labels: { by: 'hand' } } });
  await time.advance(3_000);
  expect([a.acts, lease()?.metadata.labels]).toEqual([true, { by: 'hand' }]);
});

test('who finds another name in its lease has lost', async () => {
  const a = new Candidate('a').start();
  await time.advance(3_000);
  const current = lease();
  if (current === undefined) throw new Error('no lease');
  cluster.put({ ...current, spec: { ...current.spec, holderIdentity: 'somebody' } } as Lease);
  await time.advance(2_100);
  expect(a.outcome).toBe('lost');
});

test('the duration that the holder wrote counts', async () => {
  const a = new Candidate('a', { leaseDuration: 40_000, renewDeadline: 30_000 }).start();
  await time.advance(10);
  const b = new Candidate('b').start();
  await time.advance(5_000);
  a.machine.freeze();
  await time.advance(35_000);
  expect(b.terms).toBe(0);
  await time.advance(10_000);
  expect(b.acts).toBe(true);
});

test('a stop before anything was won', async () => {
  const a = new Candidate('a');
  a.stop.abort();
  a.start();
  await settle();
  expect(a.outcome).toBe('released');
  expect(lease()).toBeUndefined();
  const b = new Candidate('b').start();
  b.stop.abort();
  await time.advance(100);
  expect([b.outcome, lease()?.spec?.holderIdentity ?? '']).toEqual(['released', '']);
});

test('times that make no sense are refused', () => {
  expect(() => new Candidate('a', { renewDeadline: 15_000 })).toThrow(RangeError);
  expect(() => new Candidate('a', { retryPeriod: 10_000 })).toThrow(RangeError);
  expect(() => new Candidate('a', { retryPeriod: 0 })).toThrow(RangeError);
});

test('an error handler that throws changes nothing', async () => {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  cluster.faults.push(new KubeError(500, 'InternalError', 'no'));
  const a = new Candidate('a', {
    onError: () => {
      throw new Error('handler');
    },
  }).start();
  await time.advance(5_000);
  expect(a.acts).toBe(true);
  expect(emit).toHaveBeenCalledTimes(1);
  emit.mockRestore();
});

type Step =
  | { do: 'start' | 'delete' | 'outage' | 'repair' }
  | { do: 'stop' | 'kill' | 'freeze' | 'thaw' | 'cut' | 'connect'; who: number }
  | { do: 'network'; who: number; fates: Fate[] }
  | { do: 'advance'; ms: number };

const who = fc.nat(3);
const fate: fc.Arbitrary<Fate> = fc.record({
  there: fc.nat(9_000),
  back: fc.nat(9_000),
  lost: fc.constantFrom('no', 'no', 'no', 'request', 'answer'),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'outage', 'repair') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('stop' as const, 'freeze', 'thaw', 'thaw', 'cut', 'connect', 'connect'),
      who,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('network' as const), who, fates: fc.array(fate, { maxLength: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(12_000) }) },
);

function take(each: Step): void {
  if (each.do === 'delete') cluster.remove(LEASE_KEY);
  else if (each.do === 'outage') for (const { machine } of candidates) machine.connected = false;
  else if (each.do === 'repair') for (const { machine } of candidates) machine.connected = true;
  else if ('who' in each) happen(each, candidates[each.who]);
}

function happen(each: Extract<Step, { who: number }>, candidate: Candidate | undefined): void {
  if (candidate === undefined) return;
  const { machine, stop } = candidate;
  if (each.do === 'stop') stop.abort();
  else if (each.do === 'freeze') machine.freeze();
  else if (each.do === 'thaw') machine.thaw();
  else if (each.do === 'network') machine.fates.push(...each.fates);
  else machine.connected = each.do === 'connect';
}

test('whatever happens to machines and networks: never two that lead, and always one in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.record({ rate: fc.double({ min: 0.9, max: 1.1, noNaN: true }), offset: fc.integer() }), {
        minLength: 4,
        maxLength: 4,
      }),
      async (steps, clocks) => {
        newWorld();
        for (const [index, clock] of clocks.entries()) new Candidate(`c${index}`, {}, clock).start();
        const check = () => {
          expect(leaders().length).toBeLessThanOrEqual(1);
          expect(candidates.filter(({ election }) => election.leading).length).toBeLessThanOrEqual(1);
        };
        await time.advance(3_000);
        for (const each of steps) {
          take(each);
          for (let left = each.do === 'advance' ? each.ms : 1; left > 0; left -= 1_000) {
            await time.advance(Math.min(left, 1_000));
            check();
          }
        }
        for (const { machine } of candidates) {
          machine.thaw();
          machine.connected = true;
          machine.fates.length = 0;
        }
        // a new process cannot know of a lease that was deleted just now
        await time.advance(30_000);
        check();
        // whoever has lost is started again as another process
        const fresh = new Candidate('fresh').start();
        for (let i = 0; i < 60; i++) {
          await time.advance(1_000);
          check();
        }
        expect(leaders().length).toBe(1);
        expect(fresh.election.holder()?.identity).toBe(lease()?.spec?.holderIdentity);
        for (const candidate of candidates) candidate.stop.abort();
        await time.advance(20_000);
        expect(lease()?.spec?.holderIdentity).toBe('');
      },
    ),
    { numRuns: 60 },
  );
});
