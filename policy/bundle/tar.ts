import { AegisError } from '../errors.ts';
import { compareUtf8 } from './canonical-json.ts';
import { equalBytes, quoted, utf8 } from './encoding.ts';
import { checkPlainName } from './file-names.ts';
import type { BundleLimits } from './limits.ts';

/**
 * POSIX.1-1988 ustar in one form only: regular files, mode 0644, owner 0, time 0, names sorted by their bytes, two zero
 * blocks at the end. The reader accepts nothing that the writer would not write, so an archive has one spelling.
 */
const BLOCK = 512;
const MAX_SIZE = 0o77777777777;

/** @throws AegisError `AEGIS_BUNDLE_PATH` or `AEGIS_BUNDLE_TOO_LARGE`. */
export function writeTar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const names = [...files.keys()].sort(compareUtf8);
  let length = 2 * BLOCK;
  for (const bytes of files.values()) length += BLOCK + padded(bytes.length);
  const tar = new Uint8Array(length);
  let at = 0;
  for (const name of names) {
    const bytes = files.get(name) as Uint8Array;
    tar.set(header(name, bytes.length), at);
    tar.set(bytes, at + BLOCK);
    at += BLOCK + padded(bytes.length);
  }
  return tar;
}

/**
 * Reads an archive; the files are views of `tar`, not copies.
 * @throws AegisError `AEGIS_BUNDLE_TRUNCATED`, `AEGIS_BUNDLE_CORRUPT`, `AEGIS_BUNDLE_LINK`, `AEGIS_BUNDLE_PATH`,
 *   `AEGIS_BUNDLE_FILE_DUPLICATE`, `AEGIS_BUNDLE_TOO_LARGE`.
 */
export function readTar(tar: Uint8Array, limits: BundleLimits): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let at = 0;
  let previous: string | undefined;
  let total = 0;
  while (true) {
    const block = tar.subarray(at, at + BLOCK);
    if (block.length < BLOCK) throw new AegisError('AEGIS_BUNDLE_TRUNCATED', 'the archive ends without its end mark');
    if (isZero(block)) break;
    const { name, size } = readHeader(block);
    if (previous !== undefined && compareUtf8(previous, name) >= 0) throw outOfOrder(name, files);
    total += size;
    checkSizes(name, size, total, files.size + 1, limits);
    const start = at + BLOCK;
    const end = start + padded(size);
    if (end > tar.length) throw new AegisError('AEGIS_BUNDLE_TRUNCATED', `the archive ends within ${quoted(name)}`);
    if (!isZero(tar.subarray(start + size, end))) {
      throw new AegisError('AEGIS_BUNDLE_CORRUPT', `something is hidden behind ${quoted(name)}`);
    }
    files.set(name, tar.subarray(start, start + size));
    previous = name;
    at = end;
  }
  checkTail(tar.subarray(at));
  return files;
}

function readHeader(block: Uint8Array): { name: string; size: number } {
  const stored = octal(block.subarray(148, 156));
  if (stored !== checksum(block)) throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'the checksum of a tar header is wrong');
  const name = text(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] as number);
  if (type !== '0') {
    throw new AegisError('AEGIS_BUNDLE_LINK', `${quoted(name)} is not a plain file (tar type ${quoted(type)})`);
  }
  // a prefix would lengthen the name; readers that know none see another name
  if (block[345] !== 0) throw new AegisError('AEGIS_BUNDLE_PATH', `refused file name with a prefix: ${quoted(name)}`);
  checkPlainName(name);
  const size = octal(block.subarray(124, 136));
  if (size === undefined || !equalBytes(block, header(name, size))) {
    throw new AegisError(
      'AEGIS_BUNDLE_CORRUPT',
      `the tar header of ${quoted(name)} is not in the form that Aegis writes`,
    );
  }
  return { name, size };
}

function header(name: string, size: number): Uint8Array {
  checkPlainName(name);
  if (size > MAX_SIZE) throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `${quoted(name)} is too large for a tar archive`);
  const block = new Uint8Array(BLOCK);
  block.set(utf8(name), 0);
  block.set(utf8('0000644\0' + '0000000\0' + '0000000\0'), 100); // mode, uid, gid
  block.set(utf8(`${size.toString(8).padStart(11, '0')}\0`), 124);
  block.set(utf8('00000000000\0'), 136); // mtime
  block.set(utf8('0'), 156); // regular file
  block.set(utf8('ustar\u000000'), 257); // magic and version
  block.set(utf8('0000000\0' + '0000000\0'), 329); // device numbers
  block.set(utf8(`${checksum(block).toString(8).padStart(6, '0')}\0 `), 148);
  return block;
}

/** Sum of the header's bytes, its own field counted as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] as number;
  return sum;
}

function checkSizes(name: string, size: number, total: number, count: number, limits: BundleLimits): void {
  const over = (what: string) => new AegisError('AEGIS_BUNDLE_TOO_LARGE', `${what} (at ${quoted(name)})`);
  if (size > limits.maxFileBytes) throw over(`a file has more than ${limits.maxFileBytes} bytes`);
  if (total > limits.maxTotalBytes) throw over(`the files have more than ${limits.maxTotalBytes} bytes`);
  if (count > limits.maxFiles) throw over(`there are more than ${limits.maxFiles} files`);
}

function checkTail(tail: Uint8Array): void {
  if (tail.length < 2 * BLOCK) throw new AegisError('AEGIS_BUNDLE_TRUNCATED', 'the end mark of the archive is cut');
  if (tail.length > 2 * BLOCK || !isZero(tail)) {
    throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'something follows the end of the archive');
  }
}

function outOfOrder(name: string, files: ReadonlyMap<string, Uint8Array>): AegisError {
  return files.has(name)
    ? new AegisError('AEGIS_BUNDLE_FILE_DUPLICATE', `${quoted(name)} is in the archive twice`)
    : new AegisError('AEGIS_BUNDLE_CORRUPT', `the archive is not sorted (at ${quoted(name)})`);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

function octal(bytes: Uint8Array): number | undefined {
  const digits = /^[0-7]+(?=[\0 ]*$)/.exec(String.fromCharCode(...bytes));
  return digits === null ? undefined : Number.parseInt(digits[0], 8);
}

/** Up to the first NUL; bytes are shown as Latin-1, what is not a plain name is refused anyway. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end === -1 ? bytes : bytes.subarray(0, end)));
}
