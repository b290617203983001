import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { Engine } from '../../policy/publication/bundle-content.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';

/** All that the operator touches outside itself, beside the API server. */
export interface OperatorEnvironment {
  logger: Logger;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  randomBytes(size: number): Uint8Array;
  crypto: CryptoProvider;
  engine: Engine;
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
}
