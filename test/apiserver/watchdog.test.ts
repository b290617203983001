import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Watchdog } from './watchdog.ts';

test('cgroups go from the leaves up, also where something dies in them for a long time', async () => {
  const cgroup = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-cgroup-')));
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-watched-')));
  mkdirSync(join(cgroup, 'pods/one'), { recursive: true });
  // as a process does, it keeps its folder from going
  const process = join(cgroup, 'pods/one/process');
  writeFileSync(process, '');
  const finished = new Watchdog(folder, [cgroup]).finish();
  await wait(7_000);
  rmSync(process);
  await finished;
  expect([cgroup, folder].filter((path) => existsSync(path))).toEqual([]);
});
