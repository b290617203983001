/**
 * The services outside the cluster that the suites need, in one program: a payment API (api.stripe.com) and an echo for
 * every other host. HTTP on 8080, HTTPS on 8443 where /tls holds a certificate. One line of JSON per request on standard
 * output; `GET /__requests` has them all.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createPaymentStandIn } from '../../../cli/stand-in/payment-api.ts';

interface Seen {
  host: string;
  method: string;
  path: string;
  /** Address of the caller as it arrives here. */
  from: string;
  authorization: boolean;
}

const KEPT = 10_000;
const seen: Seen[] = [];
const payments = createPaymentStandIn({ clock: Date.now, log: () => {} });

function handle(request: IncomingMessage, response: ServerResponse): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const { method = '', url: path = '', headers, socket } = request;
  if (path === '/__requests') {
    answer(response, { requests: seen, totals: payments.totals() });
    return;
  }
  const entry = {
    host,
    method,
    path,
    from: socket.remoteAddress ?? '',
    authorization: headers.authorization !== undefined,
  };
  seen.push(entry);
  if (seen.length > KEPT) seen.shift();
  console.log(JSON.stringify(entry));
  if (path.startsWith('/v1/')) payments.handle(request, response);
  else answer(response, entry);
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

createServer(handle).listen(8080, '::');
if (existsSync('/tls/tls.crt')) {
  const files = { cert: readFileSync('/tls/tls.crt'), key: readFileSync('/tls/tls.key') };
  createSecureServer(files, handle).listen(8443, '::');
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
