import { createPrivateKey } from 'node:crypto';
import { AegisError } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import { certificatesOf } from './pem-bundle.ts';

export interface FileCertificateOptions {
  /** Text of a file of the folder. */
  read(name: 'tls.crt' | 'tls.key' | 'ca.crt'): Promise<string>;
  clock: Clock;
  log?: Logger;
}

/** ms between two looks; a mounted Secret changes within about a minute anyway, by a link that watchers often miss. */
const LOOK = 10_000;

/** A certificate that somebody else, such as cert-manager, puts into a folder and renews there. */
export class FileCertificate implements CertificateSource {
  readonly #options: FileCertificateOptions;
  readonly #listeners = new Set<() => void>();
  #current: ServedCertificate;

  private constructor(current: ServedCertificate, options: FileCertificateOptions) {
    this.#current = current;
    this.#options = options;
  }

  /** @throws AegisError AEGIS_CERTIFICATE_FILES */
  static async open(options: FileCertificateOptions): Promise<FileCertificate> {
    return new FileCertificate(await readFiles(options), options);
  }

  current(): ServedCertificate {
    return this.#current;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get expiresAt(): number | undefined {
    return certificatesOf(this.#current.cert)[0]?.validToDate.getTime();
  }

  /** Reads the files again and again; what cannot be used changes nothing. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK, signal);
      if (signal.aborted) return;
      try {
        this.#take(await readFiles(this.#options));
      } catch (error) {
        log?.warn('certificate-files', { code: 'AEGIS_CERTIFICATE_FILES', error: errorName(error) });
      }
    }
  }

  #take(read: ServedCertificate): void {
    const { cert, key, caBundle } = this.#current;
    if (read.cert === cert && read.key === key && read.caBundle === caBundle) return;
    this.#current = read;
    this.#options.log?.info('serving-certificate', { reason: 'filesChanged' });
    for (const listener of this.#listeners) listener();
  }
}

async function readFiles({ read }: FileCertificateOptions): Promise<ServedCertificate> {
  let texts: string[];
  try {
    texts = await Promise.all([read('tls.crt'), read('tls.key'), read('ca.crt')]);
  } catch (cause) {
    throw new AegisError('AEGIS_CERTIFICATE_FILES', `A file cannot be read (${errorName(cause)}).`, { cause });
  }
  const [cert = '', key = '', caBundle = ''] = texts;
  const [leaf] = certificatesOf(cert);
  if (leaf === undefined) throw unusable('tls.crt holds no certificate');
  if (certificatesOf(caBundle).length === 0) throw unusable('ca.crt holds no certificate');
  // While the three are being replaced, they may not be of one certificate.
  if (!fits(leaf, key)) throw unusable('tls.key is not the key of tls.crt');
  return { cert, key, caBundle };
}

function fits(leaf: ReturnType<typeof certificatesOf>[number], key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function unusable(what: string): AegisError {
  return new AegisError('AEGIS_CERTIFICATE_FILES', `In the certificate folder, ${what}.`);
}
