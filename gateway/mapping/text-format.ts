import { isIP } from 'node:net';

/**
 * `format` of a string parameter. These agree with what policies can decide on (hosts, CIDR blocks, paths): a value
 * that two parsers could read in two ways is of no format.
 */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]{1,5})?(?:[/?#][!-[\]-~]*)?$/;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]{1,253})(?::[0-9]{1,5})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose.
const PATH = /^[^\\\u0000-\u001f\u007f]+$/;
/** Of one thing among others of its kind; never what an API puts in its place, such as `$export` or `_search`. */
const ID = /^[A-Za-z0-9-][A-Za-z0-9._-]{0,127}$/;
/** Of a file in a multipart body: a name without any path. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose.
const FILE_NAME = /^[^\\/\u0000-\u001f\u007f-\u009f]{1,255}$/;
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
    case 'id':
      return ID.test(text);
    case 'binary':
      return FILE_NAME.test(text) && text !== '.' && text !== '..';
    case 'path':
      return PATH.test(text) && !ENCODED_PATH.test(text) && !text.split('/').includes('..');
    default:
      return false;
  }
}
