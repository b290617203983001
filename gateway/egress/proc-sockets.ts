import { canonicalAddress } from '../upstream/address-guard.ts';

/** One socket of a network namespace, as `/proc/net/{tcp,udp}{,6}` tells it (proc(5)). */
export interface ProcSocket {
  local: Endpoint;
  remote: Endpoint;
  state: number;
  uid: number;
  /** 0 where no process has it any more; its uid means nothing then. */
  inode: number;
}

export interface Endpoint {
  /** In the one form per address; IPv4-mapped ones as IPv4. */
  address: string;
  port: number;
}

const LINE =
  /^ *[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) [0-9A-F:]+ [0-9A-F:]+ [0-9A-F]+ +([0-9]+) +[0-9]+ ([0-9]+)/;
/** More sockets than a pod has; what comes after is not looked at. */
const MAX_SOCKETS = 16_384;

/** @param littleEndian of this machine: addresses are printed as its own 32-bit words. */
export function parseSockets(text: string, littleEndian: boolean): ProcSocket[] {
  const sockets: ProcSocket[] = [];
  for (const line of text.split('\n')) {
    const [, localAddress, localPort, address, port, state, uid, inode] = LINE.exec(line) ?? [];
    if (localAddress === undefined || address === undefined) continue;
    if (sockets.length >= MAX_SOCKETS) break;
    sockets.push({
      local: { address: addressOf(localAddress, littleEndian), port: hex(localPort) },
      remote: { address: addressOf(address, littleEndian), port: hex(port) },
      state: hex(state),
      uid: Number(uid),
      inode: Number(inode),
    });
  }
  return sockets;
}

function hex(digits: string | undefined): number {
  return Number.parseInt(digits ?? '0', 16);
}

function addressOf(digits: string, littleEndian: boolean): string {
  const bytes: number[] = [];
  for (let at = 0; at < digits.length; at += 8) {
    const word = [0, 2, 4, 6].map((offset) => hex(digits.slice(at + offset, at + offset + 2)));
    bytes.push(...(littleEndian ? word.reverse() : word));
  }
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] as number) << 8) | (bytes[at * 2 + 1] as number)).toString(16),
  );
  return canonicalAddress(groups.join(':')) as string;
}
