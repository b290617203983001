import { createHash } from 'node:crypto';
import { AegisError } from '../../policy/errors.ts';
import { LruMap } from '../../runtime/lru-map.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeClient } from '../kube/types.ts';
import type { Gate } from './gate.ts';
import { type UnverifiedClaims, unverifiedClaims } from './token-claims.ts';

/** Who the API server says a token stands for. */
export interface ReviewedUser {
  username: string;
  extra: Readonly<Record<string, readonly string[]>>;
}

export interface TokenReviewerOptions {
  client: Pick<KubeClient, 'post'>;
  clock: Clock;
  /** The only audience that counts. */
  audience: string;
  gate: Gate;
  /** ms that an accepted token counts without asking again, never beyond its own end; 60 s when absent. */
  positiveFor?: number;
  /** ms that a refused one counts; 5 s when absent. */
  negativeFor?: number;
  /** ms since the last successful review that an accepted one counts while nobody can be asked; 5 min when absent. */
  outageFor?: number;
  /** Tokens that are remembered, accepted and refused ones each; 10,000 when absent. */
  maxEntries?: number;
  /** For metrics. */
  onReview?(result: 'accepted' | 'refused' | 'failed'): void;
}

interface Accepted {
  user: ReviewedUser;
  /** ms, monotonic. */
  reviewedAt: number;
  freshUntil: number;
  /** ms since the epoch. */
  expiresAt: number | undefined;
}

interface TokenReview {
  status?: {
    authenticated?: boolean;
    audiences?: string[];
    user?: { username?: string; extra?: Record<string, string[]> };
  };
}

const POSITIVE = 60_000;
const NEGATIVE = 5_000;
const OUTAGE = 5 * 60_000;
const MAX_ENTRIES = 10_000;
const TIMEOUT = 10_000;
const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';

/**
 * TokenReviews for one audience. Tokens are remembered by their SHA-256 only, and each is asked about once at a time.
 * Accepted and refused ones are kept apart, so that rubbish pushes nobody out.
 */
export class TokenReviewer {
  readonly #options: TokenReviewerOptions;
  readonly #accepted: LruMap<string, Accepted>;
  /** Until when, monotonic. */
  readonly #refused: LruMap<string, number>;
  readonly #asking = new Map<string, Promise<ReviewedUser>>();

  constructor(options: TokenReviewerOptions) {
    const { maxEntries = MAX_ENTRIES } = options;
    this.#options = options;
    this.#accepted = new LruMap(maxEntries);
    this.#refused = new LruMap(maxEntries);
  }

  /** Was accepted before, or was refused a moment ago: asking about it costs the API server little or nothing. */
  remembers(token: string): boolean {
    const key = digest(token);
    const refusedUntil = this.#refused.get(key) ?? Number.NEGATIVE_INFINITY;
    return this.#accepted.get(key) !== undefined || this.#options.clock.monotonic() < refusedUntil;
  }

  /** @throws AegisError `AEGIS_SERVING_TOKEN`, `_UNAVAILABLE`, `_BUSY`. */
  async review(token: string): Promise<ReviewedUser> {
    const key = digest(token);
    const now = this.#options.clock.monotonic();
    const known = this.#accepted.get(key);
    if (known !== undefined && now < known.freshUntil && !this.#hasExpired(known)) return known.user;
    if (known === undefined && now < (this.#refused.get(key) ?? now)) throw refusal();
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(token, key).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(token: string, key: string): Promise<ReviewedUser> {
    const { audience, gate, onReview } = this.#options;
    const claims = unverifiedClaims(token);
    // the API server would refuse it as well, at a price
    if (claims === undefined || !claims.audiences.includes(audience)) throw this.#refuse(key);
    let review: TokenReview;
    try {
      review = await gate.pass(() => this.#post(token));
    } catch (error) {
      onReview?.('failed');
      return this.#withoutAnswer(key, error);
    }
    const user = this.#userOf(review);
    onReview?.(user === undefined ? 'refused' : 'accepted');
    if (user === undefined) throw this.#refuse(key);
    this.#remember(key, user, claims);
    return user;
  }

  #post(token: string): Promise<TokenReview> {
    const { client, audience } = this.#options;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    };
    return client.post<TokenReview>(PATH, body, { timeout: TIMEOUT });
  }

  /** An authenticator that knows no audiences leaves the list out: then the audience was not checked. */
  #userOf({ status }: TokenReview): ReviewedUser | undefined {
    const { authenticated, audiences = [], user } = status ?? {};
    if (authenticated !== true || !audiences.includes(this.#options.audience)) return undefined;
    return user?.username === undefined ? undefined : { username: user.username, extra: user.extra ?? {} };
  }

  #remember(key: string, user: ReviewedUser, { expiresAt }: UnverifiedClaims): void {
    const { clock, positiveFor = POSITIVE } = this.#options;
    const now = clock.monotonic();
    this.#refused.delete(key);
    this.#accepted.set(key, { user, reviewedAt: now, freshUntil: now + positiveFor, expiresAt });
  }

  #refuse(key: string): AegisError {
    const { clock, negativeFor = NEGATIVE } = this.#options;
    this.#accepted.delete(key);
    this.#refused.set(key, clock.monotonic() + negativeFor);
    return refusal();
  }

  /** Who was verified a short while ago goes on, nobody new does. */
  #withoutAnswer(key: string, cause: unknown): ReviewedUser {
    const { clock, outageFor = OUTAGE, negativeFor = NEGATIVE } = this.#options;
    const now = clock.monotonic();
    const known = this.#accepted.get(key);
    if (
      known === undefined ||
      known.expiresAt === undefined ||
      this.#hasExpired(known) ||
      now >= known.reviewedAt + outageFor
    ) {
      if (cause instanceof AegisError) throw cause;
      throw new AegisError('AEGIS_SERVING_UNAVAILABLE', 'the API server cannot be asked about the token', { cause });
    }
    known.freshUntil = Math.min(now + negativeFor, known.reviewedAt + outageFor);
    return known.user;
  }

  #hasExpired({ expiresAt }: Accepted): boolean {
    return expiresAt !== undefined && this.#options.clock.now() >= expiresAt;
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function refusal(): AegisError {
  return new AegisError('AEGIS_SERVING_TOKEN', 'the token is not accepted');
}
