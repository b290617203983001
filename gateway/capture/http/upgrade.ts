import type { IncomingMessage } from 'node:http';
import { refusal, type WayRefusal } from '../way-refusal.ts';

/** What a request wants to become (RFC 9110 section 7.8). */
export type Upgrade = { kind: 'none' } | { kind: 'websocket' } | { kind: 'refused'; refusal: WayRefusal };

const VERSION = '13';

function hasToken(value: string | undefined, token: string): boolean {
  return value?.split(',').some((part) => part.trim().toLowerCase() === token) === true;
}

/**
 * `h2c` is ignored, which RFC 9110 allows and the HTTP client of Java relies on; a WebSocket handshake (RFC 6455
 * section 4.2.1) may be allowed by the action; anything else is refused.
 */
export function upgradeOf({ method, httpVersion, headers }: IncomingMessage): Upgrade {
  const wanted = headers.upgrade?.trim().toLowerCase();
  if (wanted === undefined || wanted === 'h2c' || !hasToken(headers.connection, 'upgrade')) return { kind: 'none' };
  if (wanted !== 'websocket') {
    return { kind: 'refused', refusal: refusal('AEGIS_UPGRADE_REFUSED', 403, 'Only WebSocket can be upgraded to.') };
  }
  const bodiless = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  const plain = method === 'GET' && httpVersion === '1.1' && bodiless;
  if (plain && headers['sec-websocket-version'] === VERSION && headers['sec-websocket-key'] !== undefined) {
    return { kind: 'websocket' };
  }
  const needs = ['Sec-WebSocket-Version', VERSION, 'Upgrade', 'websocket', 'Connection', 'Upgrade, close'];
  return {
    kind: 'refused',
    refusal: refusal('AEGIS_UPGRADE_REFUSED', 426, 'The request is no WebSocket handshake of version 13.', needs),
  };
}

/** For `shouldUpgradeCallback`: everything else is answered as an ordinary request. */
export function shouldUpgrade(req: IncomingMessage): boolean {
  return upgradeOf(req).kind === 'websocket';
}
