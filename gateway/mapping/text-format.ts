import { isIP } from 'node:net';

/**
 * `format` of a string parameter. These agree with what policies can decide on (hosts, CIDR blocks, paths): a value
 * that two parsers could read in two ways is of no format.
 */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?(?:[/?#][!-[\]-~]*)?$/;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]{1,253})(?::[0-9]{1,5})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose.
const PATH = /^[^\\\u0000-\u001f\u007f]+$/;
const ENCODED_PATH = /%(?:00|25|2e|2f|5c)/i;

/** False also for a format that is not known here. */
export function fitsFormat(format: string, text: string): boolean {
  switch (format) {
    case 'uri':
      return URI.test(text);
    case 'host':
      return HOST.test(text);
    case 'ip':
      return isIP(text) !== 0;
    case 'path':
      return PATH.test(text) && !ENCODED_PATH.test(text) && !text.split('/').includes('..');
    default:
      return false;
  }
}
