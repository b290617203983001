/**
 * Two replicas on a real API server: whichever of them a gateway happens to ask, whoever was deleted is refused, and
 * whoever is not the agent gets nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { ApiServer } from '../apiserver/api-server.ts';
import { eventually, waitFor } from '../apiserver/wait-for.ts';
import { type AgentPod, startAgentPod } from '../support/agent-pod.ts';
import { installOperator, type OperatorProcess, startOperator } from '../support/operator-process.ts';

const SAMPLE = join(__dirname, '..', '..', 'config/samples/fintech');

function sample(): string {
  const files = readdirSync(SAMPLE).filter((file) => file.endsWith('.yaml') && !file.includes('suite'));
  return files.map((file) => readFileSync(join(SAMPLE, file), 'utf8')).join('\n---\n');
}

let server: ApiServer;
let leader: OperatorProcess;
let follower: OperatorProcess;
let gateway: AgentPod;
let late: OperatorProcess | undefined;

beforeAll(async () => {
  server = await ApiServer.start();
  await installOperator(server);
  server.kubectl(['create', 'namespace', 'fintech']);
  leader = await startOperator(server);
  await server.applyYaml(sample());
  follower = await startOperator(server);
  gateway = await startAgentPod(server, follower, { namespace: 'fintech', agent: 'finance-agent' });
});

afterAll(async () => {
  await gateway?.remove();
  await Promise.all([leader?.stop(), follower?.stop(), late?.stop()]);
  await server?.stop();
});

test('a deleted registration is refused by a gateway that asks a replica which does not lead', async () => {
  expect((await leader.health()).leader).not.toEqual((await follower.health()).leader);
  expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'allow' });
  server.kubectl(['delete', 'agreg', 'finance-agent', '-n', 'fintech']);
  await eventually(
    async () => expect(await gateway.decide({ amount: 1, currency: 'USD' })).toMatchObject({ verdict: 'deny' }),
    15_000,
  );
});

test('a replica that starts later offers the refusing slice as well', async () => {
  late = await startOperator(server);
  const { bundles } = late;
  const token = readFileSync(join(gateway.folder, 'token'), 'utf8');
  const agent = new Agent({ connect: { ca: readFileSync(join(gateway.folder, 'ca.crt')) } });
  const answer = await waitFor(
    async () => {
      const { statusCode, body } = await request(
        `https://127.0.0.1:${bundles}/v1/bundles/fintech/finance-agent.tar.gz`,
        { dispatcher: agent, headers: { Authorization: `Bearer ${token}` } },
      );
      await body.dump();
      return statusCode === 200 || undefined;
    },
    15_000,
    'it knows nothing of the agent',
  );
  expect(answer).toBe(true);
  await agent.destroy();
});
