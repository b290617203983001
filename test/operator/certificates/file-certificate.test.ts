import { FileCertificate } from '../../../operator/certificates/file-certificate.ts';
import type { Clock } from '../../../runtime/time/clock.ts';
import { MemoryLog } from '../webhook/webhook-harness.ts';
import { FixedCertificate } from './fixed-certificate.ts';

/** Every sleep ends as soon as the test says so. */
class StepClock implements Clock {
  #wake: (() => void) | undefined;

  now = () => 0;
  monotonic = () => 0;

  sleep(_ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve());
    });
  }

  async step(): Promise<void> {
    this.#wake?.();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

function folder() {
  const { cert, key, caBundle } = new FixedCertificate().current();
  return new Map([
    ['tls.crt', cert],
    ['tls.key', key],
    ['ca.crt', caBundle],
  ]);
}

async function opened() {
  const log = new MemoryLog();
  const clock = new StepClock();
  let files = folder();
  const read = async (name: string): Promise<string> => {
    const text = files.get(name);
    if (text === undefined) throw Object.assign(new Error(`/secret/${name}`), { code: 'ENOENT' });
    return text;
  };
  const certificate = await FileCertificate.open({ read, clock, log });
  const stop = new AbortController();
  const running = certificate.run(stop.signal);
  let told = 0;
  certificate.subscribe(() => told++);
  return {
    certificate,
    log,
    clock,
    put: (next: Map<string, string>) => {
      files = next;
      return clock.step();
    },
    told: () => told,
    async stop() {
      stop.abort();
      await running;
    },
    files: () => files,
  };
}

test('new files are taken over, and the same ones are no change', async () => {
  const { certificate, put, told, stop, files } = await opened();
  const before = certificate.current();
  await put(new Map(files()));
  expect([told(), certificate.current()]).toEqual([0, before]);
  const next = folder();
  await put(next);
  expect(told()).toBe(1);
  expect(certificate.current()).toEqual({
    cert: next.get('tls.crt'),
    key: next.get('tls.key'),
    caBundle: next.get('ca.crt'),
  });
  expect(certificate.expiresAt).toBeGreaterThan(Date.now());
  await stop();
});

test.each([
  ['a key of another certificate', () => new Map([...folder(), ['tls.key', folder().get('tls.key') ?? '']])],
  ['a file that is not there', () => new Map([...folder()].slice(1))],
  ['no certificate', () => new Map([...folder(), ['tls.crt', 'x']])],
  ['no CA', () => new Map([...folder(), ['ca.crt', '']])],
  ['no key', () => new Map([...folder(), ['tls.key', 'x']])],
])('%s: what was read before is served on, and it is said', async (_name, files) => {
  const { certificate, put, told, stop, log } = await opened();
  const before = certificate.current();
  await put(files());
  expect([told(), certificate.current()]).toEqual([0, before]);
  expect(log.lines).toEqual([expect.objectContaining({ level: 'warn', event: 'certificate-files' })]);
  await put(folder());
  expect(told()).toBe(1);
  await stop();
});

test('without usable files it does not begin, and says why without the path', async () => {
  const clock = new StepClock();
  const missing = FileCertificate.open({
    clock,
    read: () => Promise.reject(Object.assign(new Error('/x'), { code: 'EACCES' })),
  });
  await expect(missing).rejects.toMatchObject({
    code: 'AEGIS_CERTIFICATE_FILES',
    message: 'A file cannot be read (EACCES).',
  });
  const other = folder().get('tls.key') ?? '';
  const files = new Map([...folder(), ['tls.key', other]]);
  const mixed = FileCertificate.open({ clock, read: async (name) => files.get(name) ?? '' });
  await expect(mixed).rejects.toThrow('In the certificate folder, tls.key is not the key of tls.crt.');
});
