import { request } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { AegisError } from '../../../policy/errors.ts';
import { requestHeaders, responseHeaders } from '../../upstream/forward-headers.ts';
import type { Exchange } from '../http/exchange.ts';
import type { NamedAuthority } from '../tool-directory.ts';
import { refusal } from '../way-refusal.ts';
import type { Coming, UnknownHosts } from './unknown-hosts.ts';

const NOTHING: ReadonlySet<string> = new Set();

/** A plain request to a host of no tool, passed on undecided: one connection, one request. */
export async function passRequest(
  exchange: Exchange,
  authority: NamedAuthority,
  path: string,
  unknown: UnknownHosts,
  coming: Coming,
): Promise<void> {
  const { req, res } = exchange;
  let tunnel: Duplex;
  try {
    tunnel = await unknown.connect(authority, coming);
  } catch (error) {
    exchange.refuse(refusal(error instanceof AegisError ? error.code : 'AEGIS_UPSTREAM_CONNECT', 502));
    return;
  }
  const { list } = requestHeaders(req.rawHeaders, { kept: NOTHING, keepLength: true });
  // node:http frames a body of unknown length for some methods only; unframed it would be read as further requests.
  if (exchange.hasBody && req.headers['content-length'] === undefined) list.push('Transfer-Encoding', 'chunked');
  const out = request({
    createConnection: () => tunnel,
    method: req.method ?? 'GET',
    path,
    setHost: false,
    headers: ['Host', req.headers.host ?? authority.host, ...list, 'Connection', 'close'],
  });
  const end = (): void => {
    out.destroy();
    tunnel.destroy();
    if (exchange.answered) res.destroy();
    else exchange.refuse(refusal('AEGIS_UPSTREAM_FAILED', 502));
  };
  // The pipeline below adds several of its own.
  res.setMaxListeners(32);
  res.once('close', () => out.destroy());
  out.on('error', end);
  out.on('response', (answer) => {
    const { list: headers } = responseHeaders(answer.headers, answer.statusCode ?? 502, []);
    res.writeHead(answer.statusCode ?? 502, headers);
    pipeline(answer, res, () => tunnel.destroy());
  });
  if (exchange.hasBody) exchange.upload().on('error', end).pipe(out);
  else out.end();
}
