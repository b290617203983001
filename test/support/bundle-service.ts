/**
 * The server's side of bundle delivery without a network: the OPA Bundle Service API (entity tags, long poll) and the
 * acknowledgements, as a function from request to answer. Reference for whoever serves gateways.
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

const LONG_POLL_TYPE = 'application/vnd.openpolicyagent.bundles';
const MAX_WAIT_MS = 60_000;

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
    const deadline = Date.now() + Math.min(MAX_WAIT_MS, waitSeconds(headers.prefer) * 1000);
    while (this.#holds(path, known) && Date.now() < deadline && !signal.aborted) await this.#change(deadline, signal);
    const resource = this.#resources.get(path);
    if (resource === undefined) return plain(404);
    const answer = { 'Content-Type': LONG_POLL_TYPE, ETag: `"${resource.etag}"`, 'Cache-Control': 'no-store' };
    if (known.includes(resource.etag)) return { status: 304, headers: answer };
    return { status: 200, headers: answer, body: resource.archive };
  }

  #holds(path: string, known: readonly string[]): boolean {
    const resource = this.#resources.get(path);
    return resource !== undefined && known.includes(resource.etag);
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

/** RFC 9110 section 13.1.2, weak comparison. */
function entityTags(header: string | undefined): string[] {
  return [...(header ?? '').matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag]) => tag as string);
}

/** `wait` of RFC 7240 section 4.3, also where it stands behind a semicolon as OPA writes it. */
function waitSeconds(prefer: string | undefined): number {
  return Number(/(?:^|[,;]\s*)wait=([0-9]{1,5})(?:$|[,;\s])/.exec(prefer ?? '')?.[1] ?? 0);
}

function plain(status: number): ServiceAnswer {
  return { status, headers: {} };
}
