import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import type { RelayBatch } from './relay.ts';

export interface RelayClientOptions {
  /** The replica's own token for audience `aegis.dev/operator`; read for every batch, because it is rotated in place. */
  tokenFile: string;
  /** PEM of the operator's authorities, as they are now. */
  ca(): string;
  /** Name in the serving certificate: replicas are reached by address. */
  serverName: string;
  /** ms for a whole batch; 5 s when absent. */
  timeout?: number;
}

const TIMEOUT = 5_000;
const CONNECT_TIMEOUT = 3_000;

/** The follower's end of the relay: HTTPS to the leading replica. */
export class RelayClient {
  readonly #options: RelayClientOptions;
  #agent: { agent: Agent; ca: string } | undefined;

  constructor(options: RelayClientOptions) {
    this.#options = options;
  }

  /** @throws AegisError `AEGIS_SERVING_RELAY` where the batch was not taken. */
  async send(address: string, batch: RelayBatch, signal: AbortSignal): Promise<void> {
    const { tokenFile, timeout = TIMEOUT } = this.#options;
    let status: number;
    try {
      const token = (await readFile(tokenFile, 'utf8')).trim();
      const answer = await request(`https://${address}/internal/v1/relay`, {
        dispatcher: await this.#dispatcher(),
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify(batch),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      });
      status = answer.statusCode;
      await answer.body.dump();
    } catch (cause) {
      const { code = 'no answer in time' } = cause as NodeJS.ErrnoException;
      throw new AegisError('AEGIS_SERVING_RELAY', `${address} cannot be told (${code})`, { cause });
    }
    if (status !== 204) throw new AegisError('AEGIS_SERVING_RELAY', `${address} answered with status ${status}`);
  }

  async close(): Promise<void> {
    await this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #dispatcher(): Promise<Agent> {
    const ca = this.#options.ca();
    if (this.#agent !== undefined && this.#agent.ca === ca) return this.#agent.agent;
    await this.close();
    const { serverName } = this.#options;
    const agent = new Agent({
      connect: { ca, servername: serverName, timeout: CONNECT_TIMEOUT },
      connections: 1,
      pipelining: 1,
      maxHeaderSize: 16 * 1024,
    });
    this.#agent = { agent, ca };
    return agent;
  }
}
