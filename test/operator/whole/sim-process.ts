/** One operator process in memory: the real replica, election and leader, put together as `operator/operator.ts` does. */

import { completeSettings } from '../../../operator/config/complete-settings.ts';
import { OPERATOR_SETTINGS } from '../../../operator/config/operator-settings.ts';
import type { OperatorSettings } from '../../../operator/config/settings.ts';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { LeaderElection } from '../../../operator/kube/lease.ts';
import type { CallOptions, KubeClient, KubeObject } from '../../../operator/kube/types.ts';
import { lead } from '../../../operator/program/leader.ts';
import { openReplica, type Replica } from '../../../operator/program/replica.ts';
import { OperatorHealth } from '../../../operator/telemetry/health.ts';
import { OperatorMetrics } from '../../../operator/telemetry/operator-metrics.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { loadSettings } from '../../../runtime/settings/load-settings.ts';
import type { Logger } from '../../../runtime/telemetry/logger.ts';
import type { Clock } from '../../../runtime/time/clock.ts';
import { Faults } from './faults.ts';
import { ENGINE, NAMESPACE } from './names.ts';

export interface SimProcessOptions {
  name: string;
  kube: KubeClient;
  clock: Clock;
  random(): number;
  randomBytes(size: number): Uint8Array;
  /** Something that must never be said. */
  violation(what: string): void;
  log?(line: string): void;
}

const READS = new Set(['get', 'list', 'watch']);
/** Calls of one process at one moment: what goes on without a pause is a storm. */
const STORM = 5_000;

async function settingsOf(identity: string): Promise<OperatorSettings> {
  const argv = ['--namespace', NAMESPACE, '--identity', identity, '--events', 'false', '--webhook.validation', 'false'];
  const sources = { argv, environment: {}, readFile: () => Promise.reject(new Error('none')) };
  const { settings, problems } = await loadSettings(OPERATOR_SETTINGS, sources);
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  return completeSettings(settings, { serviceAccountNamespace: NAMESPACE, hostName: identity, nonce: '0' });
}

export class SimProcess {
  readonly faults = new Faults();
  readonly name: string;
  replica: Replica | undefined;
  /** Ended, by itself or by a kill. */
  ended = false;
  /** ms that its wall clock is ahead. */
  skew = 0;
  readonly #options: SimProcessOptions;
  readonly #stopping = new AbortController();
  readonly #cuts = new Set<AbortController>();
  #election: LeaderElection | undefined;
  #gate: PromiseWithResolvers<void> | undefined;
  #deaf = false;
  #moment = { at: 0, calls: 0 };

  constructor(options: SimProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.#run().catch((error: unknown) => this.#crashed(error));
  }

  get leading(): boolean {
    return !this.ended && this.#gate === undefined && this.#election?.leading === true;
  }

  /** kill -9: whatever it was about to do never happens. */
  kill(): void {
    if (this.ended) return;
    this.ended = true;
    this.#gate ??= Promise.withResolvers();
    this.#stopping.abort();
  }

  /** SIGSTOP. */
  stop(): void {
    if (!this.ended) this.#gate ??= Promise.withResolvers();
  }

  /** For messages. */
  get state(): string {
    const { ended, replica, leading } = this;
    return `${this.name} ${ended ? 'ended' : this.#gate ? 'stopped' : 'runs'} ${replica ? 'open' : 'opening'} ${leading ? 'leads' : ''}`;
  }

  /** SIGCONT. */
  cont(): void {
    if (this.ended) return;
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Its connections break. */
  cutWatches(): void {
    this.#deaf = false;
    for (const cut of [...this.#cuts]) cut.abort();
  }

  /** Nothing arrives any more, and nobody says so, until they are cut. */
  deafen(): void {
    this.#deaf = true;
  }

  async #run(): Promise<void> {
    const { name, clock, random, randomBytes } = this.#options;
    const own: Clock = {
      now: () => clock.now() + this.skew,
      monotonic: () => clock.monotonic(),
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        await this.#gate?.promise;
      },
    };
    const { signal } = this.#stopping;
    const client = this.#client();
    const settings = await settingsOf(name);
    const started = own.now();
    const health = new OperatorHealth({ version: 'test', started, now: own.now });
    const metrics = new OperatorMetrics({ version: 'test', started, monotonic: own.monotonic, health });
    const log = this.#logger();
    const env = {
      logger: log,
      clock: own,
      random,
      randomBytes,
      crypto: nodeCrypto,
      engine: ENGINE,
      version: 'test',
      started,
    };
    const election = new LeaderElection({
      client,
      namespace: NAMESPACE,
      name: 'aegis-operator',
      identity: name,
      clock: own,
      random,
    });
    this.#election = election;
    const leads = (): boolean => election.leading;
    const replica = await openReplica({ settings, env, client, health, metrics, leads }, signal);
    this.replica = replica;
    const end = await election.run((term) => lead({ settings, env, client, metrics, replica }, term), signal);
    if (!this.ended) this.#exit(end);
  }

  #crashed(error: unknown): void {
    const expected =
      this.ended || (error instanceof AegisError && ['AEGIS_HEAD_CONFLICT', 'AEGIS_API_REFUSED'].includes(error.code));
    if (!expected) this.#options.violation(`${this.name} crashed: ${(error as Error)?.stack ?? String(error)}`);
    this.#exit(String(error));
  }

  #exit(how: string): void {
    this.#options.log?.(`${this.name} exits: ${how}`);
    this.kill();
  }

  #logger(): Logger {
    const say =
      (level: string) =>
      (event: string, fields: object = {}) => {
        if (this.ended) return;
        const text = `${this.name} ${level} ${event} ${JSON.stringify(fields)}`;
        this.#options.log?.(text);
        if (text.includes('DEFECT') || text.includes('defect')) this.#options.violation(text);
      };
    return { error: say('error'), warn: say('warn'), info: say('info'), debug: () => undefined };
  }

  #client(): KubeClient {
    const { kube } = this.#options;
    const verbs = ['get', 'list', 'create', 'replace', 'apply', 'jsonPatch', 'delete', 'post'] as const;
    const call = async (verb: (typeof verbs)[number], args: readonly unknown[]): Promise<unknown> => {
      await this.#pass('before', READS.has(verb), args);
      const result = await (kube[verb] as (...given: unknown[]) => Promise<unknown>).apply(kube, [...args]);
      await this.#pass('after', READS.has(verb), args);
      return result;
    };
    const bound = Object.fromEntries(verbs.map((verb) => [verb, (...args: unknown[]) => call(verb, args)]));
    const watch: KubeClient['watch'] = (type, selection, signal) => this.#watch(type, selection, signal);
    return { ...bound, watch, close: async () => undefined } as unknown as KubeClient;
  }

  async #pass(moment: 'before' | 'after', isRead: boolean, args: readonly unknown[]): Promise<void> {
    this.#count();
    await this.#gate?.promise;
    const fault = this.faults.next(moment, isRead);
    if (fault === 'kill') {
      this.kill();
      await this.#gate?.promise;
    } else if (fault !== undefined) throw fault;
    const { signal } = (args.at(-1) ?? {}) as CallOptions;
    if (signal?.aborted === true) throw new KubeError(0, 'Aborted', 'given up');
  }

  #count(): void {
    const at = this.#options.clock.monotonic();
    if (at !== this.#moment.at) this.#moment = { at, calls: 0 };
    if (++this.#moment.calls < STORM) return;
    this.#options.violation(`${this.name} calls the API server without a pause`);
    this.kill();
  }

  async *#watch<T extends KubeObject>(...[type, selection, signal]: Parameters<KubeClient['watch']>) {
    await this.#pass('before', true, []);
    const cut = new AbortController();
    this.#cuts.add(cut);
    try {
      for await (const event of this.#options.kube.watch<T>(type, selection, AbortSignal.any([signal, cut.signal]))) {
        await this.#gate?.promise;
        if (cut.signal.aborted) break;
        if (!this.#deaf) yield event;
      }
      if (!signal.aborted) throw new KubeError(0, 'ECONNRESET', 'cut');
    } finally {
      this.#cuts.delete(cut);
    }
  }
}
