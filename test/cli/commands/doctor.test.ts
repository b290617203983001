/** `aegis doctor` as a command; what it finds: test/cli/doctor. */
import { doctorCommandWith } from '../../../cli/commands/doctor.ts';
import type { CliContext } from '../../../cli/context.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { AegisError } from '../../../policy/errors.ts';
import { FakeKube } from '../../operator/support/fake-kube.ts';
import { aegis } from '../support/memory-context.ts';

async function run(argv: readonly string[], { isTerminal = false, error = undefined as KubeError | undefined } = {}) {
  const result = { stdout: '', code: -1, closed: 0, opened: 0, error: undefined as AegisError | undefined };
  const context = { stdout: (text: string) => (result.stdout += text), isTerminal } as unknown as CliContext;
  const kube = new FakeKube();
  const before = () => {
    if (error !== undefined) throw error;
  };
  const command = doctorCommandWith(async () => {
    result.opened++;
    const client = { ...kube.client({ before }), close: async () => void result.closed++ };
    return { client, namespace: async () => 'mine' };
  })(context, (code) => (result.code = code));
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof AegisError)) throw thrown;
    result.error = thrown;
  }
  return result;
}

test('an empty cluster has findings; the namespace of the context counts where none is named', async () => {
  const { stdout, code, closed } = await run(['nobody']);
  expect([code, closed]).toEqual([1, 1]);
  expect(stdout).toContain('Pod mine/nobody\n  ✗ pod exists: PodNotFound\n');
  const json = JSON.parse((await run(['nobody', '-n', 'other', '--output', 'json'])).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({ subject: 'Pod other/nobody', findings: 4, unknowns: 0 });
});

test('colour at a terminal alone', async () => {
  expect((await run([])).stdout).not.toContain('\u001b');
  expect((await run([], { isTerminal: true })).stdout).toContain('\u001b[31m✗\u001b[0m');
});

test.each([
  [['A pod']],
  [['x', '-n', 'a.b']],
  [['--operator-namespace', '']],
  [['--output', 'yaml']],
])('wrong use: %j', async (argv) => {
  const { error, opened } = await run(argv);
  expect([error?.code, opened]).toEqual(['AEGIS_USAGE', 0]);
});

test('an API server that does not answer, or does not know who asks, is an error and no diagnosis', async () => {
  for (const error of [new KubeError(0, 'ECONNREFUSED', 'no answer'), new KubeError(401, 'Unauthorized', 'who?')]) {
    const { error: told, closed, stdout } = await run(['x'], { error });
    expect([told?.code, closed, stdout]).toEqual(['AEGIS_CLUSTER', 1, '']);
  }
});

test('kinds that the API server does not know are a finding', async () => {
  const { stdout } = await run([], { error: new KubeError(404, 'NotFound', 'the server could not find it') });
  expect(stdout).toContain('KindsMissing');
});

test('the program has it, with an example; wrong use exits with 2', async () => {
  const help = await aegis(['doctor', '--help'], {});
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('Example:\n  aegis doctor finance-agent-')]);
  expect((await aegis(['doctor', '--output', 'yaml'], {})).code).toBe(2);
});
