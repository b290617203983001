import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

/** There is no container engine in the tests, so the image's root is laid out by the Dockerfile's own steps. */
const root = join(__dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile.operator'), 'utf8').replaceAll(/\\\n\s*/g, '');
const instructions = dockerfile
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
const all = (name: string): string[] => instructions.filter(([each]) => each === name).map(([, text]) => text);
const copied = all('COPY')
  .filter((text) => !text.startsWith('--from'))
  .flatMap((text) => text.split(' ').slice(0, -1));

test('the image is built in stages, for the user that the Deployment names', () => {
  expect(all('FROM')).toEqual([expect.stringMatching(/^\$\{NODE_IMAGE\} AS build$/), 'scratch']);
  expect(all('USER')).toEqual(['65532:65532']);
  for (const name of ['ADD', 'HEALTHCHECK', 'CMD', 'SHELL', 'VOLUME']) expect(all(name)).toEqual([]);
  const deployment = parse(readFileSync(join(root, 'config/operator/deployment.yaml'), 'utf8'));
  const { securityContext, containers } = deployment.spec.template.spec;
  expect(`${securityContext.runAsUser}:${securityContext.runAsGroup}`).toBe('65532:65532');
  const ports = containers[0].ports.map(({ containerPort }: { containerPort: number }) => containerPort);
  expect(all('EXPOSE').join(' ').split(' ').map(Number).sort()).toEqual(ports.sort());
});

test('what is copied exists and is not ignored', () => {
  const ignore = readFileSync(join(root, 'Dockerfile.operator.dockerignore'), 'utf8').split('\n');
  const kept = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  expect([...copied].sort()).toEqual(kept.sort());
  for (const name of copied) expect(readdirSync(join(root, name, '..'))).toContain(name.split('/').at(-1));
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('nothing else is needed: it runs there as another user, on a read-only root', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-operator-image-'));
  execFileSync('chmod', ['755', folder]);
  try {
    const source = join(folder, 'src');
    const out = join(folder, 'image');
    mkdirSync(join(source, 'scripts'), { recursive: true });
    for (const name of copied) execFileSync('cp', ['-r', join(root, name), join(source, name)]);
    execFileSync('ln', ['-s', join(root, 'node_modules'), join(source, 'node_modules')]);
    const steps = (all('RUN').at(-1) as string)
      .replaceAll('/usr/local/bin/node', process.execPath)
      .replaceAll(/(?<=[ '])\/(image|operator)\b/g, `${folder}/$1`)
      .replace(/^node /, `${process.execPath} `);
    execFileSync('sh', ['-ec', steps], { cwd: source });
    expect(readdirSync(join(out, 'policy/rego')).sort()).toEqual(['policy.rego', 'policy.wasm']);
    const mounts = `mount --bind ${out} ${out} && mount -o remount,ro,bind ${out} && mount --bind /proc ${out}/proc &&
      exec chroot --userspec=65532:65532 ${out} "$@"`;
    const entry = JSON.parse(all('ENTRYPOINT')[0] as string) as string[];
    const inside = (...args: string[]) =>
      spawnSync('unshare', ['-m', 'sh', '-c', mounts, 'sh', ...entry, ...args], {
        encoding: 'utf8',
        env: { NODE_ENV: 'production' },
        timeout: 20_000,
      });
    expect(inside('--version')).toMatchObject({ status: 0, stderr: '' });
    // an address that no machine has: by then everything is loaded
    const alone = inside('--listen.admin', '203.0.113.1:1');
    expect(alone.stderr).toContain('[AEGIS_LISTEN]');
    expect(alone.status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
