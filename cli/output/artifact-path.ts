import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { STDIN_NAME } from '../files/read-sources.ts';

/** A file as other programs find it from the current folder, with forward slashes. */
export function artifactPath(file: string): string {
  if (file === STDIN_NAME) return 'stdin';
  const relative = path.relative('', file);
  return (relative === '' ? '.' : relative).split(path.sep).join('/');
}

/** A URI reference (RFC 3986) relative to the current folder; absolute for files outside of it. */
export function artifactUri(file: string): string {
  const relative = artifactPath(file);
  if (relative === '..' || relative.startsWith('../')) return pathToFileURL(path.resolve(file)).href;
  const encoded = relative.split('/').map(encodeURIComponent).join('/');
  return encoded;
}
