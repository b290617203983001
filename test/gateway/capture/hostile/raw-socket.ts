import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What came back on a connection, and whether the other side closed it. */
export interface RawAnswer {
  text: string;
  /** Status of each answer, in order. */
  statuses: number[];
  closed: boolean;
}

export interface RawOptions {
  /** What came back is complete after so many quiet ms once there are `answers`; default 60. */
  patience?: number;
  /** Answers that must come; default 1. */
  answers?: number;
  /** How long they are waited for, ms; default 5,000. */
  wait?: number;
  /** Speaks TLS with this server name, certificates unchecked. */
  serverName?: string;
}

/** Latin-1, so that a case may hold any byte. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Sends the pieces one after the other, each in a write of its own, and collects what comes back. */
export function exchangeRaw(port: number, pieces: readonly string[], options: RawOptions = {}): Promise<RawAnswer> {
  const { patience = 60, answers = 1, wait = 5000, serverName } = options;
  return new Promise((done) => {
    const socket: Socket =
      serverName === undefined
        ? connect(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', servername: serverName, rejectUnauthorized: false });
    let text = '';
    let timer = setTimeout(() => finish(false), wait);
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      done({ text, statuses: statusesOf(text), closed });
    };
    const send = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined || socket.destroyed) return;
      socket.write(bytesOf(piece), () => setImmediate(send, index + 1));
    };
    socket.setNoDelay(true);
    socket.on(serverName === undefined ? 'connect' : 'secureConnect', () => send(0));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (statusesOf(text).length < answers) return;
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), patience);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
  });
}

function statusesOf(text: string): number[] {
  return [...text.matchAll(/(?:^|\}|\n)HTTP\/1\.1 ([0-9]{3}) /g)].map(([, status]) => Number(status));
}
