/** The real operator program as a process of its own, against a real API server. Ended by pid. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/support/free-port.ts';
import type { ApiServer } from '../apiserver/api-server.ts';
import { flagsOf, jsonLines, runProgram } from './child-program.ts';

export const OPERATOR_NAMESPACE = 'aegis-system';
export const OPERATOR_ACCOUNT = 'aegis-operator';

export interface OperatorProcess {
  pid: number;
  child: ChildProcess;
  /** Ports on loopback. */
  bundles: number;
  webhook: number;
  admin: number;
  /** What it has logged so far, parsed. */
  log(): Record<string, unknown>[];
  stderr(): string;
  metrics(): Promise<string>;
  health(): Promise<Record<string, unknown>>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface OperatorOptions {
  /** Default: the server's own. Another one for an operator behind a proxy. */
  kubeconfig?: string;
  settings?: Readonly<Record<string, string>>;
  /** Wait until it is ready (default), or only until it answers. */
  until?: 'readyz' | 'healthz';
  /** What runs it: default the sources by this Node. */
  command?: readonly string[];
}

const MAIN = fileURLToPath(new URL('../../operator/main.ts', import.meta.url));

/** What an installation brings along: namespace, ServiceAccount, and the token by which replicas know each other. */
export async function installOperator(server: ApiServer): Promise<void> {
  server.kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR_NAMESPACE } },
        {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: OPERATOR_ACCOUNT, namespace: OPERATOR_NAMESPACE },
        },
      ],
    }),
  );
}

export async function startOperator(server: ApiServer, options: OperatorOptions = {}): Promise<OperatorProcess> {
  const {
    kubeconfig = server.kubeconfig,
    settings = {},
    until = 'readyz',
    command = [process.execPath, MAIN],
  } = options;
  const folder = mkdtempSync(join(tmpdir(), 'aegis-operator-'));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, relayToken(server), { mode: 0o600 });
  const [bundles, webhook, admin] = [await freePort(), await freePort(), await freePort()];
  const all: Record<string, string> = {
    kubeconfig,
    namespace: OPERATOR_NAMESPACE,
    'pod.address': '127.0.0.1',
    'listen.bundles': `127.0.0.1:${bundles}`,
    'listen.webhook': `127.0.0.1:${webhook}`,
    'listen.admin': `127.0.0.1:${admin}`,
    'bundles.address': `https://127.0.0.1:${bundles}`,
    'certificates.names': '127.0.0.1,localhost',
    'relay.tokenFile': tokenFile,
    ...settings,
  };
  const program = runProgram([...command, ...flagsOf(all)], { PATH: process.env.PATH });
  program.child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const base = `http://127.0.0.1:${admin}`;
  await program.answers(`${base}/${until}`, 30_000);
  return {
    ...program,
    pid: program.child.pid as number,
    bundles,
    webhook,
    admin,
    log: () => jsonLines(program.stderr()),
    metrics: async () => (await fetch(`${base}/metrics`)).text(),
    health: async () => (await (await fetch(`${base}/health`)).json()) as Record<string, unknown>,
  };
}

function relayToken(server: ApiServer): string {
  const flags = ['create', 'token', OPERATOR_ACCOUNT, '-n', OPERATOR_NAMESPACE, '--audience', 'aegis.dev/operator'];
  return server.kubectl(flags).trim();
}
