import type { ErrorTable } from './error-table.ts';

/** Signed bundles: canonical JSON, keys, archives. */
export const BUNDLE_ERRORS = {
  AEGIS_JSON_VALUE: {
    summary: 'A value has no canonical JSON form (NaN, undefined, negative zero, unsafe integer, lone surrogate …).',
    fix: 'Correct the field that the message names; write exact or very large numbers as a decimal string.',
  },
  AEGIS_BUNDLE_JSON: {
    summary: 'A document of the bundle is not strict JSON (syntax, duplicate key, invalid UTF-8, nesting too deep).',
    fix: 'Produce the file again with `aegis compile`; do not edit compiled files by hand.',
  },
  AEGIS_KEY_FORMAT: {
    summary: 'A key file is not an Ed25519 key in PEM form (PKCS#8 private, SPKI public).',
    fix: 'Create a pair with `aegis keygen`; check that private and public file are not swapped.',
  },
  AEGIS_KEY_RING: {
    summary: 'The list of trusted keys is empty or malformed.',
    fix: 'Give at least one public key; each id must be the digest of its key, each window must end after its start.',
  },
  AEGIS_BUNDLE_INPUT: {
    summary: 'What should be built or signed is not a valid bundle (agent id, engine, times, sequence …).',
    fix: 'Correct the argument that the message names; nothing was signed.',
  },
  AEGIS_BUNDLE_SIGNATURE_MISSING: {
    summary: 'The bundle, or its head, carries no signature.',
    fix: 'Publish the output of `aegis sign`, not of `aegis compile`; if it was signed, somebody stripped it.',
  },
  AEGIS_BUNDLE_SIGNATURE_INVALID: {
    summary: 'A signature does not verify with the key that it names.',
    fix: 'Do not deploy it. Fetch it again; if it still fails, find out who published it.',
  },
  AEGIS_BUNDLE_SIGNATURE_MULTIPLE: {
    summary: 'More than one signature, or a second signatures file, in one bundle.',
    fix: 'Publish a bundle with exactly one JWT in exactly one `.signatures.json`.',
  },
  AEGIS_BUNDLE_ALGORITHM: {
    summary: 'The signature, or a file digest, uses an algorithm that is not accepted.',
    fix: 'Sign with Ed25519 (EdDSA) and SHA-256 or stronger; `none` and HMAC are attacks, never a configuration.',
  },
  AEGIS_BUNDLE_KEY_UNKNOWN: {
    summary: 'The bundle is signed by a key that is not trusted here.',
    fix: 'After a rotation: trust the new public key first, then publish. Otherwise find out who signed it.',
  },
  AEGIS_BUNDLE_KEY_REVOKED: {
    summary: 'The bundle is signed by a revoked key.',
    fix: 'Sign again with a key that is in force. If a gateway has no other bundle it stays closed until then.',
  },
  AEGIS_BUNDLE_KEY_WINDOW: {
    summary: 'The signing key was not in force at the time (before notBefore or after notAfter).',
    fix: 'Sign with the current key, or extend the overlap of the old key in the key ring; check the clocks.',
  },
  AEGIS_BUNDLE_EXPIRED: {
    summary: 'The signed head has expired.',
    fix: 'Check that the operator runs (it renews heads) and that the clocks are right; or sign again by hand.',
  },
  AEGIS_BUNDLE_FUTURE: {
    summary: 'The signed head was issued in the future.',
    fix: 'Compare the clocks of the publisher and this machine (NTP); the difference is larger than the allowed skew.',
  },
  AEGIS_BUNDLE_SEQUENCE: {
    summary: 'The bundle is older than what this gateway already has or must have (rollback).',
    fix: 'Publish the old content under a new, higher sequence; a gateway never goes back.',
  },
  AEGIS_BUNDLE_SEQUENCE_CONFLICT: {
    summary: 'Two different contents carry the same sequence.',
    fix: 'Two publishers are at work, or a backup was restored: stop one, publish above the highest sequence.',
  },
  AEGIS_BUNDLE_HEAD_OLDER: {
    summary: 'The head has the same sequence but was issued earlier than the one in force (replay).',
    fix: 'Once is a lagging replica. If it persists, look at the cache or mount that serves it.',
  },
  AEGIS_BUNDLE_FROZEN: {
    summary: 'New content was offered while the tenant is frozen.',
    fix: 'Lift the freeze (`aegis unfreeze`) before publishing; suspensions and revocations still pass.',
  },
  AEGIS_BUNDLE_TENANT: {
    summary: 'The bundle belongs to another tenant.',
    fix: 'Check the bundle address and the tenant of the agent’s namespace; do not copy bundles between tenants.',
  },
  AEGIS_BUNDLE_TENANT_UID: {
    summary: 'The tenant has the right name but another uid (deleted and created again, or another cluster).',
    fix: 'Restart the agent’s pods so that the webhook pins the new uid, or publish from the right cluster.',
  },
  AEGIS_BUNDLE_AGENT: {
    summary: 'The bundle, or slice, is not for this agent.',
    fix: 'Check that the agent is registered in this tenant and that the pod asks for its own agent id.',
  },
  AEGIS_BUNDLE_DIGEST: {
    summary: 'A file does not have the content that was signed.',
    fix: 'Fetch the bundle again; if it still fails the store or the transport changes it. The last good bundle stays.',
  },
  AEGIS_BUNDLE_PROOF: {
    summary: 'A file of the slice is not proven to be part of the signed content.',
    fix: 'Head and slice come from different bundles or the slice was changed: fetch both again together.',
  },
  AEGIS_BUNDLE_MISMATCH: {
    summary: 'Parts of different bundles were put together (head, signatures and files disagree).',
    fix: 'Fetch the whole bundle again; publish head and files together.',
  },
  AEGIS_BUNDLE_MANIFEST: {
    summary: 'The signed head is malformed (unknown or missing field, wrong type, not canonical).',
    fix: 'Sign with a version of Aegis that this gateway knows; upgrade gateways before publishers.',
  },
  AEGIS_BUNDLE_FILE_EXTRA: {
    summary: 'The bundle contains a file that does not belong there.',
    fix: 'Remove the file and build the bundle again with `aegis compile` and `aegis sign`.',
  },
  AEGIS_BUNDLE_FILE_MISSING: {
    summary: 'A file that was signed, or that is needed, is missing.',
    fix: 'Fetch the bundle again; publish all files of one `aegis compile` together.',
  },
  AEGIS_BUNDLE_FILE_DUPLICATE: {
    summary: 'Two entries of the archive have the same name.',
    fix: 'Treat it as hostile; build the archive with `aegis sign`, not by appending to it.',
  },
  AEGIS_BUNDLE_DELTA: {
    summary: 'A delta bundle (patch.json) was offered; deltas carry no signature.',
    fix: 'Publish full bundles; a changed slice costs only that slice.',
  },
  AEGIS_BUNDLE_PATH: {
    summary: 'A file name is not a plain relative name (absolute, `..`, backslash, NUL, upper case, too long).',
    fix: 'Treat it as hostile; build the archive with `aegis sign`.',
  },
  AEGIS_BUNDLE_LINK: {
    summary: 'The archive contains something other than a plain file (link, device, directory, extended header).',
    fix: 'Treat it as hostile; build the archive with `aegis sign`, not with tar.',
  },
  AEGIS_BUNDLE_TRUNCATED: {
    summary: 'The bundle ends too early.',
    fix: 'Fetch it again; check disk space and the size limits of proxies and ConfigMaps on the way.',
  },
  AEGIS_BUNDLE_CORRUPT: {
    summary: 'The archive is damaged, or not in the one form that Aegis writes.',
    fix: 'Fetch it again; do not repack it with tar or gzip.',
  },
  AEGIS_BUNDLE_TOO_LARGE: {
    summary: 'The bundle, or a file in it, is larger than allowed (or a decompression bomb).',
    fix: 'If it is your own, raise the bundle limits or split the tenant; otherwise treat it as hostile.',
  },
} as const satisfies ErrorTable;
