import { canonicalJsonBytes } from '../../../policy/bundle/canonical-json.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { type VerifiedBundle, type VerifyOptions, verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { AGENT, codeOf, crypto, filesOf, makeContent, makeSigned, text, verifyOptions } from './fixtures.ts';

const signed = makeSigned();
const slice = sliceBundle(signed, AGENT, crypto);
const verify = (input: Uint8Array | Map<string, Uint8Array>, options: Partial<VerifyOptions> = {}) =>
  codeOf(() => verifyBundle(input, verifyOptions({ agentId: AGENT, ...options })));
const afterChange = (change: (files: Map<string, Uint8Array>) => void) => {
  const files = filesOf(slice);
  change(files);
  return verify(files);
};
const proofs = () => JSON.parse(text(slice.files.get('proof.json')?.bytes));
const withProofs = (change: (value: ReturnType<typeof proofs>) => void) => {
  const value = proofs();
  change(value);
  return afterChange((files) => files.set('proof.json', canonicalJsonBytes(value)));
};

test('a slice verifies as archive and as files, with and without the Rego source', () => {
  for (const input of [
    packBundle(slice),
    filesOf(slice),
    packBundle(sliceBundle(signed, AGENT, crypto, { rego: true })),
  ]) {
    const result = verifyBundle(input, verifyOptions({ agentId: AGENT }));
    expect(result.kind).toBe('slice');
    expect(text(result.agentData)).toBe('{"tools":{"stripe":{"max":5000}}}');
    expect(result.manifest).toEqual(signed.manifest);
  }
});

test('what was verified whole can be sliced, and what was verified as a slice can be stored and verified again', () => {
  const whole = verifyBundle(packBundle(signed), verifyOptions()) as VerifiedBundle;
  expect(packBundle(sliceBundle(whole, AGENT, crypto))).toEqual(packBundle(slice));
  const again = verifyBundle(packBundle(slice), verifyOptions({ agentId: AGENT }));
  expect(verify(filesOf(again))).toBe('none');
});

test('a slice holds nothing of other agents', () => {
  const everything = [...slice.files].map(([name, file]) => name + text(file.bytes)).join();
  expect(everything).not.toContain('planner');
  expect(everything).not.toContain(signed.blinding);
  expect([...slice.files.keys()].sort()).toEqual(
    [
      '.manifest',
      `aegis/agents/${AGENT}/data.json`,
      'aegis/tenant/data.json',
      'manifest.json',
      'policy.wasm',
      'proof.json',
    ].sort(),
  );
  const whole = new Set([...signed.files.values()].map((file) => file.sha256));
  const seen = proofs().leaves.flatMap((leaf: { path: string[] }) => leaf.path) as string[];
  expect(seen.filter((hash) => whole.has(hash))).toEqual([]);
});

test('the size of a slice does not depend on the tenant, but for one hash per doubling and file', () => {
  const size = (count: number) => {
    const others = Object.fromEntries(Array.from({ length: count }, (_, i) => [`agent-${i}`, { n: i }]));
    const bundle = makeSigned({}, makeContent({ agents: { ...others, [AGENT]: {} } }));
    return [...sliceBundle(bundle, AGENT, crypto).files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  };
  expect(size(1000) - size(1)).toBeLessThan(6 * 4 * 70 + 20);
});

test('of another agent', () => {
  expect(verify(filesOf(slice), { agentId: 'planner-agent' })).toBe('AEGIS_BUNDLE_AGENT');
  expect(codeOf(() => verifyBundle(filesOf(slice), verifyOptions()))).toBe('AEGIS_BUNDLE_AGENT');
  expect(codeOf(() => sliceBundle(signed, 'nobody', crypto))).toBe('AEGIS_BUNDLE_AGENT');
  const planner = filesOf(sliceBundle(signed, 'planner-agent', crypto));
  const own = `aegis/agents/${AGENT}/data.json`;
  const other = 'aegis/agents/planner-agent/data.json';
  expect(afterChange((files) => files.set(other, planner.get(other) as Uint8Array))).toBe('AEGIS_BUNDLE_AGENT');
  // the other agent's data under the own name, with the other agent's proof
  planner.set(own, planner.get(other) as Uint8Array).delete(other);
  expect(verify(planner)).toBe('AEGIS_BUNDLE_PROOF');
  const leaves = JSON.parse(text(planner.get('proof.json')));
  for (const leaf of leaves.leaves) if (leaf.name === other) leaf.name = own;
  expect(verify(planner.set('proof.json', canonicalJsonBytes(leaves)))).toBe('AEGIS_BUNDLE_PROOF');
});

test('head and proof of different bundles', () => {
  const next = sliceBundle(makeSigned({ sequence: 6 }), AGENT, crypto);
  for (const name of ['manifest.json', 'proof.json']) {
    expect(afterChange((files) => files.set(name, next.files.get(name)?.bytes as Uint8Array))).toBe(
      'AEGIS_BUNDLE_PROOF',
    );
  }
});

test('changed, missing and extra files', () => {
  for (const name of slice.files.keys()) {
    if (name === 'manifest.json' || name === 'proof.json') continue;
    const flip = (files: Map<string, Uint8Array>) => {
      const bytes = files.get(name) as Uint8Array;
      bytes[0] = (bytes[0] as number) ^ 1;
    };
    expect(afterChange(flip)).toBe('AEGIS_BUNDLE_PROOF');
    expect(afterChange((files) => files.delete(name))).toBe('AEGIS_BUNDLE_FILE_MISSING');
  }
  expect(afterChange((files) => files.delete('proof.json'))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(afterChange((files) => files.delete('manifest.json'))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  const signatures = signed.files.get('.signatures.json')?.bytes as Uint8Array;
  expect(afterChange((files) => files.set('.signatures.json', signatures))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  const changes = signed.files.get('changes.json')?.bytes as Uint8Array;
  expect(afterChange((files) => files.set('changes.json', changes))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  expect(afterChange((files) => files.set('policy.rego', Uint8Array.of(1)))).toBe('AEGIS_BUNDLE_PROOF');
});

test('malformed proofs', () => {
  expect(withProofs(() => {})).toBe('none');
  const changes: ((value: ReturnType<typeof proofs>) => void)[] = [
    (value) => (value.version = 2),
    (value) => (value.leaves = {}),
    (value) => value.leaves.pop(),
    (value) => value.leaves.push(value.leaves[0]),
    (value) => value.leaves.push({ ...value.leaves[0], name: 'x' }),
    (value) => (value.leaves[0].index += 16),
    (value) => (value.leaves[0].index = -1),
    (value) => (value.leaves[0].blind = ''),
    (value) => value.leaves[0].path.pop(),
    (value) => (value.leaves[0].path = Array(1000).fill('0'.repeat(64))),
    (value) => (value.leaves[0].extra = 1),
    (value) => (value.more = 1),
  ];
  for (const change of changes) expect(withProofs(change)).toBe('AEGIS_BUNDLE_PROOF');
  expect(afterChange((files) => files.set('proof.json', new Uint8Array()))).toBe('AEGIS_BUNDLE_PROOF');
  expect(afterChange((files) => files.set('proof.json', new Uint8Array(100_000)))).toBe('AEGIS_BUNDLE_PROOF');
});
