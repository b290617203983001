/** The real gateway program between an attacker's client and a tool that writes down what reaches it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Source } from '../../policy/source/load-sources.ts';
import { type GatewayProcess, startGateway } from '../support/gateway-process.ts';
import { Publisher } from '../support/publisher.ts';

export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface GatewayWorld {
  gateway: GatewayProcess;
  folder: string;
  toolPort: number;
  /** What reached the tool, complete requests only. */
  received: Received[];
  /** How the tool answers; default 200 with `{}`. */
  answer(behaviour: (request: Received, res: ServerResponse) => void): void;
  close(): Promise<void>;
}

export interface WorldOptions {
  sources: readonly Source[];
  agent: string;
  tool: string;
  settings?: Readonly<Record<string, string>>;
  /** Credential of the tool, written where the gateway looks for it. */
  credential?: string;
}

export async function openGatewayWorld(options: WorldOptions): Promise<GatewayWorld> {
  const { sources, agent, tool, settings = {}, credential } = options;
  const folder = mkdtempSync(join(tmpdir(), 'aegis-red-'));
  const publisher = new Publisher(folder, agent);
  publisher.publish(sources);
  const received: Received[] = [];
  let behaviour = (_: Received, res: ServerResponse): void => {
    res.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  };
  const server: Server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString('latin1') };
      received.push(request);
      behaviour(request, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const toolPort = (server.address() as AddressInfo).port;
  if (credential !== undefined) {
    mkdirSync(join(folder, 'secrets', tool, 'credential'), { recursive: true });
    writeFileSync(join(folder, 'secrets', tool, 'credential', 'token'), credential);
  }
  const gateway = await startGateway({
    settings: {
      agent,
      tenant: publisher.identity.name,
      tenantUid: publisher.identity.uid,
      'bundle.directory': publisher.file,
      'bundle.trustedKeys': publisher.keyFile,
      'upstream.overrides': `${tool}=http://127.0.0.1:${toolPort}`,
      ...(credential !== undefined && { 'upstream.secretsDirectory': join(folder, 'secrets') }),
      ...settings,
    },
  });
  return {
    gateway,
    folder,
    toolPort,
    received,
    answer: (next) => {
      behaviour = next;
    },
    async close() {
      await gateway.kill();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
