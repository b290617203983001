import { field, isRecord, readRecord } from '../../policy/bundle/record.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeClient } from '../kube/types.ts';
import type { EvidenceTable } from './evidence-table.ts';
import { Gate } from './gate.ts';
import type { GatewayTable, ToldBy } from './gateway-table.ts';
import { RateLimit } from './rate-limit.ts';
import { readAcknowledgement, readReport } from './read-gateway-bodies.ts';
import { bearerToken } from './token-claims.ts';
import { TokenReviewer } from './token-reviewer.ts';

/** Audience of the tokens that replicas of the operator show each other. */
export const OPERATOR_AUDIENCE = 'aegis.dev/operator';

export interface RelayReceiverOptions {
  client: Pick<KubeClient, 'post'>;
  clock: Clock;
  /** `system:serviceaccount:<namespace>:<name>` of the operator itself. */
  username: string;
  gateways: Pick<GatewayTable, 'record'>;
  reports: Pick<EvidenceTable, 'record'>;
  /** This replica leads. */
  leads(): boolean;
  /** Told how many items of a batch were of no use: out of form, or older than what is known. */
  onSkipped?(items: number): void;
}

const MAX_ITEMS = 4096;
/** A replica has one token at a time: whoever brings many different ones makes us ask the API server about each. */
const UNKNOWN = { burst: 20, perSecond: 1, maxKeys: 10_000 };

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 512;
const isAge = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isItems = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= MAX_ITEMS;
const isOne = (value: unknown): value is 1 => value === 1;

function fail(message: string): AegisError {
  return new AegisError('AEGIS_SERVING_BODY', message);
}

/** The leader's end of the relay: takes in what other replicas have authenticated. */
export class RelayReceiver {
  readonly #options: RelayReceiverOptions;
  readonly #tokens: TokenReviewer;
  readonly #unknown: RateLimit;

  constructor(options: RelayReceiverOptions) {
    this.#options = options;
    const { client, clock } = options;
    this.#unknown = new RateLimit({ clock, ...UNKNOWN });
    const gate = new Gate({ concurrency: 4, maxWaiting: 256 });
    this.#tokens = new TokenReviewer({ client, clock, audience: OPERATOR_AUDIENCE, gate });
  }

  /**
   * @param address of whoever asks; a token that was accepted before is held up by nobody.
   * @throws AegisError `AEGIS_SERVING_UNAUTHENTICATED`, `_TOKEN`, `_FORBIDDEN`, `_UNAVAILABLE`, `_BUSY`.
   */
  async authorize(authorization: string | undefined, address = ''): Promise<void> {
    const token = bearerToken(authorization);
    if (!this.#tokens.remembers(token) && !this.#unknown.take(address)) {
      throw new AegisError('AEGIS_SERVING_BUSY', 'too many unknown tokens from this address');
    }
    const { username } = await this.#tokens.review(token);
    if (username !== this.#options.username) {
      throw new AegisError('AEGIS_SERVING_FORBIDDEN', 'only replicas of the operator may pass things on');
    }
  }

  /** What is of no use in a batch is skipped, the rest counts. @throws AegisError `_NOT_LEADER`, `_BODY`. */
  receive(body: unknown): void {
    const { leads, onSkipped } = this.#options;
    if (!leads()) throw new AegisError('AEGIS_SERVING_NOT_LEADER', 'this replica does not lead');
    const batch = readRecord(body, ['version', 'items'], [], fail);
    field(batch, 'version', isOne, fail);
    let skipped = 0;
    for (const item of field(batch, 'items', isItems, fail)) if (!this.#take(item)) skipped++;
    if (skipped > 0) onSkipped?.(skipped);
  }

  #take(item: unknown): boolean {
    const { gateways, reports, clock } = this.#options;
    try {
      if (!isRecord(item)) return false;
      const by = readToldBy(item.by);
      if (item.acknowledgement !== undefined) {
        const age = field(item, 'age', isAge, fail);
        return gateways.record(by, readAcknowledgement(item.acknowledgement), clock.monotonic() - age);
      }
      reports.record(by, readReport(item.report));
      return true;
    } catch (error) {
      if (error instanceof AegisError) return false;
      throw error;
    }
  }
}

function readToldBy(value: unknown): ToldBy {
  const names = ['agentId', 'namespace', 'podName', 'podUid', 'registration'] as const;
  const record = readRecord(value, ['tenant', ...names], [], fail);
  const tenant = readRecord(record.tenant, ['name', 'uid'], [], fail);
  const text = (name: (typeof names)[number]): string => field(record, name, isText, fail);
  return {
    tenant: { name: field(tenant, 'name', isText, fail), uid: field(tenant, 'uid', isText, fail) },
    agentId: text('agentId'),
    namespace: text('namespace'),
    podName: text('podName'),
    podUid: text('podUid'),
    registration: text('registration'),
  };
}
