/** Programs end with a code that says why; each runs as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = pathToFileURL(join(__dirname, '../../..')).href;
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const PRELUDE = `
  import { AegisError } from '${ROOT}/policy/errors.ts';
  import { runProgram } from '${ROOT}/runtime/program/run-program.ts';
  import { defineSettings } from '${ROOT}/runtime/settings/program-settings.ts';
  import { given, optional } from '${ROOT}/runtime/settings/setting.ts';
  import { NAME, TEXT } from '${ROOT}/runtime/settings/value-types.ts';
  const settings = defineSettings({
    table: { name: given(NAME, 'pot', 'Name.'), place: optional(TEXT, 'Place.') },
    command: 'aegis kiln', noun: 'kiln', environmentPrefix: 'KILN_', check: () => [],
    help: { about: 'Burns.', exampleKey: 'name', example: 'aegis kiln' },
  });
  const program = (start) => runProgram({
    settings, version: '1.2.3', defect: 'AEGIS_OPERATOR_DEFECT', level: () => 'info',
    complete: async (given) => ({ ...given, place: given.place ?? 'here' }),
    start,
  });
  const alive = () => setInterval(() => undefined, 1000);
`;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs until it ends; `when` sees standard error as it grows and may send signals. */
async function run(
  body: string,
  args: readonly string[] = [],
  when: (stderr: string, child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  const script = `${PRELUDE}${body}`;
  // what stands for the program's path
  const argv = ['--input-type=module', '--eval', script, '--', 'kiln', ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
  running.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    when(stderr, child);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const RUNS = 'await program(async (settings, logger) => { alive(); logger.info("up"); return { end: END }; });';

/** Signals once per text that appears. */
function onTexts(steps: Record<string, NodeJS.Signals>) {
  const left = new Map(Object.entries(steps));
  return (stderr: string, child: ChildProcess): void => {
    for (const [text, signal] of left) {
      if (!stderr.includes(text)) continue;
      left.delete(text);
      child.kill(signal);
    }
  };
}

test('help, version and the settings in force, with the defaults of the place', async () => {
  const start = 'await program(() => { throw new Error("started"); });';
  expect(await run(start, ['--version'])).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
  expect((await run(start, ['--help'])).stdout).toContain('Usage: aegis kiln');
  expect((await run(start, ['--check-config', '--name', 'x'])).stdout).toBe(
    'name: x  # --name\nplace: here  # default\n',
  );
});

test('2: wrong settings, also those that only starting finds out', async () => {
  const wrong = await run('await program(() => { throw new Error("started"); });', ['--nme', 'x']);
  expect([wrong.code, wrong.stdout]).toEqual([2, '']);
  expect(wrong.stderr).toContain('did you mean --name?');
  const late = await run('await program(async () => { throw new AegisError("AEGIS_LISTEN", "taken."); });');
  expect([late.code, late.stderr]).toEqual([
    2,
    'taken. [AEGIS_LISTEN]\nEnd the program that uses it, or set another address.\n',
  ]);
});

test('0: a signal ends it in good order', async () => {
  const end = 'async () => { logger.info("ending"); }';
  const { code, stderr } = await run(RUNS.replace('END', end), [], onTexts({ '"up"': 'SIGTERM' }));
  expect(code).toBe(0);
  expect(stderr).toContain('"event":"ending"');
});

test('1: a second signal ends it at once', async () => {
  const end =
    '() => { logger.info("ending"); return new Promise(() => undefined); }, crash: () => logger.info("saved")';
  const steps = onTexts({ '"up"': 'SIGTERM', '"ending"': 'SIGINT' });
  const { code, stderr } = await run(RUNS.replace('END', end), [], steps);
  expect(code).toBe(1);
  expect(stderr).toContain('"event":"ended at once","signal":"SIGINT"');
  expect(stderr).toContain('"event":"saved"');
});

test('a signal before it has started ends it at once', async () => {
  const body =
    'await program(async (_, logger) => { alive(); logger.info("begun"); await new Promise(() => undefined); });';
  const { code } = await run(body, [], onTexts({ '"begun"': 'SIGTERM' }));
  expect(code).toBe(0);
});

test('it may end by itself, with its own code; not while it is being ended', async () => {
  const body = (end: string): string => `await program(async (_, logger) => {
    alive(); let over; const done = new Promise((resolve) => { over = resolve; });
    ${end === 'itself' ? 'setTimeout(() => over(1), 20);' : ''} logger.info("up");
    return { done, end: async () => { over(1); await new Promise((resolve) => setTimeout(resolve, 50)); } };
  });`;
  expect((await run(body('itself'))).code).toBe(1);
  expect((await run(body('signal'), [], onTexts({ '"up"': 'SIGTERM' }))).code).toBe(0);
  const interrupted = body('signal').replace('over(1)', 'over(Promise.reject(new Error("interrupted")))');
  expect((await run(interrupted, [], onTexts({ '"up"': 'SIGTERM' }))).code).toBe(0);
});

test.each([
  ['thrown later', 'setTimeout(() => { throw new TypeError("hunter2"); }, 10); return { end: async () => {} };'],
  ['rejected later', 'setTimeout(() => Promise.reject(new TypeError("hunter2")), 10); return { end: async () => {} };'],
  ['at the start', 'throw new TypeError("hunter2");'],
  ['while it runs', 'return { end: async () => {}, done: Promise.reject(new TypeError("hunter2")) };'],
])('70: a defect, %s; its message is not told, since it might hold a value', async (_, body) => {
  const { code, stderr } = await run(`await program(async () => { alive(); ${body} });`);
  expect(code).toBe(70);
  expect(stderr).toContain('"code":"AEGIS_OPERATOR_DEFECT","error":"TypeError"');
  expect(stderr).not.toContain('hunter2');
});
