/** An answer of the API server that is no success, or none at all. Never holds headers or bodies of requests. */
export class KubeError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** `reason` of the Status object, e.g. `Conflict`, `AlreadyExists`, `Expired`; or the code of the network error. */
  readonly reason: string;
  /** ms that the server asks to wait, where it does. */
  readonly retryAfter: number | undefined;

  constructor(status: number, reason: string, message: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
    this.retryAfter = options.retryAfter;
  }

  /** Somebody else has changed or made it in the meantime. */
  get isConflict(): boolean {
    return this.status === 409;
  }

  /** The resourceVersion is too old: list again. */
  get isExpired(): boolean {
    return this.status === 410;
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }
}
