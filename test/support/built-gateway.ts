/** The gateway as it ships, bundled from the sources as they are now. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const BUILD = pathToFileURL(join(__dirname, '..', '..', 'scripts', 'build-gateway.mjs')).href;

/** @returns what starts it, for `startGateway`. */
export function buildGateway(folder: string): string[] {
  const script = `import { buildGateway } from ${JSON.stringify(BUILD)}; await buildGateway(${JSON.stringify(folder)});`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', script]);
  return [process.execPath, join(folder, 'gateway.mjs')];
}
