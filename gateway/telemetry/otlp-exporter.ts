import { type SpanBatch, SpanBatches } from './span-batches.ts';

/**
 * Sends spans to an OpenTelemetry collector: OTLP over HTTP in its JSON form (opentelemetry-proto, OTLP 1.x section
 * "OTLP/HTTP"). Batches, bounded; a collector that is down, slow or refuses costs spans, which are counted, never calls.
 */
export interface OtlpRequest {
  /** One after the other. */
  body: readonly Uint8Array[];
  headers: Readonly<Record<string, string>>;
}

export interface OtlpResponse {
  status: number;
  /** Seconds or an HTTP date, as the collector wrote it. */
  retryAfter?: string;
  body: string;
}

export interface OtlpExporterOptions {
  /** Posts to the collector. Rejects where there is no answer in time. */
  post(request: OtlpRequest): Promise<OtlpResponse>;
  /** Read for each request, so that a token may be replaced. */
  headers?(): Readonly<Record<string, string>>;
  /** Of the resource: `service.name` and so on. */
  resource: Readonly<Record<string, string>>;
  version: string;
  /** Spans that wait at most; 2048 when absent. */
  maxQueue?: number;
  /** Spans per request; 256 when absent. */
  batch?: number;
  /** ms that a span waits for others; 1 s when absent. */
  delay?: number;
  /** From 0 to 1, to spread retries. */
  random(): number;
}

export interface OtlpState {
  state: 'ok' | 'failing';
  queued: number;
  exported: number;
  dropped: number;
}

const QUEUE = 2048;
const BATCH = 256;
const DELAY = 1000;
const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;
/** Statuses after which the same request may be tried again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

function attribute([key, stringValue]: [string, string]): object {
  return { key, value: { stringValue } };
}

export class OtlpExporter {
  readonly #options: OtlpExporterOptions;
  readonly #maxQueue: number;
  readonly #batch: number;
  readonly #delay: number;
  /** What stands before and after the spans of a request. */
  readonly #frame: readonly [Uint8Array, Uint8Array];
  readonly #queue: SpanBatches;
  /** What is being sent: no longer in the queue, not yet delivered. */
  #current: SpanBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #exported = 0;
  #dropped = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
    this.#maxQueue = options.maxQueue ?? QUEUE;
    this.#batch = Math.min(options.batch ?? BATCH, this.#maxQueue);
    this.#delay = options.delay ?? DELAY;
    const resource = JSON.stringify({ attributes: Object.entries(options.resource).map(attribute) });
    const scope = JSON.stringify({ name: 'aegis', version: options.version });
    this.#queue = new SpanBatches(this.#batch);
    const before = `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[`;
    this.#frame = [Buffer.from(before), Buffer.from(']}]}]}')];
  }

  get #waiting(): number {
    return this.#queue.count + (this.#current?.count ?? 0);
  }

  get state(): OtlpState {
    return {
      state: this.#failures > 0 ? 'failing' : 'ok',
      queued: this.#waiting,
      exported: this.#exported,
      dropped: this.#dropped,
    };
  }

  /** `span` is JSON text. Never blocks, never throws. */
  add(span: string): void {
    if (this.#closed || this.#waiting >= this.#maxQueue) {
      this.#dropped++;
      return;
    }
    this.#queue.add(span);
    if (this.#sending === undefined) this.#schedule();
  }

  /** Sends what it can within `ms`; the rest is dropped. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    if (this.#queue.count > 0) this.#start();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#sending, late]);
    clearTimeout(timer);
    this.#dropped += this.#queue.clear() + (this.#current?.count ?? 0);
    this.#current = undefined;
  }

  /** A full batch goes at once, what is less waits for company. */
  #schedule(): void {
    if (this.#waiting >= this.#batch) this.#start();
    else if (this.#waiting > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#start(), this.#delay);
      this.#timer.unref();
    }
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      this.#schedule();
    });
  }

  /** What is there, and then full batches as long as there are any; at the end, all. */
  async #sendAll(): Promise<void> {
    do {
      this.#current ??= this.#queue.take();
      const batch = this.#current;
      if (batch === undefined) return;
      const result = await this.#send(batch);
      if (result === 'done' && this.#current === batch) {
        this.#current = undefined;
        // Only what was taken: after a refusal the rest of the request may still be on its way.
        if (this.#failures === 0) this.#queue.recycle(batch);
      } else if (this.#closed) {
        // At the end there is no later.
        return;
      }
    } while (this.#waiting >= this.#batch || (this.#closed && this.#waiting > 0));
  }

  async #send({ bytes, length, count }: SpanBatch): Promise<'done' | 'later'> {
    const { post, headers } = this.#options;
    const [before, after] = this.#frame;
    let response: OtlpResponse | undefined;
    try {
      response = await post({ body: [before, bytes.subarray(0, length), after], headers: headers?.() ?? {} });
    } catch {
      // No answer: the same as an answer that says "later".
    }
    const status = response?.status ?? 503;
    if (RETRYABLE.has(status)) {
      this.#failures++;
      await this.#pause(response?.retryAfter);
      return 'later';
    }
    if (status >= 200 && status < 300) {
      this.#failures = 0;
      const rejected = Math.min(count, rejectedSpans(response?.body ?? ''));
      this.#exported += count - rejected;
      this.#dropped += rejected;
    } else {
      this.#failures++;
      this.#dropped += count;
    }
    return 'done';
  }

  #pause(retryAfter: string | undefined): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const longest = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** Math.min(10, this.#failures - 1));
    const asked = /^[0-9]{1,5}$/.test(retryAfter ?? '') ? Math.min(LAST_RETRY, Number(retryAfter) * 1000) : 0;
    const wait = Math.max(asked, longest * (0.5 + this.#options.random() / 2));
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, wait);
      timer.unref();
      this.#wake = done;
    });
  }
}

/** `ExportTraceServiceResponse.partial_success.rejected_spans`; an int64, so text in JSON. */
function rejectedSpans(body: string): number {
  try {
    const { partialSuccess } = JSON.parse(body) as { partialSuccess?: { rejectedSpans?: unknown } };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}
