/** What a running agent is known by and what it trusts is taken away, or becomes another. */
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import type { DrivenAgent } from '../world/driven-agent.ts';
import { GuardedPayer } from '../world/guarded-payer.ts';
import { startOperator, stopOperator } from '../world/operator-faults.ts';
import {
  deleteServingCertificate,
  expireServingCertificate,
  pinnedKeys,
  rotateKeys,
  servingCertificate,
  webhookAuthority,
} from '../world/operator-trust.ts';
import { PAYER, paymentPolicy } from '../world/payment-resources.ts';

const GENEROUS = 'generous';
/** Whose hosts of no tool pass. */
const LENIENT = 'lenient';
const ORDINARY = 'ordinary@example.com';
const cluster = Cluster.attach();

describe('a guarded agent', () => {
  let payer: GuardedPayer;
  let agent: DrivenAgent;
  let other: DrivenAgent;
  let lenient: DrivenAgent;

  beforeAll(async () => {
    await installAegis(cluster);
    payer = await GuardedPayer.prepare(cluster);
    await cluster.apply(payer.workload(PAYER, { replicas: 2 }));
    await payer.register(LENIENT, 'Off');
    await cluster.apply(payer.workload(LENIENT, { agent: LENIENT }));
    [lenient] = (await payer.pods(LENIENT)) as [DrivenAgent];
    [agent, other] = (await payer.pods(PAYER)) as [DrivenAgent, DrivenAgent];
    await payer.holds(agent);
  }, 180_000);

  afterAll(async () => {
    await startOperator(cluster);
    await payer?.end();
  }, 120_000);

  test('its registration deleted, every call is refused, also where the guard is off; made again, it is as before', async () => {
    // no action of the tool: refused as long as its host is known to be that of a tool
    const past = () => lenient.get('http://api.stripe.com/v1/charges');
    expect(await past()).toMatchObject({ status: 403 });
    await cluster.kubectl(['delete', '-n', payer.namespace, 'agreg', PAYER, LENIENT]);
    await waitFor(async () => (await payer.pay(agent, 1)) === 403, 60_000, 'calls are not refused');
    const tombstone = async () => (await lenient.health()).bundle.sequence === (await agent.health()).bundle.sequence;
    await waitFor(tombstone, 60_000, 'it is not told');
    expect(await past()).toMatchObject({ status: 403 });
    payer.nothingGotPast();
    await payer.register();
    await payer.follows(agent);
    await payer.holds(agent);
  });

  test('its labels are not changed by somebody who may only edit', async () => {
    const { namespace } = payer;
    const binding = ['create', 'rolebinding', 'ordinary', '-n', namespace, '--clusterrole=edit', `--user=${ORDINARY}`];
    await cluster.kubectl(binding);
    const label = ['label', '-n', namespace, `pod/${agent.name}`, '--overwrite'];
    for (const change of [`example.com/agent=${GENEROUS}`, 'example.com/agent-', 'example.com/more=1']) {
      const { code, stderr } = await cluster.run([...label, change, `--as=${ORDINARY}`]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/aegis-labels.*needs the verb relabel/s);
    }
    // nor by anybody else, where they are ours
    expect((await cluster.run([...label, 'aegis.dev/inject=false'])).stderr).toContain('aegis-labels');
  });

  test('relabelled by an administrator, it gets nobody else’s bundle', async () => {
    const { namespace } = payer;
    await payer.register(GENEROUS);
    await cluster.apply(paymentPolicy({ namespace, name: GENEROUS, cap: 1_000_000 }));
    const label = ['label', '-n', namespace, `pod/${agent.name}`, '--overwrite'];
    await cluster.kubectl([...label, `example.com/agent=${GENEROUS}`]);
    const before = payer.cap;
    await payer.change(4_000);
    await payer.follows(other);
    const refused = async () => (await httpError(agent)) === 'AEGIS_BUNDLE_UNAUTHORIZED';
    await waitFor(refused, 60_000, 'the operator does not refuse it');
    expect(await payer.pay(agent, before + 1)).toBe(403);
    await waitFor(async () => (await guardReason(GENEROUS)) === 'OutdatedPods', 60_000, 'nobody is told');
    await cluster.kubectl([...label, `example.com/agent=${PAYER}`]);
    await payer.follows(agent);
    await cluster.kubectl(['delete', '-n', namespace, `agreg/${GENEROUS}`, `agpol/${GENEROUS}-payments`]);
  });

  test('signing keys rotated: it goes on with the key that stood by, and new pods pin the new ones', async () => {
    const pinned = pinnedKeys(await agent.pod());
    const { active, standby } = await rotateKeys(cluster);
    expect(pinned).toContain(active);
    expect(pinned).not.toContain(standby);
    await payer.change(3_000);
    await payer.follows(agent);
    expect((await agent.health()).bundle.key_id).toBe(active);
    const late = await newAgent('after-rotation');
    expect(pinnedKeys(await late.pod())).toEqual([active, standby].sort());
    await payer.holds(late);
  });

  test('serving certificate expired: put right by the operator, agents start, and the running one hears it', async () => {
    await stopOperator(cluster);
    await expireServingCertificate(cluster);
    await payer.holds(agent);
    await payer.change(2_000);
    await startOperator(cluster);
    const repaired = async () => (await servingCertificate(cluster)).leaf.validToDate.getTime() > Date.now();
    await waitFor(repaired, 60_000, 'the certificate is not renewed');
    expect(await webhookAuthority(cluster)).toBe((await servingCertificate(cluster)).ca);
    await payer.holds(await newAgent('after-expiry'));
    await payer.follows(agent);
  });

  test('serving certificate lost with no operator: the API server is told the new CA; running pods keep what they have', async () => {
    await stopOperator(cluster);
    const before = await webhookAuthority(cluster);
    await deleteServingCertificate(cluster);
    await startOperator(cluster);
    const follows = async () => (await webhookAuthority(cluster)) === (await servingCertificate(cluster)).ca;
    await waitFor(follows, 60_000, 'caBundle does not follow');
    expect(await webhookAuthority(cluster)).not.toBe(before);
    await payer.holds(agent);
    const late = await newAgent('after-loss');
    await payer.holds(late);
    await payer.change(1_000);
    await payer.follows(late);
    // by the copy that is mounted; the new CA is not theirs
    await payer.follows(agent, 150_000);
    expect((await agent.health()).bundle).toMatchObject({ state: 'active', source: 'configMap' });
    expect(await httpError(agent)).toBe('AEGIS_BUNDLE_FETCH');
  });

  /** Of a Deployment of its own, in place of the one before. */
  async function newAgent(name: string): Promise<DrivenAgent> {
    const { namespace } = payer;
    await cluster.kubectl(['delete', 'deployment', '-n', namespace, '-l', 'late', '--cascade=foreground']);
    await cluster.apply(payer.workload(name));
    await cluster.kubectl(['label', '-n', namespace, `deployment/${name}`, 'late=true']);
    const [only] = (await payer.pods(name)) as [DrivenAgent];
    await payer.startedGuarded(only);
    return only;
  }

  /** Why the gateway does not hear the operator. */
  async function httpError(of: DrivenAgent): Promise<string | undefined> {
    return (await of.health()).bundle.sources.find(({ kind }) => kind === 'http')?.error;
  }

  async function guardReason(name: string): Promise<string | undefined> {
    const path = ['get', '-n', payer.namespace, `agreg/${name}`];
    const { status } = await cluster.json<{ status?: { conditions?: { type: string; reason: string }[] } }>(path);
    return status?.conditions?.find(({ type }) => type === 'EgressGuarded')?.reason;
  }
});
