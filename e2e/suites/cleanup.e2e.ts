/**
 * A cluster leaves nothing on the machine, however its runner ends. The suite runs outside of the cluster that the others
 * share, and starts its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Layout, PAUSE_IMAGE } from '../cluster/layout.ts';
import { podOf } from '../support/pods.ts';
import { networkHere, Traces } from '../support/traces.ts';

const UP = join(__dirname, '../up.ts');
const run = promisify(execFile);

let network: string[];
let runner: ChildProcess;
let output: string;

beforeEach(() => {
  network = networkHere(new Layout('/none'));
  output = '';
  runner = spawn(process.execPath, [UP, '--bare'], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [runner.stdout, runner.stderr]) stream?.on('data', (chunk) => (output += chunk));
});

afterEach(() => {
  runner.kill('SIGTERM');
});

/** Until it has said this. */
async function said(words: string): Promise<Traces> {
  const so = () => {
    if (runner.exitCode !== null) throw new Error(output);
    return output.includes(words) && Traces.of(runner.pid as number);
  };
  return waitFor(so, 120_000, () => `no “${words}”: ${output}`);
}

async function withPod({ layout }: Traces): Promise<void> {
  const container = { name: 'pause', image: PAUSE_IMAGE, imagePullPolicy: 'Never' };
  const pod = JSON.stringify(podOf('pause', { automountServiceAccountToken: false, containers: [container] }));
  const inside = (script: string) => run(layout.enter, ['sh', '-ec', script, 'sh', pod]);
  await inside(
    'until kubectl get serviceaccount/default >/dev/null 2>&1; do sleep 0.1; done; echo "$1" | kubectl create -f -',
  );
  await inside('kubectl wait pod/pause --for=condition=Ready --timeout=60s');
}

async function endsWithoutTraces(traces: Traces, signal: NodeJS.Signals): Promise<void> {
  const exit = once(runner, 'exit');
  const start = performance.now();
  runner.kill(signal);
  await waitFor(
    () => traces.all().length === 0,
    60_000,
    () => traces.all().join('\n'),
  );
  console.log(`${signal}: nothing is left after ${((performance.now() - start) / 1000).toFixed(1)} s`);
  expect(await exit).toEqual(signal === 'SIGTERM' ? [0, null] : [null, signal]);
  expect(networkHere(traces.layout).filter((line) => !network.includes(line))).toEqual([]);
}

test.each(['SIGTERM', 'SIGKILL'] as const)('a cluster with a pod, its runner ended by %s', async (signal) => {
  const traces = await said('get in:');
  await withPod(traces);
  const found = traces.all().join('\n');
  for (const name of ['kube-apiserver', 'kubelet', 'containerd-shim', 'busybox']) expect(found).toContain(` ${name}`);
  expect(found).toMatch(/^folder /m);
  expect(found).toMatch(/^cgroup /m);
  await endsWithoutTraces(traces, signal);
});

test('a cluster that is coming up, its runner killed', async () => {
  const traces = await said('folders and network of the node');
  expect(traces.all().join('\n')).toMatch(/^process .* unshare$/m);
  await endsWithoutTraces(traces, 'SIGKILL');
});
