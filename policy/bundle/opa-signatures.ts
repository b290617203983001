import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { equalBytes } from './encoding.ts';
import { readJson } from './json-reader.ts';
import { type ParsedJws, parseJws, signJws } from './jws.ts';
import type { SigningKey } from './keys.ts';
import { isRecord } from './record.ts';

/**
 * OPA's `.signatures.json` (openpolicyagent.org/docs/management-bundles, "Signing"): one JWT whose payload lists every
 * file with its digest. Stock OPA verifies it; it ignores the claims `aegis` and `exp`, which our verifier enforces.
 */
export interface OpaSignatureClaims {
  /** OPA's `scope`: the tenant's name; OPA refuses the bundle for any other scope. */
  readonly scope: string;
  /** Hexadecimal SHA-256 by file name, of everything but `.signatures.json` itself. */
  readonly files: ReadonlyMap<string, { readonly sha256: string }>;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly aegis: {
    readonly sequence: number;
    readonly contentRoot: string;
    /** Secret of the Merkle tree's blinds (hexadecimal); only who has the whole bundle sees it. */
    readonly blinding: string;
  };
}

export function signOpaSignatures(claims: OpaSignatureClaims, key: SigningKey, crypto: CryptoProvider): Uint8Array {
  return canonicalJsonBytes({ signatures: [signJws(payloadOf(claims), key, crypto)] });
}

/** The payload as it is signed; comparing its canonical bytes compares everything at once. */
export function payloadOf(claims: OpaSignatureClaims): unknown {
  const files: unknown[] = [];
  for (const [name, file] of claims.files) files.push({ name, hash: file.sha256, algorithm: 'SHA-256' });
  const { sequence, contentRoot, blinding } = claims.aegis;
  return { aegis: { blinding, root: contentRoot, seq: sequence }, exp: claims.exp, files, scope: claims.scope };
}

/**
 * The one JWT of a `.signatures.json`. `plugin`, which would choose another verifier, is refused.
 * @throws AegisError `AEGIS_BUNDLE_SIGNATURE_MISSING`, `AEGIS_BUNDLE_SIGNATURE_MULTIPLE`,
 *   `AEGIS_BUNDLE_SIGNATURE_INVALID`, `AEGIS_BUNDLE_ALGORITHM`.
 */
export function readSignatures(bytes: Uint8Array, options: { canonical: boolean }): ParsedJws {
  if (bytes.length === 0) throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', '.signatures.json is empty');
  const json = readSigned(bytes);
  if (!isRecord(json)) throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', '.signatures.json is not an object');
  const { signatures, ...rest } = json;
  if (signatures === undefined || (Array.isArray(signatures) && signatures.length === 0)) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', '.signatures.json holds no signature');
  }
  if (!Array.isArray(signatures) || Object.keys(rest).length > 0) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', '.signatures.json may hold a list of signatures only');
  }
  if (signatures.length > 1)
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MULTIPLE', '.signatures.json holds several JWTs');
  const token: unknown = signatures[0];
  if (typeof token !== 'string')
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the signature is not a string');
  if (token === '') throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', '.signatures.json holds no signature');
  const jws = parseJws(token);
  if (options.canonical && !equalBytes(canonicalJsonBytes(json), bytes)) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', '.signatures.json is not canonical JSON');
  }
  return jws;
}

/** JSON of the signature files; what is not JSON there is an invalid signature. */
export function readSigned(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes, { numbers: 'literal' });
  } catch (error) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', `.signatures.json: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
