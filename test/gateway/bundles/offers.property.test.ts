/** Whatever is offered, in whatever order and by whom: the gateway only goes forward, and only by what was signed. */
import fc from 'fast-check';
import type { BundleStore, StoredState } from '../../../gateway/bundles/bundle-store.ts';
import type { Freeze } from '../../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../../policy/bundle/sign-bundle.ts';
import { AegisError } from '../../../policy/errors.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { gateway } from './gateway-under-test.ts';
import { HOUR, KEY, MINUTE, RING, renew, SECOND_KEY, STRANGER_KEY, sign, sliceFiles, T0 } from './publisher.ts';

const FREEZES: Freeze[] = [
  { mode: 'None' },
  { mode: 'Keep', reason: 'a', since: '2026-11-22T08:00:00.000Z' },
  { mode: 'DenyAll', reason: 'b', since: '2026-11-22T08:00:01.000Z', exception: 'Suspension' },
];

/** Made once per shape: signing is what costs. */
const made = new Map<string, SignedBundle>();
function bundleOf(offer: Offer): SignedBundle {
  const key = JSON.stringify(offer);
  let bundle = made.get(key);
  if (bundle === undefined) {
    const { sequence, cap, minute, by, freeze, revokes } = offer;
    const options = {
      key: [KEY, SECOND_KEY, STRANGER_KEY][by] ?? KEY,
      freeze: FREEZES[freeze] ?? { mode: 'None' as const },
      revocations: { keys: revokes ? [SECOND_KEY.keyId] : [] },
    };
    bundle = sign({ sequence, cap, issuedAt: T0, ...options });
    if (minute > 0) bundle = renew(bundle, { issuedAt: T0 + minute * MINUTE, ...options });
    made.set(key, bundle);
  }
  return bundle;
}

interface Offer {
  sequence: number;
  cap: number;
  minute: number;
  by: number;
  freeze: number;
  revokes: boolean;
}

const offer = fc.record<Offer>({
  sequence: fc.integer({ min: 1, max: 5 }),
  cap: fc.constantFrom(100, 200),
  minute: fc.integer({ min: 0, max: 2 }),
  by: fc.constantFrom(0, 0, 0, 1, 2),
  freeze: fc.constantFrom(0, 0, 0, 1, 2),
  revokes: fc.constantFrom(false, false, false, true),
});

type Step =
  | { do: 'offer'; offer: Offer; damage: number | undefined }
  | { do: 'restart' }
  | { do: 'wait'; ms: number }
  | { do: 'jump'; ms: number }
  | { do: 'disk'; works: boolean };

/** One in nine is damaged. */
const rarely = fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record<Step & { do: 'offer' }>({ do: fc.constant('offer'), offer, damage: rarely }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 20 * HOUR }).map<Step>((ms) => ({ do: 'wait', ms })) },
  { weight: 1, arbitrary: fc.integer({ min: -3 * HOUR, max: 3 * HOUR }).map<Step>((ms) => ({ do: 'jump', ms })) },
  { weight: 1, arbitrary: fc.boolean().map<Step>((works) => ({ do: 'disk', works })) },
);

/** A disk that can be taken away. */
class FlakyStore implements BundleStore {
  works = true;
  state: StoredState | undefined;

  async load() {
    return { ...this.state, problems: [] };
  }

  async save(state: StoredState) {
    if (!this.works) throw new AegisError('AEGIS_BUNDLE_STORE', 'no disk');
    this.state = state;
  }
}

function damaged(files: Map<string, Uint8Array>, at: number): Map<string, Uint8Array> {
  const names = [...files.keys()];
  const name = names[at % names.length] as string;
  const bytes = Uint8Array.from(files.get(name) as Uint8Array);
  const position = (at * 7919) % bytes.length;
  bytes[position] = (bytes[position] as number) ^ 0x20;
  return new Map(files).set(name, bytes);
}

/** One life after the other of a gateway, and what it must never fall behind. */
class Lives {
  activations = 0;
  readonly #store = new FlakyStore();
  readonly #clock = new FakeClock(T0 + 3 * MINUTE);
  #under = gateway({ store: this.#store, clock: this.#clock });
  #highest = { sequence: 0, issuedAt: '' };
  #revoked = false;

  async take(step: Step): Promise<void> {
    if (step.do === 'offer') await this.#offer(step.offer, step.damage);
    else if (step.do === 'restart') await this.#restart();
    else if (step.do === 'wait') await this.#clock.advance(step.ms);
    else if (step.do === 'jump') this.#clock.setWall(this.#clock.now() + step.ms);
    else this.#store.works = step.works;
  }

  end(): Promise<void> {
    return this.#under.updater.stop();
  }

  /** What was on disk is in force again, and nothing else. */
  async #restart(): Promise<void> {
    await settle();
    await this.#under.updater.stop();
    const kept = this.#store.state?.memory;
    this.#highest = kept?.head ?? { sequence: 0, issuedAt: '' };
    this.#revoked = kept?.revoked.keys.includes(SECOND_KEY.keyId) === true;
    this.#under = gateway({ store: this.#store, clock: this.#clock });
    await this.#under.updater.restore();
    expect(this.#under.active?.sequence ?? 0).toBe(this.#highest.sequence);
  }

  async #offer(offer: Offer, damage: number | undefined): Promise<void> {
    const bundle = bundleOf(offer);
    const files = sliceFiles(bundle);
    const before = this.#under.active;
    const { outcome } = await this.#under.sink.offer({ files: damage === undefined ? files : damaged(files, damage) });
    if (outcome === 'refused') expect(this.#under.active).toBe(before);
    if (outcome !== 'activated' && outcome !== 'renewed') return;
    this.activations++;
    const { manifest } = bundle;
    // what came into force is exactly what was signed, by a key that is trusted and was never revoked
    expect(damage).toBeUndefined();
    expect(RING.keys.has(manifest.keyId)).toBe(true);
    expect(this.#revoked && manifest.keyId === SECOND_KEY.keyId).toBe(false);
    expect(this.#under.updater.status().active?.etag).toBe(manifest.etag);
    expect(this.#under.active?.freeze ?? 'None').toBe(manifest.freeze.mode);
    this.#expectForward(outcome, manifest);
    this.#highest = manifest;
    this.#revoked ||= offer.revokes;
  }

  #expectForward(outcome: string, { sequence, issuedAt }: { sequence: number; issuedAt: string }): void {
    const renewal = sequence === this.#highest.sequence;
    expect(outcome).toBe(renewal ? 'renewed' : 'activated');
    if (renewal) expect(issuedAt > this.#highest.issuedAt).toBe(true);
    else expect(sequence).toBeGreaterThan(this.#highest.sequence);
  }
}

test('the sequence in force never goes back, and nothing unverified is ever in force', async () => {
  let activations = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
    const lives = new Lives();
    for (const step of steps) await lives.take(step);
    await lives.end();
    activations += lives.activations;
  });
  await fc.assert(property, { numRuns: 150 });
  expect(activations).toBeGreaterThan(150);
}, 120_000);
