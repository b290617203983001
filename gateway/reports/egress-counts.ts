import { type EgressObservation, MAX_EGRESS } from '../../policy/wire/gateway-report.ts';
import { CountTable } from './count-table.ts';

export type EgressDestination = Omit<EgressObservation, 'connections'>;

export interface EgressCountsOptions {
  /** ms, monotonic. */
  ticks(): number;
  /** Told of every connection. */
  onConnection?(destination: EgressDestination): void;
  /** Told of every destination that there is room for, once. */
  onNew?(destination: EgressDestination): void;
  /** Destinations that are told apart at most. */
  max?: number;
}

/** Where connections lead that no tool is at the end of. Names among them are the callers' own words, so few are kept. */
export class EgressCounts {
  readonly table: CountTable<EgressObservation>;
  readonly #options: EgressCountsOptions;
  readonly #listeners = new Set<() => void>();

  constructor(options: EgressCountsOptions) {
    this.#options = options;
    this.table = new CountTable(options.max ?? MAX_EGRESS);
  }

  /** Told of every new destination. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One connection. */
  seen({ destination, port, protocol, refused }: EgressDestination): void {
    const { ticks, onConnection, onNew } = this.#options;
    const told = { destination, port, protocol, refused };
    onConnection?.(told);
    const key = [destination, port, protocol, refused].join(' ');
    const count = this.table.change(key, ticks(), () => ({ ...told, connections: 0 }));
    if (count === undefined) return;
    if (count.connections++ > 0) return;
    onNew?.(told);
    for (const listener of this.#listeners) listener();
  }

  /** One report's worth of what has changed since it was told. */
  untold(): { counts: EgressObservation[]; told(): void } {
    return this.table.untold(MAX_EGRESS);
  }
}
