/** Building blocks of the cases: a call that is in order, and the same with one thing wrong. */

export const HOST = 'Host: localhost\r\n';
export const PAY = '/stripe-payments/v1/payment_intents';
export const BODY = 'amount=100&currency=usd';
export const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
export const LENGTH = `Content-Length: ${BODY.length}\r\n`;
export const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** A payment that would pass; `headers` end with CRLF each. */
export function post(headers: string, body: string = BODY, target: string = PAY): string {
  return `POST ${target} HTTP/1.1\r\n${HOST}${FORM}${headers}\r\n${body}`;
}

export function get(headers = '', target = `${PAY}/pi_1`, version = 'HTTP/1.1'): string {
  return `GET ${target} ${version}\r\n${HOST}${headers}\r\n`;
}

/** One chunk with the whole body, and the last one. */
export function chunked(body: string = BODY): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/** What an attacker would like to have read as a second request. */
export const SMUGGLED = `GET ${PAY}/smuggled HTTP/1.1\r\n${HOST}\r\n`;
