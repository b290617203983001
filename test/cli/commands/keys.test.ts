/** `aegis keys` over an API server in memory; on a real one: test/operator/bundles/apiserver.test.ts. */
import { keysCommandWith } from '../../../cli/commands/keys.ts';
import type { CliContext } from '../../../cli/context.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import { AegisError } from '../../../policy/errors.ts';
import {
  countedBytes,
  crypto,
  NAMESPACE,
  newWorld,
  publication,
  T0,
  type World,
} from '../../operator/bundles/world.ts';
import { FakeKube } from '../../operator/support/fake-kube.ts';

let kube: FakeKube;
let world: World;
let random: (length: number) => Uint8Array;

beforeEach(async () => {
  kube = new FakeKube();
  world = await newWorld(kube);
  random = countedBytes(1000);
});

async function run(argv: readonly string[], options: { answer?: string; client?: KubeClient } = {}) {
  const result = { stdout: '', asked: '', code: -1, error: undefined as AegisError | undefined, closed: 0 };
  const { answer } = options;
  const context = {
    crypto,
    randomBytes: random,
    clock: () => T0,
    stdout: (text: string) => (result.stdout += text),
    ...(answer !== undefined && {
      async ask(question: string) {
        result.asked = question;
        return answer;
      },
    }),
  } as unknown as CliContext;
  const client = options.client ?? kube.client();
  const open = async (): Promise<KubeClient> => ({ ...client, close: async () => void result.closed++ });
  const command = keysCommandWith(open)(context, (code) => (result.code = code));
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    result.error = error;
  }
  return result;
}

test('list: parts, times, and who signs for whom', async () => {
  const [active, standby] = world.keys.pinned();
  await world.publisher.publish(publication(1), undefined);
  await run(['rotate', '--overlap', '1h', '--yes']);
  const { stdout, code, closed } = await run(['list']);
  expect(code).toBe(0);
  expect(closed).toBe(1);
  expect(stdout.split('\n')[0]).toMatch(/^KEY +STATE +TRUSTED UNTIL +SIGNS FOR$/);
  expect(stdout).toMatch(new RegExp(`${standby} +active`));
  expect(stdout).toMatch(new RegExp(`${active} +retired +2026-03-01T01:00:00.000Z +fintech`));
  const json = JSON.parse((await run(['list', '--output', 'json'])).stdout) as {
    keys: { id: string; state: string }[];
  };
  expect(json.keys.map(({ state }) => state)).toEqual(['active', 'standby', 'retired']);
  expect(stdout + JSON.stringify(json)).not.toContain('PRIVATE');
});

test('rotate and revoke ask, and change nothing unless told to', async () => {
  const before = kube.calls.length;
  expect((await run(['rotate'])).error?.code).toBe('AEGIS_USAGE');
  const no = await run(['rotate'], { answer: 'no' });
  expect([no.error?.code, no.asked]).toEqual(['AEGIS_USAGE', `Rotate the signing keys in ${NAMESPACE}? [y/N] `]);
  expect(kube.calls.length).toBe(before);
  const yes = await run(['rotate'], { answer: 'Yes' });
  expect(yes.code).toBe(0);
  expect(yes.stdout).toContain(`active   ${world.keys.pinned()[1]}`);
});

test('revoke: not the active key, not one in use, unless forced; the standby key is replaced', async () => {
  const [active, standby] = world.keys.pinned();
  await world.publisher.publish(publication(1), undefined);
  expect((await run(['revoke', active, '-y'])).error?.code).toBe('AEGIS_KEY_ACTIVE');
  const replaced = await run(['revoke', standby, '-y', '--output', 'json']);
  const index = JSON.parse(replaced.stdout) as { standby: string; revoked: string[] };
  expect(index.revoked).toEqual([standby]);
  expect(index.standby).not.toBe(standby);
  await run(['rotate', '-y']);
  expect((await run(['revoke', active, '-y'])).error?.code).toBe('AEGIS_KEY_IN_USE');
  expect((await run(['revoke', active, '-y', '--force'])).stdout).toContain(`revoked  ${active}`);
  expect((await run(['revoke', active, '-y'])).code).toBe(0); // it is already
});

test('what the API server refuses is told with a code, and the connection is closed', async () => {
  const client = kube.client({
    before: () => {
      throw new KubeError(403, 'Forbidden', 'secrets is forbidden');
    },
  });
  const { error, closed } = await run(['list'], { client });
  expect([error?.code, closed]).toEqual(['AEGIS_CLUSTER', 1]);
  expect((await run(['rotate', '--overlap', '1 hour', '-y'])).error?.code).toBe('AEGIS_USAGE');
});
