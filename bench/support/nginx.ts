/** nginx as the tool behind every proxy, and as the proxy without any decision. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '../../scripts/tool-path.ts';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServer } from './processes.ts';

/** What the tool answers: of the size of a small API object. */
export const TOOL_ANSWER = JSON.stringify({ id: 'pi_1', object: 'payment_intent', status: 'requires_action' });

function config(folder: string, port: number, location: string): string {
  return `
daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000; client_body_buffer_size 64k;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  ${location}
  server { listen 127.0.0.1:${port}; LOCATION }
}`;
}

async function start(name: string, upstreams: string, location: string): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-nginx-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config(folder, port, upstreams).replace('LOCATION', location));
  const server = await startServer(name, toolPath('nginx'), ['-p', folder, '-c', file, '-e', 'stderr'], port);
  return {
    ...server,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A tool that gives one answer to everything. */
export function startTool(): Promise<ServerProcess> {
  return start('tool', '', `location / { default_type application/json; return 200 '${TOOL_ANSWER}'; }`);
}

/** `proxy_pass` with kept connections, no decision: the floor. */
export function startNginxProxy(toolPort: number): Promise<ServerProcess> {
  return start(
    'nginx',
    `upstream tool { server 127.0.0.1:${toolPort}; keepalive 64; keepalive_requests 1000000; }`,
    'location / { proxy_pass http://tool; proxy_http_version 1.1; proxy_set_header Connection ""; }',
  );
}
