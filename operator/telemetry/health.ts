import { errorName } from '../../runtime/telemetry/logger.ts';

export interface HealthState {
  ok: boolean;
  /** Why not, each a short phrase without values of resources, e.g. `watch of AgentPolicy: not synced`. */
  reasons: readonly string[];
}

/** What one part of the operator says of itself. None of them may wait. */
export interface HealthPart {
  /** Its member of `/health`, e.g. `bundles`. */
  name: string;
  /** Whether requests can be served here. Absent: always. */
  ready?(): HealthState;
  /** Whether it still works; false only where a restart helps. Absent: always. */
  live?(): HealthState;
  /** Shown at `/health`: names, numbers, times (RFC 3339); no rules, values or secrets. */
  details?(): Record<string, unknown>;
}

export const HEALTHY: HealthState = { ok: true, reasons: [] };

/** `reason` where `ok` is false. */
export function healthOf(ok: boolean, reason: string): HealthState {
  return ok ? HEALTHY : { ok, reasons: [reason] };
}

export interface OperatorHealthOptions {
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
  /** ms since the epoch. */
  now(): number;
}

/** The operator's health, put together of its parts. A part that fails to answer counts as not well. */
export class OperatorHealth {
  readonly #options: OperatorHealthOptions;
  readonly #parts: HealthPart[] = [];
  #ending = false;

  constructor(options: OperatorHealthOptions) {
    this.#options = options;
  }

  add(part: HealthPart): void {
    if (this.#parts.some(({ name }) => name === part.name)) throw new Error(`the part ${part.name} is there already`);
    this.#parts.push(part);
  }

  /** On the way out: no longer ready, whatever the parts say. */
  end(): void {
    this.#ending = true;
  }

  ready(): HealthState {
    const { ok, reasons } = this.#all((part) => part.ready?.());
    return this.#ending ? { ok: false, reasons: ['ending', ...reasons] } : { ok, reasons };
  }

  live(): HealthState {
    return this.#all((part) => part.live?.());
  }

  /** Everything, as JSON. */
  body(): Record<string, unknown> {
    const { version, started, now } = this.#options;
    const ready = this.ready();
    const live = this.live();
    const parts = this.#parts.map(({ name, details }) => [name, safely(details) ?? {}] as const);
    return {
      live: live.ok,
      ready: ready.ok,
      reasons: [...new Set([...live.reasons, ...ready.reasons])],
      version,
      uptime_seconds: Math.max(0, Math.round((now() - started) / 1000)),
      ...Object.fromEntries(parts),
    };
  }

  #all(ask: (part: HealthPart) => HealthState | undefined): HealthState {
    const reasons: string[] = [];
    for (const part of this.#parts) {
      try {
        const state = ask(part);
        if (state === undefined || state.ok) continue;
        for (const reason of state.reasons.length > 0 ? state.reasons : ['not well']) {
          reasons.push(`${part.name}: ${reason}`);
        }
      } catch (error) {
        reasons.push(`${part.name}: does not answer (${errorName(error)})`);
      }
    }
    return { ok: reasons.length === 0, reasons };
  }
}

function safely(details: HealthPart['details']): Record<string, unknown> | undefined {
  try {
    return details?.();
  } catch (error) {
    return { error: errorName(error) };
  }
}
