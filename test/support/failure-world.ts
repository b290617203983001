/** A folder, a publisher, a bundle server, a tool and gateways over them, for one test file; all real, all ended by `close`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type Dispatcher, request } from 'undici';
import { BundleServer } from './bundle-server.ts';
import { type GatewayOptions, type GatewayProcess, startGateway } from './gateway-process.ts';
import { LEDGER_AGENT, type LedgerOptions, ledgerSources } from './ledger-sources.ts';
import { Publisher } from './publisher.ts';
import { ToolServer } from './tool-server.ts';

export interface Answered {
  /** 0 where the connection broke before an answer, or within it. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: problems are read by path in the tests
  problem: any;
}

const SLICE = '/v1/bundles/clerk-agent';

export class FailureWorld {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'aegis-failures-'));
  readonly bundles = new BundleServer();
  readonly publisher = new Publisher(join(this.folder, 'bundle'), LEDGER_AGENT);
  readonly #agent = new Agent({ connections: 1024 });
  readonly #gateways: GatewayProcess[] = [];
  readonly #tool: Promise<ToolServer> = ToolServer.start();
  tool!: ToolServer;

  static async open(): Promise<FailureWorld> {
    const world = new FailureWorld();
    world.tool = await world.#tool;
    await world.bundles.start();
    return world;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Signs the next sequence, for the file and for the server. */
  publish(options: LedgerOptions = {}): number {
    const sequence = this.publisher.publish(ledgerSources(options));
    this.bundles.service.publish(SLICE, readFileSync(this.publisher.file), `sequence-${sequence}`);
    return sequence;
  }

  get bundleUrl(): string {
    return this.bundles.url + SLICE;
  }

  /** A gateway of the ledger's agent; its bundle comes from the file unless the settings name another source. */
  async start(settings: Readonly<Record<string, string>> = {}, options: Omit<GatewayOptions, 'settings'> = {}) {
    const sourced = Object.keys(settings).some((key) => /^bundle\.(url|directory|configMap)$/.test(key));
    const gateway = await startGateway({
      ...options,
      settings: {
        agent: LEDGER_AGENT,
        tenant: this.publisher.identity.name,
        tenantUid: this.publisher.identity.uid,
        ...(!sourced && { 'bundle.directory': this.publisher.file }),
        'bundle.trustedKeys': this.publisher.keyFile,
        'upstream.overrides': `ledger=${this.tool.url}`,
        ...settings,
      },
    });
    this.#gateways.push(gateway);
    return gateway;
  }

  /** A call of the tool by path prefix. */
  async call(
    { proxy }: Pick<GatewayProcess, 'proxy'>,
    method: Dispatcher.HttpMethod,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Answered> {
    try {
      const answer = await request(`http://127.0.0.1:${proxy}/ledger${path}`, {
        dispatcher: this.#agent,
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body }),
      });
      const text = await answer.body.text();
      const json = /json/.test(String(answer.headers['content-type']));
      return { status: answer.statusCode, headers: answer.headers, text, problem: json ? JSON.parse(text) : undefined };
    } catch {
      return { status: 0, headers: {}, text: '', problem: undefined };
    }
  }

  read(gateway: Pick<GatewayProcess, 'proxy'>): Promise<Answered> {
    return this.call(gateway, 'GET', '/entries/1');
  }

  write(gateway: Pick<GatewayProcess, 'proxy'>, amount = 10): Promise<Answered> {
    return this.call(gateway, 'POST', '/entries', JSON.stringify({ amount, note: 'rent' }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.kill()));
    await this.#agent.destroy();
    await this.tool.stop();
    await this.bundles.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
