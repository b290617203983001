import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toolPath } from '../../scripts/tool-path.ts';
import { freePort } from './free-port.ts';

/** The real Envoy with ext_authz in front of an upstream. */
export interface EnvoyOptions {
  /** Port of the authorization service; absent for a plain proxy. */
  authzPort?: number;
  upstreamPort: number;
  /** What the configuration says about the tool and agent of each host name. */
  hosts: Readonly<Record<string, { tool: string; agent?: string }>>;
  maxBody?: number;
  /** Worker threads; default 1. */
  concurrency?: number;
  /** Changes to the ext_authz filter's own configuration, for tests of wrong ones. */
  authz?: Record<string, unknown>;
}

export interface Envoy {
  port: number;
  pid: number;
  close(): Promise<void>;
}

const FILTERS = 'type.googleapis.com/envoy.extensions.filters';

function cluster(name: string, port: number, http2: boolean): object {
  const options = { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions' };
  const protocol = http2 ? { http2_protocol_options: {} } : { http_protocol_options: {} };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { ...options, explicit_http_config: protocol },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
      ],
    },
  };
}

function virtualHost([host, extensions]: [string, object], authz: boolean): object {
  return {
    name: host,
    domains: [host],
    routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream', timeout: '15s' } }],
    ...(authz && {
      typed_per_filter_config: {
        'envoy.filters.http.ext_authz': {
          '@type': `${FILTERS}.http.ext_authz.v3.ExtAuthzPerRoute`,
          check_settings: { context_extensions: extensions },
        },
      },
    }),
  };
}

function config(port: number, options: EnvoyOptions): object {
  const { authzPort, upstreamPort, hosts, maxBody = 1024 * 1024 } = options;
  const authz = {
    '@type': `${FILTERS}.http.ext_authz.v3.ExtAuthz`,
    transport_api_version: 'V3',
    grpc_service: { envoy_grpc: { cluster_name: 'aegis' }, timeout: '5s' },
    with_request_body: { max_request_bytes: maxBody, allow_partial_message: false, pack_as_bytes: true },
    encode_raw_headers: true,
    failure_mode_allow: false,
    status_on_error: { code: 'ServiceUnavailable' },
    ...options.authz,
  };
  const manager = {
    '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'tools',
    generate_request_id: false,
    route_config: {
      virtual_hosts: Object.entries(hosts).map((entry) => virtualHost(entry, authzPort !== undefined)),
    },
    http_filters: [
      ...(authzPort === undefined ? [] : [{ name: 'envoy.filters.http.ext_authz', typed_config: authz }]),
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'tools',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        cluster('upstream', upstreamPort, false),
        ...(authzPort === undefined ? [] : [cluster('aegis', authzPort, true)]),
      ],
    },
  };
}

async function answers(port: number, child: ChildProcess, errors: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}: ${errors()}`);
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`Envoy does not answer: ${errors()}`);
}

export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'aegis-envoy-'));
  const file = join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(config(port, options)));
  const args = ['-c', file, '--log-level', 'error', '--use-dynamic-base-id'];
  const child = spawn(toolPath('envoy'), [...args, '--concurrency', String(options.concurrency ?? 1)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    await answers(port, child, () => text);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    port,
    pid: child.pid as number,
    async close() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
