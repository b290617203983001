import type { IncomingMessage } from 'node:http';

/** A request body is refused above this many bytes; real payment requests are far smaller. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * The whole body, or undefined where it is longer than `limit`; the rest is then left unread.
 * @throws Error when the client breaks off
 */
export async function readBody(request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What is wrong with a request, as the payment API says it. */
export interface PaymentError {
  status: number;
  code: string;
  message: string;
  param?: string;
}

export interface PaymentRequest {
  /** In the currency's minor units (cents, yen). */
  amount: number;
  /** Lower case, as the API writes it. */
  currency: string;
  description: string | null;
  metadata: Record<string, string>;
}

const KNOWN_FIELDS = new Set(['amount', 'currency', 'description', 'confirm']);
const METADATA = /^metadata\[([A-Za-z0-9_-]{1,40})\]$/;

/** Reads the form body of `POST /v1/payment_intents`. The amount must be a positive integer of at most 8 digits. */
export function parsePayment(form: URLSearchParams): PaymentRequest | PaymentError {
  const metadata = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, value] of form) {
    if (seen.has(name)) return invalid('parameter_invalid', `Received ${clip(name)} more than once.`, name);
    seen.add(name);
    const key = METADATA.exec(name)?.[1];
    if (key !== undefined) metadata.set(key, value.slice(0, 500));
    else if (!KNOWN_FIELDS.has(name)) {
      return invalid('parameter_unknown', `Received unknown parameter: ${clip(name)}`, name);
    }
  }
  const amount = form.get('amount');
  const currency = form.get('currency');
  if (amount === null) return invalid('parameter_missing', 'Missing required param: amount.', 'amount');
  if (currency === null) return invalid('parameter_missing', 'Missing required param: currency.', 'currency');
  if (!/^[0-9]{1,8}$/.test(amount) || Number(amount) === 0) {
    return invalid('parameter_invalid_integer', 'Invalid positive integer: amount.', 'amount');
  }
  if (!/^[A-Za-z]{3}$/.test(currency)) {
    return invalid('parameter_invalid', 'Invalid currency: give a three-letter ISO code.', 'currency');
  }
  return {
    amount: Number(amount),
    currency: currency.toLowerCase(),
    description: form.get('description')?.slice(0, 1000) ?? null,
    metadata: Object.fromEntries(metadata),
  };
}

function invalid(code: string, message: string, param: string): PaymentError {
  return { status: 400, code, message, param: clip(param) };
}

function clip(text: string): string {
  return text.slice(0, 80);
}
