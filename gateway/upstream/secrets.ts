import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { CredentialContract } from '../../policy/mapping/contract.ts';
import { type FileReader, WatchedFile } from './watched-file.ts';

/**
 * What is mounted for the gateway's eyes only: `<dir>/<toolId>/credential/<key>` and `<dir>/<toolId>/ca/<key>`, the
 * layout of one Secret or ConfigMap volume per tool.
 */
export interface SecretsOptions {
  /** Absent: there are no secrets, and whatever needs one fails. */
  dir?: string | undefined;
  files: FileReader;
  /** Milliseconds, monotonic. */
  now(): number;
}

export interface Secrets {
  /** Credential of the tool; undefined where it is missing or unusable. */
  credential(tool: string, contract: CredentialContract): Credential | undefined;
  /** PEM text with at least one certificate; the same string as long as the file is the same. */
  authorities(tool: string, key: string): string | undefined;
}

export interface Credential {
  /** As it goes on the wire, prefix included. */
  text: string;
  /** Texts by which the credential is recognised in what comes back. */
  traces: readonly string[];
}

const TOOL = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
/** Keys of Secrets and ConfigMaps; never a path. */
const KEY = /^(?!\.{1,2}$)[-._A-Za-z0-9]{1,253}$/;
/** Field values of RFC 9110 section 5.5 without obs-text and TAB; nothing that ends a line or hides in one. */
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const PREFIX = /^[\x20-\x7e]*$/;
const MAX_CREDENTIAL = 16 * 1024;
const MAX_AUTHORITIES = 1024 * 1024;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** Shorter credentials would be "recognised" in innocent text. */
const SHORTEST_TRACE = 8;

function readCredential(text: string): string | undefined {
  const value = text.trim();
  return PRINTABLE.test(value) ? value : undefined;
}

function readAuthorities(text: string): string | undefined {
  const certificates = text.match(PEM) ?? [];
  if (certificates.length === 0) return undefined;
  for (const certificate of certificates) new X509Certificate(certificate);
  return certificates.join('\n');
}

export function createSecrets({ dir, files, now }: SecretsOptions): Secrets {
  const credentials = new Map<string, WatchedFile<string>>();
  const authorities = new Map<string, WatchedFile<string>>();
  const made = new WeakMap<CredentialContract, { value: string; credential: Credential }>();

  function fileOf(
    known: Map<string, WatchedFile<string>>,
    parts: [tool: string, folder: string, key: string],
    maxBytes: number,
    parse: (text: string) => string | undefined,
  ): WatchedFile<string> | undefined {
    const [tool, , key] = parts;
    if (dir === undefined || !TOOL.test(tool) || !KEY.test(key)) return undefined;
    const name = `${tool}/${key}`;
    let file = known.get(name);
    if (file === undefined) {
      file = new WatchedFile(join(dir, ...parts), { files, now, maxBytes, parse });
      known.set(name, file);
    }
    return file;
  }

  return {
    credential(tool, contract) {
      const file = fileOf(credentials, [tool, 'credential', contract.key], MAX_CREDENTIAL, readCredential);
      const value = file?.read();
      if (value === undefined || !PREFIX.test(contract.prefix)) return undefined;
      const last = made.get(contract);
      if (last?.value === value) return last.credential;
      const traces = [...new Set([value, encodeURIComponent(value)])].filter((text) => text.length >= SHORTEST_TRACE);
      const credential = { text: `${contract.prefix}${value}`, traces };
      made.set(contract, { value, credential });
      return credential;
    },
    authorities(tool, key) {
      return fileOf(authorities, [tool, 'ca', key], MAX_AUTHORITIES, readAuthorities)?.read();
    },
  };
}
