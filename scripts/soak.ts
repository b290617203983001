/**
 * Operators are killed, stopped and started at random for minutes, the API server is restarted now and then, policies are
 * edited all the time; real gateways follow. `npm run soak` (`-- --minutes 5 --reconnects 2`). Last line: the figures as
 * JSON; exit code 1 where a gateway activated what was never committed, or went back, or the end is not right.
 */
import { parseArgs } from 'node:util';
import { createKubeClient } from '../operator/kube/client.ts';
import { ApiServer } from '../test/apiserver/api-server.ts';
import { installOperator } from '../test/support/operator-process.ts';
import { Heads } from './soak/heads.ts';
import { Load } from './soak/load.ts';
import { Operators } from './soak/operators.ts';
import { reconnects } from './soak/reconnects.ts';
import { Watchers } from './soak/watchers.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, reconnects: { type: 'string', default: '2' } },
});
const minutes = Number(values.minutes);

const server = await ApiServer.start();
const client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'soak' });
const heads = new Heads(client);
const load = new Load(server, client);
const operators = new Operators(server);
const watchers = new Watchers(server, operators);
const violations: string[] = [];

async function endAll(): Promise<void> {
  await watchers.close();
  await operators.close();
  await heads.close();
  await client.close();
  await server.stop();
}
process.once('SIGINT', () => void endAll().then(() => process.exit(130)));

try {
  await installOperator(server);
  await load.begin();
  await operators.begin();
  heads.follow();
  await watchers.begin(load.tenants);
  console.error(`killing operators for ${minutes} minutes …`);
  const until = performance.now() + minutes * 60_000;
  const editing = load.run(until);
  let told = performance.now();
  while (performance.now() < until) {
    await operators.disturb();
    violations.push(...watchers.check());
    if (performance.now() - told < 30_000) continue;
    told = performance.now();
    const { kills, stops, restarts } = operators.counts;
    console.error(`kills ${kills}, stops ${stops}, API server ${restarts}, heads ${heads.size}, edits ${load.edits}`);
  }
  await editing;
  await operators.calm();
  violations.push(...(await watchers.converge(() => heads.latest(), 60_000)));
  violations.push(...(await load.check()));
  violations.push(...heads.violations, ...watchers.check(), ...watchers.unknown(await heads.all()));
  const flat = await reconnects(server, Number(values.reconnects));
  for (const violation of violations) console.error(`VIOLATION ${violation}`);
  console.log(
    JSON.stringify({
      minutes,
      ...operators.counts,
      edits: load.edits,
      commits: heads.size,
      activations: watchers.activations,
      violations: violations.length,
      ...flat,
    }),
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
} finally {
  await endAll();
}
process.exit();
