import { exchangeRaw, type RawAnswer, type RawOptions } from './raw-socket.ts';

/** One request (or several) that must be refused, byte for byte as it goes on the wire (Latin-1). */
export interface HostileCase {
  name: string;
  /** Bytes; several pieces are sent in writes of their own. */
  send: string | readonly string[];
  /** Statuses that the refusal may have; default any 4xx or 5xx. A closed connection without an answer always may be. */
  status?: readonly number[];
  /** Calls that are in order and come before the hostile part on the same connection; they are answered below 400. */
  good?: number;
  /** Speaks TLS with this server name. */
  serverName?: string;
  /** The request never ends, so that nothing may come back for as long as its time runs. */
  waits?: true;
}

export interface HostileWorld {
  port: number;
  /** Calls that reached the tool so far. */
  reached(): number;
  /** A call that is in order and must succeed; rejects where it does not. */
  serves(): Promise<void>;
}

const WAIT = 300;

/** Why the case is not refused as it must be; undefined where it is. */
export async function runCase(hostile: HostileCase, world: HostileWorld): Promise<string | undefined> {
  const before = world.reached();
  const pieces = typeof hostile.send === 'string' ? [hostile.send] : hostile.send;
  const options: RawOptions = {
    ...(hostile.serverName !== undefined && { serverName: hostile.serverName }),
    answers: (hostile.good ?? 0) + 1,
    ...(hostile.waits === true && { wait: WAIT }),
  };
  const answer = await exchangeRaw(world.port, pieces, options);
  const good = hostile.good ?? 0;
  const reached = world.reached() - before;
  if (reached > good) return `${reached - good} call(s) reached the tool; answered ${answer.text.slice(0, 80)}`;
  return judge(answer, hostile, good);
}

function judge(
  { statuses, closed, text }: RawAnswer,
  { status, waits, send }: HostileCase,
  good: number,
): string | undefined {
  const [refusal, ...more] = statuses.slice(good);
  if (statuses.slice(0, good).some((code) => code >= 400)) return `a good call was refused: ${statuses.join(' ')}`;
  if (refusal === undefined) return closed || waits === true ? undefined : `no refusal: ${text.slice(0, 80)}`;
  if (refusal < 400 || more.some((code) => code < 400)) return `answered with ${statuses.join(' ')}`;
  if (status !== undefined && !status.includes(refusal)) return `refused with ${refusal}, not ${status.join(' or ')}`;
  if (!/\r\n\r\n\{/.test(text) && !String(send).startsWith('HEAD ')) return 'the refusal has no problem to read';
  return undefined;
}
