import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster, Pod } from '../cluster/cluster.ts';
import { published } from './aegis.ts';
import type { AgentPod } from './agent.ts';
import { DrivenAgent, type Gap } from './driven-agent.ts';
import { Listeners } from './listeners.ts';
import { Outside } from './outside.ts';
import {
  agentLabel,
  PAYER,
  paymentPolicy,
  paymentRegistration,
  paymentTool,
  type RegistrationOptions,
} from './payment-resources.ts';

const API_HOST = 'api.stripe.com';
const FORBIDDEN_HOST = 'files.example.com';
const OTHER_PORT = 9_000;
/** What is permitted says so where it arrives; whatever else arrives got past the gateway. */
const PERMITTED = 'Bearer permitted-';

/** A namespace with one guarded agent that pays, in several pods, and the outside that it pays to. */
export class GuardedPayer {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly outside: Outside;
  /** Of one payment, USD, as it was applied last. */
  cap = 5_000;
  /** On a port to which nothing is redirected, so that only the guard is in the way. */
  readonly #other = new Listeners();
  #calls = 0;

  private constructor(cluster: Cluster, namespace: string, outside: Outside) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.outside = outside;
  }

  /** Until the agent can start. */
  static async prepare(cluster: Cluster): Promise<GuardedPayer> {
    const outside = await Outside.open(cluster, [API_HOST, FORBIDDEN_HOST]);
    const namespace = await cluster.namespace('outages', { 'aegis.dev/inject': 'enabled' });
    const payer = new GuardedPayer(cluster, namespace, outside);
    await payer.#other.tcp(outside.address, [OTHER_PORT]);
    for (const object of paymentTool(namespace, outside.authority.ca)) await cluster.apply(object);
    await payer.register();
    await cluster.apply(paymentPolicy(payer));
    return payer;
  }

  async end(): Promise<void> {
    this.#other.close();
    await this.outside.close();
    await this.cluster.removeNamespace(this.namespace);
  }

  /** Makes the registration, also again, and waits until pods can start. */
  async register(name = PAYER, egressGuard: RegistrationOptions['egressGuard'] = 'Enforce'): Promise<void> {
    const { cluster, namespace } = this;
    await cluster.apply(paymentRegistration({ namespace, name, egressGuard }));
    await published(cluster, namespace, name);
  }

  /** A Deployment of the agent, as it is applied. */
  workload(name: string, { replicas = 1, agent = PAYER } = {}): object {
    const { namespace } = this;
    const options = { namespace, name, replicas, serviceAccountName: PAYER, labels: agentLabel(agent) };
    return DrivenAgent.deployment(options, agent === PAYER ? this.#forbidden : []);
  }

  /** The pods of a Deployment, all of them ready. */
  async pods(name: string, seconds = 120): Promise<DrivenAgent[]> {
    const { cluster, namespace } = this;
    const wait = ['rollout', 'status', '-n', namespace, `deployment/${name}`, `--timeout=${seconds}s`];
    await cluster.kubectl(wait, undefined, (seconds + 30) * 1000);
    const pods = await cluster.pods(namespace, `app=${name}`);
    const staying = pods.filter(
      ({ metadata }: Pod & { metadata: { deletionTimestamp?: string } }) => !metadata.deletionTimestamp,
    );
    return staying.map((pod) => new DrivenAgent(cluster, pod));
  }

  /** A payment up to the cap arrives, one above is refused, and so is what goes around the gateway. */
  async holds(agent: DrivenAgent): Promise<void> {
    const mark = this.#mark(true);
    expect(await agent.payment({ amount: this.cap - 1, mark })).toMatchObject({ status: 200 });
    expect(this.outside.arrived.filter(({ authorization }) => authorization === `Bearer ${mark}`)).toHaveLength(1);
    expect(await agent.payment({ amount: this.cap + 1, mark: this.#mark(false) })).toMatchObject({ status: 403 });
    const [http, https, other] = await Promise.all(this.#forbidden.map((url) => agent.get(url)));
    expect(http?.status).toBe(403);
    expect(https?.status).toBeUndefined();
    expect(other?.status).toBeUndefined();
    this.nothingGotPast();
  }

  /** A payment up to the cap is permitted, above it is not, wherever that matters. @returns its status */
  async pay(agent: DrivenAgent, amount: number): Promise<number | undefined> {
    return (await agent.payment({ amount, mark: this.#mark(amount <= this.cap) })).status;
  }

  /** What the agent's first attempts met was the guard. */
  async startedGuarded(agent: DrivenAgent): Promise<void> {
    const attempts = await agent.firstAttempts();
    expect(attempts.filter(({ status }) => status !== undefined && status !== 403)).toEqual([]);
    this.nothingGotPast();
  }

  /** Calls, permitted and forbidden, without end until some are lost and some are decided again. */
  async gap(agent: DrivenAgent): Promise<Gap> {
    const forbidden = { amount: this.cap + 1, mark: this.#mark(false) };
    const within = { amount: this.cap - 1, mark: this.#mark(true) };
    return agent.gap(within, { payment: forbidden, urls: this.#forbidden });
  }

  /** Changes the cap, and does not wait. */
  async change(cap: number): Promise<void> {
    this.cap = cap;
    await this.cluster.apply(paymentPolicy(this));
  }

  /** Until the last change is in force. */
  async follows(agent: DrivenAgent, ms = 60_000): Promise<void> {
    // one above it is still permitted while an older, higher one is in force
    const above = { amount: this.cap + 1, mark: this.#mark(true) };
    const inForce = async () =>
      (await this.pay(agent, this.cap)) === 200 && (await agent.payment(above)).status === 403;
    await waitFor(inForce, ms, `the cap of ${this.cap} is not in force`);
  }

  /** Without a guard all that is forbidden arrives: that it does not elsewhere means something. */
  async reachesAll(unguarded: AgentPod): Promise<void> {
    const before = this.outside.arrived.length;
    const arrivals = (): number => this.outside.arrived.length + this.#other.hits.length;
    for (const url of this.#forbidden) {
      const known = arrivals();
      // a name server may lose a question
      const arrives = async () => (await unguarded.exec(['curl', '-skm', '8', url])) && arrivals() > known;
      await waitFor(arrives, 60_000, `${url} does not arrive`);
    }
    const schemes = new Set(this.outside.arrived.splice(before).map(({ scheme }) => scheme));
    expect([...schemes]).toEqual(['http', 'https']);
    expect(this.#other.hits.splice(0)).not.toHaveLength(0);
  }

  /** Whatever ever arrived was permitted. */
  nothingGotPast(): void {
    const strays = this.outside.arrived.filter(
      ({ host, authorization }) => host !== API_HOST || authorization?.startsWith(PERMITTED) !== true,
    );
    expect({ strays, reached: this.#other.hits }).toEqual({ strays: [], reached: [] });
  }

  get #forbidden(): string[] {
    return [`http://${FORBIDDEN_HOST}/`, `https://${FORBIDDEN_HOST}/`, `http://${this.outside.address}:${OTHER_PORT}/`];
  }

  #mark(permitted: boolean): string {
    this.#calls += 1;
    return `${permitted ? 'permitted' : 'forbidden'}-${this.#calls}`;
  }
}
