/** The gateway program as it ships, as a child process. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { trustedKeyPem } from './pipeline.ts';
import { ALLOWED_CALL, TENANT } from './tenant.ts';

export interface BenchGateway {
  pid: number;
  decisions: number;
  proxy: number;
  /** Milliseconds from the start of the process to its first answered decision. */
  startMs: number;
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../../dist/gateway.mjs', import.meta.url));

/** Archives of agent-0, compiled in a process of its own; one per cap, in the order of their sequences. */
export function makeSlices(policies: number, own: number, archive: string, caps: readonly number[] = []): string[] {
  const script = fileURLToPath(new URL('make-slice.ts', import.meta.url));
  execFileSync(process.execPath, [script, String(policies), String(own), archive, ...caps.map(String)]);
  return caps.length === 0 ? [archive] : caps.map((_, index) => `${archive}.${index}`);
}

function decide(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ input: ALLOWED_CALL });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { host: '127.0.0.1', port, method: 'POST', path: '/v1/data/aegis/decision', headers };
    const req = request(options, (res) => {
      res.resume();
      res.once('end', () => resolve(res.statusCode === 200));
    });
    req.once('error', () => resolve(false));
    req.end(body);
  });
}

async function firstDecision(port: number, exited: () => boolean, complaints: () => string): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    if (await decide(port)) return;
    if (exited()) throw new Error(`the gateway ended: ${complaints()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`the gateway gives no decision: ${complaints()}`);
}

export async function startBenchGateway(
  archive: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-gateway-'));
  const key = join(folder, 'trusted.pub');
  writeFileSync(key, trustedKeyPem);
  const [decisions, proxy, admin] = [await freePort(), await freePort(), await freePort()];
  const all: Record<string, string> = {
    agent: ALLOWED_CALL.agent,
    tenant: TENANT,
    'bundle.directory': archive,
    'bundle.trustedKeys': key,
    'bundle.pollInterval': '50ms',
    'listen.decisions': `127.0.0.1:${decisions}`,
    'listen.proxy': `127.0.0.1:${proxy}`,
    'listen.admin': `127.0.0.1:${admin}`,
    'telemetry.log': 'off',
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const start = performance.now();
  const node = asShipped();
  const child = spawn(process.execPath, [...node.flags, PROGRAM, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...node.environment },
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  const ended = once(child, 'exit');
  const exited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await firstDecision(decisions, exited, () => complaints);
  return {
    pid: child.pid as number,
    decisions,
    proxy,
    startMs: performance.now() - start,
    async stop() {
      if (!exited()) child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How the image and `aegis gateway` run Node. */
function asShipped(): { flags: string[]; environment: Record<string, string> } {
  const file = fileURLToPath(new URL('../../bin/gateway-node.json', import.meta.url));
  return JSON.parse(readFileSync(file, 'utf8')) as { flags: string[]; environment: Record<string, string> };
}
