import { entityTags, isKnown, LONG_POLL_TYPE, pollPreference } from '../../operator/serving/conditional-request.ts';

/**
 * The server's side of bundle delivery without a network and without authentication: entity tags, long poll and
 * acknowledgements, as a function from request to answer. Who really serves gateways is `operator/serving`.
 */
export interface ServiceRequest {
  method: string;
  path: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  body?: string;
}

export interface ServiceAnswer {
  status: number;
  headers: Record<string, string>;
  body?: Uint8Array;
}

interface Resource {
  archive: Uint8Array;
  /** Without quotes: the head's etag. */
  etag: string;
}

export class BundleService {
  readonly acknowledgements: unknown[] = [];
  readonly requests: ServiceRequest[] = [];
  /** When set, what the bearer token must be. */
  token: string | undefined;
  readonly #resources = new Map<string, Resource>();
  readonly #waiting = new Set<() => void>();

  publish(path: string, archive: Uint8Array, etag: string): void {
    this.#resources.set(path, { archive, etag });
    for (const wake of this.#waiting) wake();
  }

  /** Answers at once, or, for a long poll, when there is something new or `signal` is aborted. */
  async handle(request: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    this.requests.push(request);
    const { method, path, headers } = request;
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) return plain(401);
    if (method === 'POST' && path.endsWith('/ack')) {
      this.acknowledgements.push(JSON.parse(request.body ?? ''));
      return plain(204);
    }
    if (method !== 'GET') return plain(405);
    const known = entityTags(headers['if-none-match']);
    const deadline = Date.now() + pollPreference(headers.prefer).waitSeconds * 1000;
    while (this.#holds(path, known) && Date.now() < deadline && !signal.aborted) await this.#change(deadline, signal);
    const resource = this.#resources.get(path);
    if (resource === undefined) return plain(404);
    const answer = { 'Content-Type': LONG_POLL_TYPE, ETag: `"${resource.etag}"`, 'Cache-Control': 'no-store' };
    if (isKnown(known, resource.etag)) return { status: 304, headers: answer };
    return { status: 200, headers: answer, body: resource.archive };
  }

  #holds(path: string, known: ReturnType<typeof entityTags>): boolean {
    const resource = this.#resources.get(path);
    return resource !== undefined && isKnown(known, resource.etag);
  }

  #change(deadline: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, deadline - Date.now()));
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}

function plain(status: number): ServiceAnswer {
  return { status, headers: {} };
}
